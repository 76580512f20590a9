// Byte streams: one object for whatever moves bytes, with a table of functions behind it. The
// handles of the C ABI lead here; TCP, memory streams and what wraps other streams fill in tables.
//
// Always true: the common part has looked for cancellation, for an object that is closed and for a
// second task that wants the same before a function of the table is called; while one is under way
// the object stays in place, though it may be closed meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/run_object.hpp"

namespace structio::rt::stream {

struct byte_stream;

/// One of several pieces that are sent as if they were one.
struct piece {
  const void* data;
  std::size_t size;
};

/// What a kind of stream can do. Each function that waits gives way before it returns, and is told
/// by `shut` when the stream is closed under it: it then returns closed().
struct stream_table {
  /// size > 0. Null: the stream only sends.
  std::int64_t (*receive_some)(runtime& rt, byte_stream& s, void* buffer,
                               std::size_t size) noexcept = nullptr;
  /// Any size, 0 too; null: the stream only receives.
  int (*send_all)(runtime& rt, byte_stream& s, const void* data,
                  std::size_t size) noexcept = nullptr;
  /// Several at once; null: one after the other.
  int (*send_pieces)(runtime& rt, byte_stream& s, const piece* pieces,
                     std::size_t count) noexcept = nullptr;
  /// Null exactly when send_all is.
  int (*wait_send)(runtime& rt, byte_stream& s) noexcept = nullptr;
  /// Not called again once it has succeeded. Null: cannot be closed by halves.
  int (*send_eof)(runtime& rt, byte_stream& s) noexcept = nullptr;
  /// What closing does beyond shutting, before it, at every close (s.closed: it was closed before);
  /// may wait. Null: nothing.
  int (*close)(runtime& rt, byte_stream& s) noexcept = nullptr;
  /// Lets go of what is behind the stream and ends every wait on it. Called once, from any fiber;
  /// must not wait.
  void (*shut)(byte_stream& s) noexcept = nullptr;
  /// Called once, when the handle has ended: calls may still be under way. Null: nothing.
  void (*freed)(byte_stream& s) noexcept = nullptr;
  void (*destroy)(byte_stream& s) noexcept = nullptr;
};

struct byte_stream : run_object {
  const stream_table* table = nullptr;
  void* handle = nullptr;
  std::uint32_t references = 1;  ///< the handle's, and one for each call under way
  bool receiving = false;
  bool sending = false;  ///< or waiting to send, or ending the sending
  bool eof_sent = false;
  bool closed = false;
};

/// Makes `s` a stream of the run, with a handle. False when memory is out: `s` is as it was.
bool enroll(runtime& rt, byte_stream& s, const stream_table& table) noexcept;

/// Each as its function in structio_stream.h; the handle has been looked up and the run checked.
std::int64_t receive_some(runtime& rt, byte_stream& s, void* buffer, std::size_t size) noexcept;
int send_all(runtime& rt, byte_stream& s, const void* data, std::size_t size) noexcept;
int send_pieces(runtime& rt, byte_stream& s, const piece* pieces, std::size_t count) noexcept;
int wait_send(runtime& rt, byte_stream& s) noexcept;
int send_eof(runtime& rt, byte_stream& s) noexcept;
int close(runtime& rt, byte_stream& s) noexcept;

/// Closes at once; nothing when closed before.
void shut(byte_stream& s) noexcept;

/// Closes at once and ends the handle.
void free(byte_stream& s) noexcept;

/// What a call begins with that is not in the table, but receives or sends all the same: looks for
/// cancellation, for a stream that is closed and for a second task. 0, or refused with a message.
int begin_receiving(runtime& rt, byte_stream& s) noexcept;
int begin_sending(runtime& rt, byte_stream& s) noexcept;

/// The refusals that all kinds share: each writes its message and returns its code.
int closed() noexcept;
int other_end_closed() noexcept;
int busy(runtime& rt, const char* doing) noexcept;

void release(byte_stream& s) noexcept;

/// One call under way: the object stays in place and `flag` is up.
class under_way {
 public:
  under_way(byte_stream& s, bool& flag) noexcept : s_(s), flag_(flag) {
    ++s_.references;
    flag_ = true;
  }
  ~under_way() {
    flag_ = false;
    release(s_);
  }
  under_way(const under_way&) = delete;
  under_way& operator=(const under_way&) = delete;

 private:
  byte_stream& s_;
  bool& flag_;
};

}  // namespace structio::rt::stream
