// Open files, by the POSIX book.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/status.hpp"
#include "fs/os_file.hpp"
#include "fs/posix_info.hpp"

namespace structio::rt::fs::os {
namespace {

// The system refuses more at once, or takes less.
constexpr std::size_t most_at_once = std::size_t{1} << 30;

// Calls until no signal has come in between; what fails is a code.
template <class Call>
std::int64_t unbroken(Call call) noexcept {
  for (;;) {
    const std::int64_t result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

template <class Call>
int done(Call call) noexcept {
  return static_cast<int>(unbroken(call));
}

int number(std::int64_t descriptor) noexcept {
  return static_cast<int>(descriptor);
}

std::size_t piece(std::size_t size) noexcept {
  return size < most_at_once ? size : most_at_once;
}

int open_flags(std::uint32_t flags) noexcept {
  const bool writes = (flags & (STRUCTIO_OPEN_WRITE | STRUCTIO_OPEN_APPEND)) != 0;
  const bool reads = (flags & STRUCTIO_OPEN_READ) != 0 || !writes;
  int result = writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (flags & STRUCTIO_OPEN_APPEND) result |= O_APPEND;
  if (flags & STRUCTIO_OPEN_CREATE) result |= O_CREAT;
  if (flags & STRUCTIO_OPEN_EXCLUSIVE) result |= O_EXCL;
  if (flags & STRUCTIO_OPEN_TRUNCATE) result |= O_TRUNC;
  return result | O_CLOEXEC | O_NOCTTY;
}

std::uint32_t type_of_mode(mode_t mode) noexcept {
  if (S_ISREG(mode)) return STRUCTIO_FILE_REGULAR;
  if (S_ISDIR(mode)) return STRUCTIO_FILE_DIRECTORY;
  if (S_ISLNK(mode)) return STRUCTIO_FILE_SYMLINK;
  if (S_ISFIFO(mode)) return STRUCTIO_FILE_FIFO;
  if (S_ISSOCK(mode)) return STRUCTIO_FILE_SOCKET;
  if (S_ISCHR(mode)) return STRUCTIO_FILE_CHARACTER;
  return S_ISBLK(mode) ? STRUCTIO_FILE_BLOCK : STRUCTIO_FILE_UNKNOWN;
}

std::int64_t moment(const timespec& t) noexcept {
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

void tell(const struct stat& s, structio_file_info& out) noexcept {
  out.type = type_of_mode(s.st_mode);
  out.permissions = static_cast<std::uint32_t>(s.st_mode & 07777);
  out.size = static_cast<std::uint64_t>(s.st_size);
  out.allocated = static_cast<std::uint64_t>(s.st_blocks) * 512;
  out.device = static_cast<std::uint64_t>(s.st_dev);
  out.inode = static_cast<std::uint64_t>(s.st_ino);
  out.links = static_cast<std::uint64_t>(s.st_nlink);
  out.user = static_cast<std::uint32_t>(s.st_uid);
  out.group = static_cast<std::uint32_t>(s.st_gid);
#if defined(__APPLE__)
  out.accessed = moment(s.st_atimespec);
  out.modified = moment(s.st_mtimespec);
  out.changed = moment(s.st_ctimespec);
#else
  out.accessed = moment(s.st_atim);
  out.modified = moment(s.st_mtim);
  out.changed = moment(s.st_ctim);
#endif
}

std::int64_t open(const char* path, std::uint32_t flags, std::uint32_t permissions) noexcept {
  return unbroken(
      [&] { return ::open(path, open_flags(flags), static_cast<mode_t>(permissions)); });
}

// After EINTR the descriptor is gone as well, or about to be: never twice.
int close(std::int64_t descriptor) noexcept {
  return ::close(number(descriptor)) == 0 || errno == EINTR ? 0 : -errno;
}

int check_open(std::int64_t descriptor) noexcept {
  if (descriptor < 0 || descriptor > INT32_MAX) return -EBADF;
  return fcntl(number(descriptor), F_GETFD) >= 0 ? 0 : -errno;
}

std::int64_t read(std::int64_t descriptor, void* buffer, std::size_t size,
                  std::int64_t offset) noexcept {
  return unbroken([&] {
    return offset < 0 ? ::read(number(descriptor), buffer, piece(size))
                      : ::pread(number(descriptor), buffer, piece(size), offset);
  });
}

std::int64_t write(std::int64_t descriptor, const void* data, std::size_t size,
                   std::int64_t offset) noexcept {
  return unbroken([&] {
    return offset < 0 ? ::write(number(descriptor), data, piece(size))
                      : ::pwrite(number(descriptor), data, piece(size), offset);
  });
}

std::int64_t seek(std::int64_t descriptor, std::int64_t offset, int from) noexcept {
  const int whence = from == STRUCTIO_SEEK_BEGIN  ? SEEK_SET
                     : from == STRUCTIO_SEEK_HERE ? SEEK_CUR
                                                  : SEEK_END;
  return unbroken([&] { return ::lseek(number(descriptor), offset, whence); });
}

int truncate(std::int64_t descriptor, std::int64_t size) noexcept {
  return done([&] { return ::ftruncate(number(descriptor), size); });
}

int sync(std::int64_t descriptor, bool data_only) noexcept {
#if defined(__APPLE__)
  // fsync stops at the drive's own memory there.
  static_cast<void>(data_only);
  if (fcntl(number(descriptor), F_FULLFSYNC) == 0) return 0;
  return done([&] { return ::fsync(number(descriptor)); });
#else
  return done(
      [&] { return data_only ? ::fdatasync(number(descriptor)) : ::fsync(number(descriptor)); });
#endif
}

int try_lock(std::int64_t descriptor, int lock) noexcept {
  const int operation = lock == STRUCTIO_UNLOCK        ? LOCK_UN
                        : lock == STRUCTIO_LOCK_SHARED ? LOCK_SH
                                                       : LOCK_EX;
  const int code = done([&] { return ::flock(number(descriptor), operation | LOCK_NB); });
  return code == -EWOULDBLOCK ? STRUCTIO_EWOULDBLOCK : code;
}

int info(std::int64_t descriptor, structio_file_info& out) noexcept {
  struct stat s;
  if (::fstat(number(descriptor), &s) != 0) return -errno;
  tell(s, out);
  return 0;
}

int set_permissions(std::int64_t descriptor, std::uint32_t permissions) noexcept {
  return done([&] { return ::fchmod(number(descriptor), static_cast<mode_t>(permissions)); });
}

int set_owner(std::int64_t descriptor, std::uint32_t user, std::uint32_t group) noexcept {
  return done([&] { return ::fchown(number(descriptor), user, group); });
}

}  // namespace structio::rt::fs::os
