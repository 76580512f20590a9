// Waiting for readiness: asked at once, and only then waited for.
#include "sync/readiness.hpp"

#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {
namespace {

struct ready_wait : reactor::operation {
  task* waiter;
  int descriptor;
  std::uint8_t direction;
};

}  // namespace

int readiness_failed(int code, int descriptor) noexcept {
  switch (code) {
    case STRUCTIO_ECANCELLED:
    case STRUCTIO_EINTERRUPTED: return code;
    case STRUCTIO_ECLOSED:
      return base::fail(code, "descriptor %d was closed while it was waited for", descriptor);
    case STRUCTIO_EBUSY:
      return base::fail(code, "another task already waits for the same of descriptor %d",
                        descriptor);
    case STRUCTIO_EUNSUPPORTED:
      return base::fail(code, "this system has no way to wait for a descriptor of your own");
    default: break;
  }
  const char* own = base::own_error_text(code);
  return base::fail(code, "cannot wait for descriptor %d: %s", descriptor,
                    own ? own : reactor::os_error_text(code));
}

int wait_ready(runtime& rt, int descriptor, std::uint8_t direction) noexcept {
  if (const int code = cancel_check(rt)) return code;
  ready_wait wait;
  wait.waiter = rt.current;
  wait.descriptor = descriptor;
  wait.direction = direction;
  wait.done = [](reactor::operation& self, std::int64_t result) noexcept {
    wake(*static_cast<ready_wait&>(self).waiter, result);
  };
  int code = reactor::readiness_try(rt.kernel, descriptor, direction);
  if (code == 0) code = reactor::readiness_begin(rt.kernel, descriptor, direction, wait);
  if (code == 0) {
    code = static_cast<int>(park(
        rt, direction == reactor::ready_to_read ? "wait readable" : "wait writable",
        [](void* arg) {
          auto& given_up = *static_cast<ready_wait*>(arg);
          reactor::readiness_cancel(given_up.waiter->rt->kernel, given_up.descriptor,
                                    given_up.direction, given_up);
          return abort_done;
        },
        &wait));
  } else {
    give_way(rt);
    if (code == 1) return 0;
  }
  return code == 0 ? 0 : readiness_failed(code, descriptor);
}

}  // namespace structio::rt
