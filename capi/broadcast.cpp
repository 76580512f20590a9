// Broadcasts and their subscriptions.
#include "sync/broadcast.hpp"

#include <structio/structio_channel.h>

#include "check.hpp"
#include "item.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

constexpr auto broadcast = base::handle_kind::broadcast;
constexpr auto subscription = base::handle_kind::subscription;

// What says whose run an object is of, and whether it may be used now.
const rt::broadcast& core(const rt::broadcast& b) noexcept {
  return b;
}
const rt::broadcast& core(const rt::subscription& s) noexcept {
  return *s.of;
}

// The object behind a handle; the run that calls has to be its own.
template <class Object>
Object* find(base::handle_kind kind, const void* h, rt::runtime* r, const char* call) noexcept {
  if (!r) return nullptr;
  auto* object = handle<Object>(kind, h, call);
  if (!object) return nullptr;
  if (core(*object).rt == r) [[likely]]
    return object;
  wrong_run(core(*object).rt, call);
  return nullptr;
}

rt::broadcast* broadcast_in(const void* h, rt::runtime* r, const char* call) noexcept {
  return find<rt::broadcast>(broadcast, h, r, call);
}

rt::subscription* subscription_in(const void* h, rt::runtime* r, const char* call) noexcept {
  return find<rt::subscription>(subscription, h, r, call);
}

template <class Object>
int close(Object* object, void (*shut)(Object&) noexcept) noexcept {
  if (!object) return refused();
  if (core(*object).moving) return rt::broadcast_explain(STRUCTIO_EMISUSE);
  shut(*object);
  return 0;
}

template <class Object>
int free_object(base::handle_kind kind, const void* h, void (*let_go)(Object&) noexcept,
                const char* call) noexcept {
  if (!h) return 0;
  auto* object = handle<Object>(kind, h, call);
  if (!object) return refused();
  const rt::broadcast& b = core(*object);
  if (b.rt && b.rt != rt::current_runtime()) return other_run(call);
  if (!base::handle_drop(kind, h)) {
    return fail(STRUCTIO_ESTALE, "%s: the handle was freed before", call);
  }
  let_go(*object);
  return 0;
}

}  // namespace

int structio_broadcast_new(const structio_item_type* given, int64_t capacity, uint32_t lag,
                           structio_broadcast** out) {
  constexpr const char* call = "structio_broadcast_new";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  rt::item_type type;
  if (!item_type_of(given, type, call)) return refused();
  if (!type.copy_fn && (type.move_fn || type.destroy_fn)) {
    return fail(STRUCTIO_EINVALID, "%s: items that need move or destroy need copy as well", call);
  }
  if (capacity < 1) {
    return fail(STRUCTIO_EINVALID, "%s: the capacity is at least 1, or STRUCTIO_UNLIMITED", call);
  }
  if (lag > STRUCTIO_LAG_DISCONNECT) {
    return fail(STRUCTIO_EINVALID, "%s: lag is none of STRUCTIO_LAG_*", call);
  }
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  rt::broadcast* b = nullptr;
  const auto policy = static_cast<rt::lag_policy>(lag);
  if (const int code = rt::broadcast_new(*r, type, capacity, policy, b)) return code;
  *out = static_cast<structio_broadcast*>(b->handle);
  return 0;
}

int structio_broadcast_send(structio_broadcast* h, void* item) {
  constexpr const char* call = "structio_broadcast_send";
  rt::runtime* r = in_task(call);
  rt::broadcast* b = broadcast_in(h, r, call);
  if (!b) return refused();
  return item ? rt::broadcast_send(*r, *b, item) : null_argument(call, "item");
}

int structio_broadcast_try_send(structio_broadcast* h, void* item) {
  constexpr const char* call = "structio_broadcast_try_send";
  rt::broadcast* b = broadcast_in(h, in_run(call), call);
  if (!b) return refused();
  if (!item) return null_argument(call, "item");
  return rt::broadcast_explain(rt::broadcast_try_send(*b, item));
}

int structio_broadcast_subscribe(structio_broadcast* h, structio_subscription** out) {
  constexpr const char* call = "structio_broadcast_subscribe";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  rt::broadcast* b = broadcast_in(h, in_run(call), call);
  if (!b) return refused();
  rt::subscription* s = nullptr;
  if (const int code = rt::broadcast_subscribe(*b, s)) return code;
  *out = static_cast<structio_subscription*>(s->handle);
  return 0;
}

int structio_broadcast_close(structio_broadcast* h) {
  constexpr const char* call = "structio_broadcast_close";
  return close(broadcast_in(h, in_run(call), call), rt::broadcast_close);
}

int structio_broadcast_free(structio_broadcast* h) {
  return free_object(broadcast, h, rt::broadcast_free, "structio_broadcast_free");
}

int structio_subscription_receive(structio_subscription* h, void* slot, uint64_t* missed) {
  constexpr const char* call = "structio_subscription_receive";
  rt::runtime* r = in_task(call);
  rt::subscription* s = subscription_in(h, r, call);
  if (!s) return refused();
  if (!slot) return null_argument(call, "slot");
  uint64_t count = 0;
  const int code = rt::subscription_receive(*r, *s, slot, count);
  if (missed && code == 0) *missed = count;
  return code;
}

int structio_subscription_try_receive(structio_subscription* h, void* slot, uint64_t* missed) {
  constexpr const char* call = "structio_subscription_try_receive";
  rt::subscription* s = subscription_in(h, in_run(call), call);
  if (!s) return refused();
  if (!slot) return null_argument(call, "slot");
  uint64_t count = 0;
  const int code = rt::subscription_try_receive(*s, slot, count);
  if (missed && code == 0) *missed = count;
  return rt::broadcast_explain(code);
}

int structio_subscription_close(structio_subscription* h) {
  constexpr const char* call = "structio_subscription_close";
  return close(subscription_in(h, in_run(call), call), rt::subscription_close);
}

int structio_subscription_free(structio_subscription* h) {
  return free_object(subscription, h, rt::subscription_free, "structio_subscription_free");
}

int structio_broadcast_get_statistics(const structio_broadcast* h,
                                      structio_broadcast_statistics* out) {
  constexpr const char* call = "structio_broadcast_get_statistics";
  if (!out) return null_argument(call, "out");
  if (!options_fit(out, call)) return refused();
  rt::broadcast* b = broadcast_in(h, in_run(call), call);
  if (!b) return refused();
  structio_broadcast_statistics all{};
  all.buffer_used = b->ring.size();
  all.capacity = b->ring.capacity();
  all.subscriptions = b->subscribers;
  all.waiting_senders = static_cast<int64_t>(b->senders.size());
  for (auto* s = b->subscriptions.front(); s; s = b->subscriptions.next(*s)) {
    all.waiting_receivers += static_cast<int64_t>(s->waiting.size());
  }
  all.peak_buffer_used = b->ring.peak();
  all.dropped = b->dropped;
  all.disconnected = b->disconnected;
  tell(all, *out);
  return 0;
}

int structio_subscription_get_statistics(const structio_subscription* h,
                                         structio_subscription_statistics* out) {
  constexpr const char* call = "structio_subscription_get_statistics";
  if (!out) return null_argument(call, "out");
  if (!options_fit(out, call)) return refused();
  const rt::subscription* s = subscription_in(h, in_run(call), call);
  if (!s) return refused();
  structio_subscription_statistics all{};
  all.behind = rt::subscription_behind(*s);
  all.missed = rt::subscription_missed(*s);
  tell(all, *out);
  return 0;
}
