// What tests of files share: a fresh folder for each, plain reading and writing beside the library,
// FIFOs, which hold up the thread that opens them until a peer comes.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <structio/structio.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/net.hpp"

namespace file_test {

using namespace std::chrono_literals;
using face::is_cancelled;
using face::thrown;
using face::throws;
using net_test::open_descriptors;
using net_test::pattern;
using net_test::pause;
using net_test::run;
using net_test::settle;
using structio::file;
using structio::nursery;
using structio::open_file;
using structio::open_nursery;
namespace stdfs = std::filesystem;

/// Removed with all that is in it.
class fresh_folder {
 public:
  fresh_folder() {
    std::string name = (stdfs::temp_directory_path() / "structio-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  fresh_folder(const fresh_folder&) = delete;
  fresh_folder& operator=(const fresh_folder&) = delete;
  ~fresh_folder() {
    std::error_code ignored;
    stdfs::remove_all(path_, ignored);
  }

  stdfs::path operator/(const char* name) const { return path_ / name; }
  const stdfs::path& path() const { return path_; }

  /// Names of what is in it, in order.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : stdfs::directory_iterator(path_)) {
      all.push_back(entry.path().filename().string());
    }
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  stdfs::path path_;
};

inline std::string slurp(const stdfs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return "(none)";
  std::string all;
  char piece[65536];
  for (ssize_t got = 0; (got = ::read(descriptor, piece, sizeof piece)) > 0;) {
    all.append(piece, static_cast<std::size_t>(got));
  }
  ::close(descriptor);
  return all;
}

inline void spill(const stdfs::path& path, const std::string& text) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  REQUIRE(descriptor >= 0);
  REQUIRE(::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(descriptor);
}

inline stdfs::path make_fifo(const fresh_folder& in, const char* name = "fifo") {
  const stdfs::path path = in / name;
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  return path;
}

/// Both directions at once, which never waits for a peer, and is one for whoever waits.
class fifo_peer {
 public:
  explicit fifo_peer(const stdfs::path& path)
      : descriptor_(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
    REQUIRE(descriptor_ >= 0);
  }
  fifo_peer(const fifo_peer&) = delete;
  fifo_peer& operator=(const fifo_peer&) = delete;
  ~fifo_peer() { ::close(descriptor_); }

  void say(const std::string& text) const {
    CHECK(::write(descriptor_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }

 private:
  int descriptor_;
};

/// The code of the structio::error that `fn` throws; 0 when none.
template <class Fn>
int code_of(Fn&& fn) {
  const auto caught = thrown<structio::error>(std::forward<Fn>(fn));
  return caught ? caught->code() : 0;
}

inline std::string read_some(file& from, std::size_t most = 4096) {
  std::string text(most, '\0');
  text.resize(from.read_some(std::span<char>(text)));
  return text;
}

inline std::string read_some_at(file& from, std::uint64_t offset, std::size_t most = 4096) {
  std::string text(most, '\0');
  text.resize(from.read_some_at(offset, std::span<char>(text)));
  return text;
}

/// Runs `call` in a scope that another task cancels after giving way `delay` times. True when it
/// ran to its end.
template <class Call>
bool cut_after(int delay, Call&& call) {
  bool whole = false;
  structio::cancel_scope scope;
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      pause(delay);
      scope.cancel();
    });
    whole = scope.run([&] { call(); });
  });
  return whole;
}

inline bool is_root() {
  return geteuid() == 0;
}

}  // namespace file_test
