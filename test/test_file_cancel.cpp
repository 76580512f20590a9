// Files and cancellation: before the thread begins nothing has happened, then its work is waited
// for; nothing leaks at any instant; closing closes. Kinds of work do not keep each other out.
#include <sys/mman.h>

#include <cerrno>
#include <memory>

#include "support/files.hpp"
#include "support/gate.hpp"

using namespace file_test;

namespace {

/// As many tasks as there are tokens, each at a FIFO of its own that nobody else opens. Declared
/// before their nursery: until they have ended they need their peers.
class full_pool {
 public:
  explicit full_pool(const fresh_folder& folder, int tokens) {
    for (int i = 0; i < tokens; ++i) {
      fifos_.push_back(make_fifo(folder, ("fifo" + std::to_string(i)).c_str()));
    }
  }
  void fill(nursery& n) {
    const auto tokens = static_cast<std::int64_t>(fifos_.size());
    structio::default_file_limiter().set_total(tokens);
    for (const auto& path : fifos_) n.start_soon([path] { open_file(path); });
    settle();
    CHECK(structio::default_file_limiter().borrowed() == tokens);
  }
  void let_go() {
    for (const auto& path : fifos_) peers_.push_back(std::make_unique<fifo_peer>(path));
  }

 private:
  std::vector<stdfs::path> fifos_;
  std::vector<std::unique_ptr<fifo_peer>> peers_;
};

}  // namespace

TEST_CASE("in a cancelled scope nothing is done, but closing closes", "[FILE-04]") {
  fresh_folder folder;
  run([&] {
    auto f = open_file(folder / "a", {.read = true, .write = true, .create = true});
    const int before = open_descriptors();
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      CHECK(is_cancelled([&] { f.write_all("x"); }));
      CHECK(is_cancelled([&] { f.write_all_at(0, "x"); }));
      CHECK(is_cancelled([&] { open_file(folder / "b", {.write = true, .create = true}); }));
      CHECK(is_cancelled([&] { structio::write_file(folder / "b", "x"); }));
      CHECK(is_cancelled([&] { structio::make_directory(folder / "b"); }));
      CHECK(slurp(folder / "a").empty());
      CHECK(folder.names() == std::vector<std::string>{"a"});
      CHECK(is_cancelled([&] { f.close(); }));
      CHECK(open_descriptors() == before - 1);
      CHECK(is_cancelled([&] { f.close(); }));
    });
    CHECK(throws<structio::closed_error>([&] { f.size(); }));
  });
}

TEST_CASE("who waits for a token is cancelled at once") {
  fresh_folder folder;
  run([&] {
    full_pool pool(folder, 1);
    open_nursery([&](nursery& n) {
      pool.fill(n);
      auto done = structio::move_on_after(
          1ms, [&] { open_file(folder / "a", {.write = true, .create = true}); });
      CHECK_FALSE(done);
      done = structio::move_on_after(1ms, [&] { structio::write_file(folder / "a", "x"); });
      CHECK_FALSE(done);
      CHECK_FALSE(stdfs::exists(folder / "a"));
      CHECK(structio::default_file_limiter().borrowed() == 1);
      pool.let_go();
    });
  });
}

TEST_CASE("once the thread works the call waits, and completion wins", "[FIB-13]") {
  fresh_folder folder;
  const auto path = make_fifo(folder);
  run([&] {
    std::optional<fifo_peer> peer;
    std::optional<file> opened;
    std::string got;
    structio::cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        settle();
        scope.cancel();
        settle();
        CHECK_FALSE(opened);
        peer.emplace(path);
      });
      CHECK_FALSE(scope.run([&] {
        opened.emplace(open_file(path));
        CHECK(is_cancelled([] { structio::checkpoint(); }));
        CHECK(is_cancelled([&] { read_some(*opened); }));
        structio::checkpoint();
      }));
    });
    REQUIRE(opened);
    structio::cancel_scope reading;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        settle();
        reading.cancel();
        settle();
        CHECK(got.empty());
        peer->say("late");
      });
      reading.run([&] {
        got = read_some(*opened);
        structio::checkpoint();
      });
    });
    CHECK(got == "late");
  });
}

TEST_CASE("open cancelled at each instant: a file, or no descriptor") {
  fresh_folder folder;
  int opened_count = 0, cut = 0;
  run(
      [&] {
        open_file(folder / "a", {.write = true, .create = true});
        structio::default_file_limiter().set_total(1);
        const int before = open_descriptors();
        for (int i = 0; i < 300; ++i) {
          std::optional<file> made;
          const bool alone = i % 2 == 1;
          open_nursery([&](nursery& n) {
            // At times somebody else has the only token.
            if (i % 3 == 0) n.start_soon([&] { structio::path_exists("/"); });
            structio::checkpoint();
            const bool whole = cut_after(i % 7, [&] {
              made.emplace(open_file(folder / "a", {.abandon_on_cancel = alone}));
            });
            if (whole) CHECK(made.has_value());
          });
          ++(made ? opened_count : cut);
          structio_wait_all_threads_completed();
          CHECK(open_descriptors() == before + (made ? 1 : 0));
        }
        CHECK(open_descriptors() == before);
      },
      1);
  CHECK(opened_count > 0);
  CHECK(cut > 0);
}

TEST_CASE("an open that may be left alone is, and leaks nothing") {
  fresh_folder folder;
  const auto path = make_fifo(folder);
  const int at_first = open_descriptors();
  run([&] {
    structio::run_in_thread([] {});
    const int before = open_descriptors();
    const auto alone = [&] { open_file(path, {.abandon_on_cancel = true}); };
    CHECK_FALSE(structio::move_on_after(1ms, alone));
    CHECK_FALSE(structio::move_on_after(1ms, alone));
    CHECK(structio::default_file_limiter().borrowed() == 2);
    {
      const fifo_peer peer(path);
      CHECK(structio_wait_all_threads_completed() == 0);
    }
    CHECK(structio::default_file_limiter().borrowed() == 0);
    CHECK(open_descriptors() == before);
    std::optional<fifo_peer> peer;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        settle();
        peer.emplace(path);
      });
      alone();  // and when nobody cancels it, it is an open like any other
    });
    CHECK_FALSE(structio::move_on_after(
        1ms, [&] { open_file(make_fifo(folder, "other"), {.abandon_on_cancel = true}); }));
  });
  // The run has ended before its thread.
  const fifo_peer peer(folder / "other");
  std::uint64_t alive = 1, idle = 0;
  while (alive != idle) {
    sched_yield();
    structio_thread_cache_counts(&alive, &idle);
  }
  CHECK(open_descriptors() == at_first + 1);
}

TEST_CASE("closing waits for the calls under way, whatever happens") {
  fresh_folder folder;
  const auto path = make_fifo(folder);
  const fifo_peer peer(path);
  run([&] {
    auto f = open_file(path);
    const int before = open_descriptors();
    bool closed = false;
    structio::cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(read_some(f) == "x"); });
      settle();
      n.start_soon([&] {
        scope.run([&] { CHECK(is_cancelled([&] { f.close(); })); });
        closed = true;
      });
      settle();
      scope.cancel();
      settle();
      // A thread that closed too early would be done by then.
      while (structio::default_file_limiter().borrowed() > 1) structio::checkpoint();
      pause(10);
      CHECK_FALSE(closed);
      CHECK(throws<structio::closed_error>([&] { read_some(f); }));
      f.close();  // another who closes has nothing to do
      CHECK(open_descriptors() == before);
      peer.say("x");
    });
    CHECK(closed);
    CHECK(open_descriptors() == before - 1);
  });
}

TEST_CASE("closing does not wait for calls that have no thread yet") {
  fresh_folder folder;
  run([&] {
    auto f = open_file(folder / "a", {.read = true, .write = true, .create = true});
    auto other = open_file(folder / "a");
    auto limiter = structio::default_file_limiter();
    limiter.set_total(0);
    const int before = open_descriptors();
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(throws<structio::closed_error>([&] { f.write_all("x"); })); });
      n.start_soon([raw = other.native()] {
        CHECK(structio_file_read(raw, nullptr, 0) == STRUCTIO_ECLOSED);
      });
      settle();
      f.close();
      { const file gone(std::move(other)); }
      CHECK(open_descriptors() == before - 2);
      limiter.set_total(1);
    });
    CHECK(limiter.borrowed() == 0);
    CHECK(slurp(folder / "a").empty());
  });
}

TEST_CASE("writing very much is cancelled in the midst of it, and tells how much it was") {
  // The device takes any size without looking at it, so that none of this memory is ever there.
  constexpr std::size_t size = std::size_t{1} << 43;
  void* much = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (much == MAP_FAILED) return;
  run([&] {
    auto f = open_file("/dev/null", {.write = true});
    std::int64_t done = 0;
    structio::cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        settle();
        scope.cancel();
      });
      scope.run([&] {
        done = structio_file_write(f.native(), much, size);
        CHECK(is_cancelled([&] { f.write_all("x"); }));
      });
    });
    CHECK(done > 0);
    CHECK(done < static_cast<std::int64_t>(size));
    CHECK(done % (64 << 20) == 0);
  });
  munmap(much, size);
}

TEST_CASE("a limiter for files that was destroyed is told; files are closed all the same") {
  fresh_folder folder;
  run([&] {
    auto f = open_file(folder / "a", {.write = true, .create = true});
    const int before = open_descriptors();
    structio_limiter_discard(structio_default_file_limiter());
    CHECK(throws<structio::usage_error>([&] { f.write_all("x"); }));
    const auto refused = thrown<structio::usage_error>([&] { structio::path_exists("/"); });
    REQUIRE(refused);
    CHECK(std::string(refused->what()).find("structio_path_exists: the run's own limiter") == 0);
    f.close();
    CHECK(open_descriptors() == before - 1);
  });
}

TEST_CASE("a handle freed in the midst of a call: the call comes to its end") {
  fresh_folder folder;
  const auto path = make_fifo(folder);
  const fifo_peer peer(path);
  run([&] {
    auto f = open_file(path);
    const int before = open_descriptors();
    open_nursery([&](nursery& n) {
      n.start_soon([raw = f.native()] {
        char byte = 0;
        CHECK(structio_file_read(raw, &byte, 1) == 1);
        CHECK(byte == 'x');
      });
      settle();
      { const file gone(std::move(f)); }
      CHECK(open_descriptors() == before);
      peer.say("x");
    });
    CHECK(open_descriptors() == before - 1);
  });
}

TEST_CASE("work on files and other threads never keep each other out") {
  fresh_folder folder;
  run([&] {
    full_pool pool(folder, 3);
    open_nursery([&](nursery& n) {
      pool.fill(n);
      CHECK(structio::run_in_thread([] { return 7; }) == 7);
      auto f = structio::adopt_file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      f.close();  // closing needs no token
      pool.let_go();
    });
    support::gate gate;
    structio::default_thread_limiter().set_total(2);
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 2; ++i) {
        n.start_soon([&] { structio::run_in_thread([&] { gate.wait(); }); });
      }
      settle();
      CHECK(structio::default_thread_limiter().borrowed() == 2);
      structio::write_file(folder / "a", "text");
      CHECK(structio::read_file(folder / "a") == "text");
      gate.open();
    });
  });
}

TEST_CASE("where the system has no thread, a file is closed all the same") {
  fresh_folder folder;
  run([&] {
    auto f = open_file(folder / "a", {.write = true, .create = true});
    const int before = open_descriptors();
    structio_inject_thread_refusals(1);
    CHECK(code_of([&] { f.write_all("x"); }) == -EAGAIN);
    CHECK(std::string(structio_last_message()) ==
          "structio_file_write: no thread, as the test wants it");
    structio_inject_thread_refusals(1);
    CHECK(code_of([&] { open_file(folder / "a", {.abandon_on_cancel = true}); }) == -EAGAIN);
    CHECK(structio::default_file_limiter().borrowed() == 0);
    structio_inject_thread_refusals(1);
    f.close();
    CHECK(open_descriptors() == before - 1);
  });
}

TEST_CASE("files on a virtual clock take no time") {
  fresh_folder folder;
  face::run([&] {
    const auto begin = structio::clock::now();
    structio::write_file(folder / "a", pattern(100'000));
    CHECK(structio::read_file(folder / "a") == pattern(100'000));
    CHECK(structio::clock::now() == begin);
  });
}
