// The rules for streams that go one way, CONF-01 to CONF-12. Part of check_stream.hpp; may still
// change between releases.
//
// Each rule is a callable that gets its check and both ends; what others run while it waits are
// children of a nursery, which refer to what was declared outside of it.
#pragma once

#include <structio/event.hpp>
#include <structio/testing/check_rules.hpp>

namespace structio {
inline namespace v0 {
namespace testing {
namespace detail_testing {

/// CONF-01.
inline constexpr auto one_byte_goes_through = [](rule_check& check, auto& sender, auto& receiver) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.send(sender, "x"); });
    check.receive_exactly(receiver, "x");
  });
  // In the order in which they were sent, however small the pieces are that they are taken in.
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.send(sender, "abc"); });
    for (const char* one : {"a", "b", "c"}) check.receive_exactly(receiver, std::string_view(one));
  });
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.close(sender); });
    n.start_soon([&] { check.close(receiver); });
  });
};

/// CONF-02.
inline constexpr auto nothing_is_not_the_end = [](rule_check& check, auto& sender, auto& receiver) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      check.send(sender, "");
      check.send(sender, "x");
    });
    check.receive_exactly(receiver, "x");
  });
  // Nor does it wake one who waits.
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.receive_exactly(receiver, "x"); });
    wait_all_tasks_blocked();
    check.send(sender, "");
    wait_all_tasks_blocked();
    check.send(sender, "x");
  });
};

/// CONF-03.
inline constexpr auto no_room_is_a_mistake = [](rule_check& check, auto& sender, auto& receiver) {
  const auto receive_nothing = [&] { check.receive(receiver, 0); };
  check.template expect<std::invalid_argument>("receive_some without room", receive_nothing);
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.send(sender, "x"); });
    wait_all_tasks_blocked();
    check.template expect<std::invalid_argument>("receive_some without room", receive_nothing);
    const bytes got = check.receive(receiver, 65536);
    if (got != bytes{std::byte{'x'}}) {
      check.broken("one byte was there, receive_some returned " + std::to_string(got.size()));
    }
  });
};

/// CONF-04.
inline constexpr auto one_receiver_at_a_time = [](rule_check& check, auto& sender, auto& receiver) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.receive_exactly(receiver, "x"); });
    wait_all_tasks_blocked();
    check.template expect<busy_error>("receive_some while another task is in it",
                                      [&] { check.receive(receiver); });
    check.send(sender, "x");
  });
};

/// CONF-05.
inline constexpr auto may_send_when_awaited = [](rule_check& check, auto& sender, auto& receiver) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.receive_exactly(receiver, "x"); });
    wait_all_tasks_blocked();
    check.checked(
        "wait_send_might_not_block", [&] { sender.wait_send_might_not_block(); }, "CONF-05");
    check.send(sender, "x");
  });
};

/// CONF-06.
inline constexpr auto receiver_closed = [](rule_check& check, auto& sender, auto& receiver) {
  const auto data = numbered_bytes(100);
  const auto send = [&] { check.send(sender, data); };
  const auto sent = [&] {
    try {
      send();
    } catch (const broken_error&) {
      return false;
    }
    return true;
  };
  check.close(receiver);
  // The news may take its time. That there is time in between is what ends the wait for it on a
  // virtual clock, too.
  while (sent()) sleep(std::chrono::milliseconds(1));
  for (int i = 0; i < 3; ++i) {
    check.template expect<broken_error>("send_all after it has thrown broken_error", send);
  }
  check.template expect<closed_error>("receive_some of the closed end",
                                      [&] { check.receive(receiver); });
  check.close(receiver);
  check.close(sender);
};

/// CONF-07.
inline constexpr auto sender_closed = [](rule_check& check, auto& sender, auto&) {
  check.close(sender);
  for (int i = 0; i < 2; ++i) {
    check.template expect<closed_error>("send_all", [&] { check.send(sender, "x"); });
    check.template expect<closed_error>("send_all of nothing", [&] { check.send(sender, ""); });
    check.template expect<closed_error>("wait_send_might_not_block",
                                        [&] { check.wait_to_send(sender); });
    check.close(sender);
  }
};

/// CONF-08.
inline constexpr auto all_data_then_the_end = [](rule_check& check, auto& sender, auto& receiver) {
  const auto data = numbered_bytes(3000);
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      for (std::size_t i = 0; i < data.size(); i += 1000) {
        check.send(sender, std::span(data).subspan(i, 1000));
      }
      check.close(sender);
    });
    wait_all_tasks_blocked();  // so that the sender runs ahead as far as it can
    check.receive_exactly(receiver, data);
    for (int i = 0; i < 2; ++i) check.receive_end(receiver);
  });
  check.close(receiver);
};

/// The end of the stream, or an error that says that the other end is gone.
template <class Receiver>
void receive_after_force(rule_check& check, Receiver& receiver) {
  try {
    check.receive_end(receiver);
  } catch (const broken_error&) {
  }
}

/// CONF-09, for `close(check, sender)`.
template <class Close>
constexpr auto sender_goes(Close close) {
  return [close](rule_check& check, auto& sender, auto& receiver) {
    close(check, sender);
    receive_after_force(check, receiver);
  };
}
template <class Close>
constexpr auto sender_goes_while_awaited(Close close) {
  return [close](rule_check& check, auto& sender, auto& receiver) {
    open_nursery([&](nursery& n) {
      n.start_soon([&] { receive_after_force(check, receiver); });
      wait_all_tasks_blocked();
      close(check, sender);
    });
  };
}
inline constexpr auto close_sender_by_force = [](rule_check& check, auto& sender) {
  check.close_by_force(sender);
  check.template expect<closed_error>("send_all", [&] { check.send(sender, "x"); });
};
inline constexpr auto destroy_sender = [](rule_check&, auto& sender) {
  const auto gone = std::move(sender);
};

/// CONF-10.
inline constexpr auto close_when_cancelled = [](rule_check& check, auto& sender, auto& receiver) {
  check.close_by_force(receiver);
  check.close_by_force(sender);
  check.template expect<closed_error>("send_all after close in a cancelled scope",
                                      [&] { check.send(sender, "x"); });
  check.template expect<closed_error>("receive_some after close in a cancelled scope",
                                      [&] { check.receive(receiver); });
};

/// Makes the call in a cancelled scope, where it must throw `cancelled`.
template <class Call>
void expect_cancelled(rule_check& check, const char* what, Call&& call) {
  cancel_scope scope;
  scope.cancel();
  if (scope.run(std::forward<Call>(call))) {
    check.broken(std::string(what) + " returned in a scope that was cancelled before");
  }
}

/// CONF-11: after a send that was cancelled only closing is left.
inline constexpr auto cancelled_then_closed = [](rule_check& check, auto& sender, auto& receiver) {
  expect_cancelled(check, "send_all", [&] { check.send(sender, "x"); });
  expect_cancelled(check, "receive_some", [&] { check.receive(receiver); });
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.close(sender); });
    n.start_soon([&] { check.close(receiver); });
  });
};

/// CONF-11: a receive_some that was cancelled has taken nothing: before it waited,
inline constexpr auto cancelled_with_data = [](rule_check& check, auto& sender, auto& receiver) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.send(sender, "xyz"); });
    wait_all_tasks_blocked();
    expect_cancelled(check, "receive_some", [&] { check.receive(receiver); });
    check.receive_exactly(receiver, "xyz");
  });
};

/// while it waited,
inline constexpr auto cancelled_in_wait = [](rule_check& check, auto& sender, auto& receiver) {
  cancel_scope scope;
  open_nursery([&](nursery& n) {
    n.start_soon([&] { scope.run([&] { check.receive(receiver); }); });
    wait_all_tasks_blocked();
    scope.cancel();
  });
  if (!scope.cancelled_caught()) check.broken("receive_some returned though nothing was sent");
  open_nursery([&](nursery& n) {
    n.start_soon([&] { check.send(sender, "xyz"); });
    check.receive_exactly(receiver, "xyz");
  });
};

/// and while bytes came. Who is first is not known to the suite; what comes out must fit.
enum class cancel_comes { before_send, beside_send, after_send };
template <cancel_comes When>
inline constexpr auto cancelled_in_race = [](rule_check& check, auto& sender, auto& receiver) {
  cancel_scope scope;
  event settled;
  bytes got;
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      scope.run([&] { got = check.receive(receiver); });
      settled.set();
    });
    wait_all_tasks_blocked();
    if (When == cancel_comes::before_send) scope.cancel();
    n.start_soon([&] {
      check.send(sender, "xyz");
      if (When == cancel_comes::after_send) scope.cancel();
    });
    if (When == cancel_comes::beside_send) n.start_soon([&] { scope.cancel(); });
    settled.wait();
    if (got.empty() && !scope.cancelled_caught()) {
      check.broken("receive_some returned the end, and the stream is open");
    }
    const auto sent = std::as_bytes(std::span<const char>("xyz", 3));
    if (got.size() > sent.size() || !std::equal(got.begin(), got.end(), sent.begin())) {
      check.broken("receive_some returned other bytes than were sent");
    }
    check.receive_exactly(receiver, sent.subspan(got.size()));
  });
};

/// CONF-12.
inline constexpr auto closed_while_receiving = [](rule_check& check, auto&, auto& receiver) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      check.template expect<closed_error>("the receive_some that was waiting",
                                          [&] { check.receive(receiver); });
    });
    wait_all_tasks_blocked();
    check.close(receiver);
  });
};

template <class Maker>
void check_closing_rules(const rule_suite& suite, Maker& maker) {
  check_rule(suite, maker, "CONF-06",
             "when the receiver has closed, the sender gets broken_error sooner or later, and then "
             "always; the receiver itself gets closed_error and may close again",
             receiver_closed);
  check_rule(suite, maker, "CONF-07",
             "a sender that was closed throws closed_error, also for a send of nothing, and may be "
             "closed again",
             sender_closed);
  check_rule(suite, maker, "CONF-08",
             "what was sent before a graceful close arrives, then the stream ends",
             all_data_then_the_end);
  check_rule(suite, maker, "CONF-10", "close in a cancelled scope closes all the same",
             close_when_cancelled);
  const char* const force =
      "when the sender was closed by force, or destroyed, it throws closed_error and the receiver "
      "gets the end of the stream or broken_error: no data, no hang";
  check_rule(suite, maker, "CONF-09", force, sender_goes(close_sender_by_force));
  check_rule(suite, maker, "CONF-09", force, sender_goes(destroy_sender));
  check_rule(suite, maker, "CONF-09", force, sender_goes_while_awaited(close_sender_by_force));
  check_rule(suite, maker, "CONF-09", force, sender_goes_while_awaited(destroy_sender));
  check_rule(suite, maker, "CONF-12",
             "a receive_some that waits ends with closed_error when its stream is closed",
             closed_while_receiving);
}

/// CONF-01 to CONF-12.
template <class Maker>
void check_open_rules(const rule_suite& suite, Maker& maker) {
  check_rule(suite, maker, "CONF-01", "what is sent is what is received", one_byte_goes_through);
  check_rule(suite, maker, "CONF-02", "sending nothing has no effect: it is not the end",
             nothing_is_not_the_end);
  check_rule(suite, maker, "CONF-03",
             "receive_some throws std::invalid_argument for an empty buffer, and does not wait for "
             "a large one to be full",
             no_room_is_a_mistake);
  check_rule(suite, maker, "CONF-04",
             "the second of two tasks in receive_some gets busy_error, the first goes on",
             one_receiver_at_a_time);
  check_rule(suite, maker, "CONF-05",
             "wait_send_might_not_block returns, as a checkpoint, when the receiver waits",
             may_send_when_awaited);
  const char* const cancelling =
      "calls made in a cancelled scope throw cancelled; a receive_some that was cancelled has "
      "taken "
      "nothing, and the stream can be closed gracefully";
  check_rule(suite, maker, "CONF-11", cancelling, cancelled_then_closed);
  check_rule(suite, maker, "CONF-11", cancelling, cancelled_with_data);
  check_rule(suite, maker, "CONF-11", cancelling, cancelled_in_wait);
  using enum cancel_comes;
  check_rule(suite, maker, "CONF-11", cancelling, cancelled_in_race<before_send>);
  check_rule(suite, maker, "CONF-11", cancelling, cancelled_in_race<beside_send>);
  check_rule(suite, maker, "CONF-11", cancelling, cancelled_in_race<after_send>);
  check_closing_rules(suite, maker);
}

}  // namespace detail_testing
}  // namespace testing
}  // namespace v0
}  // namespace structio
