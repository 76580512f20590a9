// What the parts of TLS share. To be included by tls_*.cpp alone, as it names OpenSSL.
//
// Always true: OpenSSL's queue of errors, one for each thread, is empty before each call and
// emptied right after it: other tasks use it while this one waits. OpenSSL only ever sees memory;
// what it has written is sent by one task at a time, whoever holds `writing`.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <mutex>

#include "runtime/wait_queue.hpp"
#include "stream/tls.hpp"

namespace structio::rt::stream {

/// Sessions that a client may resume, by the name of the server; the oldest goes when it is full.
class session_store {
 public:
  session_store() = default;
  session_store(const session_store&) = delete;
  session_store& operator=(const session_store&) = delete;
  ~session_store();

  /// Takes the session over when it returns true.
  bool put(const char* name, SSL_SESSION* session) noexcept;
  /// A reference of the caller's, or null. One that shows who comes again is given out once.
  SSL_SESSION* get(const char* name) noexcept;

 private:
  struct entry {
    char name[256];
    SSL_SESSION* session;
    entry* older;
  };
  entry* take(const char* name) noexcept;
  void drop_oldest() noexcept;

  std::mutex mutex_;
  entry* newest_ = nullptr;
  std::size_t count_ = 0;
};

struct tls_context {
  SSL_CTX* shared = nullptr;
  void* handle = nullptr;
  std::atomic<std::uint32_t> references{1};
  bool server = false;
  bool verifies = true;
  unsigned char* protocols = nullptr;  ///< of ALPN, as on the wire
  unsigned protocols_size = 0;
  session_store sessions;
};

/// Most plain text that one record holds.
inline constexpr std::size_t record_size = 16384;
inline constexpr std::size_t cipher_room = record_size + 1024;

enum class shaking : std::uint8_t { not_yet, under_way, done };

struct tls_stream : byte_stream {
  tls_context* context = nullptr;
  byte_stream* inner = nullptr;  ///< null once it was unwrapped
  SSL* ssl = nullptr;            ///< from the handshake's beginning on
  BIO* arrived = nullptr;        ///< the SSL's
  BIO* to_send = nullptr;        ///< the SSL's
  wait_queue shakers;            ///< who waits for a handshake that another task performs
  wait_queue writers;            ///< who waits for a turn to write
  wait_queue readers;            ///< who waits for what another task has the transport receive
  shaking handshake = shaking::not_yet;
  bool https_compatible = false;
  bool writing = false;           ///< a task moves what is to be sent
  bool reading = false;           ///< a task receives from the transport
  bool inner_ended = false;       ///< the transport is at its end
  bool transport_closed = false;  ///< or being closed
  bool closing = false;
  bool unwrapping = false;
  int broken = 0;       ///< for all use: its code; why[] says why
  int send_broken = 0;  ///< for sending
  char server_name[256] = {};
  char why[256] = {};
  unsigned char in[cipher_room];
  unsigned char out[cipher_room];
};

inline tls_stream& tls_of(byte_stream& s) noexcept {
  return static_cast<tls_stream&>(s);
}

/// The reason of the first of OpenSSL's errors, which are then forgotten. `no_memory`, if given:
/// whether memory was out in any of them.
const char* take_reason(bool* no_memory = nullptr) noexcept;

/// Makes the SSL, with the session that may be resumed. 0 or a code with a message.
int tls_begin(tls_stream& s) noexcept;

/// Done when it returns 0; performs it or waits for who does. No cancel_check of its own.
int ensure_handshake(runtime& rt, tls_stream& s) noexcept;

/// Everything fails from now on; the message is the thread's last. Returns `code`.
int break_down(tls_stream& s, int code) noexcept;
/// The same for sending alone.
int break_sending(tls_stream& s, int code) noexcept;
/// The first of these for OpenSSL's reason, once the peer has been told by an alert, if that can be
/// told. By who has the turn to write, or by anybody. Returns a code with a message.
int fail_openly(runtime& rt, tls_stream& s, bool has_turn) noexcept;
/// For a use that comes after that.
int broken_before(const tls_stream& s) noexcept;

/// A turn to write: 0, or cancelled, or closed.
int begin_writing(runtime& rt, tls_stream& s) noexcept;
void end_writing(tls_stream& s) noexcept;
/// Sends what OpenSSL has written, by who has the turn.
int write_out(runtime& rt, tls_stream& s) noexcept;
/// The same with a turn of its own; little enough is left to another task that has the turn.
int flush(runtime& rt, tls_stream& s) noexcept;

/// Has more ciphertext arrive, or waits for the task that does: 1, 0 at the transport's end, or a
/// code.
int read_in(runtime& rt, tls_stream& s) noexcept;

/// Nothing can be written while a message of TLS's own has come by half: waits for the rest. 0 or a
/// code. By who has the turn to write.
int finish_message(runtime& rt, tls_stream& s) noexcept;

int truncated(const tls_stream& s) noexcept;

std::int64_t tls_receive(runtime& rt, byte_stream& s, void* buffer, std::size_t size) noexcept;
int tls_send(runtime& rt, byte_stream& s, const void* data, std::size_t size) noexcept;
int tls_wait_send(runtime& rt, byte_stream& s) noexcept;
int tls_close(runtime& rt, byte_stream& s) noexcept;

/// Sends our close message, if it has not been sent. By who has the turn to write.
int send_close_message(runtime& rt, tls_stream& s) noexcept;

}  // namespace structio::rt::stream
