// The suites that say whether a byte stream of one's own behaves as every other one does. Part
// of testing.hpp; may still change between releases.
//
//     TEST_CASE("my stream is a stream") {
//       structio::testing::virtual_clock clock;
//       structio::run({.clock = clock}, [] {
//         structio::testing::check_two_way_stream([] { return my_stream_pair(); });
//       });
//     }
//
// A maker is called without arguments, in a task, as often as the suite needs a fresh connected
// pair, and returns it as a std::pair. What a stream has to have:
//
//     std::size_t receive_some(std::span<std::byte>)       0 at the end of the stream
//     void send_all(std::span<const std::byte>)
//     void wait_send_might_not_block()
//     void close()                                         closes even when cancelled
//     void send_eof()                                      where one direction can be ended alone
//
// and that it can be moved, and closes at once when it is destroyed. In a pair for one way only the
// first end has the calls for sending and the second that for receiving.
//
// A maker of clogged pairs makes some whose ends cannot send without waiting: with every buffer on
// the way full. Without one (nullptr) the rules for such streams, CONF-13 to CONF-16 and CONF-19,
// are not checked.
//
// Always true: a broken rule is an assertion_failed whose text begins with the rule's id, "CONF-06"
// say, and tells what happened. A stream that hangs breaks a rule as well: the limit in the options
// cuts it off, at once on a virtual clock. What makers throw passes. Any budget of the run will do.
// The order of tasks does not matter to a stream that is right: run the suites under several seeds
// (explore.hpp).
#pragma once

#include <structio/testing/check_clogged.hpp>
#include <structio/testing/check_one_way.hpp>
#include <structio/testing/check_rules.hpp>
#include <structio/testing/check_two_way.hpp>

namespace structio {
inline namespace v0 {
namespace testing {

namespace detail_testing {

template <class Maker, class Clogged>
void check_one_direction(const rule_suite& suite, Maker& maker, Clogged& clogged) {
  check_open_rules(suite, maker);
  if constexpr (!no_maker<Clogged>) check_clogged_rules(suite, clogged);
}

/// A maker of the same pairs the other way round.
template <class Maker>
auto flipped(Maker& maker) {
  return [&maker] {
    auto ends = maker();
    return std::pair(std::move(ends.second), std::move(ends.first));
  };
}

template <class Maker, class Clogged>
void check_two_directions(const stream_check_options& options, Maker& maker, Clogged& clogged) {
  const rule_suite there{options, " (the first end sends)"};
  const rule_suite back{options, " (the second end sends; CONF-17)"};
  auto flipped_maker = flipped(maker);
  check_one_direction(there, maker, clogged);
  if constexpr (no_maker<Clogged>) {
    check_one_direction(back, flipped_maker, clogged);
  } else {
    auto flipped_clogged = flipped(clogged);
    check_one_direction(back, flipped_maker, flipped_clogged);
  }
  check_two_way_rules(there, maker);
  check_two_way_rules(back, flipped_maker);
}

template <class Maker, class Clogged>
void check_half_close(const rule_suite& suite, Maker& maker, Clogged& clogged) {
  check_half_close_rules(suite, maker);
  if constexpr (!no_maker<Clogged>) check_clogged_half_close(suite, clogged);
}

}  // namespace detail_testing

/// Checks streams that go from the first end to the second. Returns when every rule holds.
/// Checkpoint. Throws assertion_failed, what a maker throws, `cancelled`.
template <class Maker, class Clogged = std::nullptr_t>
requires detail_testing::sending_end<detail_testing::first_end<Maker>> &&
    detail_testing::receiving_end<detail_testing::second_end<Maker>> &&
    detail_testing::clogged_maker_for<Clogged, Maker>
void check_one_way_stream(Maker&& maker, Clogged&& clogged_maker = nullptr,
                          const stream_check_options& options = {}) {
  const detail_testing::rule_suite suite{options, {}};
  detail_testing::check_one_direction(suite, maker, clogged_maker);
}

/// Checks streams that go both ways: all of the above in both directions, and both at once. A
/// clogged pair is clogged in both directions. Checkpoint. Throws as check_one_way_stream.
template <class Maker, class Clogged = std::nullptr_t>
requires detail_testing::two_way_end<detail_testing::first_end<Maker>> &&
    detail_testing::two_way_end<detail_testing::second_end<Maker>> &&
    detail_testing::clogged_maker_for<Clogged, Maker>
void check_two_way_stream(Maker&& maker, Clogged&& clogged_maker = nullptr,
                          const stream_check_options& options = {}) {
  detail_testing::check_two_directions(options, maker, clogged_maker);
}

/// Checks two-way streams of which each end can end its direction alone: all of the above, and
/// that. Checkpoint. Throws as check_one_way_stream.
template <class Maker, class Clogged = std::nullptr_t>
requires detail_testing::half_closeable_end<detail_testing::first_end<Maker>> &&
    detail_testing::half_closeable_end<detail_testing::second_end<Maker>> &&
    detail_testing::clogged_maker_for<Clogged, Maker>
void check_half_closeable_stream(Maker&& maker, Clogged&& clogged_maker = nullptr,
                                 const stream_check_options& options = {}) {
  detail_testing::check_two_directions(options, maker, clogged_maker);
  const detail_testing::rule_suite there{options, " (the first end sends)"};
  detail_testing::check_half_close(there, maker, clogged_maker);
  const detail_testing::rule_suite back{options, " (the second end sends; CONF-17)"};
  auto flipped_maker = detail_testing::flipped(maker);
  if constexpr (detail_testing::no_maker<Clogged>) {
    detail_testing::check_half_close(back, flipped_maker, clogged_maker);
  } else {
    auto flipped_clogged = detail_testing::flipped(clogged_maker);
    detail_testing::check_half_close(back, flipped_maker, flipped_clogged);
  }
}

}  // namespace testing
}  // namespace v0
}  // namespace structio
