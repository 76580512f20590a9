// Files in the sight of others: what they may see while one is written.
#include <structio/structio.hpp>
#include <structio/testing.hpp>
#include <structio/testing/memory_stream.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "support/catch.hpp"
#include "support/face.hpp"
#include "support/net.hpp"

using net_test::run;

TEST_CASE("what replaces a file is never open to more than that was", "[FILE-06]") {
  run([] {
    const structio::temporary_directory folder;
    const auto path = folder.path() / "secret";
    structio::write_file(
        path, "old",
        {.permissions = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write});
    std::atomic<bool> over{false};
    std::atomic<int> seen{0};
    std::atomic<int> wide{0};
    std::thread watcher([&, name = folder.path().string()] {
      while (!over) {
        std::error_code gone;
        for (const auto& entry : std::filesystem::directory_iterator(name, gone)) {
          struct stat s;
          if (stat(entry.path().c_str(), &s) != 0) continue;
          ++seen;
          if ((s.st_mode & 077) != 0) ++wide;
        }
      }
    });
    for (int i = 0; i < 300; ++i) structio::write_file(path, "new", {.sync = false});
    over = true;
    watcher.join();
    CHECK(seen > 0);
    CHECK(wide == 0);
  });
}

TEST_CASE("why a file could not be closed is told, whatever fails in another task meanwhile",
          "[FILE-04]") {
  run(
      [] {
        auto [left, right] = structio::testing::memory_stream_pair();
        right.close();
        bool over = false;
        structio::open_nursery([&, &other = left](structio::nursery& n) {
          n.start_soon([&] {
            while (!over) {
              face::throws<structio::broken_error>([&] { other.send_all("x"); });
            }
          });
          for (int i = 0; i < 20; ++i) {
            const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
            auto file = structio::adopt_file(descriptor);
            close(descriptor);
            const auto why = face::thrown<structio::error>([&] { file.close(); });
            REQUIRE(why);
            if (std::string(why->what()).find("structio_file_close") == std::string::npos) {
              FAIL(why->what());
            }
          }
          over = true;
        });
      },
      1);
}

TEST_CASE("Ctrl-C is not lost in a close that fails of something else", "[FILE-04]") {
  structio::run({.interrupt = structio::interrupt_mode::handle}, [] {
    const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    auto file = structio::adopt_file(descriptor);
    close(descriptor);
    structio::testing::inject_interrupt();
    CHECK(face::throws<structio::error>([&] { file.close(); }));
    CHECK(face::throws<structio::interrupted>([] { structio::checkpoint(); }));
  });
}

TEST_CASE("a link to what is not there yet is followed as well", "[FILE-06]") {
  run([] {
    const structio::temporary_directory folder;
    const auto target = folder.path() / "target";
    const auto link = folder.path() / "link";
    std::filesystem::create_symlink("target", link);
    structio::write_file(link, "text");
    CHECK(std::filesystem::is_symlink(link));
    REQUIRE(std::filesystem::exists(target));
    CHECK(structio::read_file(target) == "text");
    // Through several, of both kinds; and where there is no folder there is nothing made.
    const auto other = folder.path() / "other";
    std::filesystem::create_symlink(folder.path() / "second", other);
    std::filesystem::create_symlink("third", folder.path() / "second");
    structio::write_file(other, "more");
    CHECK(structio::read_file(folder.path() / "third") == "more");
    std::filesystem::create_symlink("nowhere/x", folder.path() / "lost");
    CHECK(
        face::throws<structio::error>([&] { structio::write_file(folder.path() / "lost", "x"); }));
    CHECK(std::filesystem::is_symlink(folder.path() / "lost"));
    std::filesystem::create_symlink("round", folder.path() / "round");
    CHECK(
        face::throws<structio::error>([&] { structio::write_file(folder.path() / "round", "x"); }));
  });
}
