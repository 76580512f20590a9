// Watching files and folders for changes that others make.
//
//     auto watch = structio::watch_path("/etc");
//     for (;;) std::cout << watch.next().name << " has changed\n";
//
// It is the system's own watching, which tells that something has happened, not always what: look
// at what is there now.
#pragma once

#include <structio/structio_watch.h>
#include <structio/file.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace structio {
inline namespace v0 {

struct watch_event {
  std::filesystem::path name;  ///< in the folder, or of the file; empty when unknown
  bool names = false;          ///< it was made, removed, or renamed from or to this
  bool content = false;        ///< content, permissions or times have changed
  bool overflow = false;       ///< events were lost here: look at everything
};

struct watch_options {
  bool recursive = false;      ///< folders below as well, where the system can (not on Linux)
  std::uint32_t capacity = 0;  ///< how many events wait to be taken; 0: 1024
};

/// A path that is watched. Movable; one waiting task at a time.
class path_watch {
 public:
  /// Takes over a handle.
  explicit path_watch(structio_watch* raw) noexcept : raw_(raw) {}
  path_watch(path_watch&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  path_watch& operator=(path_watch&& other) noexcept {
    path_watch taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  /// Closes at once, without waiting.
  ~path_watch() { structio_watch_free(raw_); }

  /// Waits for the next event. Checkpoint. Cancelled: none was taken. Throws `cancelled`,
  /// busy_error, closed_error, error (nothing is watched any more).
  watch_event next() {
    structio_watch_event raw{};
    raw.struct_size = sizeof raw;
    detail::blocking([&] { return structio_watch_next(raw_, &raw); });
    const std::string_view name(raw.name);
    return {std::u8string(name.begin(), name.end()), (raw.kinds & STRUCTIO_WATCH_NAMES) != 0,
            (raw.kinds & STRUCTIO_WATCH_CONTENT) != 0, (raw.kinds & STRUCTIO_WATCH_OVERFLOW) != 0};
  }

  /// Ends the watching: whoever waits gets closed_error; later calls too. Idempotent. Checkpoint
  /// that also closes when cancelled.
  void close() {
    detail::blocking([this] { return structio_watch_close(raw_); });
  }

  structio_watch* native() const noexcept { return raw_; }

 private:
  structio_watch* raw_;
};

/// Begins to watch a file or a folder: what is in it, not below that. It does not wait. Throws
/// error (ENOENT, EACCES; ENOSPC, EMFILE: the system has no more watches; STRUCTIO_EUNSUPPORTED).
inline path_watch watch_path(const std::filesystem::path& path, const watch_options& options = {}) {
  structio_watch_options raw{};
  raw.struct_size = sizeof raw;
  raw.recursive = options.recursive ? 1 : 0;
  raw.capacity = options.capacity;
  const std::string text = detail::path_text(path);
  structio_watch* made = nullptr;
  detail::check(structio_watch_open(text.c_str(), &raw, &made));
  return path_watch(made);
}

}  // namespace v0
}  // namespace structio
