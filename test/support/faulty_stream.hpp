// A byte stream in memory that is right, or wrong in exactly one way that one chooses: what the
// conformance suites are tried on. It is built on the face's own parts, as a user's stream would
// be.
#pragma once

#include <structio/structio.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace faulty {

enum class fault {
  none,
  bytes_change,
  receive_is_no_checkpoint,
  send_is_no_checkpoint,
  close_is_no_checkpoint,
  empty_send_ends,
  empty_send_wakes,
  receives_nothing,
  fills_the_buffer,
  two_receivers,
  second_receiver_ousts_first,
  wait_never_returns,
  wait_is_no_checkpoint,
  never_breaks,
  breaks_once,
  closed_receiver_is_at_end,
  closes_once,
  sends_nothing_when_closed,
  waits_when_closed,
  close_drops_data,
  close_is_no_end,
  data_after_force,
  force_is_no_end,
  cancelled_close_leaves_open,
  cancelled_receive_takes,
  cancelled_after_taking,
  close_leaves_receiver,
  close_is_end_for_receiver,
  wait_returns_at_once,
  wait_is_not_woken,
  two_senders,
  wait_outlives_receiver,
  close_leaves_sender,
  close_ends_wait,
  one_task_for_both_ways,
  large_transfer_changes,
  eof_closes_both_ways,
  sends_after_eof,
  eof_once,
  second_eof_is_no_checkpoint,
  eof_while_sending,
};

/// One direction.
struct pipe {
  explicit pipe(std::size_t size) : room(size) {}
  std::size_t room;
  std::deque<std::byte> bytes;
  std::size_t sent = 0;
  bool ended = false;
  bool seems_ended = false;
  bool receiver_closed = false;
  bool ousted = false;
  structio::parking_lot receivers;
  structio::parking_lot senders;
  structio::resource_guard receiving{"another task is receiving"};
  structio::resource_guard sending{"another task is sending"};

  bool full() const { return bytes.size() >= room; }
  void end() {
    ended = true;
    receivers.unpark_all();
  }
};

class stream {
 public:
  stream(std::shared_ptr<pipe> out, std::shared_ptr<pipe> in, fault wrong)
      : b_(new body{std::move(out), std::move(in), wrong}) {}
  stream(stream&&) = default;
  ~stream() {
    if (b_) shut(true);
  }

  std::size_t receive_some(std::span<std::byte> buffer) {
    if (buffer.empty() && !has(fault::receives_nothing)) {
      throw std::invalid_argument("there is no room to receive into");
    }
    const auto from = b_->in;
    try {
      return receive(*from, buffer);
    } catch (const structio::cancelled&) {
      if (has(fault::cancelled_receive_takes) && !from->bytes.empty()) from->bytes.pop_front();
      throw;
    }
  }

  void send_all(std::span<const std::byte> data) {
    structio::checkpoint_if_cancelled();
    if (b_->closed && data.empty() && has(fault::sends_nothing_when_closed)) return give_way();
    refuse_closed();
    const auto to = b_->out;
    const auto here = enter(to->sending, fault::two_senders);
    if (b_->eof_sent && !has(fault::sends_after_eof)) refuse("the sending was ended");
    if (data.empty() && has(fault::empty_send_ends)) to->end();
    if (data.empty() && has(fault::empty_send_wakes)) {
      to->seems_ended = true;
      to->receivers.unpark_all();
    }
    while (!data.empty()) {
      if (b_->closed) refuse("closed while sending");
      if (to->receiver_closed && breaks()) throw structio::broken_error("the receiver is gone");
      if (to->receiver_closed) break;
      if (to->full()) {
        to->senders.park();
        continue;
      }
      const std::size_t size = std::min(data.size(), to->room - to->bytes.size());
      put(*to, data.first(size));
      data = data.subspan(size);
    }
    if (!has(fault::send_is_no_checkpoint)) give_way();
  }

  void wait_send_might_not_block() {
    const auto to = b_->out;
    if (has(fault::wait_is_no_checkpoint) && !to->full() && !b_->closed) return;
    structio::checkpoint_if_cancelled();
    if (b_->closed && has(fault::waits_when_closed)) return give_way();
    refuse_closed();
    const auto here = enter(to->sending, fault::two_senders);
    while (has(fault::wait_never_returns)) to->senders.park();
    if (has(fault::wait_returns_at_once)) return give_way();
    while (to->full() && !b_->closed) {
      if (to->receiver_closed && !has(fault::wait_outlives_receiver)) break;
      to->senders.park();
      while (has(fault::wait_is_not_woken) && !b_->closed && !to->receiver_closed) {
        to->senders.park();
      }
    }
    if (b_->closed && !has(fault::close_ends_wait)) refuse("closed while waiting");
    give_way();
  }

  void send_eof() {
    if (b_->eof_sent && has(fault::second_eof_is_no_checkpoint)) return;
    structio::checkpoint_if_cancelled();
    refuse_closed();
    if (b_->eof_sent && has(fault::eof_once)) refuse("the sending was ended before");
    const auto here = enter(b_->out->sending, fault::eof_while_sending);
    b_->eof_sent = true;
    b_->out->end();
    if (has(fault::eof_closes_both_ways)) shut(false);
    give_way();
  }

  void close() {
    if (has(fault::cancelled_close_leaves_open)) structio::checkpoint();
    if (b_->closed && has(fault::closes_once)) refuse("closed before");
    shut(structio::current_deadline() == structio::time_point::min());
    if (!has(fault::close_is_no_checkpoint)) structio::checkpoint();
  }

 private:
  struct body {
    std::shared_ptr<pipe> out;
    std::shared_ptr<pipe> in;
    fault wrong;
    bool closed = false;
    bool eof_sent = false;
    bool broke = false;
  };
  using entry = std::optional<structio::resource_guard::entry>;

  bool has(fault one) const { return b_->wrong == one; }
  static void give_way() { structio::cancel_shielded_checkpoint(); }

  [[noreturn]] static void refuse(const char* why) {
    give_way();
    throw structio::closed_error(why);
  }
  void refuse_closed() const {
    if (b_->closed) refuse("closed");
  }

  /// Nothing when the fault is that nobody looks.
  entry enter(structio::resource_guard& guard, fault unguarded) {
    entry here;
    auto& whole = has(fault::one_task_for_both_ways) ? b_->out->sending : guard;
    if (!has(unguarded)) here.emplace(whole.enter());
    return here;
  }

  bool breaks() {
    if (has(fault::never_breaks) || (has(fault::breaks_once) && b_->broke)) return false;
    b_->broke = true;
    give_way();
    return true;
  }

  void put(pipe& to, std::span<const std::byte> data) {
    for (std::byte one : data) {
      ++to.sent;
      const bool wrong = has(fault::bytes_change) ||
                         (has(fault::large_transfer_changes) && to.sent % 100'000 == 0);
      to.bytes.push_back(wrong ? one ^ std::byte{1} : one);
    }
    to.receivers.unpark_all();
  }

  std::size_t receive(pipe& from, std::span<std::byte> buffer) {
    const bool quick = has(fault::receive_is_no_checkpoint) && !from.bytes.empty();
    if (!quick) structio::checkpoint_if_cancelled();
    if (b_->closed && has(fault::closed_receiver_is_at_end)) return give_way(), 0;
    refuse_closed();
    if (has(fault::second_receiver_ousts_first) && from.receiving.entered()) {
      from.ousted = true;
      from.receivers.unpark_all();
      while (from.receiving.entered()) structio::checkpoint();
    }
    const auto here = enter(from.receiving, fault::two_receivers);
    const std::size_t enough = has(fault::fills_the_buffer) ? buffer.size() : 1;
    while (from.bytes.size() < enough && !from.ended && !b_->closed) {
      from.receivers.park();
      if (std::exchange(from.ousted, false)) throw structio::busy_error("ousted");
      if (std::exchange(from.seems_ended, false)) return 0;
    }
    if (b_->closed && has(fault::close_is_end_for_receiver)) return 0;
    if (b_->closed) refuse("closed while receiving");
    const std::size_t size = std::min(buffer.size(), from.bytes.size());
    const auto last = from.bytes.begin() + static_cast<std::ptrdiff_t>(size);
    std::copy(from.bytes.begin(), last, buffer.begin());
    from.bytes.erase(from.bytes.begin(), last);
    from.senders.unpark_all();
    if (has(fault::cancelled_after_taking)) structio::checkpoint();
    if (!quick) give_way();
    return size;
  }

  void shut(bool by_force) {
    if (std::exchange(b_->closed, true)) return;
    pipe& out = *b_->out;
    pipe& in = *b_->in;
    if (has(fault::close_drops_data)) out.bytes.clear();
    if (by_force && has(fault::data_after_force)) put(out, std::span(&farewell, 1));
    const bool silent =
        (by_force && has(fault::force_is_no_end)) || (!by_force && has(fault::close_is_no_end));
    if (!silent) out.end();
    in.receiver_closed = true;
    in.senders.unpark_all();
    if (!has(fault::close_leaves_sender)) out.senders.unpark_all();
    if (!has(fault::close_leaves_receiver)) in.receivers.unpark_all();
  }

  static constexpr std::byte farewell{0};
  std::unique_ptr<body> b_;
};

using ends = std::pair<stream, stream>;

/// A connected pair, each end wrong in its own way.
inline ends make_pair(fault first, fault second, std::size_t room = 4096) {
  const auto there = std::make_shared<pipe>(room);
  const auto back = std::make_shared<pipe>(room);
  return {stream(there, back, first), stream(back, there, second)};
}

/// The same with every buffer full.
inline ends make_clogged_pair(fault first, fault second) {
  const auto there = std::make_shared<pipe>(1000);
  const auto back = std::make_shared<pipe>(1000);
  there->bytes.assign(there->room, std::byte{'c'});
  back->bytes.assign(back->room, std::byte{'c'});
  return {stream(there, back, first), stream(back, there, second)};
}

}  // namespace faulty
