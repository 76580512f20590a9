// Channels.
#include <structio/structio_channel.h>

#include "check.hpp"
#include "item.hpp"
#include "sync/channel.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

constexpr auto sender = base::handle_kind::sender;
constexpr auto receiver = base::handle_kind::receiver;

int refuse_end(base::handle_kind kind, const void* h, const char* call) noexcept {
  auto* e = handle<rt::channel_end>(kind, h, call);
  return e ? wrong_run(e->of->rt, call) : refused();
}

// The end behind a handle, or null; the run that calls has to be the channel's.
rt::channel_end* find(base::handle_kind kind, const void* h, const rt::runtime* r) noexcept {
  auto* e = static_cast<rt::channel_end*>(base::handle_object(kind, h));
  return e && e->of->rt == r ? e : nullptr;
}

rt::channel_end* end_in_run(base::handle_kind kind, const void* h, const char* call) noexcept {
  rt::runtime* r = in_run(call);
  if (!r) return nullptr;
  rt::channel_end* e = find(kind, h, r);
  if (!e) refuse_end(kind, h, call);
  return e;
}

int used_by_move(const char* call) noexcept {
  return fail(STRUCTIO_EMISUSE, "%s: called by the function that moves the channel's items", call);
}

int clone(base::handle_kind kind, const void* h, void** out, const char* call) noexcept {
  *out = nullptr;
  const rt::channel_end* e = end_in_run(kind, h, call);
  rt::channel_end* made = nullptr;
  if (!e || rt::channel_clone(*e, made) < 0) return refused();
  *out = made->handle;
  return 0;
}

int close(base::handle_kind kind, const void* h, const char* call) noexcept {
  rt::channel_end* e = end_in_run(kind, h, call);
  if (!e) return refused();
  if (e->of->moving) return used_by_move(call);
  rt::channel_close(*e);
  return 0;
}

int free_end(base::handle_kind kind, const void* h, const char* call) noexcept {
  if (!h) return 0;
  auto* e = handle<rt::channel_end>(kind, h, call);
  if (!e) return refused();
  if (e->of->rt && e->of->rt != rt::current_runtime()) return other_run(call);
  if (e->of->moving) return used_by_move(call);
  if (!base::handle_drop(kind, h)) {
    return fail(STRUCTIO_ESTALE, "%s: the handle was freed before", call);
  }
  rt::channel_free(*e);
  return 0;
}

int statistics(base::handle_kind kind, const void* h, structio_channel_statistics* out,
               const char* call) noexcept {
  if (!out) return null_argument(call, "out");
  if (!options_fit(out, call)) return refused();
  const rt::channel_end* e = end_in_run(kind, h, call);
  if (!e) return refused();
  const rt::channel& c = *e->of;
  structio_channel_statistics all{};
  all.buffer_used = c.buffer.size();
  all.capacity = c.buffer.capacity();
  all.open_senders = c.open_senders;
  all.open_receivers = c.open_receivers;
  all.waiting_senders = static_cast<int64_t>(c.senders.size());
  all.waiting_receivers = static_cast<int64_t>(c.receivers.size());
  all.peak_buffer_used = c.buffer.peak();
  tell(all, *out);
  return 0;
}

bool batch_fits(const void* slots, size_t capacity, const char* call) noexcept {
  if (!slots) {
    null_argument(call, "slots");
  } else if (capacity == 0) {
    fail(STRUCTIO_EINVALID, "%s: a batch of at most 0 items is none", call);
  } else {
    return true;
  }
  return false;
}

}  // namespace

int structio_channel_new(const structio_item_type* given, int64_t capacity, structio_sender** tx,
                         structio_receiver** rx) {
  constexpr const char* call = "structio_channel_new";
  if (tx) *tx = nullptr;
  if (rx) *rx = nullptr;
  if (!tx || !rx) return null_argument(call, tx ? "rx" : "tx");
  rt::item_type type;
  if (!item_type_of(given, type, call)) return refused();
  if (capacity < 0) {
    return fail(STRUCTIO_EINVALID,
                "%s: the capacity is negative: 0, a number of items or "
                "STRUCTIO_UNLIMITED",
                call);
  }
  rt::runtime* r = in_run(call);
  if (!r) return refused();
  rt::channel_end* sending = nullptr;
  rt::channel_end* receiving = nullptr;
  if (const int code = rt::channel_new(*r, type, capacity, sending, receiving)) return code;
  *tx = static_cast<structio_sender*>(sending->handle);
  *rx = static_cast<structio_receiver*>(receiving->handle);
  return 0;
}

int structio_sender_send(structio_sender* tx, void* item) {
  constexpr const char* call = "structio_sender_send";
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  rt::channel_end* e = find(sender, tx, r);
  if (!e) return refuse_end(sender, tx, call);
  if (!item) return null_argument(call, "item");
  return rt::channel_send(*r, *e, item);
}

int structio_sender_try_send(structio_sender* tx, void* item) {
  constexpr const char* call = "structio_sender_try_send";
  rt::channel_end* e = end_in_run(sender, tx, call);
  if (!e) return refused();
  if (!item) return null_argument(call, "item");
  const int code = rt::channel_try_send(*e, item);
  return code == 0 ? 0 : rt::channel_explain(rt::channel_side::sending, code);
}

int structio_receiver_receive(structio_receiver* rx, void* slot) {
  constexpr const char* call = "structio_receiver_receive";
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  rt::channel_end* e = find(receiver, rx, r);
  if (!e) return refuse_end(receiver, rx, call);
  if (!slot) return null_argument(call, "slot");
  return rt::channel_receive(*r, *e, slot);
}

int structio_receiver_try_receive(structio_receiver* rx, void* slot) {
  constexpr const char* call = "structio_receiver_try_receive";
  rt::channel_end* e = end_in_run(receiver, rx, call);
  if (!e) return refused();
  if (!slot) return null_argument(call, "slot");
  const int code = rt::channel_try_receive(*e, slot);
  return code == 0 ? 0 : rt::channel_explain(rt::channel_side::receiving, code);
}

int64_t structio_receiver_receive_batch(structio_receiver* rx, void* slots, size_t capacity) {
  constexpr const char* call = "structio_receiver_receive_batch";
  rt::runtime* r = in_task(call);
  if (!r) return refused();
  rt::channel_end* e = find(receiver, rx, r);
  if (!e) return refuse_end(receiver, rx, call);
  if (!batch_fits(slots, capacity, call)) return refused();
  return rt::channel_receive_batch(*r, *e, slots, capacity);
}

int64_t structio_receiver_try_receive_batch(structio_receiver* rx, void* slots, size_t capacity) {
  constexpr const char* call = "structio_receiver_try_receive_batch";
  rt::channel_end* e = end_in_run(receiver, rx, call);
  if (!e || !batch_fits(slots, capacity, call)) return refused();
  const int64_t got = rt::channel_try_receive_batch(*e, slots, capacity);
  return got < 0 ? rt::channel_explain(rt::channel_side::receiving, got) : got;
}

int structio_sender_clone(structio_sender* tx, structio_sender** out) {
  constexpr const char* call = "structio_sender_clone";
  if (!out) return null_argument(call, "out");
  void* made = nullptr;
  const int code = clone(sender, tx, &made, call);
  *out = static_cast<structio_sender*>(made);
  return code;
}

int structio_receiver_clone(structio_receiver* rx, structio_receiver** out) {
  constexpr const char* call = "structio_receiver_clone";
  if (!out) return null_argument(call, "out");
  void* made = nullptr;
  const int code = clone(receiver, rx, &made, call);
  *out = static_cast<structio_receiver*>(made);
  return code;
}

int structio_sender_close(structio_sender* tx) {
  return close(sender, tx, "structio_sender_close");
}

int structio_receiver_close(structio_receiver* rx) {
  return close(receiver, rx, "structio_receiver_close");
}

int structio_sender_free(structio_sender* tx) {
  return free_end(sender, tx, "structio_sender_free");
}

int structio_receiver_free(structio_receiver* rx) {
  return free_end(receiver, rx, "structio_receiver_free");
}

int structio_sender_get_statistics(const structio_sender* tx, structio_channel_statistics* out) {
  return statistics(sender, tx, out, "structio_sender_get_statistics");
}

int structio_receiver_get_statistics(const structio_receiver* rx,
                                     structio_channel_statistics* out) {
  return statistics(receiver, rx, out, "structio_receiver_get_statistics");
}
