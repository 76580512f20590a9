// Hooks of memory streams: how long they live, what becomes of what they throw, how often they are
// called.
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <structio/structio_testing_stream.h>
#include <structio/testing/memory_stream.hpp>

#include "support/face.hpp"

using namespace face;
using structio::any_stream;
using structio::nursery;
using structio::open_nursery;
using structio::testing::memory_receive_stream;
using structio::testing::memory_send_stream;
using structio::testing::memory_stream;
using structio::testing::memory_stream_pair;
using structio::testing::wait_all_tasks_blocked;

namespace {

/// Counts, through the C ABI.
struct counted {
  int closed = 0;
  int dropped = 0;

  structio_memory_stream_hooks hooks() {
    structio_memory_stream_hooks raw{};
    raw.struct_size = sizeof raw;
    raw.on_close = [](void* self) { return ++static_cast<counted*>(self)->closed; };
    raw.arg = this;
    raw.drop = [](void* self) { ++static_cast<counted*>(self)->dropped; };
    return raw;
  }
};

}  // namespace

TEST_CASE("a hook may replace the hooks, or destroy its stream, while it runs", "[TST-10]") {
  face::run([] {
    const auto alive = std::make_shared<std::string>(100, 'm');
    memory_send_stream s;
    s.set_hooks({.after_send = [&s, alive] {
      s.set_hooks({});
      CHECK(alive->size() == 100);
    }});
    s.send_all("x");
    CHECK(alive.use_count() == 1);

    std::optional<memory_send_stream> gone(std::in_place);
    structio_stream* raw = gone->native();
    gone->set_hooks({.after_send = [&gone, alive] {
      gone.reset();
      CHECK(alive->size() == 100);
    }});
    CHECK(structio_stream_send_all(raw, "x", 1) == 0);
    CHECK(alive.use_count() == 1);
  });
}

TEST_CASE("hooks that are replaced while one of them waits live until it is back", "[TST-10]") {
  face::run([] {
    const auto alive = std::make_shared<std::string>(100, 'm');
    memory_send_stream s;
    structio::event go;
    open_nursery([&](nursery& n) {
      s.set_hooks({.after_send = [&go, alive] {
        go.wait();
        CHECK(alive->size() == 100);
      }});
      n.start_soon([&] { s.send_all("x"); });
      wait_all_tasks_blocked();
      s.set_hooks({});
      CHECK(alive.use_count() == 2);
      go.set();
    });
    CHECK(alive.use_count() == 1);
  });
}

TEST_CASE("an any_stream takes the hooks along, and what they throw comes out", "[TST-10]") {
  face::run([] {
    trace seen;
    memory_send_stream made;
    made.set_hooks({.after_send = [] { throw key_error("boom"); },
                    .might_not_block = [&] { throw structio::closed_error("from the hook"); },
                    .on_close = [&] { seen.emplace_back("closed"); }});
    any_stream s(std::move(made));
    CHECK(seen.empty());
    CHECK(throws<key_error>([&] { s.send_all("x"); }));
    const auto why = thrown<structio::closed_error>([&] { s.wait_send_might_not_block(); });
    CHECK_THAT(why.value().what(), ContainsSubstring("from the hook"));
    CHECK(seen.empty());
    s.close();
    CHECK(seen == trace{"closed"});
    const auto later = thrown<structio::closed_error>([&] { s.send_all("x"); });
    CHECK_THAT(later.value().what(), !ContainsSubstring("from the hook"));

    memory_receive_stream r;
    r.set_hooks({.before_receive = [] { throw value_error(); }});
    any_stream& as_any = r;
    char room[4];
    CHECK(throws<value_error>([&] { as_any.receive_some(room); }));
    CHECK(throws<value_error>([&] { r.receive_some(std::span<char>(room)); }));
  });
}

TEST_CASE("on_close is called for each close, and for destroying without one", "[TST-10]") {
  counted c;
  int closed = 0;
  face::run([&] {
    {
      memory_send_stream s;
      s.set_hooks({.on_close = [&] { ++closed; }});
      s.close();
    }
    CHECK(closed == 1);
    {
      memory_send_stream s;
      s.set_hooks({.on_close = [&] {
        ++closed;
        s.close();
      }});
    }
    CHECK(closed == 2);
    structio_stream* raw = nullptr;
    CHECK(structio_memory_send_stream_new(&raw) == 0);
    structio_memory_stream_hooks hooks = c.hooks();
    CHECK(structio_memory_stream_set_hooks(raw, &hooks) == 0);
    structio_stream_close(raw);
    structio_stream_close(raw);
    CHECK(c.closed == 2);
    CHECK(c.dropped == 0);
    CHECK(structio_stream_free(raw) == 0);
    CHECK(c.closed == 2);
    CHECK(c.dropped == 1);
  });
}

TEST_CASE("hooks of a header that knew no drop are not dropped", "[TST-10]") {
  counted c;
  face::run([&] {
    structio_stream* raw = nullptr;
    CHECK(structio_memory_send_stream_new(&raw) == 0);
    structio_memory_stream_hooks hooks = c.hooks();
    hooks.struct_size = offsetof(structio_memory_stream_hooks, drop);
    CHECK(structio_memory_stream_set_hooks(raw, &hooks) == 0);
    CHECK(structio_memory_stream_set_hooks(raw, nullptr) == 0);
    CHECK(structio_stream_free(raw) == 0);
  });
  CHECK(c.closed == 0);
  CHECK(c.dropped == 0);
}

TEST_CASE("a stream that outlives its run calls no hook any more, and frees them", "[TST-10]") {
  const auto alive = std::make_shared<int>(0);
  std::optional<memory_send_stream> s;
  face::run([&] {
    s.emplace();
    s->set_hooks({.on_close = [alive] { ++*alive; }});
  });
  s.reset();
  CHECK(*alive == 0);
  CHECK(alive.use_count() == 1);
}

TEST_CASE("a receive whose hook fails or closes is a checkpoint all the same", "[TST-11]") {
  face::run([] {
    memory_receive_stream r;
    char room[4];
    r.set_hooks({.before_receive = [] { throw key_error(); }});
    structio::testing::assert_checkpoints(
        [&] { CHECK(throws<key_error>([&] { r.receive_some(room); })); });
    r.set_hooks({.before_receive = [&] { structio_stream_free(r.native()); }});
    structio::testing::assert_checkpoints(
        [&] { CHECK(throws<structio::closed_error>([&] { r.receive_some(room); })); });
  });
}

TEST_CASE("what a stream held is closed when another is assigned to it", "[CONF-07]") {
  face::run([] {
    auto old = memory_stream_pair();
    auto fresh = memory_stream_pair();
    any_stream s(std::move(old.first));
    any_stream other(std::move(fresh.first));
    s = std::move(other);
    char room[4];
    CHECK(old.second.receive_some(room) == 0);
    s.send_all("on");
    CHECK(fresh.second.receive_some(room) == 2);
  });
}
