// Whole files: what is read is all there is; what is written is there wholly or not at all, and
// nothing else is left in the folder.
#include <sys/resource.h>

#include <cerrno>

#include "support/files.hpp"

using namespace file_test;
using structio::read_file;
using structio::write_file;
using structio::write_mode;
using names = std::vector<std::string>;

namespace {

/// Files may not grow beyond this, until its end. Who writes more gets a code where signals are
/// blocked, as they are on worker threads.
class small_disk {
 public:
  explicit small_disk(rlim_t size) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = size;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

mode_t mode_of(const stdfs::path& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 07777;
}

}  // namespace

TEST_CASE("a whole file is read, whatever its size") {
  fresh_folder folder;
  run([&] {
    for (const std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 1u << 20, (3u << 20) + 5}) {
      const std::string data = pattern(size);
      spill(folder / "a", data);
      CHECK(read_file(folder / "a") == data);
      CHECK(structio::read_file_bytes(folder / "a").size() == size);
      void* raw = nullptr;
      std::size_t raw_size = 0;
      CHECK(structio_file_read_all((folder / "a").c_str(), 0, &raw, &raw_size) == 0);
      CHECK(raw_size == size);
      CHECK(static_cast<const char*>(raw)[size] == '\0');
      structio_memory_free(raw);
    }
    // Files that do not say how large they are.
    CHECK(read_file("/proc/self/maps").size() > 100);
    CHECK(read_file("/dev/null").empty());
  });
}

TEST_CASE("a file larger than the limit is refused") {
  fresh_folder folder;
  spill(folder / "a", "12345");
  run([&] {
    CHECK(read_file(folder / "a", 5) == "12345");
    CHECK(read_file(folder / "a", SIZE_MAX) == "12345");
    CHECK(code_of([&] { read_file(folder / "a", 4); }) == STRUCTIO_ELIMIT);
    CHECK(code_of([&] { read_file("/dev/zero", 100'000); }) == STRUCTIO_ELIMIT);
    CHECK(code_of([&] { read_file(folder / "none"); }) == -ENOENT);
    CHECK(code_of([&] { read_file(folder.path()); }) == -EISDIR);
  });
}

TEST_CASE("a file is written at one stroke") {
  fresh_folder folder;
  run([&] {
    const mode_t mask = umask(027);
    write_file(folder / "a", "one");
    umask(mask);
    CHECK(slurp(folder / "a") == "one");
    CHECK(mode_of(folder / "a") == 0640);
    chmod((folder / "a").c_str(), 0604);
    auto before = open_file(folder / "a");
    write_file(folder / "a", pattern((2 << 20) + 1));
    CHECK(slurp(folder / "a") == pattern((2 << 20) + 1));
    CHECK(mode_of(folder / "a") == 0604);
    CHECK(read_some(before) == "one");  // who has it open has the old one
    write_file(folder / "a", "", {.sync = false});
    CHECK(slurp(folder / "a").empty());
    CHECK(folder.names() == names{"a"});
    write_file(folder / "b", "x", {.permissions = stdfs::perms::owner_read});
    CHECK(mode_of(folder / "b") == 0400);
    CHECK(code_of([&] { write_file(folder.path(), "x"); }) == -EISDIR);
    CHECK(code_of([&] { write_file(folder / "none" / "a", "x"); }) == -ENOENT);
    CHECK(folder.names() == names{"a", "b"});
  });
}

TEST_CASE("a file that is replaced stays its owner's") {
  if (!is_root()) return;
  fresh_folder folder;
  spill(folder / "a", "old");
  REQUIRE(chown((folder / "a").c_str(), 65534, 65533) == 0);
  chmod((folder / "a").c_str(), 04750);
  run([&] {
    write_file(folder / "a", "new");
    const auto info = structio::path_info(folder / "a");
    CHECK(info.user == 65534);
    CHECK(info.group == 65533);
    CHECK(mode_of(folder / "a") == 04750);
  });
}

TEST_CASE("a link is followed, what it leads to replaced") {
  fresh_folder folder;
  run([&] {
    stdfs::create_directory(folder / "d");
    spill(folder / "d" / "target", "old");
    stdfs::create_symlink("d/target", folder / "link");
    write_file(folder / "link", "new");
    CHECK(stdfs::is_symlink(folder / "link"));
    CHECK(slurp(folder / "d" / "target") == "new");
    stdfs::create_symlink("nowhere", folder / "lost");
    write_file(folder / "lost", "x");
    CHECK(stdfs::is_symlink(folder / "lost"));
    CHECK(slurp(folder / "nowhere") == "x");
    CHECK(folder.names() == names{"d", "link", "lost", "nowhere"});
  });
}

TEST_CASE("a file that has to be new, and one that grows") {
  fresh_folder folder;
  run([&] {
    write_file(folder / "a", "x", {.mode = write_mode::only_new});
    CHECK(code_of([&] { write_file(folder / "a", "y", {.mode = write_mode::only_new}); }) ==
          -EEXIST);
    stdfs::create_symlink("nowhere", folder / "lost");
    CHECK(code_of([&] { write_file(folder / "lost", "y", {.mode = write_mode::only_new}); }) ==
          -EEXIST);
    write_file(folder / "a", "y", {.mode = write_mode::append});
    write_file(folder / "b", "z", {.mode = write_mode::append, .sync = false});
    CHECK(slurp(folder / "a") == "xy");
    CHECK(slurp(folder / "b") == "z");
    CHECK(folder.names() == names{"a", "b", "lost"});
    // Of many who want to make it one does.
    int made = 0;
    open_nursery([&](nursery& n) {
      for (int i = 0; i < 8; ++i) {
        n.start_soon([&] {
          if (code_of([&] { write_file(folder / "c", "1", {.mode = write_mode::only_new}); }) == 0)
            ++made;
        });
      }
    });
    CHECK(made == 1);
    CHECK(folder.names() == names{"a", "b", "c", "lost"});
  });
}

TEST_CASE("when writing fails the old content stays, and nothing else") {
  fresh_folder folder;
  spill(folder / "a", "old");
  run([&] {
    const int before = open_descriptors();
    {
      const small_disk disk(1 << 20);
      const std::string much = pattern(2 << 20);
      CHECK(code_of([&] { write_file(folder / "a", much); }) == -EFBIG);
      CHECK(code_of([&] { write_file(folder / "b", much); }) == -EFBIG);
      spill(folder / "much", pattern(1 << 20));
    }
    {
      const small_disk disk(1 << 19);
      CHECK(code_of([&] { structio::copy_file(folder / "much", folder / "c"); }) == -EFBIG);
      CHECK(code_of([&] { structio::copy_file(folder / "much", folder / "a", true); }) == -EFBIG);
    }
    CHECK(slurp(folder / "a") == "old");
    CHECK(folder.names() == names{"a", "much"});
    if (::access("/dev/full", W_OK) == 0) {
      CHECK(code_of([] { write_file("/dev/full", "x"); }) == -ENOSPC);
    }
    if (!is_root()) {
      chmod(folder.path().c_str(), 0500);
      CHECK(code_of([&] { write_file(folder / "a", "new"); }) == -EACCES);
      chmod(folder.path().c_str(), 0700);
    }
    write_file("/dev/null", "x");  // a device is written to, not replaced
    CHECK(stdfs::is_character_file("/dev/null"));
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("writing cancelled at each instant: the old content or the new") {
  fresh_folder folder;
  const std::string old_text = "old";
  const std::string new_text = pattern(3 << 20);
  int replaced = 0;
  run(
      [&] {
        const int before = open_descriptors();
        for (int i = 0; i < 30; ++i) {
          spill(folder / "a", old_text);
          bool done = false;
          cut_after(i * 8, [&] {
            write_file(folder / "a", new_text, {.sync = false});
            done = true;
          });
          CHECK(slurp(folder / "a") == (done ? new_text : old_text));
          CHECK(folder.names() == names{"a"});
          if (done) ++replaced;
        }
        CHECK(open_descriptors() == before);
      },
      1);
  CHECK(replaced < 30);
}

TEST_CASE("reading and copying are cancelled in the midst of it") {
  fresh_folder folder;
  run([&] {
    const int before = open_descriptors();
    // Without an end, so that nothing but a cancellation ends it; a limit for tests that fail.
    CHECK_FALSE(structio::move_on_after(1ms, [] { read_file("/dev/zero", 1 << 30); }));
    const auto large = folder / "large";
    spill(large, "");
    stdfs::resize_file(large, std::uintmax_t{1} << 38);  // nothing but a hole
    CHECK_FALSE(structio::move_on_after(1ms, [&] { structio::copy_file(large, folder / "copy"); }));
    CHECK(folder.names() == names{"large"});
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("a file is copied with its permissions") {
  fresh_folder folder;
  run([&] {
    const std::string data = pattern((1 << 20) + 7);
    spill(folder / "a", data);
    chmod((folder / "a").c_str(), 0751);
    CHECK(structio::copy_file(folder / "a", folder / "b") == data.size());
    CHECK(slurp(folder / "b") == data);
    CHECK(mode_of(folder / "b") == 0751);
    CHECK(code_of([&] { structio::copy_file(folder / "a", folder / "b"); }) == -EEXIST);
    spill(folder / "a", "short");
    CHECK(structio::copy_file(folder / "a", folder / "b", true) == 5);
    CHECK(slurp(folder / "b") == "short");
    CHECK(structio::copy_file(folder / "a", folder / "a", true) == 5);
    CHECK(slurp(folder / "a") == "short");
    CHECK(code_of([&] { structio::copy_file(folder.path(), folder / "c"); }) == -EISDIR);
    CHECK(code_of([&] { structio::copy_file("/dev/null", folder / "c"); }) == -EINVAL);
    CHECK(code_of([&] { structio::copy_file(folder / "none", folder / "c"); }) == -ENOENT);
    CHECK(folder.names() == names{"a", "b"});
  });
}
