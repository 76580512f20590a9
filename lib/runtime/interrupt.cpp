// The signal handler only sets a flag and wakes the loop. POSIX here; elsewhere SIGINT is left
// alone.
#include "runtime/interrupt.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include "base/fork_hook.hpp"
#include "runtime/runtime.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/types.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#define STRUCTIO_POSIX_INTERRUPT 1
#endif

namespace structio::rt {

void interrupt_raise(runtime& rt) noexcept {
  rt.interrupted.store(true, std::memory_order_release);
  rt.kernel.wake();
}

bool interrupt_taken(runtime& rt) noexcept {
  return rt.interrupted.load(std::memory_order_relaxed) &&
         rt.interrupted.exchange(false, std::memory_order_acq_rel);
}

bool interrupt_counts(runtime& rt) noexcept {
  return !rt.options.on_interrupt || rt.options.on_interrupt(rt.options.on_interrupt_arg) != 0;
}

#ifdef STRUCTIO_POSIX_INTERRUPT
namespace {

// A signal handler can find the run only through a global.
std::atomic<runtime*> owner{nullptr};
std::atomic<int> handlers_running{0};  // on any thread of the process
struct sigaction before;

// A child that was forked inside a run has none to interrupt: the handler does what it did before.
base::fork_hook nobodys_in_child(base::fork_rank::none, nullptr, nullptr,
                                 [] { owner.store(nullptr, std::memory_order_relaxed); });

void call_before(int signum, siginfo_t* info, void* context) {
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signum, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signum);
  }
}

void on_interrupt(int signum, siginfo_t* info, void* context) {
  const int errno_before = errno;
  handlers_running.fetch_add(1, std::memory_order_seq_cst);
  runtime* rt = owner.load(std::memory_order_seq_cst);
  const bool first = rt && rt->interrupts_seen.fetch_add(1, std::memory_order_relaxed) == 0;
  const bool shared = rt && rt->options.on_interrupt;
  // The flag of the one who shall decide is set before he is asked.
  if (shared) call_before(signum, info, context);
  if (first || shared) interrupt_raise(*rt);
  handlers_running.fetch_sub(1, std::memory_order_seq_cst);
  errno = errno_before;
  if (first || shared) return;
  // The second one: what would have happened without us, which is the end unless it was ignored.
  sigaction(signum, &before, nullptr);
  std::raise(signum);
}

bool is_ours(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_interrupt;
}

bool on_main_thread() noexcept {
#ifdef __linux__
  return static_cast<pid_t>(syscall(SYS_gettid)) == getpid();
#else
  return false;  // cannot be told portably: only on request
#endif
}

}  // namespace

void interrupt_begin(runtime& rt, unsigned mode) noexcept {
  constexpr unsigned automatic = 0;
  constexpr unsigned always = 2;
  struct sigaction present;
  if (sigaction(SIGINT, nullptr, &present) != 0) return;
  const bool untouched =
      (present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == SIG_DFL && on_main_thread();
  if (mode != always && !(mode == automatic && untouched)) return;
  runtime* nobody = nullptr;
  if (!owner.compare_exchange_strong(nobody, &rt, std::memory_order_acq_rel)) return;
  before = present;
  struct sigaction action = {};
  action.sa_sigaction = on_interrupt;
  action.sa_flags = SA_RESTART | SA_ONSTACK | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

void interrupt_end(runtime& rt) noexcept {
  if (owner.load(std::memory_order_acquire) != &rt) return;
  struct sigaction present;
  if (sigaction(SIGINT, nullptr, &present) == 0 && is_ours(present)) {
    sigaction(SIGINT, &before, nullptr);
  }
  owner.store(nullptr, std::memory_order_seq_cst);
  while (handlers_running.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
}

#else

void interrupt_begin(runtime&, unsigned) noexcept {}
void interrupt_end(runtime&) noexcept {}

#endif

}  // namespace structio::rt
