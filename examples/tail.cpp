// A log tailer: prints what is added to a file, as it is added, until SIGTERM or SIGINT. A file
// that is emptied, or replaced by another of its name as logs are rotated, is followed.
//
//     tail FILE
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <structio/structio.hpp>
#include <system_error>

namespace {

using namespace std::chrono_literals;

class follower {
 public:
  explicit follower(std::filesystem::path path) : path_(std::move(path)) {}

  /// Prints what there is to be printed now.
  void catch_up() {
    if (file_) print_rest();
    if (!is_still_the_same()) {
      if (file_) print_rest();  // what was written before it was replaced
      reopen();
      if (file_) print_rest();
    }
  }

 private:
  void print_rest() {
    if (file_->size() < offset_) offset_ = 0;  // emptied: it begins anew
    std::array<char, 65536> buffer;
    while (const auto got = file_->read_some_at(offset_, buffer)) {
      std::fwrite(buffer.data(), 1, got, stdout);
      offset_ += got;
    }
    std::fflush(stdout);
  }

  bool is_still_the_same() {
    if (!file_) return false;
    try {
      const auto named = structio::path_info(path_);
      const auto opened = file_->info();
      return named.inode == opened.inode && named.device == opened.device;
    } catch (const structio::error& e) {
      if (e.error_code() != std::errc::no_such_file_or_directory) throw;
      return false;
    }
  }

  void reopen() {
    file_.reset();
    offset_ = 0;
    try {
      file_.emplace(structio::open_file(path_));
    } catch (const structio::error& e) {
      // Between two rotations there may be none; the folder tells when there is.
      if (e.error_code() != std::errc::no_such_file_or_directory) throw;
    }
  }

  std::filesystem::path path_;
  std::optional<structio::file> file_;
  std::uint64_t offset_ = 0;
};

void follow(const std::filesystem::path& path) {
  structio::open_nursery([&](structio::nursery& n) {
    n.cancel_scope().stop_on_signal(SIGTERM, 0s);
    n.cancel_scope().stop_on_signal(SIGINT, 0s);
    // The folder, not the file: that may come and go. Watched before looking, so nothing is missed.
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    auto changes = structio::watch_path(folder);
    follower f(path);
    for (f.catch_up();; f.catch_up()) changes.next();
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: tail FILE\n");
    return EXIT_FAILURE;
  }
  try {
    structio::run([&] { follow(argv[1]); });
  } catch (const structio::exception_group& group) {
    std::fprintf(stderr, "tail: %s", to_string(group).c_str());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
