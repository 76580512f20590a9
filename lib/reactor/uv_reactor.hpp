// The libuv loop behind the reactor's table. No libuv type is named here, so that files above need
// not see uv.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/reactor.hpp"

namespace structio::reactor {

class uv_reactor final : public reactor {
 public:
  uv_reactor() noexcept;
  ~uv_reactor() override;
  uv_reactor(const uv_reactor&) = delete;
  uv_reactor& operator=(const uv_reactor&) = delete;

  /// Makes loop, wake-up and alarm. 0 or a negative code (UV_EMFILE when out of descriptors); after
  /// a failure only the destructor may be called.
  int open() noexcept;

  /// Forgets the loop without closing it: for a forked child, which shares it with its parent.
  void abandon() noexcept { state_ = nullptr; }

  std::int64_t now() noexcept override;
  void poll(std::int64_t deadline) noexcept override;
  void wake() noexcept override;
  std::int64_t pending() const noexcept override;
  uv_reactor& io() noexcept override { return *this; }
  void close() noexcept override;

  /// Slots that are in use or on their way home: zero after close().
  std::size_t slots_away() const noexcept;

  struct state;  ///< loop, handles, slot lists: in uv_reactor_state.hpp, for this folder only
  state& inner() noexcept { return *state_; }

 private:
  state* state_ = nullptr;
};

/// True for "it would have to wait" (UV_EAGAIN), and for "no descriptors or memory left for that".
bool is_would_wait(std::int64_t code) noexcept;
bool is_out_of_resources(std::int64_t code) noexcept;

/// Text and name of an operating system code (libuv's), for messages. Thread-safe, never null.
const char* os_error_text(int code) noexcept;
const char* os_error_name(int code) noexcept;

}  // namespace structio::reactor
