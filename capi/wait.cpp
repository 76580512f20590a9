// Park and wake, parking lots, portals.
#include "runtime/wait.hpp"
#include "base/memory.hpp"

#include <cerrno>

#include "check.hpp"
#include "runtime/parking.hpp"
#include "runtime/waiter.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

struct lot : rt::parking_lot {
  static constexpr std::uint32_t magic_value = 0x4c4f5421;  // "LOT!"
  std::uint32_t magic = magic_value;
};

lot* lot_in(const structio_lot* storage, const char* call) noexcept {
  return block<lot>(storage, call, "lot");
}

rt::waiter* waiter_in(const structio_waiter* storage, const char* call) noexcept {
  return block<rt::waiter>(storage, call, "waiter");
}

rt::portal* portal_in(const structio_portal* h, const char* call) noexcept {
  return handle<rt::portal>(base::handle_kind::portal, h, call);
}

}  // namespace

int structio_waiter_init(structio_waiter* storage) {
  constexpr const char* call = "structio_waiter_init";
  if (!storage) return null_argument(call, "waiter");
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  new (storage) rt::waiter(*r->current);
  return 0;
}

int64_t structio_park(structio_waiter* storage, const char* what, structio_abort_fn abort_fn,
                      void* arg) {
  constexpr const char* call = "structio_park";
  rt::waiter* w = waiter_in(storage, call);
  if (!w) return refused();
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  if (w->state != rt::waiter_state::armed && w->state != rt::waiter_state::woken) {
    return fail(STRUCTIO_EMISUSE, "%s: a waiter is good for one wait: init it again", call);
  }
  if (w->home != r || w->who != r->current->id()) {
    return fail(STRUCTIO_EMISUSE, "%s: the waiter is another task's", call);
  }
  return rt::waiter_park(*r, *w, what ? what : "park", abort_fn, arg);
}

int structio_wake(structio_waiter* storage, int64_t result) {
  constexpr const char* call = "structio_wake";
  rt::waiter* w = waiter_in(storage, call);
  if (!w) return refused();
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (w->home != r) return other_run(call);
  return rt::waiter_wake(*w, result);
}

int structio_lot_init(structio_lot* storage) {
  static_assert(sizeof(lot) <= sizeof(structio_lot));
  if (!storage) return null_argument("structio_lot_init", "lot");
  new (storage) lot;
  return 0;
}

int structio_lot_destroy(structio_lot* storage) {
  constexpr const char* call = "structio_lot_destroy";
  lot* l = lot_in(storage, call);
  if (!l) return refused();
  if (!l->empty()) return fail(STRUCTIO_EMISUSE, "%s: tasks are parked in the lot", call);
  if (!l->breakers_within(rt::current_runtime())) return other_run(call);
  end_block(*l);
  return 0;
}

int structio_lot_park(structio_lot* storage) {
  constexpr const char* call = "structio_lot_park";
  lot* l = lot_in(storage, call);
  if (!l) return refused();
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  if (!l->claim(*r)) return other_run(call);
  if (const int code = rt::cancel_check(*r)) return code;
  return l->park(*r, "parking lot");
}

int64_t structio_lot_unpark(structio_lot* storage, size_t count) {
  constexpr const char* call = "structio_lot_unpark";
  lot* l = lot_in(storage, call);
  if (!l) return refused();
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (!l->claim(*r)) return other_run(call);
  return static_cast<std::int64_t>(l->unpark(count));
}

int64_t structio_lot_repark(structio_lot* storage, structio_lot* to, size_t count) {
  constexpr const char* call = "structio_lot_repark";
  lot* l = lot_in(storage, call);
  lot* other = l ? lot_in(to, call) : nullptr;
  if (!other) return refused();
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (!l->claim(*r) || !other->claim(*r)) return other_run(call);
  if (other->broken()) return fail(STRUCTIO_EBROKEN, "%s: the other lot is broken", call);
  return static_cast<std::int64_t>(l->repark(*other, count));
}

int64_t structio_lot_waiting(const structio_lot* storage) {
  const lot* l = lot_in(storage, "structio_lot_waiting");
  return l ? static_cast<std::int64_t>(l->waiting()) : refused();
}

int structio_lot_break(structio_lot* storage, structio_task_id breaker) {
  constexpr const char* call = "structio_lot_break";
  lot* l = lot_in(storage, call);
  if (!l) return refused();
  rt::runtime* r = breaker ? in_run(call) : in_body(call);
  if (!r) return refused();
  if (!l->claim(*r)) return other_run(call);
  return l->break_by(breaker ? breaker : r->current->id());
}

int structio_lot_add_breaker(structio_lot* storage, structio_task_id task) {
  constexpr const char* call = "structio_lot_add_breaker";
  lot* l = lot_in(storage, call);
  if (!l) return refused();
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (!l->claim(*r)) return other_run(call);
  if (task == 0) return fail(STRUCTIO_EINVALID, "%s: 0 is no task", call);
  if (rt::task* t = rt::task_find(*r, task)) return l->add_breaker(*t);
  l->break_by(task);
  return fail(STRUCTIO_EBROKEN, "%s: the task has ended, so the lot is broken now", call);
}

int structio_lot_remove_breaker(structio_lot* storage, structio_task_id task) {
  constexpr const char* call = "structio_lot_remove_breaker";
  lot* l = lot_in(storage, call);
  if (!l) return refused();
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  if (rt::task* t = rt::task_find(*r, task)) return l->remove_breaker(*t);
  return fail(STRUCTIO_EMISUSE, "%s: the task is not a breaker of this lot", call);
}

int64_t structio_lot_broken_by(const structio_lot* storage, structio_task_id* ids,
                               size_t capacity) {
  constexpr const char* call = "structio_lot_broken_by";
  const lot* l = lot_in(storage, call);
  if (!l) return refused();
  if (!ids && capacity > 0) return null_argument(call, "ids");
  return static_cast<std::int64_t>(l->broken_by(ids, capacity));
}

int structio_portal_new(structio_portal** out) {
  constexpr const char* call = "structio_portal_new";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  auto* p = base::make<rt::portal>(r->door);
  void* h = p ? base::handle_make(base::handle_kind::portal, p) : nullptr;
  if (!h) {
    base::destroy(p);
    return fail(STRUCTIO_ENOMEM, "%s: no memory", call);
  }
  r->door->retain();
  r->door->outside.fetch_add(1, std::memory_order_relaxed);
  *out = static_cast<structio_portal*>(h);
  return 0;
}

int structio_portal_post(structio_portal* portal, structio_post_fn fn, void* arg) {
  constexpr const char* call = "structio_portal_post";
  if (!fn) return null_argument(call, "fn");
  rt::portal* p = portal_in(portal, call);
  return p ? rt::portal_post(*p->core, fn, arg) : refused();
}

int structio_portal_post_once(structio_portal* portal, structio_post_fn fn, void* arg) {
  constexpr const char* call = "structio_portal_post_once";
  if (!fn) return null_argument(call, "fn");
  rt::portal* p = portal_in(portal, call);
  return p ? rt::portal_post_once(*p->core, fn, arg) : refused();
}

int structio_post_init(structio_post* storage, structio_portal* portal, structio_post_fn fn,
                       void* arg) {
  static_assert(sizeof(rt::kept_post) <= sizeof(structio_post));
  constexpr const char* call = "structio_post_init";
  if (!storage) return null_argument(call, "post");
  if (!fn) return null_argument(call, "fn");
  rt::portal* p = portal_in(portal, call);
  if (!p) return refused();
  new (storage) rt::kept_post(*p->core, fn, arg);
  return 0;
}

int structio_post_send(structio_post* storage) {
  // No message: this may be a signal handler.
  auto* p = reinterpret_cast<rt::kept_post*>(storage);
  if (!p || p->magic != rt::kept_post::magic_value) return STRUCTIO_EINVALID;
  const int before = errno;
  const int status = rt::kept_post_send(*p);
  errno = before;
  return status;
}

int structio_post_destroy(structio_post* storage) {
  constexpr const char* call = "structio_post_destroy";
  auto* p = block<rt::kept_post>(storage, call, "post");
  if (!p) return refused();
  if (!p->core->is_drained() && !p->core->leads_to(rt::current_runtime())) {
    return fail(STRUCTIO_EMISUSE, "%s: not from another thread as long as its run lasts", call);
  }
  rt::kept_post_end(*p);
  return 0;
}

int structio_portal_free(structio_portal* portal) {
  if (!portal) return 0;
  auto* p = static_cast<rt::portal*>(base::handle_drop(base::handle_kind::portal, portal));
  if (!p) return fail(STRUCTIO_ESTALE, "structio_portal_free: the portal was freed before");
  // The run may be asleep because somebody might have called: it has to look again.
  p->core->let_go();
  p->core->release();
  base::destroy(p);
  return 0;
}
