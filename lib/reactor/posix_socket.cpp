// Sockets and signal mask, by the POSIX book; Linux's shorter calls where they exist.
#include "reactor/posix_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "base/assert.hpp"

#if defined(__SANITIZE_THREAD__)
#define STRUCTIO_DESCRIPTORS_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRUCTIO_DESCRIPTORS_UNDER_TSAN 1
#endif
#endif

#ifdef STRUCTIO_DESCRIPTORS_UNDER_TSAN
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
#endif

namespace structio::reactor {
namespace {

#ifdef STRUCTIO_DESCRIPTORS_UNDER_TSAN
// libuv closes by a bare system call, of which TSan sees nothing: whose number another thread gets
// then seems to be used by both. What a run that ends does comes before what one that begins does.
char passed_on;
void numbers_given_back() noexcept {
  __tsan_release(&passed_on);
}
void numbers_taken() noexcept {
  __tsan_acquire(&passed_on);
}
#else
void numbers_given_back() noexcept {}
void numbers_taken() noexcept {}
#endif

#if !defined(__linux__) && !defined(__FreeBSD__)
int make_nonblocking(int descriptor) noexcept {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
  if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) return -errno;
  return 0;
}

int prepared(int descriptor) noexcept {
  if (descriptor < 0) return -errno;
  const int status = make_nonblocking(descriptor);
  if (status == 0) return descriptor;
  close_socket(descriptor);
  return status;
}
#endif

int new_socket(int family, int type) noexcept {
#if defined(__linux__) || defined(__FreeBSD__)
  const int descriptor = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return descriptor >= 0 ? descriptor : -errno;
#else
  return prepared(socket(family, type, 0));
#endif
}

int switch_option(int descriptor, int level, int name, bool on) noexcept {
  const int value = on ? 1 : 0;
  return setsockopt(descriptor, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

int prepare_listener(int descriptor, const sockaddr& address,
                     const listen_settings& settings) noexcept {
  if (int status = switch_option(descriptor, SOL_SOCKET, SO_REUSEADDR, true)) return status;
  if (settings.reuse_port) {
#if defined(SO_REUSEPORT)
    if (int status = switch_option(descriptor, SOL_SOCKET, SO_REUSEPORT, true)) return status;
#else
    return -ENOTSUP;
#endif
  }
  if (address.sa_family == AF_INET6) {
    // Always said, because the system's default is the administrator's choice.
    if (int status = switch_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, settings.ipv6_only)) {
      return status;
    }
  }
  if (settings.nodelay) {
    if (int status = switch_option(descriptor, IPPROTO_TCP, TCP_NODELAY, true)) return status;
  }
  if (bind(descriptor, &address, address_size(address)) != 0) return -errno;
  // The system cuts the length of the queue down to what it allows.
  if (listen(descriptor, settings.backlog > 0 ? settings.backlog : INT_MAX) != 0) return -errno;
  return 0;
}

/// A connection that died in the queue, or the network's complaint about it, which Linux hands to
/// whoever accepts: nothing is wrong with the listener.
bool concerns_one_connection(int error) noexcept {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH: return true;
#if defined(ENONET)
    case ENONET: return true;
#endif
    default: return false;
  }
}

}  // namespace

unsigned address_size(const sockaddr& address) noexcept {
  switch (address.sa_family) {
    case AF_INET: return sizeof(sockaddr_in);
    case AF_INET6: return sizeof(sockaddr_in6);
    default: return 0;
  }
}

int new_unix_socket(int type) noexcept {
  return new_socket(AF_UNIX, type);
}

int listening_socket(const sockaddr& address, const listen_settings& settings) noexcept {
  if (address_size(address) == 0) return -EAFNOSUPPORT;
  const int descriptor = new_socket(address.sa_family, SOCK_STREAM);
  if (descriptor < 0) return descriptor;
  const int status = prepare_listener(descriptor, address, settings);
  if (status == 0) return descriptor;
  close_socket(descriptor);
  return status;
}

int accept_connection(int listener, peer_address& peer) noexcept {
  static_assert(sizeof(sockaddr_in6) <= peer_address::room);
  // Bounded, so that a network that is down cannot hold the thread.
  for (int attempt = 0; attempt < 64; ++attempt) {
    auto* address = reinterpret_cast<sockaddr*>(peer.bytes);
    socklen_t size = sizeof peer.bytes;
#if defined(__linux__) || defined(__FreeBSD__)
    int descriptor = accept4(listener, address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    int descriptor = accept(listener, address, &size);
    if (descriptor >= 0) descriptor = prepared(descriptor);
#endif
    if (descriptor >= 0) {
      peer.size = address_size(*address) == 0 ? 0 : static_cast<std::uint8_t>(size);
      return descriptor;
    }
    if (errno == EWOULDBLOCK) return -EAGAIN;
    if (!concerns_one_connection(errno)) return -errno;
  }
  return -EAGAIN;
}

bool nodelay_is_inherited() noexcept {
#if defined(__linux__) || defined(__FreeBSD__)
  return true;
#else
  return false;
#endif
}

int end_of_sending(int descriptor) noexcept {
  return shutdown(descriptor, SHUT_WR) == 0 ? 0 : -errno;
}

int socket_address(int descriptor, sockaddr_storage& out) noexcept {
  socklen_t size = sizeof out;
  std::memset(&out, 0, sizeof out);
  return getsockname(descriptor, reinterpret_cast<sockaddr*>(&out), &size) == 0 ? 0 : -errno;
}

int socket_peer(int descriptor, sockaddr_storage& out) noexcept {
  socklen_t size = sizeof out;
  std::memset(&out, 0, sizeof out);
  return getpeername(descriptor, reinterpret_cast<sockaddr*>(&out), &size) == 0 ? 0 : -errno;
}

void close_socket(int descriptor) noexcept {
  ::close(descriptor);
}

int room_for_descriptors(int count) noexcept {
  constexpr int most = 16;
  STRUCTIO_ASSERT(count <= most);
  int taken[most];
  int got = 0;
  int status = 0;
  while (got < count && status == 0) {
    numbers_taken();
    // Not by fcntl, of which thread sanitizers do not know that it makes a descriptor.
    const int descriptor = ::open("/", O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
      taken[got++] = descriptor;
    } else if (errno == EMFILE || errno == ENFILE) {
      status = -errno;
    } else {
      break;  // a sandbox, say: that tells nothing about descriptors
    }
  }
  while (got > 0) ::close(taken[--got]);
  return status;
}

void descriptors_given_back() noexcept {
  numbers_given_back();
}

int take_standard_descriptors() noexcept {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (fcntl(number, F_GETFD) != -1 || errno != EBADF) continue;
    const int opened = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (opened < 0) return errno == EMFILE || errno == ENFILE ? -errno : 0;
    if (opened > STDERR_FILENO) ::close(opened);  // another thread was faster
  }
  return 0;
}

void sigpipe_block::enter() noexcept {
  sigset_t only_pipe, before, waiting;
  sigemptyset(&only_pipe);
  sigaddset(&only_pipe, SIGPIPE);
  // A thread that had blocked it, or has one waiting, knows what it is doing.
  if (sigpending(&waiting) != 0 || sigismember(&waiting, SIGPIPE)) return;
  if (pthread_sigmask(SIG_BLOCK, &only_pipe, &before) != 0) return;
  entered_ = !sigismember(&before, SIGPIPE);
}

void sigpipe_block::leave() noexcept {
  if (!entered_) return;
  entered_ = false;
  sigset_t only_pipe, waiting;
  sigemptyset(&only_pipe);
  sigaddset(&only_pipe, SIGPIPE);
  int number = 0;
  if (sigpending(&waiting) == 0 && sigismember(&waiting, SIGPIPE)) sigwait(&only_pipe, &number);
  pthread_sigmask(SIG_UNBLOCK, &only_pipe, nullptr);
}

}  // namespace structio::reactor
