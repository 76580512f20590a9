// Out of memory at every single allocation of connecting, listening, serving, Unix sockets,
// datagrams and signals: a status, no descriptor and no file left, and all of it works afterwards.
#include <structio/structio.h>

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "faults/debris.hpp"
#include "support/c_blocks.hpp"
#include "support/c_tasks.hpp"
#include "support/catch.hpp"

namespace {

// What may come out of a call that ran out of memory, among several failures or alone; the system's
// resolver and threads have names of their own for it (UV_EAI_MEMORY is -3006). Where one of two
// attempts to connect is refused, and the other has no memory, the first to fail gives the code.
bool is_no_memory(int code) {
  return code == STRUCTIO_ENOMEM || code == -ECONNREFUSED || code == STRUCTIO_EGROUP ||
         code == -ENOMEM || code == -EAGAIN || code == -3006;
}

struct tcp_options : structio_tcp_listen_options {
  explicit tcp_options(const char* at, uint16_t on = 0) : structio_tcp_listen_options{} {
    struct_size = sizeof(structio_tcp_listen_options);
    host = at;
    port = on;
  }
};

int two_addresses(const structio_resolve_options*, structio_address_sink* sink, void*) {
  // The first of them is refused.
  const int status = structio_address_sink_add(sink, "127.0.0.2", 0);
  return status < 0 ? status : structio_address_sink_add(sink, "127.0.0.1", 0);
}

// Connects by a name with two addresses, and accepts.
int dial() {
  structio_listener* listener = nullptr;
  const tcp_options at("127.0.0.1");
  int status = structio_tcp_listen(&at, &listener);
  structio_resolver_fn former = nullptr;
  void* former_arg = nullptr;
  if (status == 0) status = structio_set_resolver(two_addresses, nullptr, &former, &former_arg);
  const bool set = status == 0;
  structio_tcp_connect_options to{};
  to.struct_size = sizeof to;
  to.host = "x";
  structio_stream *client = nullptr, *server = nullptr;
  if (status == 0) status = structio_listener_address(listener, nullptr, 0, &to.port);
  if (status == 0) status = structio_tcp_connect(&to, &client);
  if (status == 0) status = structio_listener_accept(listener, &server);
  if (set) structio_set_resolver(former, former_arg, nullptr, nullptr);
  structio_stream_free(client);
  structio_stream_free(server);
  structio_listener_free(listener);
  return status;
}

// Looks a name up in a thread, and listens on whatever there is.
int look_up_and_listen() {
  structio_listener* listeners[8] = {};
  size_t count = 0;
  const tcp_options at("localhost");
  const int status = structio_tcp_listen_all(&at, listeners, 8, &count);
  for (size_t i = 0; i < count; ++i) structio_listener_free(listeners[i]);
  return status;
}

int say_hello(structio_stream* s, void*) {
  return structio_stream_send_all(s, "hello", 5);
}

struct serving {
  structio_listener* listeners[2] = {};
  int status = 0;
};

int serve_both(void* arg) {
  auto& all = *static_cast<serving*>(arg);
  structio_serve_options options{};
  options.struct_size = sizeof options;
  options.max_connections = 1;
  return all.status = structio_serve_all(all.listeners, 2, say_hello, nullptr, &options);
}

// Two listeners that are served under a limit, and somebody who comes to each.
int serve() {
  serving all;
  const tcp_options at("127.0.0.1");
  int status = 0;
  for (auto& listener : all.listeners) {
    if (status == 0) status = structio_tcp_listen(&at, &listener);
  }
  structio_stream* clients[2] = {};
  structio_tcp_connect_options to{};
  to.struct_size = sizeof to;
  for (int i = 0; i < 2; ++i) {
    if (status == 0) status = structio_listener_address(all.listeners[i], nullptr, 0, &to.port);
    if (status == 0) status = structio_tcp_connect(&to, &clients[i]);
  }
  if (status == 0) {
    status = c_tasks::nursery_block([&](structio_nursery& n) {
      int code = structio_nursery_start_soon(&n, serve_both, &all);
      char bytes[5];
      for (auto* client : clients) {
        if (code >= 0) code = static_cast<int>(structio_stream_receive_some(client, bytes, 5));
      }
      structio_scope_cancel(structio_nursery_scope(&n), nullptr);
      return code < 0 ? code : 0;
    });
  }
  for (auto* client : clients) structio_stream_free(client);
  for (auto* listener : all.listeners) structio_listener_free(listener);
  return status;
}

const char* path() {
  static const std::string text = "/tmp/structio-memory-" + std::to_string(getpid());
  return text.c_str();
}

// Unix sockets, with a descriptor that is sent along.
int meet_at_path() {
  structio_unix_listen_options options{};
  options.struct_size = sizeof options;
  options.path = path();
  structio_listener* listener = nullptr;
  int status = structio_unix_listen(&options, &listener);
  structio_stream *client = nullptr, *server = nullptr;
  if (status == 0) status = structio_unix_connect(options.path, &client);
  if (status == 0) status = structio_listener_accept(listener, &server);
  const int64_t zero = 0;
  if (status == 0) status = structio_unix_send_descriptors(client, "x", 1, &zero, 1);
  int64_t place = -1;
  structio_descriptors came{};
  came.struct_size = sizeof came;
  came.array = &place;
  came.capacity = 1;
  char byte = 0;
  if (status == 0) {
    const int64_t got = structio_unix_receive_descriptors(server, &byte, 1, &came);
    status = got < 0 ? static_cast<int>(got) : 0;
  }
  if (place >= 0) close(static_cast<int>(place));
  structio_stream_free(client);
  structio_stream_free(server);
  structio_listener_free(listener);
  CHECK(access(path(), F_OK) != 0);
  return status;
}

int receive_nothing(void* socket) {
  char byte = 0;
  return static_cast<int>(structio_datagram_receive(static_cast<structio_datagram*>(socket), &byte,
                                                    1, nullptr, nullptr));
}

// A datagram socket with a file, which waits for nobody.
int wait_for_datagram() {
  structio_unix_datagram_options options{};
  options.struct_size = sizeof options;
  options.path = path();
  structio_datagram* socket = nullptr;
  int status = structio_unix_datagram_open(&options, &socket);
  if (status == 0) status = structio_move_on_after(1000, receive_nothing, socket, nullptr);
  structio_datagram_free(socket);
  CHECK(access(path(), F_OK) != 0);
  return status;
}

int receive_signal() {
  const int signals[] = {SIGUSR1, SIGUSR2};
  structio_signal_receiver* receiver = nullptr;
  int status = structio_signal_open(signals, 2, &receiver);
  int number = 0;
  if (status == 0) {
    raise(SIGUSR2);
    status = structio_signal_receive(receiver, &number);
    if (status == 0) CHECK(number == SIGUSR2);
  }
  structio_signal_free(receiver);
  struct sigaction now {};
  sigaction(SIGUSR1, nullptr, &now);
  CHECK(now.sa_handler == SIG_DFL);
  return status;
}

// Fails each allocation in turn, until there is none left that could.
void fail_each(int (*call)()) {
  REQUIRE(call() == 0);  // what is made once is made by then
  REQUIRE(call() == 0);
  const debris before = debris::now();
  int refused = 0;
  for (std::int64_t n = 1; n < 1000; ++n) {
    int status = 0;
    bool reached = false;
    {
      failing_malloc::window window(n);
      status = call();
      structio_failure_free(structio_failure_take());
      reached = window.reached();
    }
    refused += status != 0;
    INFO("allocation " << n << ", status " << status << ": " << structio_last_message());
    CHECK((status == 0 || is_no_memory(status)));
    if (!reached) break;
    REQUIRE(n < 999);
  }
  structio_wait_all_threads_completed();
  CHECK(call() == 0);
  for (int i = 0; i < 10; ++i) structio_checkpoint();
  CHECK((refused > 0 || !failing_malloc::in_charge()));
  CHECK(debris::now().descriptors == before.descriptors);
  CHECK(debris::now().handles == before.handles);
}

}  // namespace

TEST_CASE("the network where memory runs out at any moment") {
  setenv("STRUCTIO_LOG", "off", 1);
  auto main = [] {
    SECTION("connecting by name") {
      fail_each(dial);
    }
    SECTION("listening by name") {
      fail_each(look_up_and_listen);
    }
    SECTION("serving") {
      fail_each(serve);
    }
    SECTION("Unix sockets") {
      fail_each(meet_at_path);
    }
    SECTION("datagrams") {
      fail_each(wait_for_datagram);
    }
    SECTION("signals") {
      fail_each(receive_signal);
    }
    return 0;
  };
  CHECK(c_tasks::run(main) == 0);
}
