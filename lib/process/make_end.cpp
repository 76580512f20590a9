// SIGTERM, a grace, SIGKILL; or a function of the user's.
#include "process/make_end.hpp"

#include <new>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/user_call.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::process {
namespace {

constexpr std::int64_t usual_grace = 5'000'000'000;

// A scope that nothing from outside reaches. False: memory is out, for its deadline.
bool enter_shielded(runtime& rt, scope& s, std::int64_t deadline) noexcept {
  scope_set_shield(s, true);
  scope_hold_interrupt(s);
  if (deadline != base::forever) {
    s.kind = deadline_kind::absolute;
    s.deadline = deadline;
  }
  return scope_enter(rt, *rt.current, s) == 0;
}

void leave(scope& s, int status) noexcept {
  failure* f = nullptr;
  scope_leave(s, status, f);
  failure_release(f);
}

// Waits until the child has ended or the moment has come.
void wait_shielded(runtime& rt, child& c, std::int64_t deadline) noexcept {
  scope s;
  if (enter_shielded(rt, s, deadline)) leave(s, wait(rt, c));
}

void end_by_signals(runtime& rt, child& c, std::int64_t grace) noexcept {
  if (grace == 0) grace = usual_grace;
  send_signal(c, signal_terminate);
  wait_shielded(rt, c, base::deadline_after(rt.now(), grace));
  if (c.ended) return;
  base::log(base::log_level::warn,
            "process %lld (%s) ignored the signal to terminate for %.3g s: it is killed",
            static_cast<long long>(c.pid), c.name, static_cast<double>(grace) / 1e9);
  send_signal(c, signal_kill);
}

struct users_way {
  const run_request* request;
  child* of;
  scope* around;
};

int deliver(void* arg) {
  const users_way self = *static_cast<users_way*>(arg);
  runtime& rt = *current_runtime();
  if (!enter_shielded(rt, *self.around, base::forever)) return STRUCTIO_ENOMEM;
  const int status = call_user(rt, [&] {
    return self.request->deliver_cancel(self.request->deliver_cancel_arg,
                                        static_cast<structio_process*>(self.of->handle));
  });
  failure* f = nullptr;
  return scope_leave(*self.around, status, f);
}

// False: it could not be begun.
bool begin_users_way(users_way& way, nursery& home) noexcept {
  spawn_request spawn;
  spawn.fn = deliver;
  spawn.arg = &way;
  spawn.name = "deliver cancel";
  spawn.storage_size = sizeof way;
  spawn.storage_init = [](void* storage, void* from) {
    new (storage) users_way(*static_cast<users_way*>(from));
  };
  task* t = nullptr;
  return nursery_spawn(home, spawn, t) == 0;
}

}  // namespace

void make_end(runtime& rt, child& c, const run_request& request, nursery& home,
              scope& around) noexcept {
  users_way way{&request, &c, &around};
  if (c.ended) return;
  if (!request.deliver_cancel || !begin_users_way(way, home)) {
    end_by_signals(rt, c, request.grace);
    if (!c.ended) wait_shielded(rt, c, base::forever);
    return;
  }
  wait_shielded(rt, c, base::forever);
  if (!c.ended) send_signal(c, signal_kill);  // there is no way to wait for it
  scope_cancel(around, cancel_source::explicit_call, rt.current, "the process has ended");
}

}  // namespace structio::rt::process
