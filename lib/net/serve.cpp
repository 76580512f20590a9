// The accept loops, and the tasks that they start.
#include "net/serve.hpp"

#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "base/handle_table.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "runtime/failure.hpp"
#include "runtime/nursery.hpp"
#include "runtime/user_call.hpp"
#include "runtime/wait.hpp"
#include "runtime/wait_queue.hpp"

namespace structio::rt::net {

namespace {

constexpr std::int64_t pause_when_exhausted = 100'000'000;

/// What the accept loops of one call and its handlers share. Handlers in a nursery of the user's
/// may outlive the call.
struct server {
  serve_request request{};
  std::uint64_t places_taken = 0;  ///< by handlers, and by loops about to accept
  std::uint32_t references = 1;
  bool on_heap = false;  ///< else in the frame of the call, which waits for its handlers
  wait_queue full;       ///< accept loops that wait for a place
};

void let_go(server& sv) noexcept {
  if (--sv.references > 0 || !sv.on_heap) return;
  if (sv.request.drop) sv.request.drop(sv.request.arg);
  base::destroy(&sv);
}

void give_place(server& sv) noexcept {
  if (place* next = sv.full.take_first()) {
    finish(*next, 0);  // it is his
  } else {
    --sv.places_taken;
  }
}

/// The place of one accept loop. It has one only while it looks for a connection: one that waits
/// for somebody to come must not keep others from those who have come to them.
struct place_gate : accept_gate {
  explicit place_gate(server& s) noexcept : sv(s) {
    enter = [](accept_gate& self) noexcept { return static_cast<place_gate&>(self).take(); };
    leave = [](accept_gate& self) noexcept { static_cast<place_gate&>(self).give(); };
  }
  ~place_gate() { give(); }
  place_gate(const place_gate&) = delete;
  place_gate& operator=(const place_gate&) = delete;

  bool take() noexcept {
    if (held) return true;
    const std::uint64_t most = sv.request.most_connections;
    if (most != 0 && (sv.places_taken >= most || !sv.full.empty())) return false;
    ++sv.places_taken;
    return held = true;
  }
  void give() noexcept {
    if (std::exchange(held, false)) give_place(sv);
  }
  /// In turn. 0, then the place is held, or a code.
  int await(runtime& rt) noexcept {
    if (const int code = cancel_check(rt)) return code;
    sv.full.claim(rt);
    place p;
    const auto code = static_cast<int>(wait_in(rt, sv.full, p, "a free place for a connection"));
    held = code == 0;
    return code;
  }

  server& sv;
  bool held = false;
};

struct connection {
  server* of;
  tcp_stream* stream;
};

// 0 when the server goes on, else the status with which its task fails.
int handler_failed(runtime& rt, const serve_request& request, int status) noexcept {
  if (status == STRUCTIO_ECANCELLED || status == STRUCTIO_EINTERRUPTED) return status;
  if (!request.goes_on && !request.on_error) return status;
  task& self = *rt.current;
  failure* why = failure_of(rt, self, status, std::exchange(self.in_flight, nullptr));
  bool goes_on = request.goes_on;
  if (request.on_error) {
    const char* peer = std::strncmp(self.name, "serve: ", 7) == 0 ? self.name + 7 : "";
    auto* handle = static_cast<structio_failure*>(why->handle);
    goes_on = call_user(rt, [&] {
                return request.on_error(peer, status, handle, request.on_error_arg);
              }) >= 0;
  } else {
    char line[300];
    failure_one_line(*why, line, sizeof line);
    base::log(base::log_level::warn, "%s: %s", self.name, line);
  }
  if (goes_on) {
    failure_release(why);
    return 0;
  }
  failure_release(self.in_flight);  // what on_error may have left
  self.in_flight = why;
  return status;
}

int serve_connection(void* arg) {
  const connection c = *static_cast<connection*>(arg);
  server& sv = *c.of;
  tcp_stream& s = *c.stream;
  runtime& rt = *s.rt;
  auto* handle = static_cast<structio_stream*>(s.handle);
  int status = call_user(rt, [&] { return sv.request.handler(handle, sv.request.arg); });
  // The handler may have freed the stream although it need not: ask by handle.
  if (!sv.request.handler_owns_stream && base::handle_object(base::handle_kind::stream, handle) ==
                                             static_cast<stream::byte_stream*>(&s)) {
    stream::free(s);
  }
  if (status < 0) status = handler_failed(rt, sv.request, status);
  give_place(sv);
  let_go(sv);
  return status;
}

// The stream is the handler's when this returns 0, and still the caller's otherwise.
int start_handler(nursery& home, tcp_stream& s, server& sv) noexcept {
  char name[80] = "serve";
  char peer[64];
  peer_text(s, peer, sizeof peer);
  if (*peer) std::snprintf(name, sizeof name, "serve: %s", peer);
  connection c{&sv, &s};
  spawn_request spawn;
  spawn.fn = serve_connection;
  spawn.arg = &c;
  spawn.name = name;
  spawn.storage_size = sizeof(connection);
  spawn.storage_init = [](void* storage, void* from) {
    new (storage) connection(*static_cast<connection*>(from));
  };
  task* t = nullptr;
  const int code = nursery_spawn(home, spawn, t);
  if (code == 0) ++sv.references;
  return code;
}

int accept_for_ever(runtime& rt, tcp_listener& l, nursery& home, server& sv) noexcept {
  tcp_stream* s = nullptr;  // a connection that has no task yet
  place_gate gate(sv);
  for (;;) {
    int code = s ? 0 : accept(rt, l, s, &gate);
    if (code == STRUCTIO_ELIMIT) {
      code = gate.await(rt);
      if (code == 0) continue;
    }
    if (code == 0) code = start_handler(home, *s, sv);
    if (code == 0) {
      s = nullptr;
      gate.held = false;  // the handler's
      continue;
    }
    if (reactor::is_out_of_resources(code) || code == STRUCTIO_ENOMEM) {
      base::log(base::log_level::warn, "serve: %s; going on in 100 ms", base::last_message());
      code = sleep_until(rt, base::saturating_add(rt.now(), pause_when_exhausted));
      if (code == 0) continue;
    }
    if (s) stream::free(*s);
    return code;
  }
}

// One accept loop, in a scope that a stop ends.
int accept_until_stopped(runtime& rt, tcp_listener& l, nursery& home, server& sv,
                         failure*& f) noexcept {
  scope accepting;
  accepting.ends_on_stop = true;
  scope_enter(rt, *rt.current, accepting);
  const int status = accept_for_ever(rt, l, home, sv);
  return scope_leave(accepting, status, f);
}

// What is in flight stays where nothing new is.
void take_in_flight(task& self, failure* f) noexcept {
  if (!f) return;
  failure_release(self.in_flight);
  self.in_flight = f;
}

struct loop {
  tcp_listener* listener;
  nursery* home;
  server* of;
};

int run_loop(void* arg) {
  const loop l = *static_cast<loop*>(arg);
  runtime& rt = *current_runtime();
  failure* f = nullptr;
  const int status = accept_until_stopped(rt, *l.listener, *l.home, *l.of, f);
  take_in_flight(*rt.current, f);
  return status;
}

int start_loop(nursery& loops, const loop& one) noexcept {
  spawn_request spawn;
  spawn.fn = run_loop;
  spawn.arg = const_cast<loop*>(&one);
  spawn.name = "accept";
  spawn.storage_size = sizeof(loop);
  spawn.storage_init = [](void* storage, void* from) {
    new (storage) loop(*static_cast<loop*>(from));
  };
  task* t = nullptr;
  return nursery_spawn(loops, spawn, t);
}

// A loop in a task for each of several listeners; one in the caller's.
int accept_from_all(runtime& rt, tcp_listener* const* listeners, std::size_t count, nursery& home,
                    server& sv, failure*& f) noexcept {
  if (count == 1) return accept_until_stopped(rt, *listeners[0], home, sv, f);
  nursery loops;
  int status = nursery_open(rt, loops, nursery_kind::hidden);
  if (status != 0) return status;
  for (std::size_t i = 0; i < count && status == 0; ++i) {
    status = start_loop(loops, {listeners[i], &home, &sv});
  }
  status = nursery_close(loops, status, f);
  return unwrap_only(status, f);
}

}  // namespace

void peer_text(const tcp_stream& s, char* text, std::size_t size) noexcept {
  address peer;
  char host[46];
  std::uint16_t port = 0;
  text[0] = 0;
  if (!s.slot || peer_of(s, peer) != 0 || format(peer, host, sizeof host, &port) != 0) return;
  if (port == 0) return;
  const bool v6 = std::strchr(host, ':') != nullptr;
  std::snprintf(text, size, v6 ? "[%s]:%u" : "%s:%u", host, port);
}

int serve(runtime& rt, tcp_listener& l, const serve_request& request) noexcept {
  tcp_listener* one = &l;
  return serve_all(rt, &one, 1, request);
}

int serve_all(runtime& rt, tcp_listener* const* listeners, std::size_t count,
              const serve_request& request) noexcept {
  server local;
  server* sv = request.home ? base::make<server>() : &local;
  if (!sv) {
    if (request.drop) request.drop(request.arg);
    return base::fail(STRUCTIO_ENOMEM, "no memory for a server");
  }
  sv->request = request;
  sv->on_heap = request.home != nullptr;
  nursery own;
  if (!request.home) {
    if (const int code = nursery_open(rt, own, nursery_kind::user)) return code;
  }
  failure* f = nullptr;
  // Anybody may free a listener before its loop has begun.
  for (std::size_t i = 0; i < count; ++i) ++listeners[i]->references;
  int status = accept_from_all(rt, listeners, count, request.home ? *request.home : own, *sv, f);
  for (std::size_t i = 0; i < count; ++i) release(*listeners[i]);
  task& self = *rt.current;
  if (request.home) {
    let_go(*sv);
    take_in_flight(self, f);
    return status;
  }
  // An error of accepting alone is the call's own; what handlers failed with comes as a group.
  const bool accepting_failed = status < 0 && status != STRUCTIO_ECANCELLED;
  status = nursery_close(own, status, f);
  if (accepting_failed) status = unwrap_only(status, f);
  failure_release(self.in_flight);
  self.in_flight = f;
  if (accepting_failed && f) {
    char line[300];
    failure_one_line(*f, line, sizeof line);
    base::fail(status, "%s", line);
  }
  return status;
}

}  // namespace structio::rt::net
