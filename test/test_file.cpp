// Open files: what is read is what was written, whatever the flags; what the system refuses; the
// position, and who may be at it.
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include "support/files.hpp"

using namespace file_test;

namespace {

/// No descriptor above those that are open, until its end.
class no_descriptors {
 public:
  no_descriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    // The lowest number that is free is the first that a new descriptor would have.
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a file is written, read and closed at the end of its block", "[FILE-01][FILE-06]") {
  fresh_folder folder;
  run([&] {
    structio::run_in_thread([] {});
    const int before = open_descriptors();
    {
      auto f = open_file(folder / "a", {.read = true, .write = true, .create = true});
      CHECK(open_descriptors() == before + 1);
      CHECK(fcntl(static_cast<int>(f.descriptor()), F_GETFD) == FD_CLOEXEC);
      f.write_all("hello, ");
      f.write_all("world");
      CHECK(f.size() == 12);
      CHECK(f.seek(7) == 7);
      CHECK(read_some(f, 3) == "wor");
      CHECK(read_some(f) == "ld");
      CHECK(read_some(f).empty());
      CHECK(f.seek(-5, structio::seek_from::end) == 7);
      CHECK(f.seek(-7, structio::seek_from::here) == 0);
      CHECK(read_some_at(f, 4) == "o, world");
      CHECK(read_some_at(f, 400).empty());
      f.write_all_at(0, "J");
      f.sync();
      f.sync_data();
      CHECK(slurp(folder / "a") == "Jello, world");
      f.truncate(1);
      f.truncate(3);
      CHECK(slurp(folder / "a") == std::string("J\0\0", 3));
    }
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("how a file is opened") {
  fresh_folder folder;
  run([&] {
    const auto path = folder / "a";
    open_file(path, {.write = true, .create = true, .permissions = stdfs::perms::owner_read});
    CHECK(structio::path_info(path).permissions == stdfs::perms::owner_read);
    const auto exclusively = [&] {
      open_file(path, {.write = true, .create = true, .exclusive = true});
    };
    CHECK(code_of(exclusively) == -EEXIST);
    stdfs::remove(path);
    exclusively();

    spill(path, "old");
    auto end = open_file(path, {.append = true});
    end.write_all(" new");
    CHECK(slurp(path) == "old new");
    CHECK(code_of([&] { read_some(end); }) == -EBADF);
    auto both = open_file(path, {.read = true, .append = true});
    CHECK(read_some(both) == "old new");
    auto cut = open_file(path, {.read = true, .write = true, .truncate = true});
    CHECK(read_some(cut).empty());
    auto only_read = open_file(path);
    CHECK(code_of([&] { only_read.write_all("x"); }) == -EBADF);
  });
}

TEST_CASE("what the system refuses names call and path") {
  fresh_folder folder;
  run([&] {
    const auto refused = thrown<structio::error>([&] { open_file(folder / "none"); });
    REQUIRE(refused);
    CHECK(refused->error_code() == std::errc::no_such_file_or_directory);
    CHECK(std::string(refused->what()).find("structio_file_open: " + folder.path().string()) == 0);
    CHECK(code_of([&] { open_file(folder.path(), {.write = true}); }) == -EISDIR);
    auto as_folder = open_file(folder.path());
    CHECK(code_of([&] { read_some(as_folder); }) == -EISDIR);
    spill(folder / "a", "x");
    CHECK(code_of([&] { open_file(folder / "a" / "b"); }) == -ENOTDIR);
    CHECK(throws<std::invalid_argument>([&] { open_file(std::string("a\0b", 3)); }));
    CHECK(throws<std::invalid_argument>(
        [&] { open_file(folder / "b", {.write = true, .exclusive = true}); }));
    CHECK(throws<std::invalid_argument>([&] { open_file(folder / "b", {.truncate = true}); }));
    if (!is_root()) {
      chmod((folder / "a").c_str(), 0);
      CHECK(code_of([&] { open_file(folder / "a"); }) == -EACCES);
    }
    {
      const no_descriptors none;
      CHECK(code_of([&] { open_file(folder / "a"); }) == -EMFILE);
      CHECK(code_of([&] { structio::read_file(folder / "a"); }) == -EMFILE);
    }
    CHECK(folder.names() == std::vector<std::string>{"a"});
  });
}

TEST_CASE("a disk that is full is told, and how much went before") {
  if (::access("/dev/full", W_OK) != 0) return;
  run([] {
    auto full = open_file("/dev/full", {.write = true});
    CHECK(code_of([&] { full.write_all("x"); }) == -ENOSPC);
    CHECK(code_of([&] { full.write_all_at(0, "x"); }) == -ENOSPC);
    full.write_all("");
  });
}

TEST_CASE("sizes and offsets beyond all measure") {
  fresh_folder folder;
  spill(folder / "a", "12345");
  run([&] {
    auto f = open_file(folder / "a", {.read = true, .write = true});
    char buffer[16] = {};
    CHECK(structio_file_read(f.native(), buffer, SIZE_MAX) == 5);
    CHECK(structio_file_read_at(f.native(), buffer, SIZE_MAX, INT64_MAX) <= 0);
    CHECK(structio_file_read_at(f.native(), nullptr, 0, 0) == 0);
    CHECK(structio_file_write_at(f.native(), "x", 1, INT64_MAX) < 0);
    CHECK(throws<std::invalid_argument>([&] { f.read_some_at(~std::uint64_t{0}, buffer); }));
    CHECK(throws<std::invalid_argument>([&] { f.truncate(~std::uint64_t{0}); }));
    CHECK(code_of([&] { f.seek(-1); }) == -EINVAL);
    CHECK(slurp(folder / "a") == "12345");
    f.seek(std::int64_t{1} << 32);
    CHECK(f.seek(0, structio::seek_from::here) == std::uint64_t{1} << 32);
  });
}

TEST_CASE("many tasks read and write one file at offsets of their own") {
  fresh_folder folder;
  const std::string data = pattern(100'000);
  run([&] {
    auto f = open_file(folder / "a", {.read = true, .write = true, .create = true});
    open_nursery([&](nursery& n) {
      for (std::size_t at = 0; at < data.size(); at += 2500) {
        n.start_soon([&, at] { f.write_all_at(at, std::string_view(data).substr(at, 2500)); });
      }
    });
    open_nursery([&](nursery& n) {
      for (std::size_t at = 0; at < data.size(); at += 5000) {
        n.start_soon([&, at] { CHECK(read_some_at(f, at, 5000) == data.substr(at, 5000)); });
      }
    });
  });
  CHECK(slurp(folder / "a") == data);
}

TEST_CASE("one task at a time is at the position") {
  fresh_folder folder;
  const auto path = make_fifo(folder);
  const fifo_peer peer(path);
  run([&] {
    auto f = open_file(path);
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(read_some(f) == "x"); });
      settle();
      char byte = 0;
      CHECK(throws<structio::busy_error>([&] { read_some(f); }));
      CHECK(throws<structio::busy_error>([&] { f.seek(0); }));
      CHECK(code_of([&] { f.read_some_at(0, std::span(&byte, 1)); }) == -ESPIPE);
      CHECK(f.info().type == stdfs::file_type::fifo);
      CHECK(throws<structio::busy_error>([&] { f.detach(); }));
      peer.say("x");
    });
    CHECK(code_of([&] { f.seek(0); }) == -ESPIPE);
  });
}

TEST_CASE("what is known of a file") {
  fresh_folder folder;
  spill(folder / "a", "12345");
  run([&] {
    auto f = open_file(folder / "a");
    const auto info = f.info();
    struct stat s {};
    REQUIRE(stat((folder / "a").c_str(), &s) == 0);
    CHECK(info.type == stdfs::file_type::regular);
    CHECK(info.size == 5);
    CHECK(info.inode == s.st_ino);
    CHECK(info.device == s.st_dev);
    CHECK(info.links == 1);
    CHECK(info.user == s.st_uid);
    CHECK(static_cast<unsigned>(info.permissions) == (s.st_mode & 07777));
    CHECK(info.modified.time_since_epoch().count() / 1'000'000'000 == s.st_mtime);
    structio_file_info cut{};
    cut.struct_size = offsetof(structio_file_info, size);
    cut.size = 77;
    CHECK(structio_file_get_info(f.native(), &cut) == 0);
    CHECK(cut.type == STRUCTIO_FILE_REGULAR);
    CHECK(cut.size == 77);
  });
}

TEST_CASE("the lock of a file keeps other openings out") {
  fresh_folder folder;
  run([&] {
    auto a = open_file(folder / "a", {.write = true, .create = true});
    auto b = open_file(folder / "a");
    CHECK(a.try_lock());
    CHECK_FALSE(b.try_lock(structio::file_lock::shared));
    a.unlock();
    CHECK(b.try_lock(structio::file_lock::shared));
    CHECK(a.try_lock(structio::file_lock::shared));
    CHECK_FALSE(a.try_lock());
    b.close();
    CHECK(a.try_lock());
    CHECK(structio_file_try_lock(a.native(), 7) == STRUCTIO_EINVALID);
  });
}

TEST_CASE("a descriptor becomes a file's, and leaves it", "[FILE-02][FILE-05]") {
  fresh_folder folder;
  spill(folder / "a", "text");
  const int descriptor = ::open((folder / "a").c_str(), O_RDONLY | O_CLOEXEC);
  run([&] {
    auto f = structio::adopt_file(descriptor);
    CHECK(f.descriptor() == descriptor);
    CHECK(read_some(f) == "text");
    CHECK(f.detach() == descriptor);
    CHECK(throws<structio::closed_error>([&] { read_some(f); }));
    CHECK(throws<structio::closed_error>([&] { f.detach(); }));
    f.close();
    auto again = structio::adopt_file(descriptor);
    again.close();
    CHECK(fcntl(descriptor, F_GETFD) == -1);
    CHECK(code_of([&] { structio::adopt_file(descriptor); }) == -EBADF);
    CHECK(code_of([&] { structio::adopt_file(-1); }) == -EBADF);
    CHECK(code_of([&] { structio::adopt_file(INT64_MAX); }) == -EBADF);
  });
}

TEST_CASE("a closed file says so; closing is idempotent") {
  fresh_folder folder;
  run([&] {
    auto f = open_file(folder / "a", {.read = true, .write = true, .create = true});
    f.close();
    f.close();
    CHECK(throws<structio::closed_error>([&] { read_some(f); }));
    CHECK(throws<structio::closed_error>([&] { read_some_at(f, 0); }));
    CHECK(throws<structio::closed_error>([&] { f.write_all("x"); }));
    CHECK(throws<structio::closed_error>([&] { f.write_all_at(0, "x"); }));
    CHECK(throws<structio::closed_error>([&] { f.seek(0); }));
    CHECK(throws<structio::closed_error>([&] { f.size(); }));
    CHECK(throws<structio::closed_error>([&] { f.info(); }));
    CHECK(throws<structio::closed_error>([&] { f.truncate(0); }));
    CHECK(throws<structio::closed_error>([&] { f.sync(); }));
    CHECK(throws<structio::closed_error>([&] { f.try_lock(); }));
    CHECK(throws<structio::closed_error>([&] { f.descriptor(); }));
    CHECK(throws<structio::closed_error>([&] { structio::as_stream(std::move(f)); }));
  });
}

TEST_CASE("a file that outlives its run is closed") {
  fresh_folder folder;
  const int before = open_descriptors();
  std::optional<file> kept;
  run([&] { kept.emplace(open_file(folder / "a", {.write = true, .create = true})); });
  CHECK(open_descriptors() == before);
  CHECK(structio_file_free(kept->native()) == 0);
  CHECK(structio_file_free(kept->native()) == STRUCTIO_ESTALE);
  run([&] { CHECK(throws<structio::usage_error>([&] { kept->size(); })); });
}

TEST_CASE("a file as a stream") {
  fresh_folder folder;
  run([&] {
    const int before = open_descriptors();
    {
      auto out = structio::as_stream(open_file(folder / "a", {.write = true, .create = true}));
      out.wait_send_might_not_block();
      out.send_all("first ");
      out.send_all("");
      out.send_all("second");
      char byte = 0;
      CHECK(code_of([&] { out.receive_some(std::span(&byte, 1)); }) == -EBADF);
      CHECK(throws<structio::usage_error>([&] { out.send_eof(); }));
      out.close();
      CHECK(open_descriptors() == before);
      CHECK(throws<structio::closed_error>([&] { out.send_all("x"); }));
    }
    auto opened = open_file(folder / "a");
    structio_stream* raw = nullptr;
    CHECK(structio_file_stream(opened.native(), &raw) == 0);
    structio::any_stream in(raw);
    std::string text(6, '\0');
    CHECK(in.receive_some(std::span<char>(text)) == 6);
    CHECK(text == "first ");
    CHECK(read_some(opened) == "second");  // it is one position
    CHECK(in.receive_some(std::span<char>(text)) == 0);
    SECTION("freed, it leaves the file to the handle") {
      { const structio::any_stream gone(std::move(in)); }
      CHECK(opened.size() == 12);
    }
    SECTION("closed, it closes the file") {
      in.close();
      CHECK(throws<structio::closed_error>([&] { opened.size(); }));
    }
    SECTION("the file closed closes it") {
      opened.close();
      CHECK(throws<structio::closed_error>([&] { in.receive_some(std::span<char>(text)); }));
      in.close();
    }
    SECTION("the handle freed leaves the file to the stream") {
      { const file gone(std::move(opened)); }
      CHECK(in.receive_some(std::span<char>(text)) == 0);
      CHECK(open_descriptors() == before + 1);
      in.close();
      CHECK(open_descriptors() == before);
    }
  });
}
