// Files in the sight of others: what they may see while one is written.
#include <structio/structio.hpp>

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "support/catch.hpp"
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
