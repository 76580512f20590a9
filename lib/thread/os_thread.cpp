// POSIX threads. What differs between systems (names, the clock of a condition) differs here only.
#include "thread/os_thread.hpp"

#include <csignal>
#include <ctime>
#include <initializer_list>

#include "base/clock.hpp"

namespace structio::rt::thread {
namespace {

// As much as the system gives by itself, so that what runs on a std::thread runs here; where that
// is very little (musl: 128 KiB), a megabyte. Memory is only used as far as it is touched.
constexpr std::size_t least_stack = std::size_t{1} << 20;

// Signals are for the threads of the program, which expect them. Those that a thread causes itself
// are not blocked: the system would end the process without asking its handlers. Nor is the one by
// which profilers sample.
void block_signals(sigset_t& before) noexcept {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF}) {
    sigdelset(&blocked, own);
  }
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
}

timespec as_timespec(std::int64_t nanoseconds) noexcept {
  return {static_cast<time_t>(nanoseconds / 1'000'000'000), nanoseconds % 1'000'000'000};
}

}  // namespace

int os_thread_start(void* (*body)(void*), void* arg) noexcept {
  pthread_attr_t attributes;
  if (const int code = pthread_attr_init(&attributes)) return -code;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  std::size_t size = 0;
  pthread_attr_getstacksize(&attributes, &size);
  if (size < least_stack) pthread_attr_setstacksize(&attributes, least_stack);
  sigset_t before;
  block_signals(before);  // a new thread begins with its maker's mask
  pthread_t thread;
  const int code = pthread_create(&thread, &attributes, body, arg);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return -code;
}

void os_thread_name(char (&to)[name_size], const char* name) noexcept {
  std::size_t length = 0;
  for (; *name && length + 1 < name_size; ++name) {
    const auto byte = static_cast<unsigned char>(*name);
    if ((byte & 0xc0) == 0x80) continue;  // the first byte of the character has its '?'
    to[length++] = byte >= 0x20 && byte < 0x7f ? *name : '?';
  }
  to[length] = 0;
}

void os_thread_set_name([[maybe_unused]] const char* name) noexcept {
#if defined(__linux__) || defined(__FreeBSD__)
  pthread_setname_np(pthread_self(), name);
#elif defined(__APPLE__)
  pthread_setname_np(name);
#endif
}

#if defined(__APPLE__)

os_condition::os_condition() noexcept {
  pthread_cond_init(&condition_, nullptr);
}

bool os_condition::wait_until(os_lock& held, std::int64_t moment) noexcept {
  const std::int64_t left = base::saturating_until(moment, base::monotonic_now());
  if (left <= 0) return false;
  const timespec limit = as_timespec(left);
  return pthread_cond_timedwait_relative_np(&condition_, &held.mutex_, &limit) == 0;
}

#else

os_condition::os_condition() noexcept {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&condition_, &attributes);
  pthread_condattr_destroy(&attributes);
}

bool os_condition::wait_until(os_lock& held, std::int64_t moment) noexcept {
  const timespec limit = as_timespec(moment);
  return pthread_cond_timedwait(&condition_, &held.mutex_, &limit) == 0;
}

#endif

#if STRUCTIO_HAVE_SEM_CLOCKWAIT

os_semaphore::os_semaphore() noexcept {
  sem_init(&semaphore_, 0, 0);
}

os_semaphore::~os_semaphore() {
  sem_destroy(&semaphore_);
}

void os_semaphore::post() noexcept {
  sem_post(&semaphore_);
}

bool os_semaphore::wait_until(std::int64_t moment) noexcept {
  const timespec limit = as_timespec(moment);
  return sem_clockwait(&semaphore_, CLOCK_MONOTONIC, &limit) == 0;
}

void os_semaphore::drain() noexcept {
  while (sem_trywait(&semaphore_) == 0) continue;
}

#else

os_semaphore::os_semaphore() noexcept = default;
os_semaphore::~os_semaphore() = default;

void os_semaphore::post() noexcept {
  const os_guard held(lock_);
  ++count_;
  posted_.signal();
}

bool os_semaphore::wait_until(std::int64_t moment) noexcept {
  const os_guard held(lock_);
  if (count_ == 0) posted_.wait_until(lock_, moment);
  if (count_ == 0) return false;
  --count_;
  return true;
}

void os_semaphore::drain() noexcept {
  const os_guard held(lock_);
  count_ = 0;
}

#endif

}  // namespace structio::rt::thread
