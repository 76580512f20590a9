// The only file that knows epoll, with a stub for systems without it; and poll for one descriptor.
#include "reactor/ready_set.hpp"

#include <poll.h>

#include <cerrno>

#if defined(__linux__)

#include <sys/epoll.h>
#include <unistd.h>

namespace structio::reactor {
namespace {

int control(int set, int operation, int descriptor, std::uint8_t directions,
            std::uint64_t tag) noexcept {
  epoll_event event{};
  // One event each: what the kernel keeps for a descriptor that was closed elsewhere, and which
  // cannot be removed any more, wakes the loop once and not for ever.
  event.events = EPOLLONESHOT;
  if (directions & ready_to_read) event.events |= EPOLLIN;
  if (directions & ready_to_write) event.events |= EPOLLOUT;
  event.data.u64 = tag;
  return epoll_ctl(set, operation, descriptor, &event) == 0 ? 0 : -errno;
}

}  // namespace

int ready_set_open() noexcept {
  const int set = epoll_create1(EPOLL_CLOEXEC);
  return set >= 0 ? set : -errno;
}

void ready_set_close(int set) noexcept {
  ::close(set);
}

int ready_set_add(int set, int descriptor, std::uint8_t directions, std::uint64_t tag) noexcept {
  return control(set, EPOLL_CTL_ADD, descriptor, directions, tag);
}

int ready_set_renew(int set, int descriptor, std::uint8_t directions, std::uint64_t tag) noexcept {
  return control(set, EPOLL_CTL_MOD, descriptor, directions, tag);
}

void ready_set_remove(int set, int descriptor) noexcept {
  control(set, EPOLL_CTL_DEL, descriptor, 0, 0);
}

int ready_set_take(int set, ready_event* events, int room) noexcept {
  constexpr int most = 64;
  epoll_event taken[most];
  const int count = epoll_wait(set, taken, room < most ? room : most, 0);
  for (int i = 0; i < count; ++i) {
    const std::uint32_t what = taken[i].events;
    events[i].tag = taken[i].data.u64;
    events[i].directions =
        static_cast<std::uint8_t>(((what & ~std::uint32_t{EPOLLOUT}) ? ready_to_read : 0) |
                                  ((what & ~std::uint32_t{EPOLLIN}) ? ready_to_write : 0));
  }
  return count > 0 ? count : 0;
}

}  // namespace structio::reactor

#else

namespace structio::reactor {

int ready_set_open() noexcept {
  return -ENOSYS;
}
void ready_set_close(int) noexcept {}
int ready_set_add(int, int, std::uint8_t, std::uint64_t) noexcept {
  return -ENOSYS;
}
int ready_set_renew(int, int, std::uint8_t, std::uint64_t) noexcept {
  return -ENOSYS;
}
void ready_set_remove(int, int) noexcept {}
int ready_set_take(int, ready_event*, int) noexcept {
  return 0;
}

}  // namespace structio::reactor

#endif

namespace structio::reactor {

int is_ready(int descriptor, std::uint8_t direction) noexcept {
  if (descriptor < 0) return -EBADF;  // which poll would pass over
  pollfd one{descriptor, static_cast<short>(direction == ready_to_read ? POLLIN : POLLOUT), 0};
  int count = 0;
  do {
    count = ::poll(&one, 1, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return -errno;
  return one.revents & POLLNVAL ? -EBADF : count;
}

}  // namespace structio::reactor
