// What can be started in a nursery besides plain children: callables of all kinds, services,
// handles; and nurseries whose owner forgets to close them.
#include <structio/debug.hpp>

#include <array>
#include <memory>
#include <string>

#include "support/face.hpp"

using namespace face;
using structio::exception_group;
using structio::nursery;
using structio::open_nursery;

namespace {

void add(int& sum, int more) {
  structio::checkpoint();
  sum += more;
}

/// Throws when it is moved once too often, and so may not be moved straight into a task.
struct careful {
  explicit careful(std::shared_ptr<int> given) : count(std::move(given)) {}
  careful(const careful&) = default;
  careful(careful&& other) noexcept(false) : count(std::move(other.count)) {}
  void operator()() const { ++*count; }
  std::shared_ptr<int> count;
};

struct alignas(64) aligned {
  double* where;
  void operator()() const { *where = reinterpret_cast<std::uintptr_t>(this) % 64 == 0 ? 1 : 0; }
};

}  // namespace

TEST_CASE("callables and arguments are moved into the task", "[NUR-13]") {
  face::run([] {
    int sum = 0;
    auto owned = std::make_unique<int>(5);
    const auto counted = std::make_shared<int>(0);
    double on_boundary = 0;
    open_nursery([&](nursery& n) {
      n.start_soon(add, std::ref(sum), 3);
      n.start_soon([&sum, moved = std::move(owned)] { sum += *moved; });
      n.start_soon([&sum](std::unique_ptr<int> value) { sum += *value; }, std::make_unique<int>(7));
      n.start_soon(careful(counted));
      n.start_soon(aligned{&on_boundary});
      std::array<char, 10000> large{};
      n.start_soon([&sum, large] { sum += large[9999]; });
    });
    CHECK(sum == 15);
    CHECK(*counted == 1);
    CHECK(counted.use_count() == 1);
    CHECK(on_boundary == 1);
  });
}

TEST_CASE("the callable of a cancelled child is destroyed as well", "[CANCEL-29]") {
  face::run([] {
    const auto held = std::make_shared<int>(0);
    open_nursery([&](nursery& n) {
      n.start_soon([held] { structio::sleep_forever(); });
      n.cancel_scope().cancel();
    });
    CHECK(held.use_count() == 1);
  });
}

TEST_CASE("the value of the body comes out", "[NUR-01]") {
  face::run([] {
    const auto value = open_nursery([](nursery&) { return std::string("value"); });
    REQUIRE(value);
    CHECK(*value == "value");
    CHECK(open_nursery([] {}));
    const auto none = open_nursery([](nursery& n) {
      n.cancel_scope().cancel();
      structio::checkpoint();
      return 1;
    });
    CHECK(!none);
    CHECK(!open_nursery({.timeout = 1s}, [] { structio::sleep(2s); }));
  });
}

TEST_CASE("a service ends with the last ordinary child", "[NUR-13]") {
  face::run([] {
    const auto start = structio::now();
    bool service_cancelled = false;
    structio::cancel_source source{};
    open_nursery([&](nursery& n) {
      n.start_service([&] {
        try {
          structio::sleep_forever();
        } catch (const structio::cancelled& cancelled) {
          service_cancelled = true;
          source = cancelled.reason().source;
          throw;
        }
      });
      n.start_soon([] { structio::sleep(3s); });
    });
    CHECK(service_cancelled);
    CHECK(source == structio::cancel_source::shutdown);
    CHECK(seconds_since(start) == 3);
  });
}

TEST_CASE("a failing service fails the nursery", "[NUR-02]") {
  const auto group = thrown<exception_group>([] {
    face::run([] {
      open_nursery([](nursery& n) {
        n.start_service([] { throw key_error(); });
        structio::sleep_forever();
      });
    });
  });
  REQUIRE(group);
  CHECK(count<key_error>(*group) == 1);
}

TEST_CASE("a handle waits for its task and gives its value", "[NUR-02]") {
  face::run([] {
    open_nursery([](nursery& n) {
      auto handle = n.start_task([] {
        structio::sleep(1s);
        return std::make_unique<int>(5);
      });
      auto nothing = n.start_task({.name = "nothing"}, [] {});
      CHECK(!handle.done());
      const auto start = structio::now();
      CHECK(*handle.get() == 5);
      CHECK(seconds_since(start) == 1);
      CHECK(handle.done());
      CHECK(*handle.get() == 5);
      CHECK(*handle.take() == 5);
      nothing.join();
      nothing.get();
      CHECK(handle.id() != nothing.id());
    });
  });
}

TEST_CASE("a handle may be dropped, and outlive its nursery", "[NUR-02]") {
  face::run([] {
    std::optional<structio::task_handle<int>> kept;
    int ended = 0;
    open_nursery([&](nursery& n) {
      static_cast<void>(n.start_task([&] {
        structio::sleep(1s);
        ++ended;
        return 1;
      }));
      kept.emplace(n.start_task([&] {
        structio::sleep(2s);
        ++ended;
        return 2;
      }));
    });
    CHECK(ended == 2);
    CHECK(kept->done());
    CHECK(kept->get() == 2);
  });
}

TEST_CASE("a handle throws what its task threw, and the nursery reports it once", "[NUR-02]") {
  const auto error = std::make_exception_ptr(key_error());
  const auto group = thrown<exception_group>([&] {
    face::run([&] {
      open_nursery([&](nursery& n) {
        auto handle = n.start_task([&] { std::rethrow_exception(error); });
        handle.get();
      });
    });
  });
  REQUIRE(group);
  CHECK(count<key_error>(*group) == 1);
  CHECK(group->exception(0) == error);
  face::run([&] {
    CHECK(throws<exception_group>([&] {
      open_nursery([&](nursery& n) {
        auto handle = n.start_task([&] { std::rethrow_exception(error); });
        structio::shielded(10s, [&] {
          handle.join();
          CHECK(throws<key_error>([&] { handle.get(); }));
        });
      });
    }));
  });
}

TEST_CASE("a handle cancels its task alone", "[CANCEL-12]") {
  face::run([] {
    open_nursery([](nursery& n) {
      auto handle = n.start_task([] { structio::sleep_forever(); });
      bool other_finished = false;
      n.start_soon([&] {
        structio::sleep(1s);
        other_finished = true;
      });
      structio::checkpoint();
      handle.cancel("enough");
      const auto error = thrown<structio::task_cancelled>([&] { handle.get(); });
      REQUIRE(error);
      CHECK(error->reason().text == "enough");
      CHECK(error->code() == STRUCTIO_ECANCELLED);
      handle.join();
      structio::sleep(2s);
      CHECK(other_finished);
    });
  });
}

TEST_CASE("waiting for a handle can be cancelled, and that is not the task's", "[CANCEL-12]") {
  face::run([] {
    open_nursery([](nursery& n) {
      auto handle = n.start_task([] {
        structio::sleep(5s);
        return 1;
      });
      CHECK(!structio::move_on_after(1s, [&] { handle.join(); }));
      CHECK(!handle.done());
      CHECK(handle.get() == 1);
    });
  });
}

TEST_CASE("a task cannot wait for itself", "[NUR-02]") {
  face::run([] {
    open_nursery([](nursery& n) {
      std::optional<structio::task_handle<void>> handle;
      handle.emplace(
          n.start_task([&] { CHECK(throws<structio::usage_error>([&] { handle->join(); })); }));
      handle->join();
    });
  });
}

TEST_CASE("a task that leaves its nursery open is told so", "[NUR-23]") {
  auto storage = std::make_unique<structio_nursery>();
  const auto group = thrown<exception_group>([&] {
    face::run([&] {
      open_nursery(
          [&](nursery& n) { n.start_soon([&] { structio_nursery_open(storage.get()); }); });
    });
  });
  REQUIRE(group);
  REQUIRE(group->size() == 1);
  CHECK(count<structio::usage_error>(*group) == 1);
  CHECK_THAT((*group)[0].message(), ContainsSubstring("nurser"));
}

TEST_CASE("main that leaves a nursery open is told so, bare", "[NUR-24]") {
  auto storage = std::make_unique<structio_nursery>();
  CHECK(throws<structio::usage_error>(
      [&] { face::run([&] { structio_nursery_open(storage.get()); }); }));
}

TEST_CASE("tasks stranded in an abandoned nursery are cancelled and awaited", "[NUR-25][NUR-26]") {
  auto storage = std::make_unique<structio_nursery>();
  static bool cleaned;
  cleaned = false;
  const auto group = thrown<exception_group>([&] {
    face::run([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          structio_nursery_open(storage.get());
          const auto stranded = [](void*) {
            const int status = structio_sleep_forever();
            cleaned = true;
            return status;
          };
          structio_nursery_start_soon(storage.get(), stranded, nullptr);
        });
        structio::sleep(1s);
        // Not the owner.
        CHECK(structio_nursery_close(storage.get(), 0, nullptr) == STRUCTIO_EMISUSE);
      });
    });
  });
  REQUIRE(group);
  CHECK(count<structio::usage_error>(*group) == 1);
  CHECK(cleaned);
}

TEST_CASE("a nursery in a destructor joins its children, whatever is in flight", "[FIB-04]") {
  face::run([] {
    struct finisher {
      bool& joined;
      ~finisher() {
        open_nursery([this](nursery& n) {
          n.start_soon([this] {
            structio::sleep(1s);
            joined = true;
          });
        });
      }
    };
    bool joined = false;
    CHECK(throws<key_error>([&] {
      finisher guard{joined};
      throw key_error();
    }));
    CHECK(joined);
  });
}

TEST_CASE("a nursery left by an exception has joined its children before", "[FIB-04]") {
  face::run([] {
    bool child_ended = false;
    const auto error = thrown<exception_group>([&] {
      int local = 1;
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          if (is_cancelled([] { structio::sleep_forever(); })) child_ended = local == 1;
        });
        structio::checkpoint();
        throw key_error();
      });
    });
    CHECK(error);
    CHECK(child_ended);
  });
}
