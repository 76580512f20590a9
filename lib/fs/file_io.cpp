// What tasks do with a file that is open, each by a thread.
#include <algorithm>

#include "base/message.hpp"
#include "base/status.hpp"
#include "fs/file.hpp"
#include "fs/os_path.hpp"
#include "fs/work.hpp"

namespace structio::rt::fs {
namespace {

// How much is written before the thread looks whether its task is cancelled.
constexpr std::size_t piece_size = std::size_t{64} << 20;

/// One call: the object stays in place, and once a thread works for it so does the descriptor.
class call_on {
 public:
  call_on(file& f, bool at_position) noexcept : f_(f), at_position_(at_position) {
    ++f.references;
    if (at_position) f.at_position = true;
  }
  ~call_on() {
    if (at_position_) f_.at_position = false;
    if (begun_ && --f_.under_way == 0 && f_.closed) last_of_closed();
    release(f_);
  }
  call_on(const call_on&) = delete;
  call_on& operator=(const call_on&) = delete;

  /// Who closes does not wait for those who wait for a token: they find the file closed.
  entrance at() noexcept {
    return {[](void* self) noexcept { return static_cast<call_on*>(self)->begin(); }, this};
  }
  std::int64_t descriptor() const noexcept { return descriptor_; }

 private:
  int begin() noexcept {
    if (f_.closed) return STRUCTIO_ECLOSED;
    begun_ = true;
    descriptor_ = f_.descriptor;
    ++f_.under_way;
    return 0;
  }
  void last_of_closed() noexcept {
    if (f_.awaited) {
      f_.idle.wake(1, 0);
    } else if (f_.descriptor >= 0) {
      os::close(f_.descriptor);
      f_.descriptor = os::no_descriptor;
    }
  }

  file& f_;
  bool at_position_;
  bool begun_ = false;
  std::int64_t descriptor_ = os::no_descriptor;
};

// Refused calls are checkpoints as well. 0: go on.
int begin(runtime& rt, const file& f, bool at_position, const char* call) noexcept {
  const bool is_closed = f.closed;  // it may be freed while others have their turn
  if (!is_closed && !(at_position && f.at_position)) return 0;
  if (const int code = cancel_check(rt)) return code;
  give_way(rt);
  if (is_closed) return closed(call);
  return base::fail(STRUCTIO_EBUSY, "%s: another task is at the file's position already", call);
}

// Runs fn(descriptor) by a thread.
template <class Fn>
std::int64_t on(runtime& rt, file& f, bool at_position, const char* call, Fn fn) noexcept {
  if (const int code = begin(rt, f, at_position, call)) return code;
  call_on call_here(f, at_position);
  const std::int64_t result = work(
      rt, [&]() noexcept -> std::int64_t { return fn(call_here.descriptor()); }, call_here.at());
  if (result == STRUCTIO_ECLOSED) return closed(call);
  return result < 0 ? work_failed(call, nullptr, result) : result;
}

std::int64_t write_pieces(std::int64_t descriptor, const char* data, std::size_t size,
                          std::int64_t offset) noexcept {
  std::size_t done = 0;
  while (done < size && (done == 0 || told() == 0)) {
    const std::int64_t at = offset < 0 ? offset : offset + static_cast<std::int64_t>(done);
    const std::int64_t count =
        os::write(descriptor, data + done, std::min(size - done, piece_size), at);
    if (count <= 0 && done == 0) return count < 0 ? count : os::no_progress;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return static_cast<std::int64_t>(done);
}

}  // namespace

std::int64_t read(runtime& rt, file& f, void* buffer, std::size_t size, std::int64_t offset,
                  const char* call) noexcept {
  return on(rt, f, offset < 0, call, [=](std::int64_t descriptor) noexcept {
    return os::read(descriptor, buffer, size, offset);
  });
}

std::int64_t write(runtime& rt, file& f, const void* data, std::size_t size, std::int64_t offset,
                   const char* call) noexcept {
  return on(rt, f, offset < 0, call, [=](std::int64_t descriptor) noexcept {
    return write_pieces(descriptor, static_cast<const char*>(data), size, offset);
  });
}

std::int64_t seek(runtime& rt, file& f, std::int64_t offset, int from) noexcept {
  return on(rt, f, true, "structio_file_seek",
            [=](std::int64_t descriptor) noexcept { return os::seek(descriptor, offset, from); });
}

int truncate(runtime& rt, file& f, std::int64_t size) noexcept {
  const auto fn = [=](std::int64_t descriptor) noexcept { return os::truncate(descriptor, size); };
  return static_cast<int>(on(rt, f, false, "structio_file_truncate", fn));
}

int sync(runtime& rt, file& f, bool data_only) noexcept {
  const auto fn = [=](std::int64_t descriptor) noexcept { return os::sync(descriptor, data_only); };
  return static_cast<int>(on(rt, f, false, "structio_file_sync", fn));
}

int try_lock(runtime& rt, file& f, int lock) noexcept {
  const auto fn = [=](std::int64_t descriptor) noexcept { return os::try_lock(descriptor, lock); };
  return static_cast<int>(on(rt, f, false, "structio_file_try_lock", fn));
}

int get_info(runtime& rt, file& f, structio_file_info& out, const char* call) noexcept {
  const auto fn = [&out](std::int64_t descriptor) noexcept { return os::info(descriptor, out); };
  return static_cast<int>(on(rt, f, false, call, fn));
}

}  // namespace structio::rt::fs
