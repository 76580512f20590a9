// The loop: opening and closing leave nothing behind, wake-ups arrive, signals are passed on.
#include <csignal>
#include <cstring>
#include <thread>

#include <sys/resource.h>

#include "reactor/reactor_fixture.hpp"
#include "reactor/uv_reactor_state.hpp"

using namespace reactor_test;

TEST_CASE("everything left open is closed with the reactor", "[reactor]") {
  {
    uv_reactor first;  // libuv makes a pipe for signals once in a process and keeps it
    REQUIRE(first.open() == 0);
  }
  const int before = open_descriptors();
  std::vector<peer> clients;
  {
    uv_reactor r;
    REQUIRE(r.open() == 0);
    listener_slot* l = listen_somewhere(r);
    remembered read, come, connected, signalled;
    char buffer[8];
    clients.emplace_back(port_of(*l));
    stream_slot *s = nullptr, *c = nullptr;
    REQUIRE(try_accept(*l, s) == 0);
    REQUIRE(read_start(*s, buffer, sizeof buffer, read) == 0);
    REQUIRE(accept_wait(*l, come) == 0);
    const sockaddr_in address = loopback(port_of(*l));
    REQUIRE(tcp_connect(r, generic(address), nullptr, connected, c) == 0);
    signal_slot* watch = nullptr;
    REQUIRE(signal_watch(r, SIGUSR1, signalled, watch) == 0);
    CHECK(r.pending() == 4);
    CHECK(r.slots_away() == 4);
    connected.then = [&](std::int64_t) {
      stream_slot* none = nullptr;
      remembered late;
      CHECK(tcp_connect(r, generic(address), nullptr, late, none) == STRUCTIO_ECLOSED);
      CHECK(try_accept(*l, none) == STRUCTIO_ECLOSED);
    };
    r.close();
    CHECK(r.pending() == 0);
    CHECK(r.slots_away() == 0);
    CHECK(read.result == STRUCTIO_ECLOSED);
    CHECK(come.result == STRUCTIO_ECLOSED);
    CHECK(connected.result == STRUCTIO_ECLOSED);
  }
  clients.clear();
  CHECK(open_descriptors() == before);
}

TEST_CASE("slots are used again", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  std::vector<stream_slot*> seen;
  for (int i = 0; i < 50; ++i) {
    peer client(port_of(*listener));
    stream_slot* s = accept_one(l, *listener);
    if (std::find(seen.begin(), seen.end(), s) == seen.end()) seen.push_back(s);
    close(*s);
    l.turn_at_once();
    l.turn_at_once();
  }
  CHECK(seen.size() <= 2);
  CHECK(l.r.slots_away() == 1);
}

TEST_CASE("a reactor that cannot open says why and leaves nothing", "[reactor]") {
  {
    uv_reactor first;  // libuv keeps some for the process, from its first loop on
    REQUIRE(first.open() == 0);
  }
  const int before = open_descriptors();
  rlimit usual;
  REQUIRE(getrlimit(RLIMIT_NOFILE, &usual) == 0);
  const int lowest_free = dup(0);
  ::close(lowest_free);
  int status = -1;
  int failures = 0;
  for (int spare = 0; spare < 16 && status < 0; ++spare) {
    rlimit low = usual;
    low.rlim_cur = static_cast<rlim_t>(lowest_free + spare);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
    {
      uv_reactor r;
      status = r.open();
      failures += status == UV_EMFILE;
    }
    setrlimit(RLIMIT_NOFILE, &usual);
  }
  CHECK(status == 0);
  CHECK(failures >= 3);
  CHECK(open_descriptors() == before);
}

TEST_CASE("a wake-up before a wait ends it", "[reactor]") {
  loop l;
  l.r.wake();
  l.r.wake();
  l.r.poll(base::forever);
  SUCCEED();
}

TEST_CASE("another thread ends a wait", "[reactor]") {
  loop l;
  for (int i = 0; i < 20; ++i) {
    std::thread other([&] { l.r.wake(); });
    l.r.poll(base::forever);
    other.join();
    l.turn_at_once();
  }
}

TEST_CASE("every watcher of a signal is told, each time, until it is closed", "[reactor]") {
  loop l;
  remembered first, second, other;
  signal_slot *a = nullptr, *b = nullptr, *c = nullptr;
  REQUIRE(signal_watch(l.r, SIGUSR1, first, a) == 0);
  REQUIRE(signal_watch(l.r, SIGUSR1, second, b) == 0);
  REQUIRE(signal_watch(l.r, SIGUSR2, other, c) == 0);
  CHECK(l.r.pending() == 3);
  std::raise(SIGUSR1);
  REQUIRE(l.turn_until([&] { return first.times == 1 && second.times == 1; }));
  CHECK(first.result == SIGUSR1);
  close(*a);
  CHECK(l.r.pending() == 2);
  std::raise(SIGUSR1);
  REQUIRE(l.turn_until([&] { return second.times == 2; }));
  CHECK(first.times == 1);
  CHECK(other.times == 0);
  signal_slot* none = nullptr;
  remembered bad;
  CHECK(signal_watch(l.r, 99999, bad, none) == UV_EINVAL);
  CHECK(none == nullptr);
}

TEST_CASE("a watcher may close itself when told", "[reactor]") {
  loop l;
  remembered once;
  signal_slot* watch = nullptr;
  REQUIRE(signal_watch(l.r, SIGUSR1, once, watch) == 0);
  once.then = [&](std::int64_t) { close(*watch); };
  std::raise(SIGUSR1);
  REQUIRE(l.turn_until([&] { return l.r.slots_away() == 0; }));
  CHECK(once.times == 1);
}

TEST_CASE("the thread's mask for SIGPIPE is given back", "[reactor]") {
  sigset_t before, during, after;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  REQUIRE_FALSE(sigismember(&before, SIGPIPE));
  {
    pair p;
    pthread_sigmask(SIG_BLOCK, nullptr, &during);
    CHECK(sigismember(&during, SIGPIPE));
    p.other.slam();
    for (int i = 0; i < 3; ++i) try_write(*p.s, "x", 1);
  }
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  CHECK_FALSE(sigismember(&after, SIGPIPE));
}

TEST_CASE("every code has a name and a text", "[reactor]") {
  CHECK(std::strcmp(os_error_name(UV_ECONNREFUSED), "ECONNREFUSED") == 0);
  CHECK(std::strcmp(os_error_text(UV_ECONNREFUSED), "connection refused") == 0);
  CHECK(os_error_text(-98765) != nullptr);
  CHECK(os_error_name(-98765) != nullptr);
}
