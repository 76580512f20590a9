// Channels: items of one type from senders to receivers, within a run.
//
//     auto [tx, rx] = structio::open_channel<std::string>(16);
//     structio::open_nursery([&](structio::nursery& n) {
//       n.start_soon([tx = std::move(tx)]() mutable { tx.send("hello"); });   // closes at its end
//       for (std::string& line : rx) print(line);      // ends when every sender is closed
//     });
//
// Always true: first come, first served. An item is wholly sent or not at all: when a send fails or
// is cancelled, the value is still in the variable that was offered. Destructors close, and never
// wait; but only in the channel's run, or after it: on a worker thread they leave their end open. A
// handle that is copied is cloned: each copy counts as an end of its own. While a send waits the
// variable has been moved from; a type that cannot be assigned, and may throw when moved, is copied
// instead, and refused when it cannot be copied either. Items that are destroyed in a channel may
// do what does not wait, in the task that closes: give back a lock or a token that is that task's.
#pragma once

#include <structio/structio_channel.h>
#include <structio/detail/item.hpp>
#include <structio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// The state of a channel, the same from either end.
struct channel_statistics {
  std::int64_t buffer_used = 0;
  std::int64_t capacity = 0;
  std::int64_t open_senders = 0;
  std::int64_t open_receivers = 0;
  std::int64_t waiting_senders = 0;    ///< waits: a select with two such cases counts twice
  std::int64_t waiting_receivers = 0;  ///< waits
  std::int64_t peak_buffer_used = 0;
};

template <class T>
struct channel;

namespace detail {

template <class Handle>
channel_statistics read_statistics(int (*read)(const Handle*, structio_channel_statistics*),
                                   const Handle* handle) {
  structio_channel_statistics raw{};
  raw.struct_size = sizeof raw;
  check(read(handle, &raw));
  return {raw.buffer_used,     raw.capacity,          raw.open_senders,    raw.open_receivers,
          raw.waiting_senders, raw.waiting_receivers, raw.peak_buffer_used};
}

/// An owned handle of one end, with the functions that both kinds have.
template <class Handle, int (*Clone)(Handle*, Handle**), int (*Close)(Handle*),
          int (*Free)(Handle*), int (*Statistics)(const Handle*, structio_channel_statistics*)>
class channel_handle {
 public:
  explicit channel_handle(Handle* raw) noexcept : raw_(raw) {}
  channel_handle(const channel_handle& other) {
    if (other.raw_ != nullptr) check(Clone(other.raw_, &raw_));
  }
  channel_handle(channel_handle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  channel_handle& operator=(channel_handle other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  /// Closes this end.
  ~channel_handle() { Free(raw_); }

  /// Closes this end: whoever waits at it gets closed_error, later calls too. Idempotent. Not a
  /// checkpoint. Any task or hook.
  void close() { check(Close(raw_)); }

  /// Any task or hook.
  channel_statistics statistics() const { return read_statistics<Handle>(Statistics, raw_); }

  Handle* native() const noexcept { return raw_; }

 protected:
  Handle* raw_ = nullptr;
};

using sender_handle =
    channel_handle<structio_sender, &structio_sender_clone, &structio_sender_close,
                   &structio_sender_free, &structio_sender_get_statistics>;
using receiver_handle =
    channel_handle<structio_receiver, &structio_receiver_clone, &structio_receiver_close,
                   &structio_receiver_free, &structio_receiver_get_statistics>;

}  // namespace detail

/// The end where items go in. Several tasks may use one handle; copying makes another one. Throws
/// when copied: closed_error (this one is closed), std::bad_alloc.
template <class T>
class sender : public detail::sender_handle {
 public:
  /// Takes over a handle of the C ABI, whose items are of this type.
  explicit sender(structio_sender* raw) noexcept : detail::sender_handle(raw) {}

  /// Sends; waits while the buffer is full, or with capacity 0 until somebody receives. Checkpoint.
  /// When it throws, `value` is what it was. Throws `cancelled`, closed_error (this end),
  /// broken_error (no receiver is left), std::bad_alloc (the buffer cannot grow).
  void send(T&& value) {
    const int status = detail::offer(value, [this](void* item) {
      return detail::uncancelled_in_cleanup([&] { return structio_sender_send(raw_, item); });
    });
    if (status < 0) [[unlikely]]
      detail::throw_status(status);
  }
  void send(const T& value) requires std::is_copy_constructible_v<T> {
    T copy(value);
    send(std::move(copy));
  }

  /// Sends when that needs no waiting: false, and `value` is what it was, when it does. Throws as
  /// send. Any task or hook.
  [[nodiscard]] bool try_send(T&& value) {
    const int status =
        detail::offer(value, [this](void* item) { return structio_sender_try_send(raw_, item); });
    if (status == STRUCTIO_EWOULDBLOCK) return false;
    detail::check(status);
    return true;
  }
  [[nodiscard]] bool try_send(const T& value) requires std::is_copy_constructible_v<T> {
    T copy(value);
    return try_send(std::move(copy));
  }

  /// Another end of its own. Throws closed_error, std::bad_alloc. Any task or hook.
  [[nodiscard]] sender clone() const { return *this; }
};

/// The end where items come out. Several tasks may use one handle, and each item goes to one of
/// them; copying makes another one, likewise.
template <class T>
class receiver : public detail::receiver_handle {
 public:
  /// Takes over a handle of the C ABI, whose items are of this type.
  explicit receiver(structio_receiver* raw) noexcept : detail::receiver_handle(raw) {}

  /// The next item; waits for one. Checkpoint. Throws end_of_channel (every sender is closed and
  /// all is received), `cancelled`, closed_error (this end).
  T receive() {
    detail::item_slot<T> slot;
    detail::blocking([&] { return structio_receiver_receive(raw_, slot.memory()); });
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
    const int status = structio_receiver_try_receive(raw_, slot.memory());
    if (status == STRUCTIO_EWOULDBLOCK) return item;
    detail::check(status);
    slot.take_into(item);
    return item;
  }

  /// All items that are there, at most `most`; waits for the first. Never empty. Checkpoint. Throws
  /// as receive.
  std::vector<T> receive_batch(std::size_t most = SIZE_MAX) {
    return batch(most, [](structio_receiver* rx, void* slots, std::size_t capacity) {
      return detail::uncancelled_in_cleanup(
          [&] { return structio_receiver_receive_batch(rx, slots, capacity); });
    });
  }

  /// The same without waiting: empty when there is none. Any task or hook.
  [[nodiscard]] std::vector<T> try_receive_batch(std::size_t most = SIZE_MAX) {
    return batch(most, &structio_receiver_try_receive_batch);
  }

  /// Another end of its own. Throws closed_error, std::bad_alloc. Any task or hook.
  [[nodiscard]] receiver clone() const { return *this; }

  /// `for (T& item : rx)`: each step is a receive; the loop ends at the end of the channel. Several
  /// tasks may loop over one receiver and share what comes.
  auto begin() { return detail::item_iterator<T, receiver>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Receives into an empty `item`, and leaves it empty at the end. Checkpoint.
  void next_into(std::optional<T>& item) {
    detail::item_slot<T> slot;
    const int status = detail::uncancelled_in_cleanup(
        [&] { return structio_receiver_receive(raw_, slot.memory()); });
    if (status == STRUCTIO_EEND) return;
    if (status < 0) [[unlikely]]
      detail::throw_status(status);
    slot.take_into(item);
  }

 private:
  using stored_item = detail::item_of<T>;
  static constexpr std::size_t piece =
      sizeof(stored_item) >= 1024
          ? 1
          : 1024 / sizeof(stored_item);  // what a task's stack can easily bear

  // Items come in pieces, since nobody knows how many there will be; only the first may wait. What
  // has been received is never lost: when there is no memory for more, less is received.
  template <class First>
  std::vector<T> batch(std::size_t most, First first) {
    std::vector<T> all;
    if (most == 0) throw std::invalid_argument("a batch of at most 0 items is none");
    all.reserve(most < piece ? most : piece);
    alignas(stored_item) std::byte slots[piece * sizeof(stored_item)];
    std::int64_t got = first(raw_, slots, most < piece ? most : piece);
    if (got == STRUCTIO_EWOULDBLOCK) return all;
    detail::check(got);
    for (;;) {
      append(all, slots, static_cast<std::size_t>(got));
      const std::size_t left = most - all.size();
      if (static_cast<std::size_t>(got) < piece || left == 0 || !grow(all)) return all;
      got = structio_receiver_try_receive_batch(raw_, slots, left < piece ? left : piece);
      if (got < 0) return all;
    }
  }

  static bool grow(std::vector<T>& all) noexcept {
    try {
      all.reserve(all.size() * 2 + piece);
      return true;
    } catch (...) {
      return false;
    }
  }

  static void append(std::vector<T>& all, std::byte* slots, std::size_t count) {
    struct rest {
      std::byte* next;
      std::size_t left;
      ~rest() {
        for (; left > 0; --left, next += sizeof(stored_item)) detail::destroy_item<T>(next);
      }
    } pending{slots, count};
    for (; pending.left > 0; --pending.left, pending.next += sizeof(stored_item)) {
      auto* one = std::launder(reinterpret_cast<stored_item*>(pending.next));
      if constexpr (detail::fits_stack<T>) {
        all.push_back(std::move(*one));
      } else {
        all.push_back(std::move(**one));
      }
      detail::destroy_item<T>(one);
    }
  }
};

/// Both ends of a new channel: `auto [tx, rx] = open_channel<T>(n)`, or used by their names.
template <class T>
struct channel {
  sender<T> tx;
  receiver<T> rx;
};

/// Makes a channel for the calling run. `capacity`: 0 (a send ends when a receiver has the item),
/// how many items may wait in the buffer, or `unlimited`; memory is taken as items come. Throws
/// std::invalid_argument (negative), usage_error (no run), std::bad_alloc. Any task or hook.
template <detail::channel_value T>
[[nodiscard]] channel<T> open_channel(std::int64_t capacity) {
  const structio_item_type type = detail::item_type<T>();
  structio_sender* tx = nullptr;
  structio_receiver* rx = nullptr;
  detail::check(structio_channel_new(&type, capacity, &tx, &rx));
  return {sender<T>(tx), receiver<T>(rx)};
}

}  // namespace v0
}  // namespace structio
