// The report of a stack overflow: what happens between the fault and the handler that was there
// before. POSIX only; elsewhere the watch is a stub that says so.
//
// Always true: a thread that has a watch finds it under our key; the handlers are ours while at
// least one thread is watched. Everything reachable from `on_fault` is safe in a signal handler.
#include "context/overflow.hpp"

#include "base/fork_hook.hpp"
#include "base/memory.hpp"
#include "base/status.hpp"
#include "context/stack_memory.hpp"
#include "context/stack_pool.hpp"

#if defined(_WIN32)

namespace structio::ctx {

int overflow_watch_begin(machine&, overflow_namer) noexcept {
  return STRUCTIO_EUNSUPPORTED;
}
void overflow_watch_end(machine&) noexcept {}

}  // namespace structio::ctx

#else

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

namespace structio::ctx {

struct overflow_watch {
  machine* m;
  overflow_namer namer;
  void* signal_stack;  ///< ours, or null where the user had installed one
  std::size_t page_size;
};

namespace {

constexpr std::size_t signal_stack_bytes = 64 * 1024;
constexpr int signals[] = {SIGSEGV, SIGBUS};

std::mutex watches_mutex;
base::fork_lock<watches_mutex> watches_at_fork(base::fork_rank::overflow);
int watches = 0;
pthread_key_t watch_key;  ///< made once and kept: a handler may look at any moment
bool watch_key_made = false;
struct sigaction previous[2];
bool installed[2] = {};

/// A line put together without stdio, which a signal handler must not use.
class raw_line {
 public:
  void add(const char* text) noexcept {
    while (*text && size_ < sizeof text_) text_[size_++] = *text++;
  }
  void add(std::size_t number) noexcept {
    char digits[20];
    int n = 0;
    do digits[n++] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    while (n > 0 && size_ < sizeof text_) text_[size_++] = digits[--n];
  }
  void write_to_stderr() const noexcept {
    std::size_t done = 0;
    while (done < size_) {
      const ssize_t n = write(STDERR_FILENO, text_ + done, size_ - done);
      if (n <= 0) return;
      done += static_cast<std::size_t>(n);
    }
  }

 private:
  char text_[512];
  std::size_t size_ = 0;
};

stack* home_of_guard(const overflow_watch& w, const fiber* f, const void* address) noexcept {
  if (!f || !f->home) return nullptr;
  const auto* at = static_cast<const std::byte*>(address);
  return at < f->home->base && at >= f->home->base - w.page_size ? f->home : nullptr;
}

void unblock(int signal_number) noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal_number);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void die_of(int signal_number, const siginfo_t& info, bool here) noexcept {
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  sigaction(signal_number, &standard, nullptr);
  // A fault comes again as soon as we return, and then the core shows where it was. `here` asks for
  // our own frames in the core instead; and what was sent by kill would not come again.
  if (!here && info.si_code > 0) return;
  raise(signal_number);
  unblock(signal_number);
}

/// Hands the signal to whoever would have had it without us.
void chain(int signal_number, siginfo_t* info, void* context, bool die_here) noexcept {
  const struct sigaction& before = previous[signal_number == signals[0] ? 0 : 1];
  if (before.sa_flags & SA_NODEFER) unblock(signal_number);
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal_number, info, context);
  } else if (before.sa_handler == SIG_IGN && info->si_code <= 0) {
    return;  // Somebody sent it by kill; only a true fault cannot be ignored.
  } else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
    die_of(signal_number, *info, die_here);
  } else {
    before.sa_handler(signal_number);
  }
}

}  // namespace

/// Its name is the message of a backtrace or a core: the fault is handed on from in here.
[[gnu::noinline]] void the_task_overflowed_its_stack(const overflow_watch& w, stack& s,
                                                     int signal_number, siginfo_t* info,
                                                     void* context) noexcept {
  char name[128] = "?";
  if (w.namer) w.namer(s, name, sizeof name);
  name[sizeof name - 1] = '\0';
  const auto whole = static_cast<std::size_t>(reinterpret_cast<std::byte*>(&s + 1) - s.base);
  raw_line line;
  line.add("structio: task '");
  line.add(name);
  line.add("' overflowed its stack of ");
  line.add((whole + w.page_size + 1023) / 1024);
  line.add(" KiB\n");
  line.write_to_stderr();
  chain(signal_number, info, context, true);
  asm volatile("");  // Not a tail call: this frame must stay.
}

namespace {

void on_fault(int signal_number, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const auto* w = static_cast<overflow_watch*>(pthread_getspecific(watch_key));
  stack* overflowed = nullptr;
  if (w) {
    overflowed = home_of_guard(*w, w->m->current, info->si_addr);
    // In the middle of a switch we still stand on the stack that is being left.
    if (!overflowed) overflowed = home_of_guard(*w, w->m->left, info->si_addr);
  }
  if (overflowed) {
    the_task_overflowed_its_stack(*w, *overflowed, signal_number, info, context);
  } else {
    chain(signal_number, info, context, false);
  }
  errno = saved_errno;
}

int install_handlers() noexcept {
  if (!watch_key_made) {
    if (const int code = pthread_key_create(&watch_key, nullptr)) return -code;
    watch_key_made = true;
  }
  struct sigaction ours = {};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&ours.sa_mask);
  for (int i = 0; i < 2; ++i) {
    if (installed[i]) continue;
    sigaction(signals[i], nullptr, &previous[i]);  // Before ours can be called.
    installed[i] = sigaction(signals[i], &ours, nullptr) == 0;
  }
  return 0;
}

void restore_handlers() noexcept {
  for (int i = 0; i < 2; ++i) {
    struct sigaction now = {};
    sigaction(signals[i], nullptr, &now);
    // Somebody who came after us may chain to us: then ours stay, and find no watch.
    if (!(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != on_fault) continue;
    sigaction(signals[i], &previous[i], nullptr);
    installed[i] = false;
  }
}

/// Memory for an alternate stack of this thread, or null when it has one already.
int install_signal_stack(void*& memory) noexcept {
  memory = nullptr;
  stack_t now = {};
  sigaltstack(nullptr, &now);
  if (!(now.ss_flags & SS_DISABLE)) return 0;
  void* fresh =
      mmap(nullptr, signal_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh == MAP_FAILED) return STRUCTIO_ENOMEM;
  stack_t ours = {};
  ours.ss_sp = fresh;
  ours.ss_size = signal_stack_bytes;
  if (sigaltstack(&ours, nullptr) != 0) {
    const int code = -errno;
    munmap(fresh, signal_stack_bytes);
    return code;
  }
  memory = fresh;
  return 0;
}

void remove_signal_stack(void* memory) noexcept {
  if (!memory) return;
  stack_t now = {};
  sigaltstack(nullptr, &now);
  if (now.ss_sp == memory) {
    stack_t none = {};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }
  munmap(memory, signal_stack_bytes);
}

}  // namespace

int overflow_watch_begin(machine& m, overflow_namer namer) noexcept {
  auto* w = base::make<overflow_watch>(&m, namer, nullptr, memory::page_size());
  if (!w) return STRUCTIO_ENOMEM;
  int code = install_signal_stack(w->signal_stack);
  if (code < 0) {
    base::destroy(w);
    return code;
  }
  {
    const std::lock_guard lock(watches_mutex);
    if (watches == 0) code = install_handlers();
    if (code == 0 && pthread_getspecific(watch_key)) code = STRUCTIO_EBUSY;
    if (code == 0) {
      ++watches;
      pthread_setspecific(watch_key, w);
    }
  }
  if (code < 0) {
    remove_signal_stack(w->signal_stack);
    base::destroy(w);
  }
  return code;
}

void overflow_watch_end(machine& m) noexcept {
  const std::lock_guard lock(watches_mutex);
  if (watches == 0) return;
  auto* w = static_cast<overflow_watch*>(pthread_getspecific(watch_key));
  if (!w || w->m != &m) return;
  pthread_setspecific(watch_key, nullptr);
  if (--watches == 0) restore_handlers();
  remove_signal_stack(w->signal_stack);
  base::destroy(w);
}

}  // namespace structio::ctx

#endif
