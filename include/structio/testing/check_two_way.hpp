// The rules for streams that go both ways, CONF-17, and for those of which one direction can be
// ended alone, CONF-18. Part of check_stream.hpp; may still change between releases.
#pragma once

#include <structio/testing/check_rules.hpp>

namespace structio {
inline namespace v0 {
namespace testing {
namespace detail_testing {

/// Sizes of pieces, the same for the same seed on every system.
class piece_sizes {
 public:
  explicit piece_sizes(std::uint64_t seed) : state_(seed * 2 + 1) {}

  std::size_t next() {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<std::size_t>(state_ >> 33) % largest + 1;
  }

 private:
  static constexpr std::size_t largest = 16384;
  std::uint64_t state_;
};

template <class Sender>
void send_in_pieces(rule_check& check, Sender& to, std::span<const std::byte> data,
                    piece_sizes sizes) {
  while (!data.empty()) {
    const std::size_t size = std::min(sizes.next(), data.size());
    check.send(to, data.first(size));
    data = data.subspan(size);
  }
}

template <class Receiver>
void receive_in_pieces(rule_check& check, Receiver& from, std::span<const std::byte> due,
                       piece_sizes sizes) {
  while (!due.empty()) {
    const std::size_t size = std::min(sizes.next(), due.size());
    check.receive_exactly(from, due.first(size));
    due = due.subspan(size);
  }
}

/// CONF-17.
inline constexpr auto both_ways_at_once = [](rule_check& check, auto& first, auto& second) {
  constexpr std::size_t size = std::size_t{1} << 20;
  const bytes there = numbered_bytes(size, 1);
  const bytes back = numbered_bytes(size, 2);
  const std::uint64_t seed = check.seed();
  open_nursery([&](nursery& n) {
    n.start_soon([&] { send_in_pieces(check, first, there, piece_sizes(seed)); });
    n.start_soon([&] { send_in_pieces(check, second, back, piece_sizes(seed + 1)); });
    n.start_soon([&] { receive_in_pieces(check, first, back, piece_sizes(seed + 2)); });
    n.start_soon([&] { receive_in_pieces(check, second, there, piece_sizes(seed + 3)); });
  });
};

/// CONF-17, and the same with a reader that waits already.
inline constexpr auto closing_is_the_end = [](rule_check& check, auto& first, auto& second) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.receive_end(second); });
    wait_all_tasks_blocked();
    check.close(first);
  });
  check.receive_end(second);
  check.close(second);
};

/// CONF-18.
inline constexpr auto one_direction_ends = [](rule_check& check, auto& first, auto& second) {
  const auto end_first = [&] {
    check.checked(
        "send_eof", [&] { first.send_eof(); }, "CONF-18");
  };
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      check.send(first, "before the end");
      end_first();
    });
    check.receive_exactly(second, "before the end");
    check.receive_end(second);
  });
  end_first();
  check.template expect<closed_error>("send_all after send_eof", [&] { check.send(first, "x"); });
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.send(second, "the other way"); });
    check.receive_exactly(first, "the other way");
  });
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.receive_end(first); });
    wait_all_tasks_blocked();
    check.send_eof(second);
  });
  check.receive_end(second);
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.close(first); });
    n.start_soon([&] { check.close(second); });
  });
};

template <class Maker>
void check_two_way_rules(const rule_suite& suite, Maker& maker) {
  check_rule(suite, maker, "CONF-17", "both directions work at once, and do not touch each other",
             both_ways_at_once);
  check_rule(suite, maker, "CONF-17", "closing one end is the end of the stream at the other",
             closing_is_the_end);
}

template <class Maker>
void check_half_close_rules(const rule_suite& suite, Maker& maker) {
  check_rule(suite, maker, "CONF-18",
             "send_eof ends one direction, behind what was sent before: then send_all throws "
             "closed_error, send_eof once more is a checkpoint without effect, and the other "
             "direction still works",
             one_direction_ends);
}

}  // namespace detail_testing
}  // namespace testing
}  // namespace v0
}  // namespace structio
