// Channels between runs, each of which has a thread of its own, and from plain threads into a run.
//
//     auto [tx, rx] = structio::open_channel<job>(64);
//     structio::remote_sender<job> to_here(tx);
//     std::thread producer([&] { to_here.send(job{1}); });    // blocks while the buffer is full
//     for (job& j : rx) work(j);
#pragma once

#include <structio/structio_remote.h>
#include <structio/channel.hpp>

#include <utility>

namespace structio {
inline namespace v0 {

/// An end where items go in for all who are not in the channel's run; closes when destroyed. Made
/// in that run; several threads may send at once. As long as it exists no deadlock is reported
/// there, since something may be sent.
template <class T>
class remote_sender {
 public:
  /// Throws closed_error, usage_error (another run's; outside of one), std::bad_alloc.
  explicit remote_sender(const sender<T>& tx) {
    detail::check(structio_remote_sender_new(tx.native(), &raw_));
  }
  remote_sender(remote_sender&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  remote_sender& operator=(remote_sender&& other) noexcept {
    remote_sender taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  ~remote_sender() { structio_remote_sender_free(raw_); }

  /// Sends, and waits until the item is in the buffer or received: a thread blocks, a task of
  /// another run (or of the same) waits; checkpoint then. When it throws, `value` is what it was.
  /// Throws `cancelled`, broken_error (no receiver is left), run_finished, std::bad_alloc.
  void send(T&& value) {
    const int status = detail::offer(value, [this](void* item) {
      return detail::uncancelled_in_cleanup(
          [&] { return structio_remote_sender_send(raw_, item); });
    });
    if (status < 0) [[unlikely]]
      detail::throw_status(status);
  }
  void send(const T& value) requires std::is_copy_constructible_v<T> {
    T copy(value);
    send(std::move(copy));
  }

  structio_remote_sender* native() const noexcept { return raw_; }

 private:
  structio_remote_sender* raw_ = nullptr;
};

}  // namespace v0
}  // namespace structio
