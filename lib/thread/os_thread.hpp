// The operating system's threads, as far as the standard library does not reach: started detached
// and with signals blocked, named, waited for with a limit. The only files that name pthreads for
// that; used by thread_cache and by callback.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>

#include "base/config.hpp"

#if STRUCTIO_HAVE_SEM_CLOCKWAIT
#include <semaphore.h>
#endif

namespace structio::rt::thread {

/// What the system shows of a thread's name: 15 bytes and a zero.
inline constexpr std::size_t name_size = 16;

/// Starts body(arg) on a thread that nobody waits for, and that gets no signal but those which a
/// thread causes itself. 0, or the system's code, negative.
int os_thread_start(void* (*body)(void*), void* arg) noexcept;

/// Copies a name as the system can show it: cut, and with a '?' for each character that is not
/// plain ASCII.
void os_thread_name(char (&to)[name_size], const char* name) noexcept;

/// Names the calling thread; where that cannot be done nothing happens.
void os_thread_set_name(const char* name) noexcept;

class os_lock {
 public:
  os_lock() = default;
  os_lock(const os_lock&) = delete;
  os_lock& operator=(const os_lock&) = delete;
  ~os_lock() { pthread_mutex_destroy(&mutex_); }
  void lock() noexcept { pthread_mutex_lock(&mutex_); }
  void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

 private:
  friend class os_condition;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

class os_guard {
 public:
  explicit os_guard(os_lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  os_guard(const os_guard&) = delete;
  os_guard& operator=(const os_guard&) = delete;
  ~os_guard() { lock_.unlock(); }

 private:
  os_lock& lock_;
};

/// A condition whose limits count on the monotonic clock.
class os_condition {
 public:
  os_condition() noexcept;
  os_condition(const os_condition&) = delete;
  os_condition& operator=(const os_condition&) = delete;
  ~os_condition() { pthread_cond_destroy(&condition_); }

  void wait(os_lock& held) noexcept { pthread_cond_wait(&condition_, &held.mutex_); }

  /// False: `moment` of base::monotonic_now has passed.
  bool wait_until(os_lock& held, std::int64_t moment) noexcept;

  void signal() noexcept { pthread_cond_signal(&condition_); }

 private:
  pthread_cond_t condition_;
};

/// Where one thread waits until others post. With glibc a semaphore: whoever wakes up in a
/// condition of glibc's pays a system call more when it lets go of the lock.
class os_semaphore {
 public:
  os_semaphore() noexcept;
  os_semaphore(const os_semaphore&) = delete;
  os_semaphore& operator=(const os_semaphore&) = delete;
  ~os_semaphore();

  void post() noexcept;

  /// Takes one. False, and perhaps early: there was none.
  bool wait_until(std::int64_t moment) noexcept;

  /// Takes all that there are.
  void drain() noexcept;

 private:
#if STRUCTIO_HAVE_SEM_CLOCKWAIT
  sem_t semaphore_;
#else
  os_lock lock_;
  os_condition posted_;
  std::uint32_t count_ = 0;
#endif
};

}  // namespace structio::rt::thread
