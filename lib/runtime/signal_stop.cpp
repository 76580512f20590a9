// Watchers of the reactor, tied to a scope's life.
#include "runtime/signal_stop.hpp"

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/cancel.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt {
namespace {

void signal_came(reactor::operation& op, std::int64_t) noexcept {
  auto& signal = static_cast<scope_signal&>(op);
  scope& s = *signal.target;
  if (s.stop_called) {
    scope_cancel(s, cancel_source::stop, nullptr, "a second signal");
  } else {
    scope_stop(s, base::saturating_add(s.rt->now(), signal.grace), nullptr, "a signal");
  }
}

}  // namespace

int scope_stop_on_signal(scope& s, int signum, std::int64_t grace) noexcept {
  auto* signal = base::make<scope_signal>();
  if (!signal) return base::fail(STRUCTIO_ENOMEM, "no memory to watch a signal");
  signal->done = signal_came;
  signal->target = &s;
  signal->grace = grace;
  if (const int code = reactor::signal_watch(s.rt->kernel, signum, *signal, signal->slot)) {
    base::destroy(signal);
    return base::fail(code, "signal %d cannot be watched: %s", signum,
                      reactor::os_error_text(code));
  }
  signal->next = s.signals;
  s.signals = signal;
  s.laden = true;
  return 0;
}

void signals_detach(scope& s) noexcept {
  while (scope_signal* signal = s.signals) {
    s.signals = signal->next;
    reactor::close(*signal->slot);
    base::destroy(signal);
  }
}

}  // namespace structio::rt
