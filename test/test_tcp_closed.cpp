// TCP objects in the wrong state or the wrong hands: closed, freed, stale, busy, of another run or
// kind. Spoken through the C ABI where the face cannot say it.
#include <structio/structio_testing.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/net.hpp"

using namespace net_test;
using c_tasks::says;

namespace {

structio_listener* raw_listener() {
  structio_tcp_listen_options options{};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  structio_listener* made = nullptr;
  CHECK(structio_tcp_listen(&options, &made) == 0);
  return made;
}

structio_stream* raw_connection(structio_listener* to) {
  structio_tcp_connect_options options{};
  options.struct_size = sizeof options;
  CHECK(structio_listener_address(to, nullptr, 0, &options.port) == 0);
  structio_stream* made = nullptr;
  CHECK(structio_tcp_connect(&options, &made) == 0);
  return made;
}

/// A handle's every use.
std::vector<int> use(structio_stream* s) {
  char buffer[8];
  uint16_t port = 0;
  int64_t descriptor = 0;
  return {static_cast<int>(structio_stream_receive_some(s, buffer, sizeof buffer)),
          structio_stream_send_all(s, "x", 1),
          structio_stream_send_eof(s),
          structio_stream_close(s),
          structio_stream_local_address(s, buffer, sizeof buffer, &port),
          structio_stream_peer_address(s, buffer, sizeof buffer, &port),
          structio_stream_set_nodelay(s, 1),
          structio_stream_descriptor(s, &descriptor)};
}

int never(structio_stream*, void*) {
  return 0;
}

std::vector<int> use(structio_listener* l) {
  uint16_t port = 0;
  structio_stream* made = nullptr;
  return {structio_listener_accept(l, &made), structio_listener_close(l),
          structio_listener_address(l, nullptr, 0, &port),
          structio_serve(l, never, nullptr, nullptr)};
}

bool all_are(const std::vector<int>& codes, int code) {
  for (const int one : codes) {
    if (one != code) return false;
  }
  return true;
}

/// What `wait` comes to when `strike` happens while it waits.
template <class Wait, class Strike>
int64_t struck(Wait wait, Strike strike) {
  int64_t result = 1;
  open_nursery([&](nursery& n) {
    n.start_soon([&] { result = wait(); });
    settle();
    CHECK(result == 1);
    strike();
  });
  return result;
}

}  // namespace

TEST_CASE("one task receives, one sends, one accepts; the second is told") {
  run([] {
    auto listener = listen();
    auto a = connect(listener);
    auto b = listener.accept();
    const std::string much = pattern(std::size_t{16} << 20);
    open_nursery([&](nursery& n) {
      n.start_soon([&] { receive(a); });
      n.start_soon([&] { a.send_all(much); });
      n.start_soon([&] { listener.accept(); });
      structio::testing::wait_all_tasks_blocked(5ms);
      CHECK(throws<structio::busy_error>([&] { receive(a); }));
      CHECK(says({"already receiving from this stream"}));
      CHECK(throws<structio::busy_error>([&] { a.send_all("x"); }));
      CHECK(says({"already sending on this stream"}));
      CHECK(throws<structio::busy_error>([&] { a.send_eof(); }));
      CHECK(throws<structio::busy_error>([&] { listener.accept(); }));
      CHECK(says({"already accepting from this listener"}));
      n.cancel_scope().cancel();
    });
    // Nobody waits any more.
    b.send_all("x");
    CHECK(receive(a) == "x");
  });
}

TEST_CASE("close ends every wait on a stream with `closed`", "[SOCK-32][SRC-15]") {
  run([] {
    auto [a, b] = connected();
    const std::string much = pattern(std::size_t{16} << 20);
    int closed = 0;
    open_nursery([&, &a = a](nursery& n) {
      n.start_soon([&] { closed += throws<structio::closed_error>([&] { receive(a); }) ? 1 : 0; });
      n.start_soon(
          [&] { closed += throws<structio::closed_error>([&] { a.send_all(much); }) ? 1 : 0; });
      structio::testing::wait_all_tasks_blocked(5ms);
      a.close();
      a.close();
      settle();
      CHECK(closed == 2);
    });
    CHECK(all_are({use(a.native())[0], use(a.native())[1], use(a.native())[2]}, STRUCTIO_ECLOSED));
    CHECK(use(a.native())[3] == 0);
    for (int i = 4; i < 8; ++i) {
      CHECK(use(a.native())[static_cast<std::size_t>(i)] == STRUCTIO_ECLOSED);
    }
  });
}

TEST_CASE("close wakes the peer with the end of the stream", "[SRC-15]") {
  run([] {
    auto [a, b] = connected();
    open_nursery([&, &a = a, &b = b](nursery& n) {
      n.start_soon([&] { CHECK(receive(b).empty()); });
      settle();
      a.close();
    });
  });
}

TEST_CASE("close ends an accept with `closed`; so does serve", "[SSTR-08]") {
  run([] {
    for (const bool serving : {false, true}) {
      auto listener = listen();
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          const auto closed = thrown<structio::closed_error>([&] {
            if (serving) {
              structio::serve(listener, [](tcp_stream) {});
            } else {
              listener.accept();
            }
          });
          REQUIRE(closed);
          CHECK_THAT(closed->what(), ContainsSubstring("listener has been closed"));
        });
        settle();
        listener.close();
      });
      CHECK(structio_listener_close(listener.native()) == 0);
      uint16_t port = 0;
      CHECK(structio_listener_address(listener.native(), nullptr, 0, &port) == STRUCTIO_ECLOSED);
    }
  });
}

TEST_CASE("free while another task waits: `closed`, and nothing freed is touched") {
  const std::string much = pattern(std::size_t{16} << 20);
  run([&] {
    structio_listener* l = raw_listener();
    structio_stream* a = raw_connection(l);
    structio_stream* b = nullptr;
    REQUIRE(structio_listener_accept(l, &b) == 0);
    char buffer[8];
    const auto receiving = [&] { return structio_stream_receive_some(a, buffer, sizeof buffer); };
    CHECK(struck(receiving, [&] { structio_stream_free(a); }) == STRUCTIO_ECLOSED);
    const auto sending = [&] { return structio_stream_send_all(b, much.data(), much.size()); };
    CHECK(sending() == STRUCTIO_EBROKEN);  // the other end is gone
    CHECK(structio_stream_free(b) == 0);

    a = raw_connection(l);
    REQUIRE(structio_listener_accept(l, &b) == 0);
    CHECK(struck(sending, [&] {
            structio::testing::wait_all_tasks_blocked(5ms);
            structio_stream_free(b);
          }) == STRUCTIO_ECLOSED);
    CHECK(structio_stream_free(a) == 0);

    structio_stream* none = a;
    const auto accepting = [&] { return structio_listener_accept(l, &none); };
    CHECK(struck(accepting, [&] { structio_listener_free(l); }) == STRUCTIO_ECLOSED);
    CHECK(none == nullptr);
    l = raw_listener();
    const auto serving = [&] { return structio_serve(l, never, nullptr, nullptr); };
    CHECK(struck(serving, [&] { structio_listener_free(l); }) == STRUCTIO_ECLOSED);
  });
}

TEST_CASE("closed between a wake-up and the turn of who was woken", "[FD-07]") {
  const int before = open_descriptors();
  for (int i = 0; i < 8; ++i) {
    for (const bool freeing : {false, true}) {
      run(
          [&] {
            structio_listener* l = raw_listener();
            structio_stream* got = nullptr;
            int code = 1;
            open_nursery([&](nursery& n) {
              n.start_soon([&] { code = structio_listener_accept(l, &got); });
              settle();
              uint16_t port = 0;
              structio_listener_address(l, nullptr, 0, &port);
              peer client(port);
              pause(i);
              (freeing ? structio_listener_free : structio_listener_close)(l);
            });
            CHECK((code == 0 ? got != nullptr : code == STRUCTIO_ECLOSED && got == nullptr));
            structio_stream_free(got);
            if (!freeing) structio_listener_free(l);
          },
          1);
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("closing twice does not close who got the descriptor since", "[FD-06]") {
  run([] {
    auto listener = listen();
    auto first = connect(listener);
    auto its_peer = listener.accept();
    const std::int64_t number = first.descriptor();
    first.close();
    auto second = connect(listener);
    auto other = listener.accept();
    CHECK((second.descriptor() == number || other.descriptor() == number));
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(receive(second) == "x"); });
      settle();
      first.close();
      { const tcp_stream gone = std::move(first); }
      other.send_all("x");
    });
  });
}

TEST_CASE("a freed handle is stale, another's is refused, NULL is said to be NULL") {
  run([] {
    structio_listener* l = raw_listener();
    structio_stream* s = raw_connection(l);
    CHECK(all_are(use(reinterpret_cast<structio_stream*>(l)), STRUCTIO_ESTALE));
    CHECK(all_are(use(reinterpret_cast<structio_listener*>(s)), STRUCTIO_ESTALE));
    CHECK(structio_stream_free(s) == 0);
    CHECK(structio_listener_free(l) == 0);
    CHECK(all_are(use(s), STRUCTIO_ESTALE));
    CHECK(says({"structio_stream_descriptor", "handle was freed"}));
    CHECK(all_are(use(l), STRUCTIO_ESTALE));
    CHECK(structio_stream_free(s) == STRUCTIO_ESTALE);
    CHECK(structio_listener_free(l) == STRUCTIO_ESTALE);
    CHECK(all_are(use(static_cast<structio_stream*>(nullptr)), STRUCTIO_EINVALID));
    CHECK(all_are(use(static_cast<structio_listener*>(nullptr)), STRUCTIO_EINVALID));
    CHECK(says({"structio_serve", "NULL"}));
    CHECK(structio_stream_free(nullptr) == 0);
    CHECK(structio_listener_free(nullptr) == 0);
  });
}

TEST_CASE("arguments that are NULL are named") {
  run([] {
    structio_listener* l = raw_listener();
    structio_stream* s = raw_connection(l);
    CHECK(structio_tcp_listen(nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(says({"structio_tcp_listen", "out is NULL"}));
    CHECK(structio_tcp_connect(nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_listener_accept(l, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_stream_receive_some(s, nullptr, 1) == STRUCTIO_EINVALID);
    CHECK(says({"buffer is NULL"}));
    CHECK(structio_stream_send_all(s, nullptr, 1) == STRUCTIO_EINVALID);
    CHECK(structio_stream_receive_some(s, nullptr, 0) == STRUCTIO_EINVALID);
    CHECK(says({"size is 0"}));
    CHECK(structio_stream_send_all(s, nullptr, 0) == 0);
    CHECK(structio_stream_descriptor(s, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_serve(l, nullptr, nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(says({"handler is NULL"}));
    CHECK(structio_stream_local_address(s, nullptr, 0, nullptr) == 0);
    char few[5] = "????";
    CHECK(structio_stream_local_address(s, few, sizeof few, nullptr) == 0);
    CHECK(std::string(few) == "127.");
    structio_stream_free(s);
    structio_listener_free(l);
  });
}

TEST_CASE("outside of a task, after the run, in a hook", "[FIB-11][FIB-18]") {
  structio_listener* l = nullptr;
  structio_stream* s = nullptr;
  CHECK(structio_tcp_listen(nullptr, &l) == STRUCTIO_ENOTASK);
  CHECK(structio_tcp_connect(nullptr, &s) == STRUCTIO_ENOTASK);
  CHECK(says({"structio_tcp_connect", "structio_run"}));
  const int before = open_descriptors();
  run([&] {
    l = raw_listener();
    s = raw_connection(l);
    structio_portal* portal = nullptr;
    REQUIRE(structio_portal_new(&portal) == 0);
    const auto post = [](void* arg) {
      auto* stream = static_cast<structio_stream*>(arg);
      CHECK(structio_stream_send_all(stream, "x", 1) == STRUCTIO_ENOTASK);
      CHECK(says({"callback outside of tasks"}));
      CHECK(structio_stream_local_address(stream, nullptr, 0, nullptr) == 0);
      return structio_stream_free(stream);
    };
    CHECK(structio_portal_post(portal, post, raw_connection(l)) == 0);
    settle();
    structio_portal_free(portal);
  });
  CHECK(open_descriptors() == before);  // the run has closed what was left
  CHECK(all_are(use(s), STRUCTIO_ENOTASK));
  CHECK(all_are(use(l), STRUCTIO_ENOTASK));
  run([&] {
    CHECK(all_are(use(s), STRUCTIO_ECLOSED));
    CHECK(says({"the run that the object belonged to has ended"}));
    CHECK(all_are(use(l), STRUCTIO_ECLOSED));
  });
  CHECK(structio_stream_free(s) == 0);
  CHECK(structio_listener_free(l) == 0);
  CHECK(structio_stream_free(s) == STRUCTIO_ESTALE);
}

TEST_CASE("an object of another run is refused", "[FIB-17]") {
  run([] {
    structio_listener* l = raw_listener();
    structio_stream* s = raw_connection(l);
    std::thread([&] {
      CHECK(all_are(use(s), STRUCTIO_ENOTASK));
      CHECK(structio_stream_free(s) == STRUCTIO_EMISUSE);
      run([&] {
        CHECK(all_are(use(s), STRUCTIO_EMISUSE));
        CHECK(says({"structio_stream_descriptor", "another run", "portal"}));
        CHECK(all_are(use(l), STRUCTIO_EMISUSE));
        CHECK(structio_stream_free(s) == STRUCTIO_EMISUSE);
        CHECK(structio_listener_free(l) == STRUCTIO_EMISUSE);
      });
    }).join();
    CHECK(structio_stream_free(s) == 0);
    CHECK(structio_listener_free(l) == 0);
  });
}

TEST_CASE("who waits for a descriptor of ours is told when it is closed", "[IO-06]") {
  run([] {
    auto waits_until = [](std::int64_t descriptor, auto close) {
      bool told = false;
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          told = throws<structio::closed_error>(
              [&] { structio::wait_readable(static_cast<int>(descriptor)); });
        });
        settle();
        close();
      });
      CHECK(told);
    };
    auto both = connected();
    waits_until(both.a.descriptor(), [&] { both.a.close(); });
    auto pair = structio::open_unix_pair();
    waits_until(pair.first.descriptor(), [&] { pair.first.close(); });
    auto listener = listen();
    waits_until(listener.descriptor(), [&] { listener.close(); });
    auto datagrams = structio::open_udp();
    waits_until(datagrams.descriptor(), [&] { datagrams.close(); });
  });
}

TEST_CASE("a process may have closed its standard descriptors") {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    for (const int number : {0, 1, 2}) ::close(number);
    const bool served = run([] {
      auto both = connected();
      both.a.send_all("x");
      both.a.close();
      return receive(both.b) == "x" && receive(both.b).empty();
    });
    _exit(served ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("a connection is closed whatever the number of its descriptor") {
  run([] {
    auto listener = listen();
    connected();  // the loop has what it keeps
    const int usual = dup(0);
    peer other(listener.port());
    ::close(0);
    {
      const auto accepted = listener.accept();
      CHECK(accepted.descriptor() == 0);
    }
    CHECK(fcntl(0, F_GETFD) == -1);
    CHECK(other.hear().empty());
    {
      const auto connecting = connect(listener);
      CHECK(connecting.descriptor() == 0);
    }
    CHECK(fcntl(0, F_GETFD) == -1);
    dup2(usual, 0);
    ::close(usual);
  });
}
