// Bad input at the functions of structio_readiness.h, and the face.
#include <structio/readiness.hpp>
#include <structio/structio.hpp>

#include <cerrno>
#include <climits>
#include <thread>

#include "support/descriptors.hpp"
#include "support/face.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;
using namespace descriptors;

namespace {

const std::vector<guarded_call> calls = {
    {"structio_wait_readable", [] { return structio_wait_readable(0); }},
    {"structio_wait_writable", [] { return structio_wait_writable(0); }},
};

// The most descriptors that this process may have: no number beyond is open.
constexpr int beyond = INT_MAX;

}  // namespace

TEST_CASE("readiness is waited for by tasks", "[FIB-18][IO-08]") {
  CHECK(not_refused(calls, "run").empty());
  CHECK(structio_notify_closing(0) == STRUCTIO_ENOTASK);
  auto body = [&] {
    structio_portal* portal = nullptr;
    CHECK(structio_portal_new(&portal) == 0);
    static std::vector<std::string> wrong;
    static int closing = 1;
    wrong.clear();
    closing = 1;
    const structio_post_fn hook = [](void*) {
      wrong = not_refused(calls, "callback");
      closing = structio_notify_closing(0);
      return 0;
    };
    CHECK(structio_portal_post(portal, hook, nullptr) == 0);
    while (closing == 1) structio_checkpoint();
    CHECK(wrong.empty());
    CHECK(closing == 0);
    structio_portal_free(portal);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("an abort function may not wait for a descriptor", "[FIB-18]") {
  auto body = [] {
    static int answer = 0;
    structio_scope s;
    scope_block(s, [&] {
      structio_waiter waiter;
      structio_waiter_init(&waiter);
      structio_scope_cancel(&s, nullptr);
      return static_cast<int>(structio_park(
          &waiter, "test",
          [](void*) {
            answer = structio_wait_readable(0);
            return static_cast<int>(STRUCTIO_ABORT_DONE);
          },
          nullptr));
    });
    CHECK(answer == STRUCTIO_ENOTASK);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("what is no descriptor is the system's error", "[IO-08]") {
  auto body = [] {
    pipe_pair ends;
    const int gone = ends.a;
    ends.close_a();
    for (const int descriptor : {-1, INT_MIN, gone, beyond}) {
      CHECK(refused(structio_wait_readable(descriptor), -EBADF,
                    {"descriptor", std::to_string(descriptor).c_str()}));
      CHECK(refused(structio_wait_writable(descriptor), -EBADF, {"descriptor"}));
    }
    CHECK(structio_notify_closing(gone) == 0);
    CHECK(structio_notify_closing(beyond) == 0);
    CHECK(refused(structio_notify_closing(-1), -EBADF, {"structio_notify_closing", "-1"}));
    CHECK(refused(structio_notify_closing(INT_MIN), -EBADF, {"structio_notify_closing"}));
    return 0;
  };
  CHECK(run(body) == 0);
}

namespace {

// A socket class of somebody's.
struct my_socket {
  int number;
  int descriptor() const { return number; }
};

}  // namespace

TEST_CASE("readiness through the face", "[IO-01][IO-03][IO-06]") {
  face::run([] {
    socket_pair ends;
    structio::wait_writable(ends.a);
    structio::wait_writable(my_socket{ends.a});
    std::string seen;
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        structio::wait_readable(ends.a);
        seen = hear(ends.a);
        try {
          structio::wait_readable(my_socket{ends.a});
        } catch (const structio::closed_error&) {
          seen += " closed";
        }
      });
      structio::testing::wait_all_tasks_blocked();
      CHECK(face::throws<structio::busy_error>([&] { structio::wait_readable(ends.a); }));
      say(ends.b, "hello");
      structio::testing::wait_all_tasks_blocked();
      structio::notify_closing(my_socket{ends.a});
    });
    CHECK(seen == "hello closed");
    const auto bad = face::thrown<structio::error>([] { structio::wait_readable(-1); });
    REQUIRE(bad);
    CHECK(bad->code() == -EBADF);
    CHECK(face::throws<structio::error>([] { structio::notify_closing(-1); }));
  });
}
