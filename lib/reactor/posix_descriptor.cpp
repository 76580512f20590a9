// Descriptors by the POSIX book.
#include "reactor/posix_descriptor.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "reactor/posix_socket.hpp"
#include "reactor/ready_set.hpp"

namespace structio::reactor {
namespace {

#if !defined(__linux__) && !defined(__FreeBSD__)
int prepare(int (&pair)[2]) noexcept {
  for (const int descriptor : pair) {
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
        fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0) {
      continue;
    }
    const int error = errno;
    close_socket(pair[0]);
    close_socket(pair[1]);
    return -error;
  }
  return 0;
}
#endif

int look_at_socket(int descriptor, descriptor_facts& out) noexcept {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return -errno;
  sockaddr_storage peer;
  if (type != SOCK_STREAM || socket_peer(descriptor, peer) != 0) return -EINVAL;
  out.socket = true;
  out.internet = peer.ss_family == AF_INET || peer.ss_family == AF_INET6;
  return 0;
}

}  // namespace

int look_at(int descriptor, descriptor_facts& out) noexcept {
  out = {};
  struct stat status;
  const int mode = fcntl(descriptor, F_GETFL);
  if (mode < 0 || fstat(descriptor, &status) != 0) return -errno;
  out.reads = (mode & O_ACCMODE) != O_WRONLY;
  out.writes = (mode & O_ACCMODE) != O_RDONLY;
  if (S_ISSOCK(status.st_mode)) return look_at_socket(descriptor, out);
  out.terminal = S_ISCHR(status.st_mode) && isatty(descriptor) == 1;
  return 0;
}

int can_be_watched(int descriptor) noexcept {
  const int set = ready_set_open();
  if (set < 0) return set == -ENOSYS ? 0 : set;
  const int status = ready_set_add(set, descriptor, ready_to_read, 0);
  ready_set_close(set);
  return status;
}

bool is_terminal_master([[maybe_unused]] int descriptor) noexcept {
#ifdef TIOCGPTN
  unsigned number = 0;
  return ioctl(descriptor, TIOCGPTN, &number) == 0;
#else
  return false;  // elsewhere it reads as ended by itself
#endif
}

bool is_blocking(int descriptor) noexcept {
  const int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

void make_blocking(int descriptor) noexcept {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags >= 0) fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK);
}

int make_pipe(int& reading, int& writing) noexcept {
  int pair[2];
#if defined(__linux__) || defined(__FreeBSD__)
  if (pipe2(pair, O_NONBLOCK | O_CLOEXEC) != 0) return -errno;
#else
  if (pipe(pair) != 0) return -errno;
  if (const int status = prepare(pair)) return status;
#endif
  reading = pair[0];
  writing = pair[1];
  return 0;
}

int make_socket_pair(int& one, int& other) noexcept {
  int pair[2];
#if defined(__linux__) || defined(__FreeBSD__)
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) return -errno;
#else
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return -errno;
  if (const int status = prepare(pair)) return status;
#endif
  one = pair[0];
  other = pair[1];
  return 0;
}

int duplicate(int descriptor) noexcept {
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return copy >= 0 ? copy : -errno;
}

}  // namespace structio::reactor
