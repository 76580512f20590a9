// Watching paths: what others do is told in its order; queues have an end; who waits is cancelled
// and closed like anybody else.
#include <cerrno>
#include <thread>

#include "support/files.hpp"

using namespace file_test;
using structio::path_watch;
using structio::watch_event;
using structio::watch_path;

namespace {

/// Events up to and with the first of which `is_it`.
template <class Predicate>
std::vector<watch_event> events_until(path_watch& watch, Predicate is_it) {
  std::vector<watch_event> all;
  do {
    all.push_back(watch.next());
  } while (!is_it(all.back()));
  return all;
}

auto named(std::string name) {
  return [name](const watch_event& event) { return event.name == name; };
}

}  // namespace

TEST_CASE("a watched folder tells what is made, changed, renamed and removed in it") {
  fresh_folder folder;
  run([&] {
    auto watch = watch_path(folder.path());
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        const watch_event event = watch.next();
        CHECK(event.name == "a");
        CHECK(event.names);
        CHECK_FALSE(event.overflow);
      });
      settle();
      structio::write_file(folder / "a", "x", {.mode = structio::write_mode::append});
    });
    events_until(watch, [](const watch_event& event) { return event.content; });
    stdfs::rename(folder / "a", folder / "b");
    const auto renamed = events_until(watch, named("b"));
    CHECK(renamed.back().names);
    bool left = false;
    for (const watch_event& event : renamed) left = left || (event.name == "a" && event.names);
    CHECK(left);
    stdfs::remove(folder / "b");
    const auto removed = events_until(watch, named("b"));
    CHECK(removed.back().names);
    // What happens while nobody waits is told later.
    spill(folder / "c", "");
    spill(folder / "d", "");
    const auto made = events_until(watch, named("d"));
    CHECK(made.front().name == "c");
  });
}

TEST_CASE("a watched file tells of itself") {
  fresh_folder folder;
  spill(folder / "a", "");
  run([&] {
    auto watch = watch_path(folder / "a");
    spill(folder / "b", "x");
    spill(folder / "a", "x");
    const watch_event event = watch.next();
    CHECK(event.content);
    CHECK(event.name == "a");
    stdfs::remove(folder / "a");
    events_until(watch, [](const watch_event& removed) { return removed.names; });
  });
}

TEST_CASE("events beyond the capacity are lost, and that is told in its place") {
  fresh_folder folder;
  run([&] {
    auto watch = watch_path(folder.path(), {.capacity = 3});
    for (const char* name : {"a", "b", "c", "d", "e"}) stdfs::create_directory(folder / name);
    settle();
    structio::sleep(1ms);  // the loop has looked
    CHECK(watch.next().name == "a");
    CHECK(watch.next().name == "b");
    stdfs::create_directory(folder / "f");
    CHECK(watch.next().name == "c");
    CHECK(watch.next().overflow);
    stdfs::create_directory(folder / "g");
    events_until(watch, named("g"));
  });
}

TEST_CASE("the same again is told once") {
  fresh_folder folder;
  spill(folder / "a", "");
  run([&] {
    auto watch = watch_path(folder.path());
    for (int i = 0; i < 100; ++i) chmod((folder / "a").c_str(), 0600);
    structio::sleep(1ms);
    CHECK(watch.next().content);
    stdfs::create_directory(folder / "end");
    CHECK(events_until(watch, named("end")).size() <= 2);
  });
}

TEST_CASE("waiting for events is cancelled, and takes none") {
  fresh_folder folder;
  run([&] {
    auto watch = watch_path(folder.path());
    CHECK_FALSE(structio::move_on_after(1ms, [&] { watch.next(); }));
    stdfs::create_directory(folder / "a");
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      CHECK(is_cancelled([&] { watch.next(); }));
    });
    CHECK(watch.next().name == "a");
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(watch.next().name == "b"); });
      settle();
      CHECK(throws<structio::busy_error>([&] { watch.next(); }));
      stdfs::create_directory(folder / "b");
    });
  });
}

TEST_CASE("a watch that is closed tells who waits, and leaks nothing") {
  fresh_folder folder;
  const int at_first = open_descriptors();
  run([&] {
    { auto warm = watch_path(folder.path()); }  // the loop keeps a descriptor for all of them
    const int before = open_descriptors();
    auto watch = watch_path(folder.path());
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(throws<structio::closed_error>([&] { watch.next(); })); });
      settle();
      watch.close();
    });
    watch.close();
    CHECK(throws<structio::closed_error>([&] { watch.next(); }));
    auto freed = watch_path(folder.path());
    open_nursery([&](nursery& n) {
      n.start_soon([raw = freed.native()] {
        structio_watch_event event{};
        event.struct_size = sizeof event;
        CHECK(structio_watch_next(raw, &event) == STRUCTIO_ECLOSED);
      });
      settle();
      { const path_watch gone(std::move(freed)); }
    });
    structio::cancel_scope scope;
    auto last = watch_path(folder.path());
    scope.run([&] {
      scope.cancel();
      CHECK(is_cancelled([&] { last.close(); }));
    });
    CHECK(throws<structio::closed_error>([&] { last.next(); }));
    CHECK(open_descriptors() == before);
  });
  CHECK(open_descriptors() == at_first);
}

TEST_CASE("what cannot be watched is refused") {
  fresh_folder folder;
  run([&] {
    CHECK(code_of([&] { watch_path(folder / "none"); }) == -ENOENT);
#if defined(__linux__)
    CHECK(code_of([&] { watch_path(folder.path(), {.recursive = true}); }) ==
          STRUCTIO_EUNSUPPORTED);
#endif
  });
  std::optional<path_watch> kept;
  run([&] { kept.emplace(watch_path(folder.path())); });
  run([&] { CHECK(throws<structio::closed_error>([&] { kept->next(); })); });
}

TEST_CASE("who waits for what others do is in no deadlock") {
  fresh_folder folder;
  std::thread other;
  run([&] {
    auto watch = watch_path(folder.path());
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(watch.next().name == "a"); });
      settle();
      other = std::thread([&] { stdfs::create_directory(folder / "a"); });
    });
  });
  other.join();
}

TEST_CASE("a watch that nobody waits for is no reason to go on") {
  fresh_folder folder;
  const auto nothing_comes = [&] {
    auto watch = watch_path(folder.path());
    structio::sleep_forever();
  };
  CHECK(throws<structio::deadlock>([&] { run(nothing_comes); }));
}
