// What random calls say in option structs.
#include <signal.h>
#include <unistd.h>

#include "random/arguments.hpp"
#include "random/callbacks.hpp"

namespace random_calls {

#define STRUCTIO_FILL(type) void filler<type>::fill(frame& f, type& to)

STRUCTIO_FILL(structio_buffered_options) {
  to.limit = f.c.chance(50) ? 0 : f.number("limit");
  to.owns_stream = static_cast<std::uint32_t>(f.c.below(2));
}

STRUCTIO_FILL(structio_frame_options) {
  to.length_size = static_cast<std::uint32_t>(f.c.below(10));
  to.little_endian = static_cast<std::uint32_t>(f.c.below(2));
  to.limit = f.c.chance(50) ? 0 : f.number("limit");
}

STRUCTIO_FILL(structio_item_type) {
  to.size = sizeof(item);
  switch (f.c.below(8)) {
    case 0: to.size = 0; break;
    case 1: to.size = 8; break;
    case 2: break;
    default:
      to.move = callbacks::move_item;
      to.destroy = callbacks::destroy_item;
      to.copy = callbacks::copy_item;
  }
}

STRUCTIO_FILL(structio_copy_options) {
  to.buffer_size = f.c.chance(70) ? 0 : f.number("size");
  to.limit = f.c.chance(70) ? 0 : f.number("limit");
}

STRUCTIO_FILL(structio_stream_table) {
  if (!f.c.chance(10)) to.receive_some = callbacks::stream_receive;
  if (!f.c.chance(10)) to.send_all = callbacks::stream_send;
  if (f.c.chance(50)) to.wait_send = callbacks::stream_simple;
  if (f.c.chance(50)) to.send_eof = callbacks::stream_simple;
  if (f.c.chance(50)) to.close = callbacks::stream_simple;
  if (f.c.chance(80)) to.destroy = callbacks::stream_destroy;
}

STRUCTIO_FILL(structio_file_open_options) {
  to.flags = f.c.chance(10) ? 0xffffu : static_cast<std::uint32_t>(f.c.below(64));
  to.permissions = f.c.chance(80) ? 0600 : 0xffffffff;
  to.abandon_on_cancel = static_cast<std::uint32_t>(f.c.below(2));
}

STRUCTIO_FILL(structio_file_write_options) {
  to.mode = static_cast<std::uint32_t>(f.c.below(4));
  to.permissions = f.c.chance(80) ? 0600 : 0xffffffff;
  to.no_sync = 1;
}

// They outlive every failure that is of them.
const structio_payload_type* some_payload_type(caller& c) {
  static const structio_payload_type types[] = {
      {sizeof(structio_payload_type), "payload", nullptr, drop, callbacks::describe},
      {sizeof(structio_payload_type), nullptr, nullptr, drop, nullptr},
      {sizeof(structio_payload_type), "plain", types, nullptr, callbacks::describe},
      {0, "wrong", nullptr, nullptr, nullptr}};
  return &c.any_of(types);
}

void learn_port(structio_listener* listener) {
  std::uint16_t port = 0;
  if (structio_listener_address(listener, nullptr, 0, &port) == 0) now->remember_port(port);
}

void learn_port(structio_datagram* socket) {
  structio_address address = {};
  std::uint16_t port = 0;
  if (structio_datagram_local_address(socket, &address) == 0 &&
      structio_address_format(&address, nullptr, 0, &port) == 0) {
    now->remember_port(port);
  }
}

void close_descriptor(std::int64_t descriptor) {
  ::close(static_cast<int>(descriptor));
}

STRUCTIO_FILL(structio_allocator) {
  to.allocate = [](std::size_t size, void*) { return std::malloc(size); };
  if (!f.nothing()) to.release = [](void* block, std::size_t, void*) { std::free(block); };
}

STRUCTIO_FILL(structio_tcp_listen_options) {
  to.host = f.nothing() ? nullptr : f.text("host");
  to.port = f.c.chance(80) ? std::uint16_t{0} : now->port(f.c);
  to.reuse_port = static_cast<std::uint8_t>(f.c.below(2));
  to.ipv6_only = static_cast<std::uint8_t>(f.c.below(2));
  to.backlog = f.c.chance(70) ? 0 : static_cast<std::int32_t>(f.number("backlog"));
}

STRUCTIO_FILL(structio_tcp_connect_options) {
  to.host = f.nothing() ? nullptr : f.text("host");
  to.port = now->port(f.c);
  to.attempt_delay = f.c.chance(50) ? 0 : f.duration();
  to.local_host = f.c.chance(80) ? nullptr : f.text("host");
}

STRUCTIO_FILL(structio_serve_options) {
  to.handler_owns_stream = static_cast<std::uint32_t>(f.c.below(2));
  to.log_errors = static_cast<std::uint32_t>(f.c.below(2));
  if (f.c.chance(20)) {
    to.handler_nursery = static_cast<structio_nursery*>(
        now->block(kind_of<structio_nursery>(), sizeof(structio_nursery), f.c, false));
  }
  to.max_connections = f.c.chance(50) ? 0 : f.number("max");
  to.on_error = f.c.chance(50) ? callbacks::serve_error : nullptr;
  to.on_error_arg = pack(f.c);
}

STRUCTIO_FILL(structio_scope_options) {
  to.deadline = f.duration();
  to.deadline_kind = static_cast<std::uint32_t>(f.c.below(f.c.chance(95) ? 3 : 5));
  to.shield = !f.c.guest && f.c.chance(20);
  to.ends_on_stop = static_cast<std::uint32_t>(f.c.below(2));
  to.hold_interrupt = f.c.chance(10);
}

STRUCTIO_FILL(structio_task_options) {
  // Callbacks need room, in sanitized builds a lot.
  static const std::size_t stacks[] = {0, 0, 0, 0, 512 * 1024, 1024 * 1024, SIZE_MAX};
  to.name = f.c.chance(50) ? f.text("name") : nullptr;
  to.stack_size = f.c.any_of(stacks);
}

STRUCTIO_FILL(structio_process_options) {
  static const char* const programs[][4] = {{"true"},
                                            {"cat"},
                                            {"sh", "-c", "exit 3"},
                                            {"sleep", "1"},
                                            {"absent-program"},
                                            {"head", "-c1000000", "/dev/zero"},
                                            {""}};
  static const char* const environment[] = {"A=b", "PATH=/bin:/usr/bin", "nonsense", nullptr};
  to.argv = f.nothing() ? nullptr : f.c.any_of(programs);
  if (f.is("structio_process_spawn_shell") || f.entry.name.ends_with("_shell")) to.argv = nullptr;
  to.env = f.c.chance(10) ? environment : nullptr;
  to.extra_env = f.c.chance(10) ? environment : nullptr;
  to.cwd = f.c.chance(90) ? nullptr : f.path();
  for (structio_stdio* s : {&to.in, &to.out, &to.err}) {
    s->kind = static_cast<std::uint32_t>(f.c.below(f.c.chance(95) ? 9 : 20));
    if (s->kind == STRUCTIO_STDIO_DEFAULT || s->kind == STRUCTIO_STDIO_INHERIT) {
      s->kind = STRUCTIO_STDIO_NULL;  // ours is for what went wrong
    }
    s->descriptor = f.descriptor();
    s->path = f.nothing() ? nullptr : f.path();
  }
  to.new_group = f.c.chance(10);
  to.new_session = f.c.chance(10);
  if (f.c.chance(20)) {
    auto* inherit = f.array<std::int64_t>(2);
    inherit[0] = f.descriptor();
    inherit[1] = f.descriptor();
    to.inherit = inherit;
    to.inherit_count = 2;
  }
}

STRUCTIO_FILL(structio_run_process_options) {
  auto* process = f.array<structio_process_options>(1);
  *process = {};
  filler<structio_process_options>::fill(f, *process);
  process->struct_size = sizeof *process;
  if (f.c.chance(70)) process->in = process->out = process->err = {};
  if (!f.is("structio_run_shell") || f.c.chance(50)) to.process = process;
  to.input_size = f.c.chance(50) ? 0 : 70000;
  if (to.input_size) to.input = f.bytes(to.input_size);
  to.capture_out = to.capture_err = 1;
  to.check = static_cast<std::uint32_t>(f.c.below(2));
  to.capture_limit = 10000;
  to.grace = f.c.chance(50) ? 0 : f.duration() % STRUCTIO_MILLISECONDS(5);
  to.deliver_cancel = f.c.chance(30) ? callbacks::deliver_cancel : nullptr;
  to.deliver_cancel_arg = pack(f.c);
}

STRUCTIO_FILL(structio_process_result) {
  if (f.is("structio_process_result_free")) return;
  to = {};
  f.keep_handles = true;
}

STRUCTIO_FILL(structio_resolve_options) {
  static const char* const services[] = {"http", "80", "99999", "absent", ""};
  to.host = f.nothing() ? nullptr : f.text("host");
  to.service = f.c.chance(50) ? nullptr : f.c.any_of(services);
  to.port = f.c.chance(50) ? std::uint16_t{0} : std::uint16_t{80};
  to.family = static_cast<std::uint8_t>(f.c.below(7));
  to.listening = static_cast<std::uint8_t>(f.c.below(2));
}

STRUCTIO_FILL(structio_run_options) {
  to.version = f.c.chance(5) ? 0x990000 : STRUCTIO_VERSION;
  to.budget = f.c.chance(50) ? 0 : static_cast<std::uint32_t>(f.number("budget"));
  to.seed = f.c.random();
  to.stack_size = 512 * 1024;
  to.cxa_get_globals = f.c.chance(50) ? callbacks::globals : nullptr;
  to.interrupt = static_cast<std::uint32_t>(f.c.below(4));
  // On a clock that stands still a run may wait for ever, with nobody to end it.
  to.clock = !f.c.guest && f.c.chance(20) ? some_handle<structio_clock>(f.c) : nullptr;
  to.failure = f.c.chance(50) ? out_handle<structio_failure>(f) : nullptr;
  to.on_interrupt = f.c.chance(20) ? callbacks::interrupt : nullptr;
  to.on_interrupt_arg = pack(f.c);
  if (f.c.chance(20)) {
    to.task_enter = callbacks::task_enter;
    to.task_leave = callbacks::task_leave;
    to.task_hooks_arg = pack(f.c);
  }
}

STRUCTIO_FILL(structio_steps) {
  to.step = f.nothing() ? nullptr : callbacks::step;
  to.state = pack(f.c);
}

STRUCTIO_FILL(structio_thread_options) {
  if (f.c.chance(30)) {
    to.limiter = static_cast<structio_limiter*>(
        now->block(kind_of<structio_limiter>(), sizeof(structio_limiter), f.c, false));
  }
  to.name = f.c.chance(50) ? f.text("name") : nullptr;
  to.drop = f.c.chance(50) ? drop : nullptr;
  to.abandon_on_cancel = static_cast<std::uint32_t>(f.c.below(2));
}

STRUCTIO_FILL(structio_tls_context_options) {
  to.server = static_cast<std::uint32_t>(f.c.below(2));
  to.client_certificates = static_cast<std::uint32_t>(f.c.below(4));
  to.newest_version = f.c.chance(80) ? 0 : STRUCTIO_TLS_VERSION_1_2;
  to.oldest_version = f.c.chance(90) ? 0 : STRUCTIO_TLS_VERSION_1_3;
  to.trusted_file = f.c.chance(90) ? nullptr : f.path();
  to.certificates_file = f.c.chance(90) ? nullptr : f.path();
  to.protocols = f.c.chance(80) ? nullptr : f.c.chance(50) ? "h2,http/1.1" : ",,";
  to.without_system_roots = f.c.chance(90);  // reading them takes long
  to.dangerously_skip_verification = static_cast<std::uint32_t>(f.c.below(2));
}

STRUCTIO_FILL(structio_tls_stream_options) {
  to.server_name = f.nothing() ? nullptr : f.text("host");
  to.https_compatible = static_cast<std::uint32_t>(f.c.below(2));
}

STRUCTIO_FILL(structio_tls_serve_options) {
  to.handshake_timeout = f.duration();
  to.handler_owns_stream = static_cast<std::uint32_t>(f.c.below(2));
  if (f.c.chance(50)) to.serving = sized_struct<structio_serve_options>(f);
}

STRUCTIO_FILL(structio_udp_options) {
  to.host = f.c.chance(50) ? nullptr : f.text("host");
  to.reuse_address = static_cast<std::uint8_t>(f.c.below(2));
  to.reuse_port = static_cast<std::uint8_t>(f.c.below(2));
  to.broadcast = static_cast<std::uint8_t>(f.c.below(2));
}

STRUCTIO_FILL(structio_unix_datagram_options) {
  to.path = f.c.chance(50) ? nullptr : f.path();
  to.peer = f.c.chance(50) ? nullptr : f.path();
}

STRUCTIO_FILL(structio_unix_listen_options) {
  to.path = f.nothing() ? nullptr : f.path();
  to.replace_stale = static_cast<std::uint32_t>(f.c.below(2));
  to.permissions = f.c.chance(50) ? 0 : 0600;
}

STRUCTIO_FILL(structio_descriptors) {
  to.capacity = static_cast<std::size_t>(f.c.below(3));
  to.array = f.array<std::int64_t>(to.capacity);
}

STRUCTIO_FILL(structio_watch_options) {
  to.recursive = static_cast<std::uint32_t>(f.c.below(2));
  to.capacity = static_cast<std::uint32_t>(f.number("capacity"));
}

STRUCTIO_FILL(structio_virtual_clock_options) {
  static const double rates[] = {0, 1, 1000, -1, 1e300, __builtin_nan("")};
  to.start = f.duration();
  to.autojump = f.duration();
  to.rate = f.c.any_of(rates);
}

STRUCTIO_FILL(structio_memory_stream_hooks) {
  if (f.c.chance(50)) to.after_send = body;
  if (f.c.chance(50)) to.might_not_block = body;
  if (f.c.chance(50)) to.before_receive = body;
  if (f.c.chance(50)) to.on_close = body;
  to.arg = pack(f.c);
  if (f.c.chance(50)) to.drop = drop;
}

STRUCTIO_FILL(structio_select_case) {
  to.kind = static_cast<std::uint32_t>(f.c.below(f.c.chance(95) ? 8 : 20));
  switch (to.kind) {
    case STRUCTIO_SELECT_RECEIVE:
      to.object = some_handle<structio_receiver>(f.c);
      to.item = f.nothing() ? nullptr : f.slots(1);
      break;
    case STRUCTIO_SELECT_SEND: {
      to.object = some_handle<structio_sender>(f.c);
      if (f.nothing()) break;
      auto* sent = f.array<item>(1);
      *sent = {};
      const std::uint64_t id = sent->id = now->new_item();
      f.afterwards([sent, id](std::int64_t) {
        if (sent->id == id) now->end_item(id);
      });
      to.item = sent;
      break;
    }
    case STRUCTIO_SELECT_EVENT:
      to.object = f.nothing()
                      ? nullptr
                      : now->block(kind_of<structio_event>(), sizeof(structio_event), f.c, false);
      break;
    default: to.moment = f.duration();
  }
  to.descriptor = f.descriptor();
}

STRUCTIO_FILL(structio_packet) {
  to.size = static_cast<std::size_t>(f.c.below(3)) * 50;
  to.data = f.nothing() ? nullptr : f.bytes(to.size);
  if (f.c.chance(70)) {
    to.address = f.array<structio_address>(1);
    *to.address = {};
    filler<structio_address>::fill(f, *to.address);
  }
}

STRUCTIO_FILL(structio_piece) {
  to.size = static_cast<std::size_t>(f.c.below(3)) * 50;
  to.data = f.nothing() ? nullptr : f.bytes(to.size);
}

STRUCTIO_FILL(structio_address) {
  if (f.c.chance(80)) {
    structio_address_parse(f.c.chance(80) ? "127.0.0.1" : "::1", now->port(f.c), &to);
  } else if (f.c.chance(50)) {
    structio_address_from_path(f.path(), &to);
  } else {
    for (std::uint64_t& word : to.storage) word = f.c.random();
    to.size = static_cast<std::uint32_t>(f.c.random() % 300);
  }
}

}  // namespace random_calls
