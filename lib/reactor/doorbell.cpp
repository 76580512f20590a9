// Ringing and hearing. The only file that knows eventfd, with a stub for systems without it.
#include "reactor/doorbell.hpp"

#include <cerrno>
#include <cstdint>

#include "base/assert.hpp"

#if defined(__linux__)
#include <sys/eventfd.h>
#include <unistd.h>
#endif

namespace structio::reactor {
namespace {

#if defined(__linux__)

int eventfd_open() noexcept {
  const int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return descriptor >= 0 ? descriptor : -errno;
}

void eventfd_add(int descriptor) noexcept {
  const int before = errno;  // of whoever a signal handler has interrupted
  const std::uint64_t one = 1;
  while (::write(descriptor, &one, sizeof one) < 0 && errno == EINTR) {
  }
  errno = before;
}

void eventfd_take(int descriptor) noexcept {
  std::uint64_t sum = 0;
  while (::read(descriptor, &sum, sizeof sum) < 0 && errno == EINTR) {
  }
}

void eventfd_close(int descriptor) noexcept {
  ::close(descriptor);
}

#else

int eventfd_open() noexcept {
  return UV_ENOSYS;
}
void eventfd_add(int) noexcept {}
void eventfd_take(int) noexcept {}
void eventfd_close(int) noexcept {}

#endif

}  // namespace

int doorbell::open(uv_loop_t& loop, bool own) noexcept {
  STRUCTIO_ASSERT(!open_);
  const int descriptor = own ? eventfd_open() : UV_ENOSYS;
  if (descriptor == UV_EMFILE || descriptor == UV_ENFILE || descriptor == UV_ENOMEM) {
    return descriptor;
  }
  if (descriptor < 0) {
    const int status = uv_async_init(&loop, &handle_.async, [](uv_async_t*) {});
    open_ = status == 0;
    return status;
  }
  int status = uv_poll_init(&loop, &handle_.watch, descriptor);
  if (status < 0) {
    eventfd_close(descriptor);
    return status;
  }
  descriptor_ = descriptor;
  open_ = true;
  handle_.watch.data = this;
  status = uv_poll_start(&handle_.watch, UV_READABLE, [](uv_poll_t* watch, int, int) {
    static_cast<doorbell*>(watch->data)->heard();
  });
  if (status < 0) close();
  return status;
}

void doorbell::ring() noexcept {
  if (!open_) return;
  if (descriptor_ < 0) {
    // libuv first looks whether it was rung already, by a load that must not come before what the
    // caller has stored for the loop to find.
#ifndef __SANITIZE_THREAD__  // where GCC has none
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
    uv_async_send(&handle_.async);
  } else if (!rung_.exchange(true, std::memory_order_seq_cst)) {
    eventfd_add(descriptor_);
  }
}

void doorbell::heard() noexcept {
  eventfd_take(descriptor_);
  // After the read: a ring in between would be taken for one that is still to come. An exchange,
  // not a store: it sees what those have done who found it rung.
  rung_.exchange(false, std::memory_order_seq_cst);
}

void doorbell::close() noexcept {
  if (!open_) return;
  open_ = false;
  if (descriptor_ >= 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_.watch), nullptr);
    eventfd_close(descriptor_);
    descriptor_ = -1;
  } else {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_.async), nullptr);
  }
}

}  // namespace structio::reactor
