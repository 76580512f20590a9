// Names, links, permissions, times, by the POSIX book. Whole folders are in posix_tree.cpp.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/status.hpp"
#include "fs/os_path.hpp"
#include "fs/posix_info.hpp"

namespace structio::rt::fs::os {

const int exists_already = -EEXIST;
const int no_such_file = -ENOENT;
const int not_a_directory = -ENOTDIR;
const int not_a_file = -EINVAL;
const int is_directory = -EISDIR;
const int no_progress = -EIO;

namespace {

int done(int result) noexcept {
  return result == 0 ? 0 : -errno;
}

timespec moment(std::int64_t t) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  if (t == STRUCTIO_TIME_NOW) return {0, UTIME_NOW};
  if (t == STRUCTIO_TIME_KEEP) return {0, UTIME_OMIT};
  std::int64_t whole = t / second;
  std::int64_t rest = t % second;
  if (rest < 0) {
    rest += second;
    --whole;
  }
  return {static_cast<time_t>(whole), static_cast<decltype(timespec{}.tv_nsec)>(rest)};
}

bool is_there(const char* path) noexcept {
  struct stat s;
  return ::stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

}  // namespace

int info_of(const char* path, bool follow, structio_file_info& out) noexcept {
  struct stat s;
  const int code = done(follow ? ::stat(path, &s) : ::lstat(path, &s));
  if (code == 0) tell(s, out);
  return code;
}

int make_directory(const char* path, std::uint32_t permissions) noexcept {
  return done(::mkdir(path, static_cast<mode_t>(permissions)));
}

int make_directories(const char* path, std::uint32_t permissions) noexcept {
  bytes copy;
  if (!copy.add(path)) return STRUCTIO_ENOMEM;
  char* text = copy.data();
  std::size_t size = copy.size();
  while (size > 1 && text[size - 1] == '/') text[--size] = '\0';
  // From the left: each that is missing is made, whoever else makes it meanwhile.
  for (std::size_t at = 1; at <= size; ++at) {
    if (text[at] != '/' && text[at] != '\0') continue;
    const char kept = text[at];
    text[at] = '\0';
    const int code = make_directory(text, at == size ? permissions : 0777);
    // A folder that is there is said so in many ways: what is on the way to it is read-only.
    if (code != 0 && !is_there(text)) return code == -EEXIST && at < size ? -ENOTDIR : code;
    text[at] = kept;
  }
  return size == 0 ? -ENOENT : 0;
}

int remove(const char* path) noexcept {
  if (::unlink(path) == 0) return 0;
  const int code = -errno;
  if (code != -EISDIR && code != -EPERM) return code;
  if (::rmdir(path) == 0) return 0;
  return errno == ENOTDIR ? code : -errno;
}

int rename(const char* from, const char* to) noexcept {
  return done(::rename(from, to));
}

int link(const char* existing, const char* name) noexcept {
  return done(::link(existing, name));
}

bool knows_no_links(int code) noexcept {
  return code == -EPERM || code == -ENOTSUP || code == -EOPNOTSUPP || code == -ENOSYS ||
         code == -EMLINK;
}

int symlink(const char* text, const char* name) noexcept {
  return done(::symlink(text, name));
}

int set_permissions_of(const char* path, std::uint32_t permissions) noexcept {
  return done(::chmod(path, static_cast<mode_t>(permissions)));
}

int set_times(const char* path, std::int64_t accessed, std::int64_t modified) noexcept {
  const timespec times[2] = {moment(accessed), moment(modified)};
  return done(::utimensat(AT_FDCWD, path, times, 0));
}

int read_link(const char* path, bytes& text) noexcept {
  for (std::size_t room = 256;; room *= 2) {
    text.shrink(0);
    if (!text.reserve(room)) return STRUCTIO_ENOMEM;
    const ssize_t size = ::readlink(path, text.data(), room);
    if (size < 0) return -errno;
    if (static_cast<std::size_t>(size) == room) continue;  // it may have been cut
    text.grow(static_cast<std::size_t>(size));
    *text.end() = '\0';
    return 0;
  }
}

int real(const char* path, bytes& out) noexcept {
  char* text = ::realpath(path, nullptr);
  if (!text) return -errno;
  const bool added = out.add(text);
  std::free(text);  // style-ok: of the C library's malloc, not ours
  return added ? 0 : STRUCTIO_ENOMEM;
}

int place_of(const char* path, bytes& out) noexcept {
  if (!out.add(path)) return STRUCTIO_ENOMEM;
  for (int links = 0; links < 40; ++links) {  // as many as the system follows
    structio_file_info itself{};
    const int code = info_of(out.data(), false, itself);
    if (code == no_such_file) return 0;
    if (code != 0 || itself.type != STRUCTIO_FILE_SYMLINK) return code;
    bytes text, next;
    if (const int refused = read_link(out.data(), text)) return refused;
    const std::size_t folder = text.data()[0] == '/' ? 0 : folder_size(out.data());
    if (!next.add(out.data(), folder) || !next.add(text.data())) return STRUCTIO_ENOMEM;
    out.swap(next);
  }
  return -ELOOP;
}

int current(bytes& out) noexcept {
  for (std::size_t room = 256;; room *= 2) {
    if (!out.reserve(room)) return STRUCTIO_ENOMEM;
    if (::getcwd(out.data(), room)) {
      out.grow(std::strlen(out.data()));
      return 0;
    }
    if (errno != ERANGE) return -errno;
  }
}

int home(bytes& out) noexcept {
  const char* told = std::getenv("HOME");
  if (told && *told) return out.add(told) ? 0 : STRUCTIO_ENOMEM;
  bytes memory;
  for (std::size_t room = 1024;; room *= 2) {
    if (!memory.reserve(room)) return STRUCTIO_ENOMEM;
    passwd entry{};
    passwd* found = nullptr;
    const int code = ::getpwuid_r(::getuid(), &entry, memory.data(), room, &found);
    if (code == ERANGE) continue;
    if (code != 0) return -code;
    if (!found || !found->pw_dir) return -ENOENT;
    return out.add(found->pw_dir) ? 0 : STRUCTIO_ENOMEM;
  }
}

int temporary_folder(bytes& out) noexcept {
  const char* told = std::getenv("TMPDIR");
  if (!out.add(told && *told ? told : "/tmp")) return STRUCTIO_ENOMEM;
  return out.data()[out.size() - 1] == '/' || out.add("/") ? 0 : STRUCTIO_ENOMEM;
}

std::int64_t make_unique_file(char* name) noexcept {
#if defined(__APPLE__)
  const int descriptor = ::mkstemp(name);
  if (descriptor >= 0) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
#else
  const int descriptor = ::mkostemp(name, O_CLOEXEC);
#endif
  return descriptor >= 0 ? descriptor : -errno;
}

int make_unique_directory(char* name) noexcept {
  return ::mkdtemp(name) ? 0 : -errno;
}

std::size_t folder_size(const char* path) noexcept {
  const char* last = std::strrchr(path, '/');
  return last ? static_cast<std::size_t>(last - path) + 1 : 0;
}

int sync_folder_of(const char* path) noexcept {
  bytes folder;
  const std::size_t size = folder_size(path);
  if (!(size > 0 ? folder.add(path, size) : folder.add("./"))) return STRUCTIO_ENOMEM;
  const std::int64_t descriptor =
      os::open(folder.data(), std::uint32_t{STRUCTIO_OPEN_READ}, std::uint32_t{0});
  if (descriptor < 0) return static_cast<int>(descriptor);
  const int code = sync(descriptor, false);
  close(descriptor);
  return code == -EINVAL || code == -ENOTSUP ? 0 : code;  // nothing such a folder can do
}

}  // namespace structio::rt::fs::os
