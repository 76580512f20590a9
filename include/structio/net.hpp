// TCP: streams, listeners, serving.
//
//     auto listener = structio::listen_tcp({.host = "127.0.0.1", .port = 7000});
//     structio::serve(listener, [](structio::tcp_stream conn) { ... });
//
// Always true: destructors close at once and never wait.
#pragma once

#include <structio/structio.h>
#include <structio/detail/trampoline.hpp>
#include <structio/error.hpp>
#include <structio/failure.hpp>
#include <structio/nursery.hpp>
#include <structio/stream.hpp>
#include <structio/time.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace structio {
inline namespace v0 {

/// One end of a connection.
struct tcp_address {
  std::string host;
  std::uint16_t port = 0;
};

struct tcp_listen_options {
  const char* host = nullptr;  ///< a numeric IPv4 or IPv6 address; null: every IPv4 address
  std::uint16_t port = 0;      ///< 0: the system chooses; see tcp_listener::port
  bool reuse_port = false;     ///< several listeners may share the port
  bool ipv6_only = false;      ///< an IPv6 listener refuses IPv4
  int backlog = 0;             ///< 0: the system's maximum
};

struct tcp_connect_options {
  const char* host = nullptr;  ///< a name or a numeric address; null: 127.0.0.1
  std::uint16_t port = 0;
  /// How long an attempt at one address of a name is waited for before the next begins beside it;
  /// forever: until it has failed.
  duration attempt_delay = std::chrono::milliseconds(250);
  const char* local_host = nullptr;  ///< a numeric address to connect from
};

/// What serve does beside calling the handler.
struct serve_options {
  nursery* handlers = nullptr;        ///< where they run; null: in one of its own, which is awaited
  std::uint64_t max_connections = 0;  ///< handlers at a time; 0: no limit
  bool log_errors = false;            ///< a handler's failure is logged, and ends nothing else
  /// Told of a handler's failure, in its task, with the peer as "HOST:PORT". True: the server goes
  /// on; false, or when it throws: it fails with that failure.
  std::function<bool(const char* peer, const failure& why)> on_error = {};
};

namespace detail {
struct net_access;

template <class Handle>
tcp_address read_address(int (*read)(Handle*, char*, std::size_t, std::uint16_t*), Handle* handle) {
  char host[64];
  tcp_address result;
  check(read(handle, host, sizeof host, &result.port));
  result.host = host;
  return result;
}
}  // namespace detail

/// A connection: a stream, with what TCP has beyond one.
class tcp_stream : public any_stream {
 public:
  tcp_address local_address() const {
    return detail::read_address(&structio_stream_local_address, native());
  }
  tcp_address peer_address() const {
    return detail::read_address(&structio_stream_peer_address, native());
  }

  /// Nagle's algorithm off (the default here) or on.
  void set_nodelay(bool on) { detail::check(structio_stream_set_nodelay(native(), on ? 1 : 0)); }

  /// For options that this library has no function for. Do not read, write or close it.
  std::int64_t descriptor() const {
    std::int64_t result = -1;
    detail::check(structio_stream_descriptor(native(), &result));
    return result;
  }

 private:
  friend struct detail::net_access;
  explicit tcp_stream(structio_stream* raw) noexcept : any_stream(raw) {}
};

/// Waits for connections. Movable; one accepting task at a time.
class tcp_listener {
 public:
  tcp_listener(tcp_listener&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  tcp_listener& operator=(tcp_listener&& other) noexcept {
    tcp_listener taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  /// Closes at once, without waiting.
  ~tcp_listener() { structio_listener_free(raw_); }

  /// Waits for a connection. Checkpoint. Cancelled: no connection was taken. Throws `cancelled`,
  /// busy_error, closed_error, error (no descriptors or memory: the connection stays in the
  /// system's queue, free some and call again).
  tcp_stream accept();

  tcp_address address() const { return detail::read_address(&structio_listener_address, raw_); }
  std::uint16_t port() const { return address().port; }

  /// Closes: whoever waits here gets closed_error; later calls too. Idempotent. Checkpoint that
  /// also closes when cancelled.
  void close() {
    detail::blocking([this] { return structio_listener_close(raw_); });
  }

  /// For its options. Do not accept from it or close it.
  std::int64_t descriptor() const {
    std::int64_t result = -1;
    detail::check(structio_listener_descriptor(raw_, &result));
    return result;
  }

  structio_listener* native() const noexcept { return raw_; }

 private:
  friend struct detail::net_access;
  explicit tcp_listener(structio_listener* raw) noexcept : raw_(raw) {}
  structio_listener* raw_;
};

namespace detail {

struct net_access {
  static tcp_stream stream(structio_stream* raw) noexcept { return tcp_stream(raw); }
  static tcp_listener listener(structio_listener* raw) noexcept { return tcp_listener(raw); }

  template <class Stream>
  static Stream from(structio_stream* raw) noexcept {
    return Stream(raw);
  }

  /// Lets the library call `handler` for each connection, which owns its stream.
  template <class Stream, class Handler>
  static void serve(std::span<structio_listener* const> listeners, Handler& handler,
                    const serve_options& given) {
    const structio_serve_options options = raw(given);
    serve_by<Stream>(handler, [&](structio_serve_fn entry, void* arg) {
      return structio_serve_all(listeners.data(), listeners.size(), entry, arg, &options);
    });
  }

  /// The options as C has them, for a handler that owns its stream; they lead to `given`.
  static structio_serve_options raw(const serve_options& given) noexcept {
    structio_serve_options options{};
    options.struct_size = sizeof options;
    options.handler_owns_stream = 1;
    options.handler_nursery = given.handlers ? given.handlers->native() : nullptr;
    options.max_connections = given.max_connections;
    options.log_errors = given.log_errors ? 1 : 0;
    if (given.on_error) {
      options.on_error = decide;
      options.on_error_arg = const_cast<serve_options*>(&given);
    }
    return options;
  }

  /// The same for `call(entry, arg)`, which calls `entry` with `arg` for each connection.
  template <class Stream, class Handler, class Call>
  static void serve_by(Handler& handler, Call&& call) {
    const structio_serve_fn entry = [](structio_stream* raw, void* arg) noexcept -> int {
      return enter([&] { (*handler_of<Handler>(arg))(from<Stream>(raw)); });
    };
    const int status = uncancelled_in_cleanup([&] { return call(entry, address_of(handler)); });
    if (status < 0) throw_in_flight(status);
  }

  static int decide(const char* peer, int, structio_failure* why, void* arg) noexcept {
    try {
      return static_cast<const serve_options*>(arg)->on_error(peer, failure::share(why)) ? 0 : -1;
    } catch (...) {
      return -1;
    }
  }

 private:
  /// A handler as the argument of a callback, and back. Where there are sockets, a plain function
  /// has an address like any object.
  template <class Handler>
  static void* address_of(Handler& handler) noexcept {
    if constexpr (std::is_function_v<Handler>) {
      return reinterpret_cast<void*>(&handler);
    } else {
      return const_cast<void*>(static_cast<const void*>(std::addressof(handler)));
    }
  }
  template <class Handler>
  static Handler* handler_of(void* arg) noexcept {
    if constexpr (std::is_function_v<Handler>) {
      return reinterpret_cast<Handler*>(arg);
    } else {
      return static_cast<Handler*>(arg);
    }
  }
};

}  // namespace detail

inline tcp_stream tcp_listener::accept() {
  structio_stream* accepted = nullptr;
  detail::blocking([&] { return structio_listener_accept(raw_, &accepted); });
  return detail::net_access::stream(accepted);
}

/// Listens. Throws error (address in use, not available, not permitted; no descriptors),
/// std::invalid_argument (host is no address).
inline tcp_listener listen_tcp(const tcp_listen_options& options) {
  structio_tcp_listen_options raw{};
  raw.struct_size = sizeof raw;
  raw.host = options.host;
  raw.port = options.port;
  raw.reuse_port = options.reuse_port ? 1 : 0;
  raw.ipv6_only = options.ipv6_only ? 1 : 0;
  raw.backlog = options.backlog;
  structio_listener* made = nullptr;
  detail::check(structio_tcp_listen(&raw, &made));
  return detail::net_access::listener(made);
}

/// Listens on every address of a host, which may be a name; without one on every address of this
/// machine, IPv4 and IPv6. IPv6 listeners refuse IPv4, which has its own. Port 0: one that all of
/// them get. Checkpoint. Throws as listen_tcp, and `cancelled`, error (no such name).
inline std::vector<tcp_listener> listen_tcp_all(const tcp_listen_options& options) {
  structio_tcp_listen_options raw{};
  raw.struct_size = sizeof raw;
  raw.host = options.host;
  raw.port = options.port;
  raw.reuse_port = options.reuse_port ? 1 : 0;
  raw.backlog = options.backlog;
  structio_listener* made[64];
  std::size_t count = 0;
  std::vector<tcp_listener> all;
  all.reserve(std::size(made));
  const int status = detail::uncancelled_in_cleanup(
      [&] { return structio_tcp_listen_all(&raw, made, std::size(made), &count); });
  if (status < 0) detail::throw_in_flight(status);
  for (std::size_t i = 0; i < count; ++i) all.push_back(detail::net_access::listener(made[i]));
  return all;
}

/// Connects; Nagle's algorithm is off. A name that has several addresses is tried by Happy Eyeballs
/// (RFC 8305): the first attempt that succeeds wins, the others are cancelled and closed.
/// Checkpoint. Cancelled: whatever was opened is closed again. Throws `cancelled`, error (refused,
/// timed out, unreachable, no such name; when every attempt has failed, its text names all of
/// them), std::invalid_argument (local_host is no address).
inline tcp_stream connect_tcp(const tcp_connect_options& options) {
  structio_tcp_connect_options raw{};
  raw.struct_size = sizeof raw;
  raw.host = options.host;
  raw.port = options.port;
  raw.attempt_delay = options.attempt_delay.count();
  raw.local_host = options.local_host;
  structio_stream* made = nullptr;
  // A resolver or connector of the user's may have thrown: that comes out.
  const int status =
      detail::uncancelled_in_cleanup([&] { return structio_tcp_connect(&raw, &made); });
  if (status < 0) detail::throw_in_flight(status);
  return detail::net_access::stream(made);
}

/// The same with a host and a port.
inline tcp_stream connect_tcp(const std::string& host, std::uint16_t port) {
  return connect_tcp({.host = detail::without_zeros(host, "a host").c_str(), .port = port});
}

/// Accepts for ever and runs `handler(tcp_stream)` for each connection in a task of its own, with
/// a copy-free reference to this one handler. The stream is the handler's, which may move it to
/// where it lives on; else it is closed when the handler returns. When descriptors or memory run
/// out it pauses and goes on. Its accept loop ends on stop, and it then returns as soon as its
/// handlers have ended: a stop drains a server. Checkpoint. Throws `cancelled`, exception_group
/// (what handlers threw), closed_error.
template <class Handler>
requires std::is_invocable_v<Handler&, tcp_stream>
void serve(tcp_listener& listener, Handler&& handler) {
  structio_listener* one[] = {listener.native()};
  detail::net_access::serve<tcp_stream>(one, handler, {});
}

/// The same with options. With handlers in a nursery of yours, which is not awaited here, `handler`
/// and the options must outlive that nursery.
template <class Handler>
requires std::is_invocable_v<Handler&, tcp_stream>
void serve(tcp_listener& listener, Handler&& handler, const serve_options& options) {
  structio_listener* one[] = {listener.native()};
  detail::net_access::serve<tcp_stream>(one, handler, options);
}

/// The same with the handlers in a nursery of yours, which is not awaited here: `handler` must
/// outlive that nursery, and therefore is no temporary.
template <class Handler>
requires std::is_invocable_v<Handler&, tcp_stream>
void serve(tcp_listener& listener, Handler& handler, nursery& handlers) {
  serve(listener, handler, serve_options{.handlers = &handlers});
}

/// From several listeners at once (64 at most), which share the limit of connections; the failure
/// of one ends them all.
template <class Handler>
requires std::is_invocable_v<Handler&, tcp_stream>
void serve(std::span<tcp_listener> listeners, Handler&& handler,
           const serve_options& options = {}) {
  std::vector<structio_listener*> all;
  for (const tcp_listener& one : listeners) all.push_back(one.native());
  detail::net_access::serve<tcp_stream>(all, handler, options);
}

}  // namespace v0
}  // namespace structio
