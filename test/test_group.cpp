// Groups of failures: taking them apart, unwrapping, printing, "while doing" lines; exceptions on
// their way through the C ABI.
#include <system_error>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/face.hpp"

using namespace face;
using structio::exception_group;
using structio::failure_kind;
using structio::nursery;
using structio::open_nursery;

namespace {

template <class E>
std::exception_ptr make(E error) {
  return std::make_exception_ptr(std::move(error));
}

/// group(key "a", group(value "b", key "c"), value "d")
exception_group nested() {
  return {make(key_error("a")), make(exception_group{make(value_error("b")), make(key_error("c"))}),
          make(value_error("d"))};
}

/// A cancellation as an exception, made inside a run.
std::exception_ptr a_cancellation() {
  structio::cancel_scope scope;
  std::exception_ptr result;
  scope.run([&] {
    scope.cancel("test");
    try {
      structio::checkpoint();
    } catch (...) {
      result = std::current_exception();
    }
  });
  return result;
}

struct derived_key_error : key_error {};

}  // namespace

TEST_CASE("a group is made of exceptions and gives the very same back", "[NUR-01]") {
  const auto first = make(key_error());
  const auto second = make(5);
  const exception_group group{first, second};
  CHECK(group.size() == 2);
  CHECK(group.exception(0) == first);
  CHECK(group.exception(1) == second);
  CHECK(group.exceptions() == std::vector<std::exception_ptr>{first, second});
  CHECK(group[0].kind() == failure_kind::payload);
  CHECK_THAT(group[0].message(), ContainsSubstring("key_error: key"));
  CHECK_THAT(group[1].message(), ContainsSubstring("int"));
  const exception_group copy = group;
  CHECK(copy.as_failure() == group.as_failure());
  CHECK(!group[7]);
  CHECK(group[7].exception() == nullptr);
}

TEST_CASE("split goes by what catch would catch, and keeps the nesting", "[CANCEL-27]") {
  const auto [keys, rest] = structio::split<key_error>(nested());
  REQUIRE(keys);
  REQUIRE(rest);
  CHECK(count<key_error>(*keys) == 2);
  CHECK(count<value_error>(*keys) == 0);
  REQUIRE(keys->size() == 2);
  CHECK((*keys)[1].kind() == failure_kind::group);
  CHECK((*keys)[1].size() == 1);
  CHECK(count<value_error>(*rest) == 2);
  CHECK(rest->size() == 2);

  const auto [all, none] = structio::split<std::exception>(nested());
  CHECK(all);
  CHECK(!none);
  const auto [nothing, everything] = structio::split<std::bad_alloc>(nested());
  CHECK(!nothing);
  CHECK(everything);
  CHECK(structio::split<key_error>(exception_group{make(derived_key_error())}).matched);
  CHECK(!structio::split<derived_key_error>(exception_group{make(key_error())}).matched);
}

TEST_CASE("split by a predicate, which may throw", "[CANCEL-27]") {
  const auto [matched, rest] = structio::split_if(nested(), [](const structio::failure& leaf) {
    return std::string(leaf.message()).back() == 'b';
  });
  REQUIRE(matched);
  CHECK(count<value_error>(*matched) == 1);
  CHECK(matched->size() == 1);
  CHECK((*matched)[0].kind() == failure_kind::group);
  REQUIRE(rest);
  CHECK(rest->size() == 3);
  CHECK(throws<int>(
      [] { structio::split_if(nested(), [](const structio::failure&) -> bool { throw 3; }); }));
}

TEST_CASE("split knows cancelled", "[CANCEL-27]") {
  face::run([] {
    const exception_group mixed{a_cancellation(), make(key_error())};
    const auto [cancelled, rest] = structio::split<structio::cancelled>(mixed);
    REQUIRE(cancelled);
    CHECK(cancelled->size() == 1);
    CHECK((*cancelled)[0].reason().text == "test");
    REQUIRE(rest);
    CHECK(count<key_error>(*rest) == 1);
  });
}

TEST_CASE("catch_each handles each leaf and throws the rest", "[CANCEL-27]") {
  std::string seen;
  const auto note = [&](const key_error& error) { seen += error.what(); };
  const auto rest =
      thrown<exception_group>([&] { structio::catch_each<key_error>(nested(), note); });
  CHECK(seen == "ac");
  REQUIRE(rest);
  CHECK(count<value_error>(*rest) == 2);
  CHECK(count<key_error>(*rest) == 0);
  structio::catch_each<std::runtime_error>(nested(),
                                           [&](const auto& error) { seen += error.what(); });
  CHECK(seen == "acabcd");
  CHECK(throws<int>(
      [] { structio::catch_each<key_error>(nested(), [](const key_error&) { throw 1; }); }));
}

TEST_CASE("a single error is unwrapped as it is, by one layer", "[UTIL-03]") {
  const auto error = make(key_error());
  std::exception_ptr seen;
  try {
    structio::unwrap_single(exception_group{error});
  } catch (const key_error&) {
    seen = std::current_exception();
  }
  CHECK(seen == error);
  const exception_group inner{error};
  const auto unwrapped =
      thrown<exception_group>([&] { structio::unwrap_single(exception_group{make(inner)}); });
  REQUIRE(unwrapped);
  CHECK(unwrapped->as_failure() == inner.as_failure());
  face::run([&] {
    CHECK(throws<key_error>([&] {
      structio::unwrap_single(exception_group{a_cancellation(), error, a_cancellation()});
    }));
  });
  CHECK(structio::unwrap_single([] { return 3; }) == 3);
  CHECK(throws<key_error>([&] { structio::unwrap_single([&] { throw exception_group{error}; }); }));
  CHECK(throws<value_error>([] { structio::unwrap_single([] { throw value_error(); }); }));
}

TEST_CASE("several errors are not unwrapped, and an interrupt outranks them", "[UTIL-04]") {
  face::run([] {
    const auto cancelled = thrown<structio::cancelled>([] {
      structio::unwrap_single(exception_group{a_cancellation(), a_cancellation()});
    });
    REQUIRE(cancelled);
    CHECK(cancelled->reason().text == "test");
  });
  const exception_group two{make(key_error()), make(value_error())};
  const auto defect = thrown<structio::internal_error>([&] { structio::unwrap_single(two); });
  REQUIRE(defect);
  CHECK(defect->cause() == two.as_failure());
  face::run([] {
    std::exception_ptr interrupt;
    structio::testing::inject_interrupt();
    try {
      structio::checkpoint();
    } catch (...) {
      interrupt = std::current_exception();
    }
    const exception_group group{make(key_error()), interrupt, make(value_error())};
    const auto outranks = thrown<structio::interrupted>([&] { structio::unwrap_single(group); });
    REQUIRE(outranks);
    CHECK(outranks->cause() == group.as_failure());
  });
}

TEST_CASE("a group prints as a tree", "[NUR-19]") {
  const auto text = structio::to_string(nested());
  CHECK_THAT(text, ContainsSubstring("3 tasks failed"));
  CHECK_THAT(text, ContainsSubstring("key_error: a"));
  CHECK_THAT(text, ContainsSubstring("2 tasks failed"));
  CHECK_THAT(text, ContainsSubstring("value_error: b"));
  std::ostringstream out;
  out << nested();
  CHECK(out.str() == text);
  const auto group = thrown<exception_group>([] {
    face::run([] {
      open_nursery(
          [](nursery& n) { n.start_soon({.name = "fetcher"}, [] { throw key_error(); }); });
    });
  });
  REQUIRE(group);
  CHECK((*group)[0].task_name() == "fetcher");
  CHECK_THAT(structio::to_string(*group), ContainsSubstring("fetcher"));
}

TEST_CASE("what a task was doing is told", "[NUR-02]") {
  const auto error = make(key_error("no such host"));
  const auto group = thrown<exception_group>([&] {
    face::run([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          structio::while_doing("loading the page", [&] {
            CHECK(structio::while_doing(std::string("adding"), [] { return 3; }) == 3);
            structio::while_doing("looking up", [&] {
              // What is caught and forgotten leaves no line behind.
              CHECK(throws<int>([] { structio::while_doing("trying", [] { throw 1; }); }));
              structio::checkpoint();
              std::rethrow_exception(error);
            });
          });
        });
      });
    });
  });
  REQUIRE(group);
  CHECK(group->exception(0) == error);
  REQUIRE((*group)[0].while_count() == 2);
  CHECK(std::string((*group)[0].while_at(0)) == "looking up");
  CHECK(std::string((*group)[0].while_at(1)) == "loading the page");
  const auto text = structio::to_string(*group);
  CHECK_THAT(text, ContainsSubstring("while looking up") &&
                       ContainsSubstring("while loading the page") && !ContainsSubstring("trying"));
}

TEST_CASE("while_doing works on groups, and outside of a run", "[NUR-02]") {
  const auto group = thrown<exception_group>([] {
    face::run(
        [] { structio::while_doing("serving", [] { open_nursery([] { throw key_error(); }); }); });
  });
  REQUIRE(group);
  CHECK(group->as_failure().while_count() == 1);
  CHECK(throws<key_error>([] { structio::while_doing("x", [] { throw key_error(); }); }));
}

TEST_CASE("an exception does not cross the C ABI, and is there again behind it", "[FIB-10]") {
  const auto error = make(key_error());
  face::run([&] {
    structio_nursery storage;
    REQUIRE(structio_nursery_open(&storage) == 0);
    const auto child = [](void* arg) {
      return structio::detail::enter(
          [&] { std::rethrow_exception(*static_cast<const std::exception_ptr*>(arg)); });
    };
    REQUIRE(structio_nursery_start_soon(&storage, child, const_cast<std::exception_ptr*>(&error)) ==
            0);
    structio_failure* raw = nullptr;
    CHECK(structio_nursery_close(&storage, 0, &raw) == STRUCTIO_EGROUP);
    const structio::failure group(raw);
    REQUIRE(group.size() == 1);
    CHECK(group[0].code() == STRUCTIO_EPAYLOAD);
    CHECK(group[0].exception() == error);
  });
}

TEST_CASE("a status of a C task becomes the exception of its code", "[FIB-08][FIB-10]") {
  const auto group = thrown<exception_group>([] {
    face::run([] {
      open_nursery([](nursery& n) {
        structio_nursery_start_soon(
            n.native(), [](void*) -> int { return STRUCTIO_EBROKEN; }, nullptr);
        structio_nursery_start_soon(
            n.native(), [](void*) -> int { return -ECONNRESET; }, nullptr);
      });
    });
  });
  REQUIRE(group);
  CHECK(count<structio::broken_error>(*group) == 1);
  CHECK(count<structio::error>(*group) == 2);
  bool reset = false;
  structio::catch_each<structio::error>(*group, [&](const structio::error& error) {
    if (error.error_code() == std::errc::connection_reset) {
      reset = true;
      CHECK(std::string(error.name()) == "ECONNRESET");
      CHECK(error.code() == -ECONNRESET);
    }
  });
  CHECK(reset);
}

TEST_CASE("cancelled without a cancelled scope is an ordinary error", "[FIB-08]") {
  std::optional<structio::cancelled> kept;
  const auto group = thrown<exception_group>([&] {
    face::run([&] {
      structio::cancel_scope scope;
      scope.run([&] {
        scope.cancel();
        kept = thrown<structio::cancelled>([] { structio::checkpoint(); });
      });
      open_nursery([](nursery& n) {
        structio_nursery_start_soon(
            n.native(), [](void*) -> int { return STRUCTIO_ECANCELLED; }, nullptr);
      });
    });
  });
  REQUIRE(kept);
  REQUIRE(group);
  CHECK(group->size() == 1);
  CHECK((*group)[0].code() == STRUCTIO_ECANCELLED);
}

TEST_CASE("codes have one category", "[FIB-10]") {
  const std::error_code own = structio::make_error_code(STRUCTIO_ECLOSED);
  CHECK(own.category() == structio::category());
  CHECK(std::string(own.category().name()) == "structio");
  CHECK(own.message() == structio_strerror(STRUCTIO_ECLOSED));
  CHECK(structio::make_error_code(-EADDRINUSE) == std::errc::address_in_use);
}
