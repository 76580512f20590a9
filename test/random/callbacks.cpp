// What the library calls: seeds in, random calls and answers out.
#include "random/callbacks.hpp"

#include <cxxabi.h>

namespace random_calls {

// Seed, depth and whose guest the caller is, in one word: arguments need no memory that way, and
// what a body does depends on nothing else.
void* pack(caller& c) {
  const std::uint64_t seed = c.random() >> 12;
  const auto depth = static_cast<std::uint64_t>(c.depth < 15 ? c.depth + 1 : 15);
  return reinterpret_cast<void*>(seed << 8 | depth << 2 | (c.guest ? 2u : 0u) | 1u);
}

caller unpack(void* arg) {
  const auto word = reinterpret_cast<std::uint64_t>(arg);
  return caller(word >> 8, static_cast<int>(word >> 2 & 15), (word & 2) != 0);
}

namespace {

bool stack_is_short() {
  void* low = nullptr;
  char here;
  return structio_task_stack(&low, nullptr) == 0 && &here - static_cast<char*>(low) < 160 * 1024 &&
         structio_in_task();
}

void some_calls(caller& c, int most) {
  if (stack_is_short()) return;  // a resolver may resolve, and so on
  for (int i = c.below(most + 1); i > 0; --i) call_one(c);
}

int any_status(caller& c) {
  if (c.chance(75)) return 0;
  static const int all[] = {7,
                            -700,
                            STRUCTIO_ECANCELLED,
                            STRUCTIO_EPAYLOAD,
                            STRUCTIO_EGROUP,
                            STRUCTIO_EINTERNAL,
                            -1,
                            INT32_MIN,
                            INT32_MAX};
  return c.any_of(all);
}

}  // namespace

int body(void* arg) {
  caller c = unpack(arg);
  if (stack_is_short()) return structio_checkpoint();
  for (int i = c.below(6); i > 0 && now->fuel > 0; --i) {
    const std::int64_t status = call_one(c);
    if (status == STRUCTIO_ECANCELLED && c.chance(70)) return STRUCTIO_ECANCELLED;
  }
  return any_status(c);
}

void drop(void* arg) {
  caller c = unpack(arg);
  ++now->drops;
  if (c.chance(20)) some_calls(c, 1);
}

namespace callbacks {

int abort(void* arg) {
  caller c = unpack(arg);
  some_calls(c, 2);
  if (c.chance(2)) return 77;
  return c.guest || c.chance(60) ? STRUCTIO_ABORT_DONE : STRUCTIO_ABORT_LATER;
}

int deliver(void* arg, int, structio_failure* failure) {
  caller c = unpack(arg);
  if (failure) now->keep(kind_of<structio_failure>(), failure);
  some_calls(c, 1);
  return any_status(c);
}

int resolve(const structio_resolve_options*, structio_address_sink* sink, void* arg) {
  caller c = unpack(arg);
  for (int i = c.below(4); i > 0; --i) {
    structio_address_sink_add(sink,
                              c.chance(80)   ? "127.0.0.1"
                              : c.chance(50) ? "nonsense"
                                             : nullptr,
                              now->port(c));
  }
  some_calls(c, 2);
  return any_status(c);
}

int connect(const char*, std::uint16_t, structio_stream** out, void* arg) {
  caller c = unpack(arg);
  some_calls(c, 2);
  structio_stream* other = nullptr;
  if (c.chance(30)) return any_status(c);  // maybe well, without a stream
  const int status = structio_memory_stream_pair(out, &other);
  if (status == 0) now->keep(kind_of<structio_stream>(), other);
  return status;
}

int serve(structio_stream* stream, void* arg) {
  now->keep(kind_of<structio_stream>(), stream);
  return body(arg);
}

int serve_error(const char*, int, structio_failure* why, void* arg) {
  caller c = unpack(arg);
  if (why) structio_failure_message(why);
  some_calls(c, 1);
  return any_status(c);
}

int match(const structio_failure* leaf, void* arg) {
  caller c = unpack(arg);
  structio_failure_code(leaf);
  some_calls(c, 1);
  return c.below(3) - 1;
}

int guest_main(void* arg) {
  return structio_move_on_after(STRUCTIO_MILLISECONDS(5), body, arg, nullptr);
}

// In a scope that the end of the episode finds.
int in_scope(void* arg) {
  caller c = unpack(arg);
  auto* scope = static_cast<structio_scope*>(
      now->block(kind_of<structio_scope>(), sizeof(structio_scope), c, true));
  now->set_used(kind_of<structio_scope>(), scope, true);
  structio_scope_init(scope, nullptr);
  if (const int code = structio_scope_enter(scope)) return code;
  const int status = structio_scope_leave(scope, body(arg), nullptr);
  now->set_used(kind_of<structio_scope>(), scope, false);
  return status;
}

int system_main(void* arg) {
  const int status = in_scope(arg);
  caller c = unpack(arg);
  return c.below(200) == 0 ? status : 0;  // a failure ends the run
}

int starting(void* arg) {
  structio_started(arg);
  return body(arg);
}

int for_each(std::size_t, void* arg) {
  return body(arg);
}

int post(void* arg) {
  caller c = unpack(arg);
  some_calls(c, 2);
  return c.below(1000) == 0 ? -1 : 0;  // ends the run
}

int step(void* state, structio_call* call) {
  caller c = unpack(state);
  c.random.stir(now->made);           // the state is always the same
  if (now->fuel.fetch_sub(1) <= 0) {  // a step without calls is one too
    call->result = STRUCTIO_ECANCELLED;
    return STRUCTIO_STEP_DONE;
  }
  some_calls(c, 2);
  if (c.chance(2)) return 77;
  if (c.chance(40)) {
    call->result = any_status(c);
    return STRUCTIO_STEP_DONE;
  }
  for (std::uint64_t& argument : call->arguments) argument = c.chance(70) ? 0 : c.random() % 9;
  if (c.chance(50)) {
    call->arguments[0] = reinterpret_cast<std::uint64_t>(pack(c));
    call->fn = [](const std::uint64_t* arguments) -> std::int64_t {
      return body(reinterpret_cast<void*>(arguments[0]));
    };
  } else {
    // Small integers are no pointers that one may hand over: functions without any.
    static const char* const plain[] = {"structio_checkpoint", "structio_sleep",
                                        "structio_checkpoint_if_cancelled",
                                        "structio_cancel_shielded_checkpoint"};
    structio_op_info info = {};
    info.struct_size = sizeof info;
    structio_op_find(c.any_of(plain), &info);
    call->op = c.chance(97) ? info.index : 100000;
  }
  return STRUCTIO_STEP_CALL;
}

int interrupt(void* arg) {
  caller c = unpack(arg);
  some_calls(c, 1);
  return c.below(3) - 1;
}

int deliver_cancel(void* arg, structio_process* process) {
  structio_process_kill(process, 9);
  return body(arg);
}

void log(std::uint32_t, const char* text, void*) {
  if (!text) broken("a line without text", "log");
}

void task_enter(structio_task_id, void* arg) {
  thread_local std::uint64_t times = 0;
  if (++times % 16 != 0) return;
  caller c = unpack(arg);
  c.random.stir(times);
  some_calls(c, 1);
}

void task_leave(structio_task_id task, int, void* arg) {
  task_enter(task, arg);
}

void describe(const void*, char* text, std::size_t size) {
  if (size > 3) std::memcpy(text, "abc", 4);
}

void drop_payload(void* value) {
  drop(value);
}

void init_storage(void* storage, void* arg) {
  std::memcpy(storage, &arg, sizeof arg);
  caller c = unpack(arg);
  if (c.chance(20)) some_calls(c, 1);
}

int stored_body(void* storage) {
  void* arg;
  std::memcpy(&arg, storage, sizeof arg);
  return body(arg);
}

void* globals() {
  return abi::__cxa_get_globals();
}

void move_item(void* to, void* from) {
  std::memcpy(to, from, sizeof(item));
  static_cast<item*>(from)->id = 0;
}

void destroy_item(void* which) {
  if (!now->end_item(static_cast<item*>(which)->id)) broken("an item was destroyed twice", "item");
}

int copy_item(void* to, const void*) {
  const std::uint64_t id = now->new_item();
  if (id % 16 == 0) {
    now->end_item(id);
    return -702;
  }
  item* copy = new (to) item;
  copy->id = id;
  return 0;
}

std::int64_t stream_receive(void* arg, void* buffer, std::size_t size) {
  caller c = unpack(arg);
  some_calls(c, 2);
  if (c.chance(30)) return any_status(c);
  if (c.chance(3)) return static_cast<std::int64_t>(size) + 1;  // more than there is room for
  const std::size_t got = size == 0 ? 0 : 1 + c.random() % size;
  std::memset(buffer, c.chance(50) ? '\n' : 0, got);
  return static_cast<std::int64_t>(got);
}

int stream_send(void* arg, const void* data, std::size_t size) {
  if (size > 0) {
    volatile const char* bytes = static_cast<const char*>(data);
    (void)bytes[0];
    (void)bytes[size - 1];
  }
  return body(arg);
}

int stream_simple(void* arg) {
  return body(arg);
}

void stream_destroy(void* arg) {
  drop(arg);
}

}  // namespace callbacks

}  // namespace random_calls
