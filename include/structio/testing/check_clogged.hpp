// The rules for streams on which the sender cannot send without waiting, CONF-13 to CONF-16, and
// CONF-19, which is for those that can be closed half. Part of check_stream.hpp; may still change
// between releases.
//
// A send that was given up leaves the stream in no state that one could go on from: every
// combination has a pair of its own.
#pragma once

#include <structio/testing/check_rules.hpp>

namespace structio {
inline namespace v0 {
namespace testing {
namespace detail_testing {

/// The two calls that wait on a clogged stream. The send is large, so that a stream which has room
/// for a few bytes in some corner is clogged all the same.
struct waits_to_send {
  static constexpr const char* name = "wait_send_might_not_block";
  template <class Sender>
  static void call(rule_check& check, Sender& sender) {
    check.wait_to_send(sender);
  }
};
struct sends {
  static constexpr const char* name = "send_all";
  template <class Sender>
  static void call(rule_check& check, Sender& sender) {
    check.send(sender, numbered_bytes(65536));
  }
};
struct ends_sending {
  static constexpr const char* name = "send_eof";
  template <class Sender>
  static void call(rule_check& check, Sender& sender) {
    check.send_eof(sender);
  }
};

[[noreturn]] inline void not_clogged(const rule_check& check, const char* what) {
  check.broken(std::string(what) + " returned although nobody has read");
}

/// CONF-13.
inline constexpr auto waits_until_read = [](rule_check& check, auto& sender, auto& receiver) {
  bool reading = false;
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      check.wait_to_send(sender);
      if (!reading) not_clogged(check, waits_to_send::name);
      n.cancel_scope().cancel("there is room");
    });
    wait_all_tasks_blocked();
    reading = true;
    while (!check.receive(receiver, 16384).empty()) continue;
    check.broken("the stream ended although the sender is open");
  });
};

/// CONF-14 and CONF-19: a second call while the first waits.
template <class First, class Second>
inline constexpr auto second_is_busy = [](rule_check& check, auto& sender, auto&) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      First::call(check, sender);
      not_clogged(check, First::name);
    });
    wait_all_tasks_blocked();
    check.template expect<busy_error>(
        std::string(Second::name) + " while another task is in " + First::name,
        [&] { Second::call(check, sender); });
    n.cancel_scope().cancel("the first one was not disturbed");
  });
};

/// CONF-15.
inline constexpr auto receiver_goes = [](rule_check& check, auto& sender, auto& receiver) {
  const auto wait = [&] {
    try {
      check.wait_to_send(sender);
    } catch (const broken_error&) {
    }
  };
  open_nursery([&](nursery& n) {
    n.start_soon(wait);
    wait_all_tasks_blocked();
    check.close_by_force(receiver);
  });
  wait();
};

/// CONF-16.
template <class Call>
inline constexpr auto sender_goes_while_in = [](rule_check& check, auto& sender, auto&) {
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      check.template expect<closed_error>(std::string("the ") + Call::name + " that was waiting",
                                          [&] { Call::call(check, sender); });
    });
    wait_all_tasks_blocked();
    check.close_by_force(sender);
  });
};

/// CONF-13 to CONF-16.
template <class Maker>
void check_clogged_rules(const rule_suite& suite, Maker& clogged) {
  check_rule(suite, clogged, "CONF-13",
             "wait_send_might_not_block waits on a clogged stream until the receiver reads",
             waits_until_read);
  const char* const busy =
      "while a task waits in send_all or wait_send_might_not_block, another one that calls either "
      "gets busy_error, and the first goes on";
  check_rule(suite, clogged, "CONF-14", busy, second_is_busy<waits_to_send, waits_to_send>);
  check_rule(suite, clogged, "CONF-14", busy, second_is_busy<waits_to_send, sends>);
  check_rule(suite, clogged, "CONF-14", busy, second_is_busy<sends, waits_to_send>);
  check_rule(suite, clogged, "CONF-14", busy, second_is_busy<sends, sends>);
  check_rule(suite, clogged, "CONF-15",
             "when the receiver closes, wait_send_might_not_block returns or throws broken_error, "
             "also when it is called later",
             receiver_goes);
  const char* const closed =
      "a send_all or wait_send_might_not_block that waits ends with closed_error when its stream "
      "is closed";
  check_rule(suite, clogged, "CONF-16", closed, sender_goes_while_in<sends>);
  check_rule(suite, clogged, "CONF-16", closed, sender_goes_while_in<waits_to_send>);
}

/// CONF-19.
template <class Maker>
void check_clogged_half_close(const rule_suite& suite, Maker& clogged) {
  const char* const busy =
      "send_eof gets busy_error while a task waits in send_all or wait_send_might_not_block";
  check_rule(suite, clogged, "CONF-19", busy, second_is_busy<sends, ends_sending>);
  check_rule(suite, clogged, "CONF-19", busy, second_is_busy<waits_to_send, ends_sending>);
}

}  // namespace detail_testing
}  // namespace testing
}  // namespace v0
}  // namespace structio
