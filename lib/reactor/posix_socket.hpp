// What the reactor asks of the operating system beside libuv: listening sockets, room for
// descriptors and the signal mask. Listening is not left to libuv because it accepts one connection
// more than asked for, and throws connections away when descriptors run out. Results are libuv's
// codes (negated errno).
#pragma once

#include "reactor/uv_stream.hpp"

namespace structio::reactor {

/// Size of an address by its family; 0 for families that TCP does not have.
unsigned address_size(const sockaddr& address) noexcept;

/// A fresh Unix socket of a type (SOCK_STREAM, SOCK_DGRAM), non-blocking and closed on exec; or a
/// code.
int new_unix_socket(int type) noexcept;

/// A descriptor (>= 0) that listens, non-blocking and closed on exec; or a code.
int listening_socket(const sockaddr& address, const listen_settings& settings) noexcept;

/// A descriptor, non-blocking and closed on exec; UV_EAGAIN when the queue is empty; or a code.
int accept_connection(int listener, peer_address& peer) noexcept;

/// Whether accepted sockets have the listener's TCP_NODELAY without asking.
bool nodelay_is_inherited() noexcept;

/// Nothing more will be written: the peer sees the end once it has read what is there. 0 or a code.
int end_of_sending(int descriptor) noexcept;

int socket_address(int descriptor, sockaddr_storage& out) noexcept;
int socket_peer(int descriptor, sockaddr_storage& out) noexcept;
void close_socket(int descriptor) noexcept;

/// 0 when so many descriptors can be opened now, else a code. Asked before a loop is made, because
/// libuv leaks those that it got before it ran out of them, and aborts if it happens to the first
/// loop of a process.
int room_for_descriptors(int count) noexcept;

/// To be called before a loop is closed: whoever asks for room next may get its numbers.
void descriptors_given_back() noexcept;

inline constexpr int last_standard_descriptor = 2;

/// Sees to it that the numbers of the standard descriptors are taken, by /dev/null where nothing is
/// there: a daemon may have closed them, and libuv takes whatever has such a number for one of
/// them, which it never closes (or ends the process over). What was opened stays, since somebody
/// may have put something else there by the time it could go. 0 or a code.
int take_standard_descriptors() noexcept;

/// Keeps SIGPIPE away from the thread that runs the loop: libuv writes with write(), and a peer
/// that has gone must be an error code, not the end of the process. Other threads and the process's
/// signal dispositions are left as they are.
class sigpipe_block {
 public:
  void enter() noexcept;
  void leave() noexcept;  ///< same thread; swallows what was held back meanwhile

 private:
  bool entered_ = false;
};

}  // namespace structio::reactor
