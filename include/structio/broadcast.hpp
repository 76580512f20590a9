// Broadcasts: every item goes to every subscriber.
//
//     structio::broadcast<price> prices(64, structio::lag::drop_oldest);
//     auto mine = prices.subscribe();
//     n.start_soon([&] { for (price& p : mine) show(p, mine.missed()); });
//     prices.send(price{...});
//
// Always true: a subscription gets all that is sent after it was made, in order; items lie in one
// ring, and each subscriber gets a copy, made in his own receive. Destructors close, and never
// wait.
#pragma once

#include <structio/structio_channel.h>
#include <structio/detail/item.hpp>
#include <structio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <utility>

namespace structio {
inline namespace v0 {

/// What a send does to a subscription that is behind by the broadcast's capacity.
enum class lag : std::uint32_t {
  wait = STRUCTIO_LAG_WAIT,                ///< the send waits for the slowest subscription
  drop_oldest = STRUCTIO_LAG_DROP_OLDEST,  ///< it misses the oldest item; see missed()
  disconnect = STRUCTIO_LAG_DISCONNECT,    ///< it gets nothing any more but broken_error
};

struct broadcast_statistics {
  std::int64_t buffer_used = 0;  ///< items that somebody has yet to receive
  std::int64_t capacity = 0;
  std::int64_t subscriptions = 0;      ///< neither closed nor disconnected
  std::int64_t waiting_senders = 0;    ///< tasks
  std::int64_t waiting_receivers = 0;  ///< tasks
  std::int64_t peak_buffer_used = 0;
  std::int64_t dropped = 0;       ///< items that some subscription has missed
  std::int64_t disconnected = 0;  ///< subscriptions
};

struct subscription_statistics {
  std::int64_t behind = 0;  ///< items that it has yet to receive
  std::int64_t missed = 0;  ///< in all
};

namespace detail {

/// What copying threw, until the receive that asked for the copy is back: told apart by its memory,
/// since other tasks may run and fail meanwhile.
struct thrown_copy {
  const void* slot;
  std::exception_ptr thrown;
  thrown_copy* next;
};
inline thread_local constinit thrown_copy* thrown_copies = nullptr;

/// The copy function of the C ABI.
template <class T>
int copy_item(void* to, const void* from) noexcept {
  try {
    if constexpr (fits_stack<T>) {
      ::new (to) T(*static_cast<const T*>(from));
    } else {
      ::new (to)(T*)(new T(**static_cast<T* const*>(from)));
    }
    return 0;
  } catch (...) {
    auto* kept = new (std::nothrow) thrown_copy{to, std::current_exception(), thrown_copies};
    if (kept == nullptr) return STRUCTIO_ENOMEM;
    thrown_copies = kept;
    return STRUCTIO_EPAYLOAD;
  }
}

/// Throws for a receive that has failed.
[[noreturn]] inline void throw_receive(int status, const void* slot) {
  for (thrown_copy** at = &thrown_copies; *at != nullptr; at = &(*at)->next) {
    if ((*at)->slot != slot) continue;
    const std::unique_ptr<thrown_copy> found(*at);
    *at = found->next;
    std::rethrow_exception(found->thrown);
  }
  throw_status(status);
}

}  // namespace detail

/// One subscriber's place in a broadcast. Movable; one receiving task at a time.
template <class T>
class subscription {
 public:
  explicit subscription(structio_subscription* raw) noexcept : raw_(raw) {}
  subscription(subscription&& other) noexcept
      : raw_(std::exchange(other.raw_, nullptr)), missed_(other.missed_) {}
  subscription& operator=(subscription&& other) noexcept {
    subscription taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    std::swap(missed_, taken.missed_);
    return *this;
  }
  ~subscription() { structio_subscription_free(raw_); }

  /// The next item; waits for one. Checkpoint. Throws end_of_channel (the broadcast is closed and
  /// all is received), broken_error (disconnected, being too slow), busy_error, closed_error (this
  /// subscription), `cancelled`, what copying throws (the item is still to be received).
  T receive() {
    detail::item_slot<T> slot;
    const int status = wait(slot);
    if (status < 0) [[unlikely]]
      detail::throw_receive(status, slot.memory());
    return slot.take();
  }

  /// The same, but nothing at the end.
  std::optional<T> receive_next() {
    std::optional<T> item;
    next_into(item);
    return item;
  }

  /// The next item if there is one, nothing when it would have to wait. Throws as receive. Any task
  /// or hook.
  [[nodiscard]] std::optional<T> try_receive() {
    std::optional<T> item;
    detail::item_slot<T> slot;
    std::uint64_t missed = 0;
    const int status = structio_subscription_try_receive(raw_, slot.memory(), &missed);
    if (status == STRUCTIO_EWOULDBLOCK) return item;
    if (status < 0) detail::throw_receive(status, slot.memory());
    missed_ = missed;
    slot.take_into(item);
    return item;
  }

  /// How many items were dropped just before the one that was received last.
  std::uint64_t missed() const noexcept { return missed_; }

  /// `for (T& item : sub)`: each step is a receive; the loop ends when the broadcast is closed.
  auto begin() { return detail::item_iterator<T, subscription>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Receives into an empty `item`, and leaves it empty at the end. Checkpoint.
  void next_into(std::optional<T>& item) {
    detail::item_slot<T> slot;
    const int status = wait(slot);
    if (status == STRUCTIO_EEND) return;
    if (status < 0) [[unlikely]]
      detail::throw_receive(status, slot.memory());
    slot.take_into(item);
  }

  /// Ends the subscription: a task that waits here gets closed_error. Idempotent. Not a checkpoint.
  /// Any task or hook.
  void close() { detail::check(structio_subscription_close(raw_)); }

  subscription_statistics statistics() const {
    structio_subscription_statistics raw{};
    raw.struct_size = sizeof raw;
    detail::check(structio_subscription_get_statistics(raw_, &raw));
    return {raw.behind, raw.missed};
  }

  structio_subscription* native() const noexcept { return raw_; }

 private:
  int wait(detail::item_slot<T>& slot) {
    std::uint64_t missed = 0;
    const int status = detail::uncancelled_in_cleanup(
        [&] { return structio_subscription_receive(raw_, slot.memory(), &missed); });
    if (status >= 0) missed_ = missed;
    return status;
  }

  structio_subscription* raw_;
  std::uint64_t missed_ = 0;
};

/// The sending side. Movable; several tasks may send.
template <detail::channel_value T>
requires std::is_copy_constructible_v<T>
class broadcast {
 public:
  /// `capacity`: how far a subscription may be behind, at least 1, or `unlimited`. Throws
  /// std::invalid_argument, usage_error (no run), std::bad_alloc. Any task or hook.
  explicit broadcast(std::int64_t capacity, lag when_behind = lag::wait) {
    structio_item_type type = detail::item_type<T>();
    if constexpr (!detail::is_plain<T>) type.copy = &detail::copy_item<T>;
    detail::check(
        structio_broadcast_new(&type, capacity, static_cast<std::uint32_t>(when_behind), &raw_));
  }
  broadcast(broadcast&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  broadcast& operator=(broadcast&& other) noexcept {
    broadcast taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  /// Closes: subscribers get what there is, and then the end.
  ~broadcast() { structio_broadcast_free(raw_); }

  /// Sends to all who subscribe now; waits only by lag::wait. Checkpoint. When it throws, `value`
  /// is what it was. Throws `cancelled`, closed_error, std::bad_alloc.
  void send(T&& value) {
    const int status = detail::offer(value, [this](void* item) {
      return detail::uncancelled_in_cleanup([&] { return structio_broadcast_send(raw_, item); });
    });
    if (status < 0) [[unlikely]]
      detail::throw_status(status);
  }
  void send(const T& value) {
    T copy(value);
    send(std::move(copy));
  }

  /// Sends when that needs no waiting: false, and `value` is what it was, when it does. Any task or
  /// hook.
  [[nodiscard]] bool try_send(T&& value) {
    const int status = detail::offer(
        value, [this](void* item) { return structio_broadcast_try_send(raw_, item); });
    if (status == STRUCTIO_EWOULDBLOCK) return false;
    detail::check(status);
    return true;
  }
  [[nodiscard]] bool try_send(const T& value) {
    T copy(value);
    return try_send(std::move(copy));
  }

  /// A subscription to all that is sent from now on; it may outlive the broadcast. Throws
  /// closed_error, std::bad_alloc. Any task or hook.
  [[nodiscard]] subscription<T> subscribe() {
    structio_subscription* made = nullptr;
    detail::check(structio_broadcast_subscribe(raw_, &made));
    return subscription<T>(made);
  }

  /// Nothing more is sent: who waits to send gets closed_error. Idempotent. Not a checkpoint. Any
  /// task or hook.
  void close() { detail::check(structio_broadcast_close(raw_)); }

  broadcast_statistics statistics() const {
    structio_broadcast_statistics raw{};
    raw.struct_size = sizeof raw;
    detail::check(structio_broadcast_get_statistics(raw_, &raw));
    return {raw.buffer_used,       raw.capacity,         raw.subscriptions, raw.waiting_senders,
            raw.waiting_receivers, raw.peak_buffer_used, raw.dropped,       raw.disconnected};
  }

  structio_broadcast* native() const noexcept { return raw_; }

 private:
  structio_broadcast* raw_ = nullptr;
};

}  // namespace v0
}  // namespace structio
