// Listeners: nothing is accepted that was not asked for, nothing is lost when descriptors run out,
// and watching stops when nobody accepts.
#include <sys/resource.h>

#include "reactor/reactor_fixture.hpp"
#include "reactor/uv_reactor_state.hpp"
#include "support/valgrind.hpp"

using namespace reactor_test;

TEST_CASE("an acceptor is told when a connection comes", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  stream_slot* s = nullptr;
  CHECK(try_accept(*listener, s) == UV_EAGAIN);
  CHECK(s == nullptr);
  remembered come, second;
  REQUIRE(accept_wait(*listener, come) == 0);
  CHECK(accept_wait(*listener, second) == STRUCTIO_EBUSY);
  CHECK(l.r.pending() == 1);
  peer client(port_of(*listener));
  REQUIRE(l.turn_until_told(come));
  CHECK(come.result == 0);
  REQUIRE(try_accept(*listener, s) == 0);
  REQUIRE(try_write(*s, "hi", 2) == 2);
  CHECK(client.hear() == "hi");
}

TEST_CASE("a queue of connections is taken, in order, in few turns", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  std::vector<peer> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back(port_of(*listener));
    clients.back().say(std::string(1, static_cast<char>(i)));
  }
  for (int i = 0; i < 100; ++i) {
    stream_slot* s = accept_one(l, *listener);
    char number = -1;
    remembered got;
    REQUIRE(read_start(*s, &number, 1, got) == 0);
    REQUIRE(l.turn_until_told(got));
    CHECK(number == i);
    close(*s);
  }
  CHECK(l.turns < 250);
}

TEST_CASE("connections that nobody accepts end a bounded number of waits", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  remembered come;
  REQUIRE(accept_wait(*listener, come) == 0);
  accept_cancel(*listener);
  CHECK(l.r.pending() == 0);
  peer client(port_of(*listener));
  const std::int64_t until = l.r.now() + 20 * millisecond;
  int turns = 0;
  while (l.r.now() < until) {
    l.r.poll(until);
    ++turns;
  }
  CHECK(turns <= 5);
  CHECK(come.times == 0);
  CHECK_FALSE(listener->armed);
  stream_slot* s = nullptr;
  CHECK(try_accept(*listener, s) == 0);
}

TEST_CASE("the watching lasts while acceptors keep coming", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  for (int i = 0; i < 20; ++i) {
    remembered come;
    REQUIRE(accept_wait(*listener, come) == 0);
    peer client(port_of(*listener));
    REQUIRE(l.turn_until_told(come));
    close(*accept_one(l, *listener));
    stream_slot* none = nullptr;
    CHECK(try_accept(*listener, none) == UV_EAGAIN);
    CHECK(listener->armed);
  }
}

TEST_CASE("a connection that was reset in the queue does not trouble the acceptor", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  peer(port_of(*listener)).slam();
  peer client(port_of(*listener));
  // Linux hands out the dead one as well; other systems pass over it.
  stream_slot* s = accept_one(l, *listener);
  if (try_write(*s, "hi", 2) < 0 || client.descriptor() < 0) s = accept_one(l, *listener);
  CHECK(s != nullptr);
}

TEST_CASE("out of descriptors: a code, a pause, and the connection is still there", "[reactor]") {
  if (under_valgrind()) return;  // which keeps descriptors of its own and its own limit
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  peer client(port_of(*listener));
  client.say("patience");
  rlimit usual;
  REQUIRE(getrlimit(RLIMIT_NOFILE, &usual) == 0);
  rlimit low = usual;
  const int lowest_free = dup(0);
  REQUIRE(lowest_free >= 0);
  ::close(lowest_free);
  low.rlim_cur = static_cast<rlim_t>(lowest_free);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  stream_slot* s = nullptr;
  const int status = try_accept(*listener, s);
  int rounds = 0;
  int told = 0;
  const std::int64_t until = l.r.now() + 70 * millisecond;
  while (l.r.now() < until) {
    remembered come;
    if (accept_wait(*listener, come) != 0) break;
    while (come.times == 0) l.r.poll(l.r.now() + one_second), ++rounds;
    told += come.result == 0;
    if (try_accept(*listener, s) != UV_EMFILE) break;
  }
  setrlimit(RLIMIT_NOFILE, &usual);
  CHECK(status == UV_EMFILE);
  CHECK(told >= 1);
  CHECK(rounds <= 20);
  REQUIRE(try_accept(*listener, s) == 0);
  char buffer[16];
  remembered got;
  REQUIRE(read_start(*s, buffer, sizeof buffer, got) == 0);
  REQUIRE(l.turn_until_told(got));
  CHECK(std::string(buffer, 8) == "patience");
  // And the next one comes by the ordinary way again.
  peer later(port_of(*listener));
  CHECK(accept_one(l, *listener) != nullptr);
}

TEST_CASE("closing a listener tells its acceptor and frees the port at once", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  const std::uint16_t port = port_of(*listener);
  remembered come;
  REQUIRE(accept_wait(*listener, come) == 0);
  close(*listener);
  CHECK(come.result == STRUCTIO_ECLOSED);
  listener_slot* again = nullptr;
  const sockaddr_in address = loopback(port);
  CHECK(tcp_listen(l.r, generic(address), {}, again) == 0);
}

TEST_CASE("an address in use is refused", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  const sockaddr_in address = loopback(port_of(*listener));
  listener_slot* second = nullptr;
  CHECK(tcp_listen(l.r, generic(address), {}, second) == UV_EADDRINUSE);
  CHECK(second == nullptr);
}

TEST_CASE("settings of a listener reach the kernel", "[reactor]") {
  loop l;
  listen_settings settings;
  settings.nodelay = true;
  settings.reuse_port = true;
  settings.backlog = 5;
  listener_slot *first = nullptr, *second = nullptr;
  sockaddr_in address = loopback(0);
  REQUIRE(tcp_listen(l.r, generic(address), settings, first) == 0);
  address = loopback(port_of(*first));
  CHECK(tcp_listen(l.r, generic(address), settings, second) == 0);
  close(*second);
  peer client(port_of(*first));
  stream_slot* s = accept_one(l, *first);
  int on = 0;
  socklen_t size = sizeof on;
  REQUIRE(getsockopt(static_cast<int>(file_descriptor(*s)), IPPROTO_TCP, 1 /* TCP_NODELAY */, &on,
                     &size) == 0);
  CHECK(on != 0);
}
