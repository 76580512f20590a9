// Functions that the library calls in random episodes. Those that may call it do so, and answer
// well, badly, or what nobody has asked for.
#pragma once

#include "random/frame.hpp"

namespace random_calls {

namespace callbacks {

int abort(void* arg);
int deliver(void* arg, int status, structio_failure* failure);
int resolve(const structio_resolve_options* query, structio_address_sink* sink, void* arg);
int connect(const char* host, std::uint16_t port, structio_stream** out, void* arg);
int serve(structio_stream* stream, void* arg);
int serve_error(const char* peer, int status, structio_failure* why, void* arg);
int match(const structio_failure* leaf, void* arg);
int for_each(std::size_t index, void* arg);
int guest_main(void* arg);
int in_scope(void* arg);
int system_main(void* arg);
int starting(void* arg);
int post(void* arg);
int step(void* state, structio_call* call);
int interrupt(void* arg);
int deliver_cancel(void* arg, structio_process* process);
void log(std::uint32_t level, const char* text, void* arg);
void task_enter(structio_task_id task, void* arg);
void task_leave(structio_task_id task, int ended, void* arg);
void describe(const void* value, char* text, std::size_t size);
void drop_payload(void* value);
void init_storage(void* storage, void* arg);
int stored_body(void* storage);
void* globals();

void move_item(void* to, void* from);
void destroy_item(void* item);
int copy_item(void* to, const void* from);

std::int64_t stream_receive(void* arg, void* buffer, std::size_t size);
int stream_send(void* arg, const void* data, std::size_t size);
int stream_simple(void* arg);
void stream_destroy(void* arg);

}  // namespace callbacks

template <class F>
F callback(frame& f) {
  using namespace callbacks;
  if constexpr (std::is_same_v<F, structio_cancelled_fn>) {  // and structio_drop_fn
    return drop;
  } else if constexpr (std::is_same_v<F, structio_task_fn>) {  // and post, abort
    if (f.entry.header == "testing" || f.is("structio_nursery_spawn")) return body;
    if (f.is("structio_park")) return abort;
    if (f.is("structio_run")) return guest_main;
    if (f.is("structio_portal_call") || f.is("structio_thread_call")) return in_scope;
    if (f.is("structio_start_system_task")) return system_main;
    if (f.is("structio_nursery_start") && f.c.chance(70)) return starting;
    if (f.entry.header == "wait" && !f.is("structio_portal_call")) return post;
    return body;
  } else if constexpr (std::is_same_v<F, structio_deliver_fn>) {
    return deliver;
  } else if constexpr (std::is_same_v<F, structio_resolver_fn>) {
    return resolve;
  } else if constexpr (std::is_same_v<F, structio_connector_fn>) {
    return connect;
  } else if constexpr (std::is_same_v<F, structio_serve_fn>) {
    return serve;
  } else if constexpr (std::is_same_v<F, structio_failure_match_fn>) {
    return match;
  } else if constexpr (std::is_same_v<F, int (*)(std::size_t, void*)>) {
    return for_each;
  } else if constexpr (std::is_same_v<F, structio_log_fn>) {
    return log;
  } else {
    static_assert(std::is_same_v<F, void* (*)()>);
    return globals;
  }
}

}  // namespace random_calls
