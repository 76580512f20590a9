// Whole folders: reading one, removing one with all that is in it. The tree is walked by
// descriptors, one at a time, so that neither its depth nor somebody who exchanges folders for
// links meanwhile leads astray.
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/status.hpp"
#include "fs/os_path.hpp"

namespace structio::rt::fs::os {
namespace {

class directory {
 public:
  directory() = default;
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;
  ~directory() { close(); }

  /// `name` in the folder `at`. 0 or a code: ENOTDIR or ELOOP for what is no folder.
  int open(int at, const char* name) noexcept {
    const int descriptor =
        ::openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follows ? 0 : O_NOFOLLOW));
    if (descriptor < 0) return -errno;
    DIR* opened = ::fdopendir(descriptor);
    if (!opened) {
      const int code = -errno;
      ::close(descriptor);
      return code;
    }
    close();
    stream_ = opened;
    return 0;
  }
  void close() noexcept {
    if (stream_) ::closedir(stream_);
    stream_ = nullptr;
  }

  int descriptor() const noexcept { return ::dirfd(stream_); }
  void rewind() noexcept { ::rewinddir(stream_); }

  /// The next entry; null at the end (`code` 0) or when that failed.
  const dirent* next(int& code) noexcept {
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(stream_);
      code = entry ? 0 : -errno;
      if (!entry) return nullptr;
      const char* name = entry->d_name;
      const bool is_dots = name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
      if (!is_dots) return entry;
    }
  }

  bool follows = false;

 private:
  DIR* stream_ = nullptr;
};

unsigned char type_of(const dirent& entry) noexcept {
  switch (entry.d_type) {
    case DT_REG: return STRUCTIO_FILE_REGULAR;
    case DT_DIR: return STRUCTIO_FILE_DIRECTORY;
    case DT_LNK: return STRUCTIO_FILE_SYMLINK;
    case DT_FIFO: return STRUCTIO_FILE_FIFO;
    case DT_SOCK: return STRUCTIO_FILE_SOCKET;
    case DT_CHR: return STRUCTIO_FILE_CHARACTER;
    case DT_BLK: return STRUCTIO_FILE_BLOCK;
    default: return STRUCTIO_FILE_UNKNOWN;
  }
}

struct identity {
  dev_t device = 0;
  ino_t inode = 0;
};

int identify(int descriptor, identity& out) noexcept {
  struct stat s;
  if (::fstat(descriptor, &s) != 0) return -errno;
  out = {s.st_dev, s.st_ino};
  return 0;
}

/// Removes what is in a folder, from the leaves upwards.
class remover {
 public:
  explicit remover(int (*stop)() noexcept) noexcept : stop_(stop) {}

  std::int64_t removed = 0;

  int run(const char* path) noexcept {
    int code = here_.open(AT_FDCWD, path);
    while (code == 0) {
      code = empty_here();
      if (code < 0) return code;
      if (code == descended) {
        code = 0;
        continue;
      }
      if (above_.size() == 0) return 0;
      code = ascend();
    }
    return code;
  }

 private:
  static constexpr int descended = 1;

  // Removes all but folders, and goes into the first of those. 0 when nothing is left.
  int empty_here() noexcept {
    for (bool changed = true; changed;) {
      changed = false;
      int code = 0;
      while (const dirent* entry = here_.next(code)) {
        if (const int told = stop_()) return told;
        code = ::unlinkat(here_.descriptor(), entry->d_name, 0) == 0 ? 0 : -errno;
        if (code == -EISDIR || code == -EPERM) code = descend(entry->d_name, code);
        if (code != 0 && code != -ENOENT) return code;
        if (code == 0) ++removed;
        changed = true;
      }
      if (code < 0) return code;
      here_.rewind();  // what has come, or was passed over, since
    }
    return 0;
  }

  int descend(const char* name, int refused) noexcept {
    identity from;
    if (const int code = identify(here_.descriptor(), from)) return code;
    bytes& names = names_;
    if (!above_.add(reinterpret_cast<const char*>(&from), sizeof from)) return STRUCTIO_ENOMEM;
    const std::size_t begin = names.size();
    const std::size_t size = std::strlen(name);
    if (!names.add(name, size + 1)) return STRUCTIO_ENOMEM;
    const int code = here_.open(here_.descriptor(), names.data() + begin);
    if (code == 0) return descended;
    names.shrink(begin);
    above_.shrink(above_.size() - sizeof from);
    return code == -ENOTDIR || code == -ELOOP ? refused : code;
  }

  // Back to the folder above, where the one that is empty now is removed.
  int ascend() noexcept {
    if (const int code = here_.open(here_.descriptor(), "..")) return code;
    identity is;
    identity was;
    if (const int code = identify(here_.descriptor(), is)) return code;
    above_.shrink(above_.size() - sizeof was);
    std::memcpy(&was, above_.end(), sizeof was);
    // Somebody has moved it elsewhere: nothing there is ours to remove.
    if (is.device != was.device || is.inode != was.inode) return -EBUSY;
    std::size_t begin = names_.size() - 1;
    while (begin > 0 && names_.data()[begin - 1] != '\0') --begin;
    const int result = ::unlinkat(here_.descriptor(), names_.data() + begin, AT_REMOVEDIR);
    if (result != 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST) return -errno;
    if (result == 0) ++removed;
    names_.shrink(begin);
    return 0;
  }

  int (*stop_)() noexcept;
  directory here_;
  bytes above_;  ///< an identity for each folder on the way here
  bytes names_;  ///< and the name of what is below each
};

}  // namespace

int list(const char* path, bytes& entries, std::size_t& count, int (*stop)() noexcept) noexcept {
  directory folder;
  folder.follows = true;
  count = 0;
  int code = folder.open(AT_FDCWD, path);
  if (code != 0) return code;
  while (const dirent* entry = folder.next(code)) {
    if (const int told = stop()) return told;
    const char type = static_cast<char>(type_of(*entry));
    const std::size_t size = std::strlen(entry->d_name) + 1;
    if (!entries.add(&type, 1) || !entries.add(entry->d_name, size)) return STRUCTIO_ENOMEM;
    ++count;
  }
  return code;
}

int glob(const char* pattern, bytes& entries, std::size_t& count) noexcept {
  glob_t found{};
  const int result = ::glob(pattern, 0, nullptr, &found);
  count = result == 0 ? found.gl_pathc : 0;
  int code = result == 0 || result == GLOB_NOMATCH ? 0
             : result == GLOB_NOSPACE              ? STRUCTIO_ENOMEM
                                                   : -EIO;
  for (std::size_t i = 0; i < count && code == 0; ++i) {
    const char type = STRUCTIO_FILE_UNKNOWN;
    const char* path = found.gl_pathv[i];
    if (!entries.add(&type, 1) || !entries.add(path, std::strlen(path) + 1)) code = STRUCTIO_ENOMEM;
  }
  ::globfree(&found);
  return code;
}

std::int64_t remove_all(const char* path, int (*stop)() noexcept) noexcept {
  if (::unlink(path) == 0) return 1;
  int code = -errno;
  if (code == -ENOENT) return 0;
  if (code != -EISDIR && code != -EPERM) return code;
  remover tree(stop);
  // Others may put things in as long as they like: that is theirs to see.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const int emptied = tree.run(path);
    if (emptied == -ENOTDIR || emptied == -ELOOP) return code;
    if (emptied == -ENOENT) return tree.removed;
    if (emptied < 0) return emptied;
    if (::rmdir(path) == 0) return tree.removed + 1;
    if (errno == ENOENT) return tree.removed;
    if (errno != ENOTEMPTY && errno != EEXIST) return -errno;
  }
  return -ENOTEMPTY;
}

}  // namespace structio::rt::fs::os
