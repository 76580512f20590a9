// How the stream suites check one rule: a fresh pair of streams, a limit of time, and a failure
// that names the rule. Used by check_one_way.hpp and its neighbours; users include
// check_stream.hpp. May still change between releases.
//
// Always true: a rule that is broken is an assertion_failed whose text begins with the rule's id.
// A stream that hangs is cut off after the limit, which takes no time on a virtual clock. Both ends
// are destroyed when the rule ends, however it ends. What the caller is cancelled for passes.
#pragma once

#include <structio/error.hpp>
#include <structio/exception_group.hpp>
#include <structio/group.hpp>
#include <structio/nursery.hpp>
#include <structio/scope.hpp>
#include <structio/stream.hpp>
#include <structio/testing/checkpoints.hpp>
#include <structio/testing/clock.hpp>
#include <structio/testing/pattern.hpp>
#include <structio/time.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {
namespace testing {

/// What the suites need to know besides the streams.
struct stream_check_options {
  duration limit = std::chrono::seconds(30);  ///< a rule that takes longer is broken: it hangs
  std::uint64_t seed = 1;  ///< of the sizes of pieces where the suite draws them at random
};

namespace detail_testing {

// What stream.hpp asks of a stream, and that it can be handed on and returns what it should.
template <class T>
concept sending_end = send_stream<T> && std::move_constructible<T> &&
    requires(T& end, std::span<const std::byte> data) {
  { end.send_all(data) } -> std::same_as<void>;
};
template <class T>
concept receiving_end = receive_stream<T> && std::move_constructible<T>;
template <class T>
concept two_way_end = sending_end<T> && receiving_end<T>;
template <class T>
concept half_closeable_end = two_way_end<T> && half_closeable_stream<T>;

template <class Maker>
using first_end = std::remove_cvref_t<decltype(std::declval<Maker&>()().first)>;
template <class Maker>
using second_end = std::remove_cvref_t<decltype(std::declval<Maker&>()().second)>;

/// No pair to be had whose first end cannot send without waiting.
template <class Maker>
inline constexpr bool no_maker = std::is_same_v<std::remove_cvref_t<Maker>, std::nullptr_t>;
template <class Clogged, class Maker>
concept clogged_maker_for = no_maker<Clogged> || requires(Clogged& clogged, Maker& maker) {
  { clogged() } -> std::same_as<decltype(maker())>;
};

using bytes = std::vector<std::byte>;

/// Bytes of which each depends on where it stands.
inline bytes numbered_bytes(std::size_t size, std::uint32_t state = 12345) {
  bytes made(size);
  for (std::byte& one : made) {
    state = state * 1664525 + 1013904223;
    one = static_cast<std::byte>(state >> 24);
  }
  return made;
}

inline constexpr const char* no_exception = "something that is no std::exception";

/// What all rules of one run of a suite share.
struct rule_suite {
  stream_check_options options;
  std::string where;  ///< which way the bytes go; empty where there is but one
};

/// The rule that is being checked. Its bodies make every call of a stream through it.
class rule_check {
 public:
  rule_check(const rule_suite& suite, const char* id, const char* says)
      : suite_(suite), id_(id), says_(says) {}

  [[noreturn]] void broken(const std::string& how) const { broken(id_, says_, how); }

  std::uint64_t seed() const noexcept { return suite_.options.seed; }

  template <class Sender>
  void send(Sender& to, std::span<const std::byte> data) {
    checked("send_all", [&] { to.send_all(data); });
  }
  template <class Sender>
  void send(Sender& to, std::string_view text) {
    send(to, std::as_bytes(std::span<const char>(text)));
  }

  template <class Sender>
  void wait_to_send(Sender& to) {
    checked("wait_send_might_not_block", [&] { to.wait_send_might_not_block(); });
  }

  template <class Sender>
  void send_eof(Sender& to) {
    checked("send_eof", [&] { to.send_eof(); });
  }

  template <class End>
  void close(End& end) {
    checked("close", [&] { end.close(); });
  }

  /// What one call takes; empty at the end of the stream.
  template <class Receiver>
  bytes receive(Receiver& from, std::size_t most = 4096) {
    bytes got(most);
    const std::size_t size = checked("receive_some", [&] { return from.receive_some(got); });
    if (size > most) {
      broken("receive_some was given room for " + std::to_string(most) + " bytes and returned " +
             std::to_string(size));
    }
    got.resize(size);
    return got;
  }

  /// Takes bytes until all of `due` are there, and compares them.
  template <class Receiver>
  void receive_exactly(Receiver& from, std::span<const std::byte> due) {
    std::size_t there = 0;
    while (there < due.size()) {
      const bytes got = receive(from, due.size() - there);
      if (got.empty()) {
        broken("the stream ended after " + std::to_string(there) + " of " +
               std::to_string(due.size()) + " bytes");
      }
      const auto differs = std::mismatch(got.begin(), got.end(), due.data() + there);
      if (differs.first != got.end()) {
        const auto index = static_cast<std::size_t>(differs.first - got.begin());
        broken("byte " + std::to_string(there + index) + " is another than was sent");
      }
      there += got.size();
    }
  }
  template <class Receiver>
  void receive_exactly(Receiver& from, std::string_view due) {
    receive_exactly(from, std::as_bytes(std::span<const char>(due)));
  }

  /// The stream ends here, without an error.
  template <class Receiver>
  void receive_end(Receiver& from) {
    if (!receive(from).empty()) broken("receive_some returned bytes where the end was due");
  }

  /// Closes without waiting for anybody: close() in a cancelled scope.
  template <class End>
  void close_by_force(End& end) {
    cancel_scope scope;
    scope.cancel("closing by force");
    scope.run([&] { note_wait("close", [&] { end.close(); }); });
  }

  /// Makes the call, which must throw an E. `what` names it.
  template <class E, class Call>
  void expect(const std::string& what, Call&& call) {
    std::string instead = "returned";
    try {
      std::invoke(std::forward<Call>(call));
    } catch (const E&) {
      return;
    } catch (const assertion_failed&) {
      throw;
    } catch (const std::exception& other) {
      instead = std::string("threw \"") + other.what() + '"';
    } catch (const cancelled&) {
      throw;
    } catch (const interrupted&) {
      throw;
    } catch (...) {
      instead = std::string("threw ") + no_exception;
    }
    broken(what + ' ' + instead + " where " + type_name<E>() + " was due");
  }

  /// The call must be a checkpoint; `id` is the rule that says so.
  template <class Call>
  decltype(auto) checked(const char* what, Call&& call, const char* id = "CONF-01") {
    return note_wait(what, [&]() -> decltype(auto) {
      try {
        return assert_checkpoints(std::forward<Call>(call));
      } catch (const assertion_failed& missing) {
        broken(id, "every call that can wait is a full checkpoint",
               std::string(what) + " was none: " + missing.what());
      }
    });
  }

  /// Tells what the limit cut off, in an order that no run's seed changes.
  [[noreturn]] void hung() const {
    std::vector<std::string_view> sorted(waiting_.begin(), waiting_.end());
    std::sort(sorted.begin(), sorted.end());
    std::string waiting;
    for (const std::string_view what : sorted) {
      waiting += (waiting.empty() ? "; at the end these were waiting: " : ", ");
      waiting += what;
    }
    const std::chrono::duration<double> limit = suite_.options.limit;
    broken("it hung, and was given up after " + std::to_string(limit.count()) + " s" + waiting);
  }

 private:
  [[noreturn]] void broken(const char* id, const char* says, const std::string& how) const {
    throw assertion_failed(std::string(id) + suite_.where + ": " + says + ". Broken: " + how);
  }

  template <class Call>
  decltype(auto) note_wait(const char* what, Call&& call) {
    try {
      return std::invoke(std::forward<Call>(call));
    } catch (const cancelled& cut_off) {
      if (cut_off.reason().source == cancel_source::deadline) waiting_.push_back(what);
      throw;
    }
  }

  const rule_suite& suite_;
  const char* id_;
  const char* says_;
  std::vector<const char*> waiting_;
};

/// A fresh pair. What the maker throws is the caller's own.
template <class Maker>
auto make_ends(const rule_suite& suite, Maker& maker) {
  cancel_scope scope({.timeout = suite.options.limit});
  auto ends = scope.run([&] { return maker(); });
  if (!ends) throw assertion_failed("the maker of a connected pair of streams has hung");
  return *std::move(ends);
}

/// The verdict in a group, where the suite's own tasks have put it; null when there is none.
inline std::exception_ptr find_verdict(const failure& tree) {
  if (tree.kind() != failure_kind::group) {
    const bool decides = holds<assertion_failed>(tree) || holds<interrupted>(tree);
    return decides ? tree.exception() : nullptr;
  }
  for (std::size_t i = 0; i < tree.size(); ++i) {
    if (auto found = find_verdict(tree[i])) return found;
  }
  return nullptr;
}

/// Checks one rule: `body(check, first, second)` with a pair of its own.
template <class Maker, class Body>
void check_rule(const rule_suite& suite, Maker& maker, const char* id, const char* says,
                const Body& body) {
  auto ends = make_ends(suite, maker);
  rule_check check(suite, id, says);
  cancel_scope scope({.timeout = suite.options.limit});
  std::string thrown;
  try {
    scope.run([&] { body(check, ends.first, ends.second); });
  } catch (const assertion_failed&) {
    throw;
  } catch (const exception_group& group) {
    if (const auto verdict = find_verdict(group.as_failure())) std::rethrow_exception(verdict);
    thrown = to_string(group);
  } catch (const std::exception& one) {
    thrown = one.what();
  } catch (const cancelled&) {
    throw;
  } catch (const interrupted&) {
    throw;
  } catch (...) {
    thrown = no_exception;
  }
  if (scope.cancelled_caught()) check.hung();
  if (!thrown.empty()) check.broken("a call failed that should not have: " + thrown);
}

}  // namespace detail_testing
}  // namespace testing
}  // namespace v0
}  // namespace structio
