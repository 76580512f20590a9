// Streams for tests of whatever talks over streams: in memory, where the test takes what was sent
// and puts in what is to be received; in pairs; and in lockstep, without any buffer in between.
#pragma once

#include <structio/structio_testing_stream.h>
#include <structio/detail/trampoline.hpp>
#include <structio/stream.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace structio {
inline namespace v0 {
namespace testing {

/// Called by a memory stream; each may be empty. All but on_close run in the task that called and
/// may block; what they throw comes out of that call. on_close is called at every close(), and when
/// the stream is destroyed without one; not once the run is over. It must not block, and what it
/// throws is lost. They may replace the hooks, and close or destroy the stream.
struct stream_hooks {
  std::function<void()> after_send = nullptr;
  std::function<void()> might_not_block = nullptr;
  std::function<void()> before_receive = nullptr;
  std::function<void()> on_close = nullptr;
};

namespace detail_testing {

using hook = std::function<void()> stream_hooks::*;

template <hook Which>
int call_hook(void* arg) noexcept {
  const stream_hooks& hooks = *static_cast<const stream_hooks*>(arg);
  if (!(hooks.*Which)) return 0;
  return detail::enter([&] { (hooks.*Which)(); });
}

inline int call_on_close(void* arg) noexcept {
  const stream_hooks& hooks = *static_cast<const stream_hooks*>(arg);
  try {
    if (hooks.on_close) hooks.on_close();
  } catch (...) {
    // There is nobody to tell.
  }
  return 0;
}

using pair_maker = int (*)(structio_stream**, structio_stream**);
using one_maker = int (*)(structio_stream**);

inline structio_stream* made(one_maker make) {
  structio_stream* raw = nullptr;
  detail::check(make(&raw));
  return raw;
}

}  // namespace detail_testing

/// A stream in memory. What a hook throws comes out of the call that it was made in, also when that
/// is made through an any_stream, which takes the hooks along.
class memory_stream : public any_stream {
 public:
  /// Replaces all hooks. They live until they are replaced or the stream is destroyed; one that
  /// runs then lives until it has returned.
  void set_hooks(stream_hooks hooks) {
    auto owned = std::make_unique<stream_hooks>(std::move(hooks));
    structio_memory_stream_hooks raw{};
    raw.struct_size = sizeof raw;
    raw.after_send = &detail_testing::call_hook<&stream_hooks::after_send>;
    raw.might_not_block = &detail_testing::call_hook<&stream_hooks::might_not_block>;
    raw.before_receive = &detail_testing::call_hook<&stream_hooks::before_receive>;
    raw.on_close = &detail_testing::call_on_close;
    raw.arg = owned.get();
    raw.drop = [](void* arg) { delete static_cast<stream_hooks*>(arg); };
    detail::check(structio_memory_stream_set_hooks(native(), &raw));
    static_cast<void>(owned.release());
  }

  /// Waits until something was sent and takes at most `most` of it; empty when the sending has
  /// ended and nothing is left. Checkpoint. Throws `cancelled`, busy_error.
  std::string get_data(std::size_t most = 65536) {
    return take(most, [this](char* data, std::size_t size) {
      return detail::blocking(
          [&] { return structio_memory_stream_get_data(native(), data, size); });
    });
  }

  /// The same without waiting. Throws would_block when nothing is there yet.
  std::string try_get_data(std::size_t most = 65536) {
    return take(most, [this](char* data, std::size_t size) {
      return detail::check(structio_memory_stream_try_get_data(native(), data, size));
    });
  }

  /// Makes bytes, or the end, arrive. Throws closed_error. Any task or hook.
  void put_data(std::string_view data) {
    detail::check(structio_memory_stream_put_data(native(), data.data(), data.size()));
  }
  void put_eof() { detail::check(structio_memory_stream_put_eof(native())); }

  /// Whether what is sent here arrives at the other end of the pair by itself, as it does at first;
  /// what was sent meanwhile arrives when it is switched on again. Throws usage_error when the
  /// stream is not of a pair, or closed.
  void set_pumping(bool on) {
    detail::check(structio_memory_stream_set_pumping(native(), on ? 1 : 0));
  }

  /// Takes over a handle.
  explicit memory_stream(structio_stream* raw) noexcept : any_stream(raw) {}

 private:
  template <class Take>
  static std::string take(std::size_t most, Take&& take) {
    std::string data(most, '\0');
    data.resize(static_cast<std::size_t>(take(data.data(), data.size())));
    return data;
  }
};

/// A stream to be sent on; the test takes what was sent.
class memory_send_stream : public memory_stream {
 public:
  memory_send_stream() : memory_stream(detail_testing::made(&structio_memory_send_stream_new)) {}
};

/// A stream to be received from; the test puts in what arrives.
class memory_receive_stream : public memory_stream {
 public:
  memory_receive_stream()
      : memory_stream(detail_testing::made(&structio_memory_receive_stream_new)) {}
};

namespace detail_testing {
template <class Stream>
std::pair<Stream, Stream> made_pair(pair_maker make) {
  structio_stream* a = nullptr;
  structio_stream* b = nullptr;
  detail::check(make(&a, &b));
  return {Stream(a), Stream(b)};
}
}  // namespace detail_testing

/// Two connected ends with unlimited room, both ways.
inline std::pair<memory_stream, memory_stream> memory_stream_pair() {
  return detail_testing::made_pair<memory_stream>(&structio_memory_stream_pair);
}

/// The first sends, the second receives.
inline std::pair<memory_stream, memory_stream> memory_stream_one_way_pair() {
  return detail_testing::made_pair<memory_stream>(&structio_memory_stream_one_way_pair);
}

/// Two connected ends without any room: send_all returns when all of it was received.
inline std::pair<any_stream, any_stream> lockstep_stream_pair() {
  return detail_testing::made_pair<any_stream>(&structio_lockstep_stream_pair);
}

inline std::pair<any_stream, any_stream> lockstep_stream_one_way_pair() {
  return detail_testing::made_pair<any_stream>(&structio_lockstep_stream_one_way_pair);
}

/// Moves at most `most` bytes of what was sent on one to what is received on the other, and the end
/// behind the last of them. False when there was nothing. Throws broken_error when `to` is closed
/// or its end was put by hand; the bytes then stay where they are.
inline bool memory_stream_pump(memory_stream& from, memory_stream& to,
                               std::size_t most = static_cast<std::size_t>(-1)) {
  return detail::check(structio_memory_stream_pump(from.native(), to.native(), most)) == 1;
}

}  // namespace testing
}  // namespace v0
}  // namespace structio
