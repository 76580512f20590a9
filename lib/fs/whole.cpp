// What replaces a file is written under another name in the same folder and then takes its place:
// until that moment everything can be undone, and a cancellation is heeded.
#include "fs/whole.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "base/clock.hpp"
#include "base/message.hpp"
#include "base/random.hpp"
#include "base/status.hpp"
#include "fs/os_path.hpp"
#include "fs/work.hpp"

namespace structio::rt::fs {
namespace {

// What is read or written before the thread looks whether its task is cancelled.
constexpr std::size_t piece_size = std::size_t{1} << 20;
constexpr std::size_t first_room = 4096;
constexpr std::uint32_t new_file =
    STRUCTIO_OPEN_WRITE | STRUCTIO_OPEN_CREATE | STRUCTIO_OPEN_EXCLUSIVE;

/// A descriptor of a job, closed at its end.
class opened {
 public:
  explicit opened(std::int64_t descriptor) noexcept : descriptor_(descriptor) {}
  opened(const opened&) = delete;
  opened& operator=(const opened&) = delete;
  ~opened() {
    if (descriptor_ >= 0) os::close(descriptor_);
  }
  std::int64_t get() const noexcept { return descriptor_; }  ///< or the code of the open
  int code() const noexcept { return descriptor_ < 0 ? static_cast<int>(descriptor_) : 0; }
  /// What closing says: writing that has failed late.
  int close() noexcept {
    const std::int64_t descriptor = descriptor_;
    descriptor_ = os::no_descriptor;
    return os::close(descriptor);
  }

 private:
  std::int64_t descriptor_;
};

int read_job(const char* path, std::size_t limit, bytes& out) noexcept {
  const opened file(os::open(path, STRUCTIO_OPEN_READ, 0));
  if (file.code() < 0) return file.code();
  structio_file_info info{};
  if (const int code = os::info(file.get(), info)) return code;
  // What it says of its size is a hint: files of /proc say nothing, others grow meanwhile.
  const std::uint64_t expected =
      info.size == 0 ? first_room : std::min<std::uint64_t>(info.size, limit) + 2;
  if (expected > SIZE_MAX || !out.reserve(static_cast<std::size_t>(expected))) {
    return STRUCTIO_ENOMEM;
  }
  for (;;) {
    if (out.room() < 2 && !out.reserve(std::max(out.size(), first_room))) return STRUCTIO_ENOMEM;
    // One byte stays for the zero behind; one more than the limit tells that there is more.
    std::size_t most = std::min(out.room() - 1, piece_size);
    if (limit - out.size() < most) most = limit - out.size() + 1;
    const std::int64_t count = os::read(file.get(), out.end(), most, -1);
    if (count < 0) return static_cast<int>(count);
    out.grow(static_cast<std::size_t>(count));
    if (out.size() > limit) return STRUCTIO_ELIMIT;
    if (count == 0) break;
    if (const int code = told()) return code;
  }
  *out.end() = '\0';
  return 0;
}

int write_pieces(std::int64_t descriptor, const char* data, std::size_t size, bool heeds) noexcept {
  while (size > 0) {
    if (const int code = heeds ? told() : 0) return code;
    const std::int64_t count = os::write(descriptor, data, std::min(size, piece_size), -1);
    if (count <= 0) return count < 0 ? static_cast<int>(count) : os::no_progress;
    data += count;
    size -= static_cast<std::size_t>(count);
  }
  return 0;
}

std::uint64_t chance() noexcept {
  static std::atomic<std::uint64_t> calls{0};
  std::uint64_t state = static_cast<std::uint64_t>(base::monotonic_now()) ^
                        reinterpret_cast<std::uintptr_t>(&state) ^
                        (calls.fetch_add(1, std::memory_order_relaxed) << 40);
  if (state == 0) state = 1;
  base::next_random(state);
  return base::next_random(state);
}

/// A file that is going to be another. Undone unless it has become that.
class replacement {
 public:
  replacement() = default;
  replacement(const replacement&) = delete;
  replacement& operator=(const replacement&) = delete;
  ~replacement() {
    if (named_) os::remove(name_.data());
  }

  /// Opens one beside `path`; a descriptor or a code.
  std::int64_t open(const char* path, std::uint32_t permissions) noexcept {
    for (int attempt = 0; attempt < 100; ++attempt) {
      char last[40];
      std::snprintf(last, sizeof last, ".structio-%016llx.tmp",
                    static_cast<unsigned long long>(chance()));
      name_.shrink(0);
      if (!name_.add(path, os::folder_size(path)) || !name_.add(last)) return STRUCTIO_ENOMEM;
      const std::int64_t descriptor = os::open(name_.data(), new_file, permissions);
      named_ = descriptor >= 0;
      if (descriptor != os::exists_already) return descriptor;
    }
    return os::exists_already;
  }

  int become(const char* path, bool replaces) noexcept {
    int code = 0;
    bool holds_place = false;
    if (!replaces) {
      code = os::link(name_.data(), path);  // this name goes in the end
      if (!os::knows_no_links(code)) return code;
      // Then an empty file keeps the place, which nobody else can have taken.
      opened place(os::open(path, new_file, 0600));
      if (place.code() < 0) return place.code();
      holds_place = true;
    }
    code = os::rename(name_.data(), path);
    if (code == 0) named_ = false;
    if (code != 0 && holds_place) os::remove(path);
    return code;
  }

 private:
  bytes name_;
  bool named_ = false;
};

int finish(replacement& made, opened& file, const char* path, bool replaces, bool syncs) noexcept {
  int code = syncs ? os::sync(file.get(), false) : 0;
  if (code == 0) code = file.close();
  if (code == 0) code = told();
  if (code == 0) code = made.become(path, replaces);
  // From here on it has happened: a folder that cannot be synchronised takes nothing back.
  if (code == 0 && syncs) os::sync_folder_of(path);
  return code;
}

// What to replace, through links; and the permissions that are to stay.
int look_at_target(const char* path, bytes& real, bool& is_there,
                   structio_file_info& info) noexcept {
  int code = os::info_of(path, true, info);
  is_there = code == 0;
  if (code == os::no_such_file) return os::place_of(path, real);
  if (code != 0) return code;
  if (info.type == STRUCTIO_FILE_DIRECTORY) return os::is_directory;
  structio_file_info itself{};
  code = os::info_of(path, false, itself);
  if (code == 0 && itself.type == STRUCTIO_FILE_SYMLINK) return os::real(path, real);
  return real.add(path) ? 0 : STRUCTIO_ENOMEM;
}

// Whose file it was it stays, where we may say so; nobody else gets more rights than before.
int take_after(std::int64_t descriptor, const structio_file_info& before) noexcept {
  structio_file_info now{};
  int code = os::info(descriptor, now);
  std::uint32_t permissions = before.permissions;
  if (code == 0 && (now.user != before.user || now.group != before.group)) {
    constexpr std::uint32_t of_its_user = 0700;
    if (os::set_owner(descriptor, before.user, before.group) < 0) permissions &= of_its_user | 07;
  }
  return code == 0 ? os::set_permissions(descriptor, permissions) : code;
}

int append_job(const write_request& r) noexcept {
  opened file(os::open(r.path, STRUCTIO_OPEN_APPEND | STRUCTIO_OPEN_CREATE, r.permissions));
  if (file.code() < 0) return file.code();
  int code = write_pieces(file.get(), static_cast<const char*>(r.data), r.size, false);
  if (code == 0 && r.syncs) code = os::sync(file.get(), false);
  return code == 0 ? file.close() : code;
}

int write_job(const write_request& r) noexcept {
  const bool replaces = r.mode == STRUCTIO_WRITE_REPLACE;
  bytes path;
  structio_file_info info{};
  bool is_there = false;
  if (replaces) {
    if (const int code = look_at_target(r.path, path, is_there, info)) return code;
    // A device or a FIFO is written to, not replaced.
    if (is_there && info.type != STRUCTIO_FILE_REGULAR) {
      write_request direct = r;
      direct.syncs = false;
      return append_job(direct);
    }
  } else if (os::info_of(r.path, false, info) == 0) {
    return os::exists_already;
  } else if (!path.add(r.path)) {
    return STRUCTIO_ENOMEM;
  }
  replacement made;
  // Whoever may open it before it has the other's rights would read what is written afterwards.
  opened file(made.open(path.data(), is_there ? 0600 : r.permissions));
  if (file.code() < 0) return file.code();
  int code = is_there ? take_after(file.get(), info) : 0;
  if (code == 0) code = write_pieces(file.get(), static_cast<const char*>(r.data), r.size, true);
  return code == 0 ? finish(made, file, path.data(), replaces, r.syncs) : code;
}

// Pieces go through memory: what systems offer for copying differs too much.
std::int64_t copy_pieces(std::int64_t from, std::int64_t to) noexcept {
  bytes memory;
  if (!memory.reserve(piece_size)) return STRUCTIO_ENOMEM;
  std::int64_t copied = 0;
  for (;;) {
    const std::int64_t count = os::read(from, memory.data(), piece_size, -1);
    if (count <= 0) return count < 0 ? count : copied;
    if (const int code = write_pieces(to, memory.data(), static_cast<std::size_t>(count), true)) {
      return code;
    }
    copied += count;
  }
}

std::int64_t copy_job(const char* from, const char* to, bool replace) noexcept {
  const opened source(os::open(from, STRUCTIO_OPEN_READ, 0));
  if (source.code() < 0) return source.code();
  structio_file_info info{};
  if (const int code = os::info(source.get(), info)) return code;
  if (info.type == STRUCTIO_FILE_DIRECTORY) return os::is_directory;
  if (info.type != STRUCTIO_FILE_REGULAR) return os::not_a_file;
  bytes path;
  structio_file_info target{};
  if (replace) {
    bool is_there = false;
    if (const int code = look_at_target(to, path, is_there, target)) return code;
  } else if (os::info_of(to, false, target) == 0) {
    return os::exists_already;
  } else if (!path.add(to)) {
    return STRUCTIO_ENOMEM;
  }
  replacement made;
  opened file(made.open(path.data(), 0600));
  if (file.code() < 0) return file.code();
  const std::int64_t copied = copy_pieces(source.get(), file.get());
  if (copied < 0) return copied;
  int code = os::set_permissions(file.get(), info.permissions & 0777);
  if (code == 0) code = finish(made, file, path.data(), replace, false);
  return code < 0 ? code : copied;
}

}  // namespace

int read_all(runtime& rt, const char* path, std::size_t limit, bytes& out) noexcept {
  constexpr const char* call = "structio_file_read_all";
  const std::size_t most = limit == 0 || limit > PTRDIFF_MAX - 4 ? PTRDIFF_MAX - 4 : limit;
  const auto code = work(rt, [&]() noexcept { return read_job(path, most, out); });
  if (code == STRUCTIO_ELIMIT) {
    return base::fail(STRUCTIO_ELIMIT, "%s: %.200s: there is more than the limit of %zu bytes",
                      call, path, limit);
  }
  return code < 0 ? work_failed(call, path, code) : 0;
}

int write_all(runtime& rt, const write_request& request) noexcept {
  const bool appends = request.mode == STRUCTIO_WRITE_APPEND;
  const auto code =
      work(rt, [&]() noexcept { return appends ? append_job(request) : write_job(request); });
  return code < 0 ? work_failed("structio_file_write_all", request.path, code) : 0;
}

std::int64_t copy_file(runtime& rt, const char* from, const char* to, bool replace) noexcept {
  const std::int64_t result = work(rt, [&]() noexcept { return copy_job(from, to, replace); });
  return result < 0 ? work_failed("structio_path_copy_file", from, result) : result;
}

}  // namespace structio::rt::fs
