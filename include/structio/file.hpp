// Files, by worker threads: a slow disk holds nobody up. Folders and paths: directory.hpp.
//
//     std::string text = structio::read_file("notes.txt");
//     structio::write_file("notes.txt", text + "more\n");       // the old text or the new, never
//     half
//
//     auto log = structio::open_file("log", {.append = true, .create = true});
//     log.write_all("began\n");
//
// Always true: while a call waits for its thread to begin a cancellation ends it at once, and
// nothing has happened; then it waits until the thread has done, returns what came of it, and the
// next checkpoint throws `cancelled`. No buffer is touched after the call that took it has
// returned; destructors close at once and never wait. What the system refuses is `error`, whose
// error_code() compares with std::errc and whose text names call and path.
#pragma once

#include <structio/structio_file.h>
#include <structio/error.hpp>
#include <structio/stream.hpp>
#include <structio/thread.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// When something happened to a file.
using file_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// What is known of a file without reading it.
struct file_info {
  std::filesystem::file_type type = std::filesystem::file_type::none;
  std::filesystem::perms permissions = std::filesystem::perms::none;
  std::uint64_t size = 0;       ///< in bytes
  std::uint64_t allocated = 0;  ///< bytes on the disk
  std::uint64_t device = 0;     ///< with inode: the same file or not
  std::uint64_t inode = 0;
  std::uint64_t links = 0;  ///< names that it has
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  file_time accessed;
  file_time modified;
  file_time changed;
};

struct open_file_options {
  bool read = false;  ///< so it is when it is opened neither to write nor to append
  bool write = false;
  bool append = false;     ///< writes go to the end, wherever that is then
  bool create = false;     ///< makes the file where there is none
  bool exclusive = false;  ///< with create: EEXIST where there is one, or a link
  bool truncate = false;   ///< forgets what was in it
  /// Of a file that is made, less the process's umask; none: rw-rw-rw-.
  std::filesystem::perms permissions = std::filesystem::perms::none;
  /// A cancelled open throws at once and leaves its thread alone: see structio_file_open_options.
  bool abandon_on_cancel = false;
};

enum class seek_from {
  begin = STRUCTIO_SEEK_BEGIN,
  here = STRUCTIO_SEEK_HERE,
  end = STRUCTIO_SEEK_END
};
enum class file_lock { shared = STRUCTIO_LOCK_SHARED, exclusive = STRUCTIO_LOCK_EXCLUSIVE };

namespace detail {

/// A path as the C ABI takes it.
inline std::string path_text(const std::filesystem::path& path) {
  const auto text = path.u8string();
  if (text.find(decltype(text)::value_type{}) != decltype(text)::npos) {
    throw std::invalid_argument("a path has no zeros");
  }
  return {text.begin(), text.end()};
}

struct memory_freer {
  void operator()(void* memory) const noexcept { structio_memory_free(memory); }
};
using library_memory = std::unique_ptr<void, memory_freer>;

inline std::filesystem::file_type to_file_type(std::uint32_t type) noexcept {
  using std::filesystem::file_type;
  switch (type) {
    case STRUCTIO_FILE_REGULAR: return file_type::regular;
    case STRUCTIO_FILE_DIRECTORY: return file_type::directory;
    case STRUCTIO_FILE_SYMLINK: return file_type::symlink;
    case STRUCTIO_FILE_FIFO: return file_type::fifo;
    case STRUCTIO_FILE_SOCKET: return file_type::socket;
    case STRUCTIO_FILE_CHARACTER: return file_type::character;
    case STRUCTIO_FILE_BLOCK: return file_type::block;
    default: return file_type::unknown;
  }
}

inline std::uint32_t to_c(std::filesystem::perms permissions) noexcept {
  return static_cast<std::uint32_t>(permissions & std::filesystem::perms::mask);
}

inline file_time to_file_time(std::int64_t moment) noexcept {
  return file_time(std::chrono::nanoseconds(moment));
}

inline structio_file_info empty_file_info() noexcept {
  structio_file_info raw{};
  raw.struct_size = sizeof raw;
  return raw;
}

inline file_info to_file_info(const structio_file_info& raw) noexcept {
  file_info info;
  info.type = to_file_type(raw.type);
  info.permissions = static_cast<std::filesystem::perms>(raw.permissions);
  info.size = raw.size;
  info.allocated = raw.allocated;
  info.device = raw.device;
  info.inode = raw.inode;
  info.links = raw.links;
  info.user = raw.user;
  info.group = raw.group;
  info.accessed = to_file_time(raw.accessed);
  info.modified = to_file_time(raw.modified);
  info.changed = to_file_time(raw.changed);
  return info;
}

}  // namespace detail

/// An open file. Movable. Used from tasks of its run; destroyed there, in hooks, or anywhere after
/// the run.
class file {
 public:
  /// Takes over a handle.
  explicit file(structio_file* raw) noexcept : raw_(raw) {}
  file(file&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  /// Closes what it held, at once.
  file& operator=(file&& other) noexcept {
    file taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  /// Closes, without a thread and without telling what came of it: see close().
  ~file() { structio_file_free(raw_); }

  /// Reads at the file's position, which moves on: at most buffer.size(). Returns how many bytes, 0
  /// at the end. Of those at the position one task at a time. Checkpoint. Throws `cancelled`
  /// (nothing was read), busy_error, closed_error, error.
  std::size_t read_some(std::span<std::byte> buffer) { return read(buffer.data(), buffer.size()); }
  std::size_t read_some(std::span<char> buffer) { return read(buffer.data(), buffer.size()); }

  /// The same at an offset; any number of tasks at once.
  std::size_t read_some_at(std::uint64_t offset, std::span<std::byte> buffer) {
    return read_at(offset, buffer.data(), buffer.size());
  }
  std::size_t read_some_at(std::uint64_t offset, std::span<char> buffer) {
    return read_at(offset, buffer.data(), buffer.size());
  }

  /// Writes everything at the position, which moves on. Checkpoint. Cancelled: nothing was written,
  /// but of very much (64 MiB and more) a part may have been; so it is when it fails. Throws
  /// `cancelled`, busy_error, closed_error, error.
  void write_all(std::span<const std::byte> data) { write(data.data(), data.size()); }
  void write_all(std::string_view data) { write(data.data(), data.size()); }

  /// The same at an offset; any number of tasks at once.
  void write_all_at(std::uint64_t offset, std::span<const std::byte> data) {
    write_at(offset, data.data(), data.size());
  }
  void write_all_at(std::uint64_t offset, std::string_view data) {
    write_at(offset, data.data(), data.size());
  }

  /// Moves the position; returns it. Checkpoint, as are those below.
  std::uint64_t seek(std::int64_t offset, seek_from from = seek_from::begin) {
    return static_cast<std::uint64_t>(
        detail::blocking([&] { return structio_file_seek(raw_, offset, static_cast<int>(from)); }));
  }

  std::uint64_t size() {
    return static_cast<std::uint64_t>(
        detail::blocking([this] { return structio_file_size(raw_); }));
  }
  file_info info() {
    structio_file_info raw = detail::empty_file_info();
    detail::blocking([&] { return structio_file_get_info(raw_, &raw); });
    return detail::to_file_info(raw);
  }

  /// Cuts the file, or extends it with zeros.
  void truncate(std::uint64_t size) {
    detail::blocking([&] { return structio_file_truncate(raw_, static_cast<std::int64_t>(size)); });
  }

  /// Return when what was written is on the disk; sync_data(): without what reading it back does
  /// not need.
  void sync() {
    detail::blocking([this] { return structio_file_sync(raw_, 0); });
  }
  void sync_data() {
    detail::blocking([this] { return structio_file_sync(raw_, 1); });
  }

  /// The advisory lock on the whole file, which belongs to this opening of it and ends with that:
  /// false when another opening has it.
  bool try_lock(file_lock lock = file_lock::exclusive) {
    const int status = detail::uncancelled_in_cleanup(
        [&] { return structio_file_try_lock(raw_, static_cast<int>(lock)); });
    return status != STRUCTIO_EWOULDBLOCK && detail::check(status) == 0;
  }
  void unlock() {
    detail::blocking([this] { return structio_file_try_lock(raw_, STRUCTIO_UNLOCK); });
  }

  /// Closes, and tells of writing that has failed late. Calls under way on threads are waited for;
  /// later ones get closed_error. Idempotent. Checkpoint that also closes when cancelled.
  void close() {
    detail::blocking([this] { return structio_file_close(raw_); });
  }

  /// For what this library has no function for. Do not close it.
  std::int64_t descriptor() const {
    std::int64_t result = -1;
    detail::check(structio_file_descriptor(raw_, &result));
    return result;
  }

  /// Gives the descriptor to the caller; the file is closed without closing that. Throws
  /// closed_error, busy_error (a call is under way).
  std::int64_t detach() {
    std::int64_t result = -1;
    detail::check(structio_file_detach(raw_, &result));
    return result;
  }

  structio_file* native() const noexcept { return raw_; }

 private:
  std::size_t read(void* data, std::size_t size) {
    return static_cast<std::size_t>(
        detail::blocking([&] { return structio_file_read(raw_, data, size); }));
  }
  std::size_t read_at(std::uint64_t offset, void* data, std::size_t size) {
    return static_cast<std::size_t>(detail::blocking([&] {
      return structio_file_read_at(raw_, data, size, static_cast<std::int64_t>(offset));
    }));
  }

  // What one call has not written the next one writes, or it says why not.
  template <class Write>
  static void repeat(const void* data, std::size_t size, Write&& write) {
    const auto* rest = static_cast<const std::byte*>(data);
    do {
      const auto done =
          static_cast<std::size_t>(detail::blocking([&] { return write(rest, size); }));
      rest += done;
      size -= done;
    } while (size > 0);
  }
  void write(const void* data, std::size_t size) {
    repeat(data, size, [this](const std::byte* rest, std::size_t left) {
      return structio_file_write(raw_, rest, left);
    });
  }
  void write_at(std::uint64_t offset, const void* data, std::size_t size) {
    repeat(data, size, [&](const std::byte* rest, std::size_t left) {
      const std::size_t done = size - left;
      return structio_file_write_at(raw_, rest, left, static_cast<std::int64_t>(offset + done));
    });
  }

  structio_file* raw_;
};

/// Opens a file; without options: for reading. Checkpoint. Cancelled: nothing was opened. Throws
/// `cancelled`, error, std::invalid_argument (options that contradict each other).
inline file open_file(const std::filesystem::path& path, const open_file_options& options = {}) {
  structio_file_open_options raw{};
  raw.struct_size = sizeof raw;
  raw.flags = (options.read ? std::uint32_t{STRUCTIO_OPEN_READ} : 0u) |
              (options.write ? std::uint32_t{STRUCTIO_OPEN_WRITE} : 0u) |
              (options.append ? std::uint32_t{STRUCTIO_OPEN_APPEND} : 0u) |
              (options.create ? std::uint32_t{STRUCTIO_OPEN_CREATE} : 0u) |
              (options.exclusive ? std::uint32_t{STRUCTIO_OPEN_EXCLUSIVE} : 0u) |
              (options.truncate ? std::uint32_t{STRUCTIO_OPEN_TRUNCATE} : 0u);
  raw.permissions = detail::to_c(options.permissions);
  raw.abandon_on_cancel = options.abandon_on_cancel ? 1 : 0;
  const std::string text = detail::path_text(path);
  structio_file* made = nullptr;
  detail::blocking([&] { return structio_file_open(text.c_str(), &raw, &made); });
  return file(made);
}

/// A descriptor that the caller has opened becomes a file's, which closes it. Throws error (EBADF),
/// std::bad_alloc: it stays the caller's.
inline file adopt_file(std::int64_t descriptor) {
  structio_file* made = nullptr;
  detail::check(structio_file_adopt(descriptor, &made));
  return file(made);
}

/// The file as a stream, which receives from its position and sends to it, and closes it. A receive
/// or a send that is under way is waited for, whatever happens. Throws closed_error, bad_alloc.
inline any_stream as_stream(file opened) {
  structio_stream* made = nullptr;
  detail::check(structio_file_stream(opened.native(), &made));
  return any_stream(made);
}

namespace detail {

template <class Container>
Container read_whole(const std::filesystem::path& path, std::size_t limit) {
  const std::string text = path_text(path);
  void* data = nullptr;
  std::size_t size = 0;
  blocking([&] { return structio_file_read_all(text.c_str(), limit, &data, &size); });
  const library_memory owned(data);
  const auto* begin = static_cast<const typename Container::value_type*>(data);
  return Container(begin, begin + size);
}

}  // namespace detail

/// What is in a file. With more than `limit` bytes (0: no limit) it throws error with
/// STRUCTIO_ELIMIT. Checkpoint. Throws `cancelled`, also in the midst of it, error, std::bad_alloc.
inline std::string read_file(const std::filesystem::path& path, std::size_t limit = 0) {
  return detail::read_whole<std::string>(path, limit);
}
inline std::vector<std::byte> read_file_bytes(const std::filesystem::path& path,
                                              std::size_t limit = 0) {
  return detail::read_whole<std::vector<std::byte>>(path, limit);
}

/// What write_file does with a file that is there.
enum class write_mode {
  replace = STRUCTIO_WRITE_REPLACE,  ///< what was in the file, at one stroke
  only_new = STRUCTIO_WRITE_NEW,     ///< EEXIST where there is one
  append = STRUCTIO_WRITE_APPEND     ///< to what is in it
};

struct write_file_options {
  write_mode mode = write_mode::replace;
  /// Of a file that is made, less the process's umask; none: rw-rw-rw-.
  std::filesystem::perms permissions = std::filesystem::perms::none;
  bool sync = true;  ///< waits for the disk; else a crash may leave an empty file
};

/// Writes a whole file. Others see the old or the new content, never a part, and when it fails or
/// is cancelled, also in the midst of it, everything is as it was; only an append that fails may
/// have written a part. Links are followed, permissions kept. Checkpoint. Throws `cancelled`,
/// error.
inline void write_file(const std::filesystem::path& path, std::span<const std::byte> data,
                       const write_file_options& options = {}) {
  structio_file_write_options raw{};
  raw.struct_size = sizeof raw;
  raw.mode = static_cast<std::uint32_t>(options.mode);
  raw.permissions = detail::to_c(options.permissions);
  raw.no_sync = options.sync ? 0 : 1;
  const std::string text = detail::path_text(path);
  detail::blocking(
      [&] { return structio_file_write_all(text.c_str(), data.data(), data.size(), &raw); });
}
inline void write_file(const std::filesystem::path& path, std::string_view data,
                       const write_file_options& options = {}) {
  write_file(path, std::as_bytes(std::span<const char>(data)), options);
}

/// The run's limiter for work on files, with 40 tokens unless that is changed: another one than
/// default_thread_limiter(). Throws usage_error outside of a run, std::bad_alloc.
inline limiter_ref default_file_limiter() {
  structio_limiter* own = structio_default_file_limiter();
  if (own == nullptr) detail::throw_status(structio_in_run() ? STRUCTIO_ENOMEM : STRUCTIO_ENOTASK);
  return limiter_ref(own);
}

}  // namespace v0
}  // namespace structio
