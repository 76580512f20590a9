// Bad input at the functions of structio_nursery.h and structio_wait.h: a code and a message each,
// and nothing changed.
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;

namespace {

int nothing(void*) {
  return 0;
}

int sleeper(void*) {
  return structio_sleep_forever();
}

void init_storage(void*, void*) {}

using nursery_call = int (*)(structio_nursery*, structio_task_fn);

// Every function that starts something in a nursery.
const std::vector<std::pair<const char*, nursery_call>> starts = {
    {"structio_nursery_start_soon",
     [](auto* n, auto fn) { return structio_nursery_start_soon(n, fn, nullptr); }},
    {"structio_nursery_spawn",
     [](auto* n, auto fn) { return structio_nursery_spawn(n, nullptr, fn, nullptr); }},
    {"structio_nursery_start",
     [](auto* n, auto fn) { return structio_nursery_start(n, nullptr, fn, nullptr, nullptr); }},
    {"structio_nursery_start_service",
     [](auto* n, auto fn) { return structio_nursery_start_service(n, nullptr, fn, nullptr); }},
    {"structio_nursery_start_task",
     [](auto* n, auto fn) {
       structio_task* task = nullptr;
       const int status = structio_nursery_start_task(n, nullptr, fn, nullptr, &task);
       if (task) std::abort();
       return status;
     }},
};

std::uint64_t living() {
  structio_statistics s{};
  s.struct_size = sizeof s;
  structio_get_statistics(&s);
  return s.tasks_living;
}

}  // namespace

TEST_CASE("nothing starts in what is no nursery, is none any more, or without a function",
          "[NUR-14][START-13]") {
  auto zeros = garbage<structio_nursery>(0);
  auto noise = garbage<structio_nursery>(0xa5);
  auto body = [&] {
    structio_nursery closed;
    structio_nursery_open(&closed);
    structio_nursery_close(&closed, 0, nullptr);
    for (const auto& [name, start] : starts) {
      INFO(name);
      CHECK(refused(start(nullptr, nothing), STRUCTIO_EINVALID, {name, "nursery", "NULL"}));
      CHECK(refused(start(&zeros, nothing), STRUCTIO_EINVALID, {name, "not an initialised"}));
      CHECK(refused(start(&noise, nothing), STRUCTIO_EINVALID, {name, "not an initialised"}));
      CHECK(refused(start(&closed, nothing), STRUCTIO_ECLOSED, {name, "ended"}));
      structio_nursery open;
      structio_nursery_open(&open);
      CHECK(refused(start(&open, nullptr), STRUCTIO_EINVALID, {name, "fn"}));
      CHECK(structio_nursery_close(&open, 0, nullptr) == 0);
    }
    CHECK(living() == 1);
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
  for (const auto& [name, start] : starts) {
    CHECK(refused(start(&zeros, nothing), STRUCTIO_EINVALID, {name}));
  }
}

TEST_CASE("a nursery is started in from its own run only", "[FIB-17][RUN-14]") {
  auto body = [] {
    return nursery_block([](structio_nursery& n) {
      std::thread([&] {
        for (const auto& [name, start] : starts) {
          CHECK(refused(start(&n, nothing), STRUCTIO_ENOTASK, {name}));
        }
        CHECK(structio_nursery_close(&n, 0, nullptr) == STRUCTIO_ENOTASK);
      }).join();
      return structio_checkpoint();
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("sizes out of range", "[FIB-16]") {
  auto body = [] {
    return nursery_block([](structio_nursery& n) {
      const auto spawn_with = [&](std::size_t stack, std::size_t storage, bool init = true) {
        structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
        options.stack_size = stack;
        options.storage_size = storage;
        options.storage_init = init ? init_storage : nullptr;
        return structio_nursery_spawn(&n, &options, nothing, nullptr);
      };
      const std::uint64_t before = living();
      CHECK(refused(spawn_with(SIZE_MAX, 0), STRUCTIO_EINVALID, {"stack"}));
      CHECK(refused(spawn_with(SIZE_MAX - 4096, 0), STRUCTIO_EINVALID, {"stack"}));
      CHECK(refused(spawn_with((std::size_t{1} << 30) + 1, 0), STRUCTIO_EINVALID, {"stack"}));
      CHECK(refused(spawn_with(0, SIZE_MAX), STRUCTIO_EINVALID, {"storage"}));
      CHECK(refused(spawn_with(0, 200 * 1024), STRUCTIO_EINVALID, {"storage"}));
      CHECK(refused(spawn_with(0, 8, false), STRUCTIO_EINVALID, {"storage_init"}));
      CHECK(living() == before);
      CHECK(spawn_with(1, 0) == 0);
      CHECK(spawn_with(0, 1) == 0);
      CHECK(spawn_with(1 << 20, 200 * 1024) == 0);
      structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
      options.struct_size = 1;
      CHECK(refused(structio_nursery_spawn(&n, &options, nothing, nullptr), STRUCTIO_EINVALID,
                    {"struct_size"}));
      return 0;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a nursery is opened once, and closed once", "[NUR-14]") {
  auto zeros = garbage<structio_nursery>(0);
  auto body = [&] {
    CHECK(refused(structio_nursery_open(nullptr), STRUCTIO_EINVALID, {"nursery", "NULL"}));
    CHECK(refused(structio_nursery_close(nullptr, 0, nullptr), STRUCTIO_EINVALID, {"NULL"}));
    CHECK(refused(structio_nursery_close(&zeros, 0, nullptr), STRUCTIO_EINVALID, {"initialised"}));
    CHECK(structio_nursery_scope(nullptr) == nullptr);
    CHECK(structio_nursery_scope(&zeros) == nullptr);
    structio_nursery n;
    structio_nursery_open(&n);
    structio_nursery_start_soon(&n, nothing, nullptr);
    CHECK(refused(structio_nursery_open(&n), STRUCTIO_EMISUSE, {"open already"}));
    CHECK(refused(structio_scope_init(structio_nursery_scope(&n), nullptr), STRUCTIO_EMISUSE,
                  {"inside this scope"}));
    CHECK(structio_nursery_close(&n, 0, nullptr) == 0);
    CHECK(refused(structio_nursery_close(&n, 0, nullptr), STRUCTIO_EMISUSE, {"closed before"}));
    CHECK(structio_nursery_open(&n) == 0);  // the storage is free again
    return structio_nursery_close(&n, 0, nullptr);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("closing with the status of a failed open passes it on", "[NUR-14]") {
  structio_nursery n;
  const int status = structio_nursery_open(&n);
  CHECK(status == STRUCTIO_ENOTASK);
  CHECK(structio_nursery_close(&n, status, nullptr) == STRUCTIO_ENOTASK);
  auto body = [] {
    structio_nursery bad;
    structio_scope_options options = scope_options();
    options.deadline_kind = 9;
    const int refusal = structio_nursery_open_with(&bad, &options);
    CHECK(refused(refusal, STRUCTIO_EINVALID, {"deadline_kind"}));
    CHECK(structio_nursery_close(&bad, refusal, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_nursery_close(&bad, 0, nullptr) == STRUCTIO_EINVALID);
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a nursery is closed and awaited whatever failure is given", "[FIB-11]") {
  structio_failure* freed = nullptr;
  structio_failure_new_status(-5, nullptr, &freed);
  structio_failure_free(freed);
  bool ended = false;
  auto child = [&] {
    structio_checkpoint();
    return ended = true;
  };
  auto body = [&] {
    structio_nursery n;
    structio_nursery_open(&n);
    spawn(n, "child", child);
    owned_failure given(freed);
    CHECK(structio_nursery_close(&n, 0, &given.raw) == STRUCTIO_EGROUP);
    CHECK(ended);
    CHECK(given.member(0) == STRUCTIO_ESTALE);
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
}

TEST_CASE("handles that are none, or without room for one", "[FIB-11]") {
  structio_task* freed = nullptr;
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      CHECK(refused(structio_nursery_start_task(&n, nullptr, nothing, nullptr, nullptr),
                    STRUCTIO_EINVALID, {"handle"}));
      structio_nursery_start_task(&n, nullptr, nothing, nullptr, &freed);
      structio_task_id id = 0;
      CHECK(refused(structio_task_get_id(freed, nullptr), STRUCTIO_EINVALID, {"id"}));
      CHECK(structio_task_free(freed) == 0);
      for (structio_task* bad : {freed, reinterpret_cast<structio_task*>(0x77)}) {
        structio_failure* why = reinterpret_cast<structio_failure*>(1);
        CHECK(refused(structio_task_join(bad, &why), STRUCTIO_ESTALE, {"structio_task_join"}));
        CHECK(why == nullptr);
        CHECK(structio_task_cancel(bad, nullptr) == STRUCTIO_ESTALE);
        CHECK(structio_task_done(bad) == STRUCTIO_ESTALE);
        CHECK(structio_task_get_id(bad, &id) == STRUCTIO_ESTALE);
        CHECK(structio_task_free(bad) == STRUCTIO_ESTALE);
      }
      CHECK(structio_task_join(nullptr, nullptr) == STRUCTIO_EINVALID);
      CHECK(structio_task_done(nullptr) == STRUCTIO_EINVALID);
      CHECK(structio_task_free(nullptr) == 0);
      return 0;
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("system tasks need a function and sane options", "[SYS-08]") {
  auto body = [] {
    structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
    CHECK(refused(structio_start_system_task(nullptr, nullptr, nullptr), STRUCTIO_EINVALID,
                  {"structio_start_system_task", "fn"}));
    options.stack_size = SIZE_MAX;
    CHECK(refused(structio_start_system_task(&options, nothing, nullptr), STRUCTIO_EINVALID,
                  {"stack"}));
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("waiters: not made, another's, used twice", "[ABORT]") {
  auto zeros = garbage<structio_waiter>(0);
  structio_waiter theirs;
  auto maker = [&] { return structio_waiter_init(&theirs); };
  auto body = [&] {
    structio_waiter mine;
    CHECK(refused(structio_waiter_init(nullptr), STRUCTIO_EINVALID, {"waiter", "NULL"}));
    CHECK(refused(structio_park(nullptr, "x", nullptr, nullptr), STRUCTIO_EINVALID, {"waiter"}));
    CHECK(refused(structio_park(&zeros, "x", nullptr, nullptr), STRUCTIO_EINVALID,
                  {"not an initialised waiter"}));
    CHECK(refused(structio_wake(nullptr, 0), STRUCTIO_EINVALID, {"structio_wake", "waiter"}));
    CHECK(refused(structio_wake(&zeros, 0), STRUCTIO_EINVALID, {"not an initialised"}));
    nursery_block([&](structio_nursery& n) { return spawn(n, "maker", maker); });
    CHECK(refused(structio_park(&theirs, "x", nullptr, nullptr), STRUCTIO_EMISUSE,
                  {"structio_park", "another task's"}));
    CHECK(structio_wake(&theirs, 0) == 1);  // its task has gone: nobody takes it
    structio_waiter_init(&mine);
    structio_wake(&mine, 4);
    CHECK(structio_park(&mine, nullptr, nullptr, nullptr) == 4);
    CHECK(refused(structio_park(&mine, "x", nullptr, nullptr), STRUCTIO_EMISUSE, {"one wait"}));
    CHECK(structio_wake(&mine, 5) == 0);
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
  CHECK(refused(structio_wake(&theirs, 0), STRUCTIO_ENOTASK, {"structio_wake"}));
}

TEST_CASE("a waiter of a task whose memory another one has now", "[ABORT][FIB-11]") {
  structio_waiter old;
  auto first = [&] { return structio_waiter_init(&old); };
  int64_t parked = 0;
  auto second = [&] {
    structio_waiter mine;
    structio_waiter_init(&mine);
    // Most likely on the stack that the first has left.
    parked = structio_park(&old, "theirs", nullptr, nullptr);
    return 0;
  };
  auto body = [&] {
    nursery_block([&](structio_nursery& n) { return spawn(n, "first", first); });
    return nursery_block([&](structio_nursery& n) { return spawn(n, "second", second); });
  };
  CHECK(run(body) == 0);
  CHECK(parked == STRUCTIO_EMISUSE);
}

TEST_CASE("lots that are none, or in use", "[LOT-06]") {
  auto zeros = garbage<structio_lot>(0);
  auto noise = garbage<structio_lot>(0xa5);
  structio_lot lot;
  CHECK(refused(structio_lot_init(nullptr), STRUCTIO_EINVALID, {"lot", "NULL"}));
  CHECK(structio_lot_init(&lot) == 0);
  auto waiting = [&] { return structio_lot_park(&lot); };
  auto body = [&] {
    for (structio_lot* bad : {static_cast<structio_lot*>(nullptr), &zeros, &noise}) {
      CHECK(structio_lot_destroy(bad) == STRUCTIO_EINVALID);
      CHECK(structio_lot_park(bad) == STRUCTIO_EINVALID);
      CHECK(structio_lot_unpark(bad, 1) == STRUCTIO_EINVALID);
      CHECK(structio_lot_repark(bad, &lot, 1) == STRUCTIO_EINVALID);
      CHECK(structio_lot_repark(&lot, bad, 1) == STRUCTIO_EINVALID);
      CHECK(structio_lot_waiting(bad) == STRUCTIO_EINVALID);
      CHECK(structio_lot_break(bad, 0) == STRUCTIO_EINVALID);
      CHECK(structio_lot_add_breaker(bad, structio_task_current()) == STRUCTIO_EINVALID);
      CHECK(structio_lot_remove_breaker(bad, structio_task_current()) == STRUCTIO_EINVALID);
      CHECK(structio_lot_broken_by(bad, nullptr, 0) == STRUCTIO_EINVALID);
    }
    CHECK(refused(structio_lot_broken_by(&lot, nullptr, 3), STRUCTIO_EINVALID, {"ids"}));
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiting", waiting);
      settle();
      CHECK(refused(structio_lot_destroy(&lot), STRUCTIO_EMISUSE, {"parked"}));
      return structio_lot_unpark(&lot, STRUCTIO_ALL) == 1 ? 0 : -1;
    });
  };
  CHECK(run(body) == 0);
  CHECK(structio_lot_destroy(&lot) == 0);
  CHECK(structio_lot_destroy(&lot) == STRUCTIO_EINVALID);
}

TEST_CASE("a lot is not destroyed under the feet of another run's breaker", "[LOT-10][FIB-17]") {
  structio_lot lot;
  structio_lot_init(&lot);
  auto body = [&] {
    CHECK(structio_lot_add_breaker(&lot, structio_task_current()) == 0);
    std::thread([&] {
      CHECK(refused(structio_lot_destroy(&lot), STRUCTIO_EMISUSE, {"another run"}));
    }).join();
    CHECK(structio_lot_remove_breaker(&lot, structio_task_current()) == 0);
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(structio_lot_destroy(&lot) == 0);
}

TEST_CASE("portals that are none", "[TOKEN][FIB-11]") {
  auto body = [] {
    structio_portal* portal = nullptr;
    CHECK(refused(structio_portal_new(nullptr), STRUCTIO_EINVALID, {"out"}));
    structio_portal_new(&portal);
    CHECK(refused(structio_portal_post(portal, nullptr, nullptr), STRUCTIO_EINVALID, {"fn"}));
    CHECK(refused(structio_portal_post_once(portal, nullptr, nullptr), STRUCTIO_EINVALID, {"fn"}));
    CHECK(structio_portal_post(nullptr, nothing, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_portal_free(portal) == 0);
    CHECK(refused(structio_portal_post(portal, nothing, nullptr), STRUCTIO_ESTALE,
                  {"structio_portal_post"}));
    CHECK(structio_portal_post_once(portal, nothing, nullptr) == STRUCTIO_ESTALE);
    CHECK(refused(structio_portal_free(portal), STRUCTIO_ESTALE, {"freed before"}));
    CHECK(structio_portal_free(nullptr) == 0);
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
}

TEST_CASE("storage that children refer to stays a nursery until they have ended", "[NUR-13]") {
  auto body = [] {
    return nursery_block([](structio_nursery& n) {
      structio_nursery_start_soon(&n, sleeper, nullptr);
      settle();
      CHECK(structio_nursery_open(&n) == STRUCTIO_EMISUSE);
      return structio_scope_cancel(structio_nursery_scope(&n), nullptr);
    });
  };
  CHECK(run(body) == 0);
}
