// Wrong uses of the synchronisation primitives: each is answered by a code and a message, and
// changes nothing.
#include <structio/structio_sync.h>
#include <structio/sync.hpp>

#include <atomic>
#include <functional>
#include <thread>

#include "support/catch.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;

namespace {

struct objects {
  structio_event event;
  structio_mutex mutex;
  structio_semaphore semaphore;
  structio_condition condition;
  structio_limiter limiter;

  objects() {
    structio_event_init(&event);
    structio_mutex_init(&mutex);
    structio_semaphore_init(&semaphore, 0, 5);
    structio_condition_init(&condition, &mutex);
    structio_limiter_init(&limiter, 1);
  }
  objects(const objects&) = delete;
  objects& operator=(const objects&) = delete;
  ~objects() {
    CHECK(structio_event_destroy(&event) == 0);
    CHECK(structio_semaphore_destroy(&semaphore) == 0);
    CHECK(structio_condition_destroy(&condition) == 0);
    CHECK(structio_mutex_destroy(&mutex) == 0);
    CHECK(structio_limiter_destroy(&limiter) == 0);
  }

  /// All that needs a task.
  std::vector<guarded_call> of_tasks() {
    return {
        {"structio_event_wait", [this] { return structio_event_wait(&event); }},
        {"structio_mutex_lock", [this] { return structio_mutex_lock(&mutex); }},
        {"structio_mutex_try_lock", [this] { return structio_mutex_try_lock(&mutex); }},
        {"structio_mutex_unlock", [this] { return structio_mutex_unlock(&mutex); }},
        {"structio_semaphore_acquire", [this] { return structio_semaphore_acquire(&semaphore); }},
        {"structio_condition_wait", [this] { return structio_condition_wait(&condition); }},
        {"structio_condition_notify", [this] { return structio_condition_notify(&condition, 1); }},
        {"structio_limiter_acquire", [this] { return structio_limiter_acquire(&limiter); }},
        {"structio_limiter_try_acquire", [this] { return structio_limiter_try_acquire(&limiter); }},
        {"structio_limiter_release", [this] { return structio_limiter_release(&limiter); }},
        {"structio_limiter_acquire_on_behalf",
         [this] { return structio_limiter_acquire_on_behalf(&limiter, this); }},
    };
  }

  /// All that needs a run.
  std::vector<guarded_call> of_hooks() {
    return {
        {"structio_event_set", [this] { return structio_event_set(&event); }},
        {"structio_semaphore_try_acquire",
         [this] { return structio_semaphore_try_acquire(&semaphore); }},
        {"structio_semaphore_release", [this] { return structio_semaphore_release(&semaphore); }},
        {"structio_limiter_try_acquire_on_behalf",
         [this] { return structio_limiter_try_acquire_on_behalf(&limiter, this); }},
        {"structio_limiter_release_on_behalf",
         [this] { return structio_limiter_release_on_behalf(&limiter, this); }},
        {"structio_limiter_set_total", [this] { return structio_limiter_set_total(&limiter, 2); }},
    };
  }
};

// Every function with a block of its kind.
template <class Object>
using calls = std::vector<std::function<std::int64_t(Object*)>>;

template <class Object>
void refuses_bad_storage(const calls<Object>& all, const char* noun) {
  std::size_t number = 0;
  for (const auto& call : all) {
    INFO(noun << ", call " << number++);
    CHECK(refused(call(nullptr), STRUCTIO_EINVALID, {noun, "is NULL"}));
    for (const int byte : {0x00, 0xff}) {
      auto storage = garbage<Object>(static_cast<unsigned char>(byte));
      CHECK(refused(call(&storage), STRUCTIO_EINVALID, {"not an initialised", noun}));
    }
  }
}

structio_event_statistics event_statistics() {
  structio_event_statistics s{};
  s.struct_size = sizeof s;
  return s;
}

const calls<structio_event> event_calls = {
    structio_event_destroy,
    structio_event_discard,
    structio_event_set,
    structio_event_is_set,
    structio_event_wait,
    [](structio_event* e) {
      auto s = event_statistics();
      return structio_event_get_statistics(e, &s);
    },
};
const calls<structio_mutex> mutex_calls = {
    structio_mutex_destroy,
    structio_mutex_discard,
    structio_mutex_lock,
    structio_mutex_try_lock,
    structio_mutex_unlock,
    structio_mutex_locked,
    [](structio_mutex* m) {
      structio_mutex_statistics s{};
      s.struct_size = sizeof s;
      return structio_mutex_get_statistics(m, &s);
    },
    [](structio_mutex* m) {
      structio_condition c;
      return structio_condition_init(&c, m);
    },
};
const calls<structio_semaphore> semaphore_calls = {
    structio_semaphore_destroy,
    structio_semaphore_discard,
    structio_semaphore_acquire,
    structio_semaphore_try_acquire,
    structio_semaphore_release,
    structio_semaphore_value,
    [](structio_semaphore* s) {
      structio_semaphore_statistics all{};
      all.struct_size = sizeof all;
      return structio_semaphore_get_statistics(s, &all);
    },
};
const calls<structio_condition> condition_calls = {
    structio_condition_destroy,
    structio_condition_discard,
    structio_condition_wait,
    [](structio_condition* c) { return structio_condition_notify(c, 1); },
    [](structio_condition* c) {
      structio_condition_statistics s{};
      s.struct_size = sizeof s;
      return structio_condition_get_statistics(c, &s);
    },
};
const int somebody = 0;
const calls<structio_limiter> limiter_calls = {
    structio_limiter_destroy,
    structio_limiter_discard,
    structio_limiter_acquire,
    structio_limiter_try_acquire,
    structio_limiter_release,
    structio_limiter_total,
    [](structio_limiter* l) { return structio_limiter_acquire_on_behalf(l, &somebody); },
    [](structio_limiter* l) { return structio_limiter_try_acquire_on_behalf(l, &somebody); },
    [](structio_limiter* l) { return structio_limiter_release_on_behalf(l, &somebody); },
    [](structio_limiter* l) { return structio_limiter_set_total(l, 1); },
    [](structio_limiter* l) { return structio_limiter_borrowers(l, nullptr, 0); },
    [](structio_limiter* l) {
      structio_limiter_statistics s{};
      s.struct_size = sizeof s;
      return structio_limiter_get_statistics(l, &s);
    },
};

/// Runs `there` in a run of another thread.
template <class Fn>
void in_another_run(Fn&& there) {
  int status = -1;
  std::thread thread([&] {
    auto body = [&] {
      there();
      return 0;
    };
    status = run(body);
  });
  thread.join();
  CHECK(status == 0);
}

bool another_runs(std::int64_t status) {
  return refused(status, STRUCTIO_EMISUSE, {"another run", "use a portal"});
}

}  // namespace

TEST_CASE("no storage, and storage that is none, are refused") {
  auto body = [] {
    refuses_bad_storage(event_calls, "event");
    refuses_bad_storage(mutex_calls, "mutex");
    refuses_bad_storage(semaphore_calls, "semaphore");
    refuses_bad_storage(condition_calls, "condition");
    refuses_bad_storage(limiter_calls, "limiter");
    return 0;
  };
  CHECK(run(body) == 0);
  CHECK(structio_event_init(nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_mutex_init(nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_semaphore_init(nullptr, 1, 1) == STRUCTIO_EINVALID);
  CHECK(structio_limiter_init(nullptr, 1) == STRUCTIO_EINVALID);
  structio_mutex mutex;
  structio_mutex_init(&mutex);
  CHECK(structio_condition_init(nullptr, &mutex) == STRUCTIO_EINVALID);
}

TEST_CASE("one kind of object is not another, and a destroyed one is none") {
  objects o;
  CHECK(structio_event_is_set(reinterpret_cast<structio_event*>(&o.limiter)) == STRUCTIO_EINVALID);
  CHECK(structio_mutex_locked(reinterpret_cast<structio_mutex*>(&o.limiter)) == STRUCTIO_EINVALID);
  structio_event brief;
  structio_event_init(&brief);
  CHECK(structio_event_destroy(&brief) == 0);
  CHECK(structio_event_destroy(&brief) == STRUCTIO_EINVALID);
  CHECK(structio_event_is_set(&brief) == STRUCTIO_EINVALID);
}

TEST_CASE("numbers that make no sense are refused", "[SEM-01][LIM-01]") {
  structio_semaphore s;
  CHECK(refused(structio_semaphore_init(&s, -1, 1), STRUCTIO_EINVALID, {"initial", "negative"}));
  CHECK(refused(structio_semaphore_init(&s, 2, 1), STRUCTIO_EINVALID, {"max is less"}));
  CHECK(refused(structio_semaphore_init(&s, 0, INT64_MIN), STRUCTIO_EINVALID, {"max is less"}));
  structio_limiter l;
  CHECK(refused(structio_limiter_init(&l, -1), STRUCTIO_EINVALID, {"total", "negative"}));
  auto body = [&] {
    objects o;
    CHECK(structio_limiter_set_total(&o.limiter, INT64_MIN) == STRUCTIO_EINVALID);
    CHECK(structio_limiter_total(&o.limiter) == 1);
    CHECK(structio_limiter_borrowers(&o.limiter, nullptr, 1) == STRUCTIO_EINVALID);
    CHECK(structio_limiter_acquire_on_behalf(&o.limiter, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_limiter_try_acquire_on_behalf(&o.limiter, nullptr) == STRUCTIO_EINVALID);
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("statistics of primitives fill what an older header knows and nothing else") {
  objects o;
  structio_mutex_statistics m{};
  m.struct_size = offsetof(structio_mutex_statistics, waiting);
  m.waiting = 4711;
  CHECK(structio_mutex_get_statistics(&o.mutex, &m) == 0);
  CHECK(m.struct_size == offsetof(structio_mutex_statistics, waiting));
  CHECK(m.waiting == 4711);
  m.struct_size = 1;
  CHECK(structio_mutex_get_statistics(&o.mutex, &m) == STRUCTIO_EINVALID);
  CHECK(structio_mutex_get_statistics(&o.mutex, nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_event_get_statistics(&o.event, nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_semaphore_get_statistics(&o.semaphore, nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_condition_get_statistics(&o.condition, nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_limiter_get_statistics(&o.limiter, nullptr) == STRUCTIO_EINVALID);
}

TEST_CASE("outside of a run nothing can be waited for, or woken") {
  objects o;
  CHECK(not_refused(o.of_tasks(), "task").empty());
  CHECK(not_refused(o.of_hooks(), "task").empty());
  CHECK(structio_event_is_set(&o.event) == 0);
  CHECK(structio_mutex_locked(&o.mutex) == 0);
  CHECK(structio_semaphore_value(&o.semaphore) == 0);
  CHECK(structio_limiter_total(&o.limiter) == 1);
}

TEST_CASE("a hook cannot wait, and owns nothing") {
  objects o;
  auto body = [&] {
    structio_portal* portal = nullptr;
    structio_portal_new(&portal);
    const auto hook = [](void* arg) {
      CHECK(not_refused(static_cast<objects*>(arg)->of_tasks(), "callback").empty());
      return 0;
    };
    structio_portal_post(portal, hook, &o);
    structio_portal_free(portal);
    settle();
    return 0;
  };
  CHECK(run(body) == 0);
}

TEST_CASE("what is in use in one run is refused in another", "[FIB-17]") {
  objects o;
  auto waiter = [&] {
    structio_event_wait(&o.event);
    return structio_semaphore_acquire(&o.semaphore);
  };
  auto sleeper = [&] {
    structio_mutex_lock(&o.mutex);
    structio_condition_wait(&o.condition);
    return structio_mutex_unlock(&o.mutex);
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "waiter", waiter);
      spawn(n, "sleeper", sleeper);
      settle();
      structio_limiter_try_acquire(&o.limiter);
      in_another_run([&] {
        CHECK(another_runs(structio_event_set(&o.event)));
        CHECK(another_runs(structio_event_wait(&o.event)));
        CHECK(another_runs(structio_event_discard(&o.event)));
        CHECK(another_runs(structio_mutex_lock(&o.mutex)));  // somebody waits in its condition
        CHECK(another_runs(structio_condition_notify(&o.condition, 1)));
        CHECK(another_runs(structio_condition_wait(&o.condition)));
        CHECK(another_runs(structio_limiter_acquire(&o.limiter)));
        CHECK(another_runs(structio_limiter_try_acquire_on_behalf(&o.limiter, &o)));
        CHECK(another_runs(structio_limiter_set_total(&o.limiter, 5)));
        CHECK(another_runs(structio_limiter_discard(&o.limiter)));
        CHECK(structio_semaphore_release(&o.semaphore) == 0);  // nobody waits there yet
        CHECK(structio_semaphore_try_acquire(&o.semaphore) == 0);
      });
      structio_event_set(&o.event);
      settle();
      structio_mutex_lock(&o.mutex);
      in_another_run([&] {
        CHECK(another_runs(structio_semaphore_release(&o.semaphore)));
        CHECK(another_runs(structio_mutex_try_lock(&o.mutex)));
        CHECK(another_runs(structio_mutex_unlock(&o.mutex)));
        CHECK(structio_mutex_destroy(&o.mutex) == STRUCTIO_EMISUSE);
        CHECK(another_runs(structio_mutex_discard(&o.mutex)));
      });
      structio_semaphore_release(&o.semaphore);
      structio_condition_notify(&o.condition, 1);
      structio_limiter_release(&o.limiter);
      return structio_mutex_unlock(&o.mutex);
    });
  };
  CHECK(run(body) == 0);
  in_another_run([&] {  // nobody waits or holds: all are free again
    CHECK(structio_mutex_lock(&o.mutex) == 0);
    CHECK(structio_mutex_unlock(&o.mutex) == 0);
    CHECK(structio_event_wait(&o.event) == 0);
    CHECK(structio_limiter_acquire(&o.limiter) == 0);
    CHECK(structio_limiter_release(&o.limiter) == 0);
  });
}

TEST_CASE("what is in use is not destroyed") {
  objects o;
  auto holder = [&] {
    structio_mutex_lock(&o.mutex);
    structio_limiter_acquire(&o.limiter);
    CHECK(refused(structio_mutex_destroy(&o.mutex), STRUCTIO_EMISUSE,
                  {"structio_mutex_destroy", "hold"}));
    CHECK(structio_limiter_destroy(&o.limiter) == STRUCTIO_EMISUSE);
    CHECK(structio_mutex_locked(&o.mutex) == 1);
    structio_event_wait(&o.event);
    structio_limiter_release(&o.limiter);
    return structio_mutex_unlock(&o.mutex);
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "holder", holder);
      settle();
      CHECK(structio_mutex_destroy(&o.mutex) == STRUCTIO_EMISUSE);
      CHECK(structio_event_destroy(&o.event) == STRUCTIO_EMISUSE);
      return structio_event_set(&o.event);
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a deadlock ends waits of every kind, and leaves the objects whole") {
  objects o;
  auto on_event = [&] { return structio_event_wait(&o.event); };
  auto on_semaphore = [&] { return structio_semaphore_acquire(&o.semaphore); };
  auto on_limiter = [&] { return structio_limiter_acquire_on_behalf(&o.limiter, &o); };
  auto on_condition = [&] {
    const int locked = structio_mutex_lock(&o.mutex);
    const int status = locked == 0 ? structio_condition_wait(&o.condition) : locked;
    if (locked == 0) structio_mutex_unlock(&o.mutex);
    return status;
  };
  auto shielded_waits = [&] {
    return shielded([&] {
      structio_mutex_lock(&o.mutex);
      const int status = structio_event_wait(&o.event);
      structio_mutex_unlock(&o.mutex);
      return status;
    });
  };
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      CHECK(structio_limiter_acquire(&o.limiter) == 0);
      spawn(n, "on event", on_event);
      spawn(n, "on semaphore", on_semaphore);
      spawn(n, "on limiter", on_limiter);
      spawn(n, "on condition", on_condition);
      settle();
      spawn(n, "owner", shielded_waits);
      const int status = structio_sleep_forever();
      structio_limiter_release(&o.limiter);
      return status;
    });
  };
  CHECK(run(main) == STRUCTIO_EDEADLOCK);
}
