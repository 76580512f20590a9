// Serving: a task for each connection, failing as a group, stopping with and without patience.
#include <algorithm>
#include <memory>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/net.hpp"

using namespace net_test;
using c_tasks::says;
using structio::serve;

namespace {

void echo(tcp_stream s) {
  for (std::string text = receive(s); !text.empty(); text = receive(s)) s.send_all(text);
}

/// True when the peer closes without having said anything.
bool only_end(tcp_stream s) {
  return receive(s).empty();
}

std::string task_name() {
  return structio_task_name(structio_task_current());
}

/// What a C handler is given.
struct seen {
  int handlers = 0;
  structio_stream* kept = nullptr;
};

int keep_stream(structio_stream* s, void* arg) {
  auto& all = *static_cast<seen*>(arg);
  ++all.handlers;
  all.kept = s;
  return 0;
}

int free_stream(structio_stream* s, void* arg) {
  ++static_cast<seen*>(arg)->handlers;
  return structio_stream_free(s);
}

int say_hello(structio_stream* s, void*) {
  return structio_stream_send_all(s, "hello", 5);
}

structio_serve_options serve_options() {
  structio_serve_options options{};
  options.struct_size = sizeof options;
  return options;
}

}  // namespace

TEST_CASE("each connection has its task, whose end closes the stream", "[SERVE-01]") {
  run([] {
    auto one = listen();
    auto two = listen();
    std::vector<std::string> names, expected;
    open_nursery([&](nursery& n) {
      const auto handler = [&](tcp_stream s) {
        names.push_back(task_name());
        s.send_all("seen");
        receive(s);
      };
      n.start_soon([&] { serve(one, handler); });
      n.start_soon([&] { serve(two, handler); });
      std::vector<tcp_stream> clients;
      for (int i = 0; i < 6; ++i) {
        clients.push_back(connect(i % 2 ? one : two));
        expected.push_back("serve: 127.0.0.1:" +
                           std::to_string(clients.back().local_address().port));
      }
      for (tcp_stream& client : clients) CHECK(receive_whole(client, 4) == "seen");
      for (tcp_stream& client : clients) client.send_all("x");
      for (tcp_stream& client : clients) CHECK(receive(client).empty());
      n.cancel_scope().cancel();
    });
    std::sort(names.begin(), names.end());
    std::sort(expected.begin(), expected.end());
    CHECK(names == expected);
  });
}

TEST_CASE("serving that is cancelled takes its handlers along, and leaves the listener") {
  run([] {
    auto listener = listen();
    bool cut = false;
    structio::cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        CHECK_FALSE(scope.run([&] {
          serve(listener, [&](tcp_stream s) {
            s.send_all("x");
            cut = is_cancelled([&] { receive(s); });
            structio::checkpoint();
          });
        }));
      });
      auto client = connect(listener);
      CHECK(receive(client) == "x");
      scope.cancel();
      CHECK(receive(client).empty());
    });
    CHECK(cut);
    connect(listener);
    listener.accept();
  });
}

TEST_CASE("a handler that fails takes the server down, as a group", "[SERVE-03][SRC-17]") {
  run([] {
    auto listener = listen();
    int cut = 0;
    const auto group = thrown<structio::exception_group>([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          serve(listener, [&](tcp_stream s) {
            const std::string text = receive_whole(s, 4);
            if (text == "fail") throw face::key_error("handler");
            s.send_all("x");
            cut += is_cancelled([&] { receive(s); }) ? 1 : 0;
          });
        });
        auto patient = connect(listener);
        patient.send_all("wait");
        CHECK(receive(patient) == "x");
        auto other = connect(listener);
        other.send_all("fail");
        receive(patient);  // until this nursery is cancelled
      });
    });
    REQUIRE(group);
    CHECK(face::count<face::key_error>(*group) == 1);
    REQUIRE(group->size() == 1);
    // The nursery's group holds the server's.
    CHECK((*group)[0].kind() == structio::failure_kind::group);
    CHECK_THAT((*group)[0][0].message(), ContainsSubstring("key_error: handler"));
    CHECK(cut == 1);
  });
}

TEST_CASE("handlers in a nursery of one's own are not awaited", "[SERVE-05]") {
  run([] {
    auto listener = listen();
    bool in_home = false;
    bool served = false;
    open_nursery([&](nursery& n) {
      open_nursery([&](nursery& home) {
        structio::cancel_scope accepting;
        auto handler = [&](tcp_stream s) {
          in_home = structio_debug_parent_nursery(structio_task_current()) == home.native();
          s.send_all("x");
          CHECK(receive(s) == "y");
          s.send_all("z");
        };
        n.start_soon([&] {
          accepting.run([&] { serve(listener, handler, home); });
          served = true;
        });
        auto client = connect(listener);
        CHECK(receive(client) == "x");
        accepting.cancel();
        settle();
        CHECK(served);
        client.send_all("y");
        CHECK(receive(client) == "z");
      });
    });
    CHECK(in_home);
  });
}

TEST_CASE("a nursery for handlers that fails, or has ended", "[SERVE-05]") {
  run([] {
    auto listener = listen();
    structio_serve_options options = serve_options();
    structio_nursery ended;
    REQUIRE(structio_nursery_open(&ended) == 0);
    CHECK(structio_nursery_close(&ended, 0, nullptr) == 0);
    options.handler_nursery = &ended;
    CHECK(structio_serve(listener.native(), say_hello, nullptr, &options) == STRUCTIO_ECLOSED);
    CHECK(says({"structio_serve", "nursery has ended"}));
    structio_nursery none{};
    options.handler_nursery = &none;
    CHECK(structio_serve(listener.native(), say_hello, nullptr, &options) == STRUCTIO_EINVALID);
    // It ends while the server waits: the connection that comes then is refused.
    open_nursery([&](nursery& n) {
      structio_nursery home;
      REQUIRE(structio_nursery_open(&home) == 0);
      options.handler_nursery = &home;
      int code = 0;
      n.start_soon([&] { code = structio_serve(listener.native(), say_hello, nullptr, &options); });
      settle();
      CHECK(structio_nursery_close(&home, 0, nullptr) == 0);
      auto client = connect(listener);
      CHECK(receive(client).empty());
      settle();
      CHECK(code == STRUCTIO_ECLOSED);
    });
  });
}

TEST_CASE("started within start: the caller gets the listener's port", "[SERVE-06]") {
  run([] {
    open_nursery([](nursery& n) {
      const auto port = n.start<std::uint16_t>([](structio::task_status<std::uint16_t>& status) {
        auto listener = listen();
        status.started(listener.port());
        serve(listener, echo);
      });
      auto client = structio::connect_tcp({.port = port});
      client.send_all("there?");
      CHECK(receive_whole(client, 6) == "there?");
      n.cancel_scope().cancel();
    });
  });
}

TEST_CASE("stopping drains: what is under way is answered, nothing new is taken") {
  run([] {
    auto listener = listen();
    bool ended = false;
    std::vector<std::string> seen_stop;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        serve(listener, [&](tcp_stream s) {
          const std::string request = receive_whole(s, 3);
          s.send_all("ok:" + request);
          seen_stop.push_back(structio::stop_requested() ? "stop" : "go");
        });
        ended = true;
      });
      auto first = connect(listener);
      auto second = connect(listener);
      first.send_all("one");
      CHECK(receive_whole(first, 6) == "ok:one");
      settle();
      n.cancel_scope().stop(1h);
      settle();
      CHECK_FALSE(ended);
      auto late = connect(listener);  // the system's queue takes it; nobody else does
      second.send_all("two");
      CHECK(receive_whole(second, 6) == "ok:two");
      settle();
      CHECK(ended);
      late.send_all("new");
    });
    CHECK(seen_stop == std::vector<std::string>{"go", "stop"});
    CHECK(listener.accept().peer_address().port != 0);  // it stays usable
  });
}

TEST_CASE("stopping an idle server ends it at once") {
  run([] {
    auto listener = listen();
    open_nursery([&](nursery& n) {
      n.start_soon([&] { serve(listener, echo); });
      settle();
      n.cancel_scope().stop(structio::forever);
    });
  });
}

TEST_CASE("when the grace is over what is left is cancelled") {
  structio::testing::virtual_clock clock;
  face::run_with({.seed = seed()}, clock, [] {
    auto listener = listen();
    int cut = 0;
    const auto start = structio::now();
    auto client = connect(listener);
    const bool whole = open_nursery([&](nursery& n) {
      n.start_soon([&] {
        serve(listener, [&](tcp_stream s) {
          cut += is_cancelled([&] { receive(s); }) ? 1 : 0;
          structio::checkpoint();
        });
      });
      settle();
      n.cancel_scope().stop(3s);
      receive(client);  // until this nursery is cancelled
    });
    CHECK_FALSE(whole);
    CHECK(cut == 1);
    CHECK(structio::now() - start == 3s);
    CHECK(receive(client).empty());
  });
}

TEST_CASE("a handler that owns the stream frees it when it likes") {
  run([] {
    auto listener = listen();
    seen all;
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        structio_serve_options options = serve_options();
        options.handler_owns_stream = 1;
        structio_serve(listener.native(), keep_stream, &all, &options);
      });
      auto client = connect(listener);
      while (all.handlers == 0) structio::checkpoint();
      settle();
      CHECK(structio_stream_send_all(all.kept, "still open", 10) == 0);
      CHECK(receive_whole(client, 10) == "still open");
      CHECK(structio_stream_free(all.kept) == 0);
      CHECK(receive(client).empty());
      n.cancel_scope().cancel();
    });
  });
}

TEST_CASE("a handler that does not own the stream loses it, or may free it early") {
  run([] {
    auto listener = listen();
    seen kept, freed;
    open_nursery([&](nursery& n) {
      structio::cancel_scope scope;
      n.start_soon([&] {
        scope.run([&] {
          const int code = structio_serve(listener.native(), keep_stream, &kept, nullptr);
          CHECK(code == STRUCTIO_ECANCELLED);
          structio::checkpoint();
        });
      });
      CHECK(only_end(connect(listener)));
      CHECK(structio_stream_send_all(kept.kept, "x", 1) == STRUCTIO_ESTALE);
      scope.cancel();
      settle();
      n.start_soon([&] { structio_serve(listener.native(), free_stream, &freed, nullptr); });
      CHECK(only_end(connect(listener)));
      n.cancel_scope().cancel();
    });
    CHECK(kept.handlers == 1);
    CHECK(freed.handlers == 1);
  });
}

TEST_CASE("an error of accepting is the call's own, with its message") {
  run([] {
    auto listener = listen();
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        const auto closed = thrown<structio::closed_error>([&] {
          serve(listener, [](tcp_stream s) {
            s.send_all("x");
            receive(s);
          });
        });
        REQUIRE(closed);
        CHECK_THAT(closed->what(), ContainsSubstring("listener has been closed here"));
      });
      auto client = connect(listener);
      CHECK(receive(client) == "x");
      listener.close();
      CHECK(receive(client).empty());  // its handler was cancelled
    });
  });
}

TEST_CASE("an error of accepting beside one of a handler: both are in the group") {
  run([] {
    auto listener = listen();
    auto client = connect(listener);  // stays open: its end would end the handler as well
    const auto group = thrown<structio::exception_group>([&] {
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          serve(listener, [](tcp_stream s) {
            s.send_all("x");
            try {
              receive(s);
            } catch (const structio::cancelled&) {
              throw face::value_error("on the way out");
            }
          });
        });
        CHECK(receive(client) == "x");
        listener.close();
      });
    });
    REQUIRE(group);
    CHECK(face::count<structio::closed_error>(*group) == 1);
    CHECK(face::count<face::value_error>(*group) == 1);
  });
}

TEST_CASE("serve in a cancelled scope serves nobody", "[CANCEL-07]") {
  run([] {
    auto listener = listen();
    peer client(listener.port());
    seen all;
    structio::cancel_scope scope;
    scope.run([&] {
      scope.cancel();
      CHECK(structio_serve(listener.native(), keep_stream, &all, nullptr) == STRUCTIO_ECANCELLED);
      structio::checkpoint();
    });
    CHECK(all.handlers == 0);
    listener.accept();
  });
}
