// The conformance suites find what is wrong, and say which rule it breaks: each fault that the
// stream in support/faulty_stream.hpp can have, one at a time.
#include <structio/structio.hpp>
#include <structio/testing/check_stream.hpp>

#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/face.hpp"
#include "support/faulty_stream.hpp"

using namespace face;
using faulty::fault;
using structio::testing::assertion_failed;
using structio::testing::check_half_closeable_stream;
using structio::testing::check_one_way_stream;
using structio::testing::check_two_way_stream;

namespace {

/// What the whole suite says of a stream; empty when it finds nothing.
std::string verdict(fault first, fault second) {
  const auto found = thrown<assertion_failed>([&] {
    check_half_closeable_stream([&] { return faulty::make_pair(first, second); },
                                [&] { return faulty::make_clogged_pair(first, second); });
  });
  return found ? found->what() : "";
}

std::string verdict(fault both) {
  return verdict(both, both);
}

struct expectation {
  fault wrong;
  const char* id;
  const char* text;
};

void expect_all(std::initializer_list<expectation> all) {
  face::run([&] {
    for (const expectation& one : all) {
      INFO("fault " << static_cast<int>(one.wrong));
      const std::string text = verdict(one.wrong);
      CHECK_THAT(text, StartsWith(one.id));
      CHECK_THAT(text, ContainsSubstring(one.text));
    }
  });
}

}  // namespace

TEST_CASE("what is wrong with calls on an open stream is found and named",
          "[CONF-01][CONF-02][CONF-03][CONF-04][CONF-05]") {
  expect_all({
      {fault::bytes_change, "CONF-01", "byte 0 is another than was sent"},
      {fault::receive_is_no_checkpoint, "CONF-01", "receive_some was none"},
      {fault::send_is_no_checkpoint, "CONF-01", "send_all was none: the block did not give way"},
      {fault::close_is_no_checkpoint, "CONF-01", "close was none"},
      {fault::empty_send_ends, "CONF-02", "the stream ended after 0 of 1 bytes"},
      {fault::empty_send_wakes, "CONF-02", "the stream ended after 0 of 1 bytes"},
      {fault::receives_nothing, "CONF-03", "were waiting: receive_some"},
      {fault::fills_the_buffer, "CONF-03", "were waiting: receive_some"},
      {fault::two_receivers, "CONF-04", "receive_some"},
      {fault::second_receiver_ousts_first, "CONF-04", "ousted"},
      {fault::wait_never_returns, "CONF-05",
       "were waiting: receive_some, wait_send_might_not_block"},
      {fault::wait_is_no_checkpoint, "CONF-05", "wait_send_might_not_block was none"},
  });
}

namespace {

/// Throws what is no exception, where it should send or break.
struct throws_a_number {
  structio::any_stream s;
  std::size_t size;

  std::size_t receive_some(std::span<std::byte> buffer) { return s.receive_some(buffer); }
  void send_all(std::span<const std::byte> data) {
    if (data.size() == size) throw 7;
    s.send_all(data);
  }
  void wait_send_might_not_block() { s.wait_send_might_not_block(); }
  void close() { s.close(); }
};

std::string verdict_on_numbers(std::size_t size) {
  const auto found = thrown<assertion_failed>([&] {
    check_two_way_stream([&] {
      auto pair = structio::testing::memory_stream_pair();
      return std::pair(throws_a_number{std::move(pair.first), size},
                       throws_a_number{std::move(pair.second), size});
    });
  });
  return found ? found->what() : "";
}

}  // namespace

TEST_CASE("what a stream throws that is no exception breaks a rule as well") {
  face::run([] {
    // In the rule's own task, and in a child of it.
    CHECK_THAT(verdict_on_numbers(100), StartsWith("CONF-06"));
    CHECK_THAT(verdict_on_numbers(100), ContainsSubstring("no std::exception"));
    CHECK_THAT(verdict_on_numbers(1), StartsWith("CONF-01"));
    CHECK_THAT(verdict_on_numbers(1), ContainsSubstring("int (task"));
  });
}

TEST_CASE("what is wrong with closing and cancelling is found and named",
          "[CONF-06][CONF-07][CONF-08][CONF-09][CONF-10][CONF-11][CONF-12]") {
  expect_all({
      {fault::never_breaks, "CONF-06", "it hung"},
      {fault::breaks_once, "CONF-06", "after it has thrown broken_error returned"},
      {fault::closed_receiver_is_at_end, "CONF-06", "receive_some of the closed end returned"},
      {fault::closes_once, "CONF-06", "closed before"},
      {fault::sends_nothing_when_closed, "CONF-07", "send_all of nothing returned"},
      {fault::waits_when_closed, "CONF-07", "wait_send_might_not_block returned"},
      {fault::close_drops_data, "CONF-08", "the stream ended after"},
      {fault::close_is_no_end, "CONF-08", "were waiting: receive_some"},
      {fault::data_after_force, "CONF-09", "returned bytes where the end was due"},
      {fault::force_is_no_end, "CONF-09", "were waiting: receive_some"},
      {fault::cancelled_close_leaves_open, "CONF-10", "after close in a cancelled scope"},
      {fault::cancelled_receive_takes, "CONF-11", ""},
      {fault::cancelled_after_taking, "CONF-11", ""},
      {fault::close_leaves_receiver, "CONF-12", "were waiting: receive_some"},
      {fault::close_is_end_for_receiver, "CONF-12", "the receive_some that was waiting returned"},
  });
}

TEST_CASE("what is wrong with a clogged stream is found and named",
          "[CONF-13][CONF-14][CONF-15][CONF-16]") {
  expect_all({
      {fault::wait_returns_at_once, "CONF-13", "although nobody has read"},
      {fault::wait_is_not_woken, "CONF-13", "wait_send_might_not_block"},
      {fault::two_senders, "CONF-14", "it hung"},
      {fault::wait_outlives_receiver, "CONF-15", "were waiting: wait_send_might_not_block"},
      {fault::close_leaves_sender, "CONF-16", "were waiting: send_all"},
      {fault::close_ends_wait, "CONF-16", "wait_send_might_not_block that was waiting returned"},
  });
}

TEST_CASE("what is wrong with two directions is found and named", "[CONF-17][CONF-18][CONF-19]") {
  expect_all({
      {fault::one_task_for_both_ways, "CONF-17", "another task is sending"},
      {fault::large_transfer_changes, "CONF-17", "is another than was sent"},
      {fault::eof_closes_both_ways, "CONF-18", "closed"},
      {fault::sends_after_eof, "CONF-18", "send_all after send_eof returned"},
      {fault::eof_once, "CONF-18", "the sending was ended before"},
      {fault::second_eof_is_no_checkpoint, "CONF-18", "send_eof was none"},
      {fault::eof_while_sending, "CONF-19", "send_eof while another task is in send_all returned"},
  });
}

TEST_CASE("a fault of one end is found whichever it is, and the direction is told", "[CONF-17]") {
  face::run([] {
    CHECK_THAT(verdict(fault::bytes_change, fault::none),
               StartsWith("CONF-01 (the first end sends): "));
    CHECK_THAT(verdict(fault::none, fault::bytes_change),
               StartsWith("CONF-01 (the second end sends; CONF-17): "));
    CHECK_THAT(verdict(fault::none, fault::eof_while_sending),
               StartsWith("CONF-19 (the second end sends; CONF-17): "));
  });
}

TEST_CASE("a hang takes no time on a virtual clock, and the limit on any other") {
  for (const auto limit : {structio::duration(10ms), structio::duration(1h)}) {
    face::run([&] {
      const auto begin = structio::now();
      const auto hangs = [] { return faulty::make_pair(fault::wait_never_returns, fault::none); };
      const auto found =
          thrown<assertion_failed>([&] { check_one_way_stream(hangs, nullptr, {.limit = limit}); });
      REQUIRE(found);
      CHECK(structio::now() - begin == limit);
    });
  }
}

TEST_CASE("what makers do is told as their own") {
  face::run([] {
    CHECK(throws<key_error>(
        [] { check_one_way_stream([]() -> faulty::ends { throw key_error("no connection"); }); }));
    const auto hung = thrown<assertion_failed>(
        [] { check_one_way_stream([]() -> faulty::ends { structio::sleep_forever(); }); });
    REQUIRE(hung);
    CHECK_THAT(hung->what(), ContainsSubstring("maker"));
  });
}

TEST_CASE("whoever cancels the suite is not told of a broken rule") {
  face::run([] {
    const auto hangs = [] { return faulty::make_pair(fault::wait_never_returns, fault::none); };
    CHECK_FALSE(structio::move_on_after(1s, [&] { check_one_way_stream(hangs); }));
    structio::cancel_scope scope;
    scope.cancel();
    CHECK_FALSE(scope.run([&] { check_one_way_stream(hangs); }));
  });
}
