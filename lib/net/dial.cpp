// The race of the attempts.
#include "net/dial.hpp"

#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "net/exchange.hpp"
#include "runtime/failure.hpp"
#include "runtime/local.hpp"
#include "runtime/nursery.hpp"
#include "runtime/wait.hpp"

namespace structio::rt::net {
namespace {

constexpr char connector_key = 0;

int no_memory() noexcept {
  return base::fail(STRUCTIO_ENOMEM, "no memory for a connection");
}

/// The pause between two attempts. Whoever ends it, first takes it out of its place.
struct pause : timer {
  task* waiter = nullptr;
  pause** place = nullptr;
};

/// One call of dial, in its frame; the attempts are children of its nursery.
struct race {
  runtime& rt;
  const address_list& list;
  const address* local;
  nursery attempts;
  stream::byte_stream* winner = nullptr;
  pause* dialer = nullptr;  ///< while it waits to begin the next one
  std::size_t latest = 0;   ///< the attempt whose failure ends that wait
  failure** errors = nullptr;
  std::size_t error_count = 0;
};

struct attempt {
  race* of;
  std::size_t index;
};

// What is no answer of the network, but the program's own or a cancellation.
bool concerns_all(int code) noexcept {
  return code == STRUCTIO_ECANCELLED || code == STRUCTIO_EINTERRUPTED ||
         code == STRUCTIO_EPAYLOAD || code == STRUCTIO_EGROUP;
}

int connect_one(runtime& rt, const address& to, const address* local,
                stream::byte_stream*& out) noexcept {
  if (const connector* own = part_of<connector>(rt, &connector_key); own && own->fn) {
    const connector called = *own;  // it may be exchanged meanwhile
    if (const int code = cancel_check(rt)) return code;
    const int code = called.fn(to, out, called);
    give_way(rt);
    return code;
  }
  tcp_stream* s = nullptr;
  const int code = tcp_connect(rt, to, local, s);
  out = s;
  return code;
}

void record(race& r, std::size_t index, int code) noexcept {
  task& self = *r.rt.current;
  r.errors[r.error_count++] = failure_of(r.rt, self, code, std::exchange(self.in_flight, nullptr));
  if (!r.dialer || index != r.latest) return;
  pause* waiting = std::exchange(r.dialer, nullptr);
  r.rt.timers.disarm(*waiting);
  wake(*waiting->waiter, 0);
}

int run_attempt(void* arg) {
  const attempt a = *static_cast<attempt*>(arg);
  race& r = *a.of;
  stream::byte_stream* s = nullptr;
  const int code = connect_one(r.rt, r.list[a.index], r.local, s);
  if (code == 0 && !r.winner) {
    r.winner = s;
    scope_cancel(r.attempts.around, cancel_source::explicit_call, r.rt.current,
                 "another attempt has connected");
    return 0;
  }
  if (code == 0) {
    stream::free(*s);  // later by a hair
    return 0;
  }
  if (concerns_all(code)) return code;
  record(r, a.index, code);
  return 0;
}

int begin_attempt(race& r, std::size_t index) noexcept {
  attempt a{&r, index};
  char host[64] = "";
  char name[96];
  format(r.list[index], host, sizeof host, nullptr);
  std::snprintf(name, sizeof name, "connect to %s", host);
  spawn_request spawn;
  spawn.fn = run_attempt;
  spawn.arg = &a;
  spawn.name = name;
  spawn.storage_size = sizeof a;
  spawn.storage_init = [](void* storage, void* from) {
    new (storage) attempt(*static_cast<attempt*>(from));
  };
  task* t = nullptr;
  return nursery_spawn(r.attempts, spawn, t);
}

// Until the delay is over or the latest attempt has failed.
int wait_for_next(race& r, std::int64_t delay) noexcept {
  pause timer;
  timer.waiter = r.rt.current;
  timer.place = &r.dialer;
  timer.fire = [](struct timer& self) noexcept {
    auto& over = static_cast<pause&>(self);
    *over.place = nullptr;
    wake(*over.waiter, 0);
  };
  const std::int64_t moment = base::saturating_add(r.rt.now(), delay);
  if (r.rt.timers.arm(timer, moment) != 0) return no_memory();
  r.dialer = &timer;
  return static_cast<int>(park(
      r.rt, "the next attempt to connect",
      [](void* arg) {
        auto& waiting = *static_cast<pause*>(arg);
        *waiting.place = nullptr;
        waiting.waiter->rt->timers.disarm(waiting);
        return abort_done;
      },
      &timer));
}

int begin_all(race& r, std::int64_t delay) noexcept {
  for (std::size_t i = 0; i < r.list.size(); ++i) {
    r.latest = i;
    if (const int code = begin_attempt(r, i)) return code;
    if (i + 1 == r.list.size()) return 0;
    if (const int code = wait_for_next(r, delay)) return code;
  }
  return 0;
}

// An interrupt is delivered once, so that nobody else would tell of one in there.
bool holds_interrupt(const failure& f) noexcept {
  if (f.code == STRUCTIO_EINTERRUPTED) return true;
  for (std::size_t i = 0; i < f.count; ++i) {
    if (holds_interrupt(*f.members[i])) return true;
  }
  return false;
}

// The error of one that stands for all of them, which are its cause.
int all_failed(race& r, const dial_request& request) noexcept {
  const int code = r.errors[0]->code;
  char text[800];
  int length =
      std::snprintf(text, sizeof text, "cannot connect to %.255s port %u: all %zu attempts failed",
                    request.host, request.port, r.error_count);
  for (std::size_t i = 0; i < r.error_count && length < static_cast<int>(sizeof text); ++i) {
    const char* one = r.errors[i]->message ? r.errors[i]->message : error_text(r.errors[i]->code);
    length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), "%s %s",
                            i == 0 ? ":" : ";", one);
  }
  failure* f = failure_status(code, text);
  failure* causes = f ? failure_group(r.errors, r.error_count) : nullptr;
  if (causes) {
    for (std::size_t i = 0; i < r.error_count; ++i) r.errors[i] = nullptr;
    if (!failure_set_cause(*f, causes)) failure_release(causes);
  }
  task& self = *r.rt.current;
  failure_release(self.in_flight);
  self.in_flight = f;
  return base::fail(code, "%s", text);
}

int race_all(runtime& rt, const dial_request& request, const address_list& list,
             const address* local, stream::byte_stream*& out) noexcept {
  race r{rt, list, local, {}, nullptr, nullptr, 0, nullptr, 0};
  r.errors = static_cast<failure**>(base::allocate_zeroed(list.size(), sizeof(failure*)));
  if (!r.errors) return no_memory();
  int status = nursery_open(rt, r.attempts, nursery_kind::hidden);
  if (status == 0) {
    failure* f = nullptr;
    status = nursery_close(r.attempts, begin_all(r, request.attempt_delay), f);
    status = unwrap_only(status, f);
    if (r.winner) {
      // A connection that is made is the answer, whatever came at the same time. The user's wish to
      // end the program is told at the next checkpoint.
      if (f && holds_interrupt(*f)) rt.current->attention |= attention_interrupt;
      failure_release(f);
      out = r.winner;
      status = 0;
    } else if (status < 0) {
      if (f) {
        failure_release(rt.current->in_flight);
        rt.current->in_flight = f;
      }
    } else {
      status = all_failed(r, request);
    }
  }
  for (std::size_t i = 0; i < r.error_count; ++i) failure_release(r.errors[i]);
  base::release(r.errors);
  return status;
}

}  // namespace

int set_connector(runtime& rt, const connector& given, connector& former) noexcept {
  return exchange_part(rt, &connector_key, given, former) == 0 ? 0 : no_memory();
}

void interleave(address_list& list) noexcept {
  if (list.size() < 3 || is_v6(list[0]) != is_v6(list[1])) return;
  for (std::size_t i = 2; i < list.size(); ++i) {
    if (is_v6(list[i]) == is_v6(list[0])) continue;
    const address second = list[i];
    for (std::size_t j = i; j > 1; --j) list[j] = list[j - 1];
    list[1] = second;
    return;
  }
}

int dial(runtime& rt, const dial_request& request, stream::byte_stream*& out) noexcept {
  out = nullptr;
  address local_storage, to;
  const address* local = nullptr;
  if (request.local_host) {
    if (const int code = parse(request.local_host, 0, local_storage)) return code;
    local = &local_storage;
  }
  // One address, one attempt: no nursery, no thread, no memory of its own.
  if (is_numeric(request.host, request.port, to)) return connect_one(rt, to, local, out);
  address_list list;
  reactor::name_query query{};
  query.host = request.host;
  query.port = request.port;
  if (const int code = resolve(rt, query, list)) return code;
  if (list.size() == 1) return connect_one(rt, list[0], local, out);
  interleave(list);
  return race_all(rt, request, list, local, out);
}

}  // namespace structio::rt::net
