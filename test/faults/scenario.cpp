// The scenario, step by step. Nothing here may allocate by itself: what is counted is structio's.
#include "faults/scenario.hpp"

#include <structio/structio.h>
#include <structio/structio_debug.h>
#include <structio/structio_testing.h>

#include <initializer_list>

namespace scenario {
namespace {

report* noted = nullptr;

// Notes what a call returned and passes it on.
template <class Status>
Status note(Status status, const char* where) {
  switch (static_cast<int>(status)) {
    case STRUCTIO_ENOMEM: ++noted->no_memory; break;
    case STRUCTIO_ECANCELLED:
    case STRUCTIO_EGROUP:
    case STRUCTIO_EPAYLOAD:
    case STRUCTIO_EBROKEN:
    case STRUCTIO_ECLOSED:
    case STRUCTIO_EABSENT:
    case STRUCTIO_ETOOSLOW:
    case -12:   // ENOMEM of the system
    case -700:  // the scenario's own failure
      break;
    default:
      if (status < 0 && noted->strange == 0) {
        noted->strange = static_cast<int>(status);
        noted->where = where;
      }
  }
  return status;
}

// Every task goes through here.
template <int (*Fn)(void*)>
int counted(void* arg) {
  ++noted->begun;
  const int status = Fn(arg);
  ++noted->ended;
  return status;
}

template <class Body>
int in_nursery(const char* where, Body body) {
  structio_nursery n;
  int status = structio_nursery_open(&n);
  if (status == 0) status = body(n);
  return note(structio_nursery_close(&n, status, nullptr), where);
}

int sleeper(void*) {
  structio_scope s;
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  options.deadline = STRUCTIO_MILLISECONDS(5);
  structio_scope_init(&s, &options);
  int status = note(structio_scope_enter(&s), "enter");
  if (status < 0) return status;
  status = structio_sleep(STRUCTIO_SECONDS(1));
  return note(structio_scope_leave(&s, status, nullptr), "leave");
}

int forever(void*) {
  return structio_sleep_forever();
}

int starting(void*) {
  int status = structio_checkpoint();
  if (status == 0) status = note(structio_started(nullptr), "started");
  return status == 0 ? structio_checkpoint() : status;
}

int failing(void*) {
  structio_failure* f = nullptr;
  const int status = note(structio_failure_new_status(-700, "a failure", &f), "new status");
  if (status < 0) return status;
  note(structio_failure_add_while(&f, "playing"), "add while");
  structio_failure* kept = structio_failure_retain(f);
  note(structio_failure_add_while(&f, "playing on"), "add while to a copy");
  structio_failure_free(kept);
  return structio_failure_raise(f);
}

int drop_nothing_of = 0;
void drop(void*) {
  --drop_nothing_of;
}

int tasks(void*) {
  return in_nursery("tasks", [](structio_nursery& n) {
    for (int i = 0; i < 3; ++i) {
      if (const int s = note(structio_nursery_start_soon(&n, counted<sleeper>, nullptr), "soon")) {
        return s;
      }
    }
    note(structio_nursery_start_service(&n, nullptr, counted<forever>, nullptr), "service");
    note(structio_nursery_start(&n, nullptr, counted<starting>, nullptr, nullptr), "start");
    structio_task* handle = nullptr;
    note(structio_nursery_start_task(&n, nullptr, counted<forever>, nullptr, &handle), "task");
    if (!handle) return 0;
    structio_task_cancel(handle, "enough of it");
    structio_failure* why = nullptr;
    note(structio_task_join(handle, &why), "join");
    structio_failure_free(why);
    structio_task_free(handle);
    return 0;
  });
}

int one_leaf(const structio_failure* leaf, void*) {
  return structio_failure_code(leaf) == -700;
}

int failures(void*) {
  structio_failure* why = nullptr;
  structio_nursery n;
  if (structio_nursery_open(&n) < 0) return 0;
  for (int i = 0; i < 6; ++i) structio_nursery_start_soon(&n, counted<failing>, nullptr);
  structio_nursery_start_soon(&n, counted<forever>, nullptr);
  if (note(structio_nursery_close(&n, 0, &why), "failing") >= 0 || !why) return 0;
  char text[600];
  structio_failure_describe(why, text, sizeof text);
  structio_failure* rest = nullptr;
  structio_failure* matched = nullptr;
  if (note(structio_failure_split(why, one_leaf, nullptr, &matched, &rest), "split") < 0) {
    matched = why;
  }
  structio_failure_free(rest);
  return matched ? structio_failure_raise(matched) : 0;
}

int scopes(void*) {
  structio_scope s;
  structio_scope_init(&s, nullptr);
  if (note(structio_scope_enter(&s), "enter") < 0) return 0;
  structio_cancel_token* token = nullptr;
  note(structio_cancel_token_new(&s, &token), "token");
  note(structio_scope_stop(&s, STRUCTIO_SECONDS(1), "politely"), "stop");
  note(structio_scope_set_timeout(&s, STRUCTIO_SECONDS(2)), "set_timeout");
  if (token) structio_cancel_token_cancel(token);
  const int status = structio_sleep_forever();
  structio_cancel_token_free(token);
  return note(structio_scope_leave(&s, status, nullptr), "leave");
}

int locals(void*) {
  static const char keys[3] = {};
  for (const char& key : keys) {
    structio_local_token token;
    const int status = structio_local_set(&key, nullptr, drop, &token);
    if (note(status, "local_set") < 0) continue;
    ++drop_nothing_of;
    note(structio_local_reset(&key, &token), "local_reset");
    if (note(structio_run_local_set(&key, nullptr, drop, nullptr), "run_local_set") == 0) {
      ++drop_nothing_of;
    }
  }
  return structio_checkpoint();
}

structio_lot lot;

int parking(void*) {
  return note(structio_lot_park(&lot), "park");
}

int breaking(void*) {
  note(structio_lot_add_breaker(&lot, structio_task_current()), "add_breaker");
  return structio_checkpoint();
}

int lots(void*) {
  structio_lot_init(&lot);
  in_nursery("lots", [](structio_nursery& n) {
    note(structio_nursery_start_soon(&n, counted<parking>, nullptr), "parking");
    note(structio_nursery_start_soon(&n, counted<breaking>, nullptr), "breaking");
    structio_checkpoint();
    structio_checkpoint();
    note(structio_lot_break(&lot, 0), "break");
    structio_lot_unpark(&lot, STRUCTIO_ALL);
    return 0;
  });
  structio_failure_free(structio_failure_take());
  note(structio_lot_destroy(&lot), "lot_destroy");
  return 0;
}

int posted(void*) {
  return 0;
}

int portals(void*) {
  structio_portal* portal = nullptr;
  if (note(structio_portal_new(&portal), "portal") < 0) return 0;
  note(structio_portal_post(portal, posted, nullptr), "post");
  note(structio_portal_post_once(portal, posted, nullptr), "post_once");
  note(structio_start_system_task(nullptr, counted<forever>, nullptr), "system");
  structio_checkpoint();
  structio_portal_free(portal);
  return 0;
}

int echo(structio_stream* stream, void*) {
  char bytes[64];
  for (;;) {
    const auto got = note(structio_stream_receive_some(stream, bytes, sizeof bytes), "receive");
    if (got <= 0) return 0;
    if (const int s = note(structio_stream_send_all(stream, bytes, std::size_t(got)), "send")) {
      return s;
    }
  }
}

int serving(void* listener) {
  return note(structio_serve(static_cast<structio_listener*>(listener), echo, nullptr, nullptr),
              "serve");
}

int talk(structio_listener* listener) {
  structio_tcp_connect_options where{};
  where.struct_size = sizeof where;
  structio_listener_address(listener, nullptr, 0, &where.port);
  structio_stream* stream = nullptr;
  int status = note(structio_tcp_connect(&where, &stream), "connect");
  if (status < 0) return 0;
  char bytes[4];
  status = note(structio_stream_send_all(stream, "ping", 4), "send");
  if (status == 0) note(structio_stream_receive_some(stream, bytes, sizeof bytes), "receive");
  note(structio_stream_close(stream), "close");
  structio_stream_free(stream);
  return 0;
}

int network(void*) {
  structio_tcp_listen_options where{sizeof where, "127.0.0.1", 0, 0, 0, 0};
  structio_listener* listener = nullptr;
  if (note(structio_tcp_listen(&where, &listener), "listen") < 0) return 0;
  in_nursery("network", [&](structio_nursery& n) {
    const int status = structio_nursery_start_soon(&n, counted<serving>, listener);
    if (note(status, "start serve") < 0) return 0;
    structio_checkpoint();
    talk(listener);
    note(structio_scope_cancel(structio_nursery_scope(&n), "all is said"), "cancel");
    return 0;
  });
  structio_failure_free(structio_failure_take());
  structio_listener_free(listener);
  return 0;
}

int program(void*) {
  char text[512];
  structio_debug_tree(text, sizeof text);
  for (const auto step : {portals, tasks, scopes, locals, lots, network, failures}) {
    note(step(nullptr), "step");
    structio_failure_free(structio_failure_take());
    note(structio_checkpoint(), "between");
  }
  noted->whole = true;
  return 0;
}

}  // namespace

report play() {
  report r;
  noted = &r;
  structio_failure* why = nullptr;
  // Time is skipped as soon as nothing has come from the network for a while.
  structio_virtual_clock_options skipping{sizeof skipping, 0, STRUCTIO_MILLISECONDS(3), 0};
  structio_clock* clock = nullptr;
  r.status = note(structio_virtual_clock_new(&skipping, &clock), "clock");
  if (r.status < 0) return r;
  structio_run_options options{};
  options.struct_size = sizeof options;
  options.interrupt = STRUCTIO_INTERRUPT_IGNORE;
  options.failure = &why;
  options.clock = clock;
  r.status = structio_run(counted<program>, nullptr, &options);
  structio_failure_free(why);
  structio_virtual_clock_free(clock);
  if (drop_nothing_of != 0) r.strange = 1;
  return r;
}

}  // namespace scenario
