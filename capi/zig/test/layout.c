/* What a C compiler makes of the header: sizes, offsets and constants, as a table that abi.zig
 * compares with the binding's declarations. */
#include <stddef.h>
#include <structio/structio.h>
#include <structio/structio_testing.h>

struct layout_entry {
  const char* name;
  long long value;
};

/* A struct, and behind it each of its fields: offset * 65536 + size. */
#define STRUCT(T) {#T, (long long)sizeof(T)},
#define FIELD(T, f) {#T "." #f, (long long)(offsetof(T, f) * 65536 + sizeof(((T*)0)->f))},
#define NUMBER(name) {#name, (long long)(name)},
#define OPAQUE(T) STRUCT(T) FIELD(T, opaque)

/* clang-format off */
static const struct layout_entry entries[] = {
  OPAQUE(structio_scope) OPAQUE(structio_nursery) OPAQUE(structio_event) OPAQUE(structio_mutex)
  OPAQUE(structio_semaphore) OPAQUE(structio_condition) OPAQUE(structio_limiter)

  STRUCT(structio_run_options) FIELD(structio_run_options, struct_size)
  FIELD(structio_run_options, version) FIELD(structio_run_options, budget)
  FIELD(structio_run_options, seed) FIELD(structio_run_options, name)
  FIELD(structio_run_options, stack_size) FIELD(structio_run_options, cxa_get_globals)
  FIELD(structio_run_options, interrupt) FIELD(structio_run_options, no_overflow_report)
  FIELD(structio_run_options, no_deadlock_check) FIELD(structio_run_options, reserved)
  FIELD(structio_run_options, clock) FIELD(structio_run_options, failure)
  FIELD(structio_run_options, on_interrupt) FIELD(structio_run_options, on_interrupt_arg)
  FIELD(structio_run_options, task_enter) FIELD(structio_run_options, task_leave)
  FIELD(structio_run_options, task_hooks_arg)

  STRUCT(structio_task_options) FIELD(structio_task_options, struct_size)
  FIELD(structio_task_options, name) FIELD(structio_task_options, stack_size)
  FIELD(structio_task_options, storage_size) FIELD(structio_task_options, storage_init)

  STRUCT(structio_scope_options) FIELD(structio_scope_options, struct_size)
  FIELD(structio_scope_options, deadline) FIELD(structio_scope_options, deadline_kind)
  FIELD(structio_scope_options, shield) FIELD(structio_scope_options, ends_on_stop)
  FIELD(structio_scope_options, hold_interrupt)

  STRUCT(structio_payload_type) FIELD(structio_payload_type, struct_size)
  FIELD(structio_payload_type, name) FIELD(structio_payload_type, runtime)
  FIELD(structio_payload_type, drop) FIELD(structio_payload_type, describe)

  STRUCT(structio_item_type) FIELD(structio_item_type, struct_size)
  FIELD(structio_item_type, size) FIELD(structio_item_type, move)
  FIELD(structio_item_type, destroy) FIELD(structio_item_type, copy)

  STRUCT(structio_tcp_listen_options) FIELD(structio_tcp_listen_options, struct_size)
  FIELD(structio_tcp_listen_options, host) FIELD(structio_tcp_listen_options, port)
  FIELD(structio_tcp_listen_options, reuse_port) FIELD(structio_tcp_listen_options, ipv6_only)
  FIELD(structio_tcp_listen_options, backlog)

  STRUCT(structio_tcp_connect_options) FIELD(structio_tcp_connect_options, struct_size)
  FIELD(structio_tcp_connect_options, host) FIELD(structio_tcp_connect_options, port)
  FIELD(structio_tcp_connect_options, attempt_delay)
  FIELD(structio_tcp_connect_options, local_host)

  STRUCT(structio_piece) FIELD(structio_piece, data) FIELD(structio_piece, size)

  STRUCT(structio_serve_options) FIELD(structio_serve_options, struct_size)
  FIELD(structio_serve_options, handler_owns_stream) FIELD(structio_serve_options, log_errors)
  FIELD(structio_serve_options, handler_nursery) FIELD(structio_serve_options, max_connections)
  FIELD(structio_serve_options, on_error) FIELD(structio_serve_options, on_error_arg)

  STRUCT(structio_thread_options) FIELD(structio_thread_options, struct_size)
  FIELD(structio_thread_options, limiter) FIELD(structio_thread_options, tokens)
  FIELD(structio_thread_options, name) FIELD(structio_thread_options, drop)
  FIELD(structio_thread_options, abandon_on_cancel) FIELD(structio_thread_options, reserved)

  STRUCT(structio_virtual_clock_options) FIELD(structio_virtual_clock_options, struct_size)
  FIELD(structio_virtual_clock_options, start) FIELD(structio_virtual_clock_options, autojump)
  FIELD(structio_virtual_clock_options, rate)

  NUMBER(STRUCTIO_FOREVER) NUMBER(STRUCTIO_VERSION)
  NUMBER(STRUCTIO_DEADLINE_NONE) NUMBER(STRUCTIO_DEADLINE_ABSOLUTE)
  NUMBER(STRUCTIO_DEADLINE_RELATIVE)
  NUMBER(STRUCTIO_INTERRUPT_AUTO) NUMBER(STRUCTIO_INTERRUPT_IGNORE)
  NUMBER(STRUCTIO_INTERRUPT_HANDLE)
  NUMBER(STRUCTIO_FAILURE_STATUS) NUMBER(STRUCTIO_FAILURE_PAYLOAD)
  NUMBER(STRUCTIO_FAILURE_CANCELLED) NUMBER(STRUCTIO_FAILURE_GROUP)
};

/* Every code of the header's own list. */
#define CODE(name, value, text) {"STRUCTIO_E" #name, value},
static const struct layout_entry codes[] = {STRUCTIO_ERROR_MAP(CODE)};
/* clang-format on */

const struct layout_entry* layout_entries(size_t* count);
const struct layout_entry* layout_codes(size_t* count);

const struct layout_entry* layout_entries(size_t* count) {
  *count = sizeof(entries) / sizeof(entries[0]);
  return entries;
}

const struct layout_entry* layout_codes(size_t* count) {
  *count = sizeof(codes) / sizeof(codes[0]);
  return codes;
}
