// Streams: whose buffer is read into, what giving up leaves behind, when watching stops, how ends
// and failures stick, and what closing tells.
#include <array>
#include <cstring>

#include "reactor/reactor_fixture.hpp"
#include "reactor/uv_reactor_state.hpp"

using namespace reactor_test;

TEST_CASE("a read goes straight into the reader's buffer", "[reactor]") {
  pair p;
  char buffer[16] = {};
  remembered got;
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  CHECK(p.r.pending() == 1);
  p.other.say("hello");
  REQUIRE(p.turn_until_told(got));
  CHECK(got.result == 5);
  CHECK(std::memcmp(buffer, "hello", 5) == 0);
  CHECK(p.r.pending() == 0);
}

TEST_CASE("a second reader is refused", "[reactor]") {
  pair p;
  char buffer[4];
  remembered first, second;
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, first) == 0);
  CHECK(read_start(*p.s, buffer, sizeof buffer, second) == STRUCTIO_EBUSY);
  CHECK(p.r.pending() == 1);
  read_cancel(*p.s);
  read_cancel(*p.s);
  CHECK(p.r.pending() == 0);
  CHECK(first.times == 0);
}

TEST_CASE("after a reader gave up, the data waits for the next one", "[reactor]") {
  pair p;
  std::array<char, 16> abandoned{}, buffer{};
  remembered never, got;
  REQUIRE(read_start(*p.s, abandoned.data(), abandoned.size(), never) == 0);
  read_cancel(*p.s);
  p.other.say("kept");
  for (int i = 0; i < 50; ++i) p.turn_at_once();
  CHECK(never.times == 0);
  CHECK(abandoned == std::array<char, 16>{});
  REQUIRE(read_start(*p.s, buffer.data(), buffer.size(), got) == 0);
  REQUIRE(p.turn_until_told(got));
  CHECK(got.result == 4);
  CHECK(std::string(buffer.data(), 4) == "kept");
}

TEST_CASE("unwanted data ends only a bounded number of waits", "[reactor]") {
  pair p;
  char buffer[16];
  remembered got;
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  p.other.say("one");
  REQUIRE(p.turn_until_told(got));
  p.other.say("two");
  const std::int64_t until = p.r.now() + 20 * millisecond;
  int turns = 0;
  while (p.r.now() < until) {
    p.r.poll(until);
    ++turns;
  }
  CHECK(turns <= 5);
  CHECK(p.s->armed == false);
  remembered more;
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, more) == 0);
  REQUIRE(p.turn_until_told(more));
  CHECK(more.result == 3);
}

TEST_CASE("a read that fills its buffer does not stop the watching", "[reactor]") {
  pair p;
  char buffer[4];
  p.other.say("abcdefghij");
  std::string all;
  while (all.size() < 10) {
    remembered got;
    REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
    REQUIRE(p.turn_until_told(got));
    CHECK(p.s->armed);
    all.append(buffer, static_cast<std::size_t>(got.result));
  }
  CHECK(all == "abcdefghij");
}

TEST_CASE("turns that do not wait may meet unread data a few times before watching stops",
          "[reactor]") {
  pair p;
  char buffer[16];
  remembered got;
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  p.other.say("one");
  REQUIRE(p.turn_until_told(got));
  p.other.say("two");
  for (int i = 0; i < 8; ++i) p.turn_at_once();
  CHECK(p.s->armed);
  for (int i = 0; i < 32; ++i) p.turn_at_once();
  CHECK_FALSE(p.s->armed);
}

TEST_CASE("done may read again, at once and in the same turn", "[reactor]") {
  pair p;
  char buffer[2];
  std::string all;
  remembered got;
  got.then = [&](std::int64_t count) {
    all.append(buffer, static_cast<std::size_t>(count));
    if (all.size() < 6) REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  };
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  p.other.say("abcdef");
  REQUIRE(p.turn_until([&] { return all.size() == 6; }));
  CHECK(all == "abcdef");
  CHECK(got.times == 3);
}

TEST_CASE("done may close the stream", "[reactor]") {
  pair p;
  char buffer[2];
  remembered got;
  got.then = [&](std::int64_t) { close(*p.s); };
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  p.other.say("abcdef");
  REQUIRE(p.turn_until([&] { return p.r.slots_away() == 1; }));  // the listener is left
  CHECK(got.times == 1);
}

TEST_CASE("the end of a stream is told once and then at once", "[reactor]") {
  pair p;
  char buffer[16];
  remembered got, again;
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  p.other.hang_up();
  REQUIRE(p.turn_until_told(got));
  CHECK(got.result == 0);
  CHECK(read_start(*p.s, buffer, sizeof buffer, again) == read_at_end);
  CHECK(read_start(*p.s, buffer, sizeof buffer, again) == read_at_end);
  p.turn_at_once();
  CHECK(again.times == 0);
  CHECK(p.r.pending() == 0);
}

TEST_CASE("an end that comes while nobody reads is not lost", "[reactor]") {
  pair p;
  char buffer[16];
  remembered got;
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  p.other.say("last");
  p.other.hang_up();
  REQUIRE(p.turn_until_told(got));
  CHECK(got.result == 4);
  for (int i = 0; i < 50; ++i) p.turn_at_once();
  remembered end;
  const int status = read_start(*p.s, buffer, sizeof buffer, end);
  if (status == 0) {
    REQUIRE(p.turn_until_told(end));
    CHECK(end.result == 0);
  } else {
    CHECK(status == read_at_end);
  }
}

TEST_CASE("a reset is an error for reader and writer, for good", "[reactor]") {
  pair p;
  char buffer[16];
  remembered got, again;
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  p.other.slam();
  REQUIRE(p.turn_until_told(got));
  CHECK(got.result == UV_ECONNRESET);
  CHECK(read_start(*p.s, buffer, sizeof buffer, again) == UV_ECONNRESET);
  CHECK(try_write(*p.s, "x", 1) < 0);
  CHECK(write_start(*p.s, "x", 1, again) < 0);
  CHECK(p.r.pending() == 0);
}

TEST_CASE("writing to a peer that is gone is a code and not SIGPIPE", "[reactor]") {
  pair p;
  p.other.slam();
  std::int64_t status = 0;
  for (int i = 0; i < 3 && status >= 0; ++i) {
    status = try_write(*p.s, "x", 1);
    p.turn_at_once();
  }
  CHECK(status < 0);
  CHECK(try_write(*p.s, "x", 1) < 0);
}

TEST_CASE("close tells reader and writer, in their own call", "[reactor]") {
  pair p;
  std::vector<char> much(std::size_t{8} << 20);
  remembered read, write;
  char buffer[4];
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, read) == 0);
  while (try_write(*p.s, much.data(), much.size()) > 0) {
  }
  REQUIRE(write_start(*p.s, much.data(), much.size(), write) == 64 * 1024);
  CHECK(end_sending(*p.s) == UV_EAGAIN);
  CHECK(p.r.pending() == 2);
  read.then = [&](std::int64_t) {
    remembered late;
    CHECK(read_start(*p.s, buffer, sizeof buffer, late) == STRUCTIO_ECLOSED);
    CHECK(try_write(*p.s, "x", 1) == STRUCTIO_ECLOSED);
    CHECK(end_sending(*p.s) == STRUCTIO_ECLOSED);
    close(*p.s);
  };
  close(*p.s);
  CHECK(read.result == STRUCTIO_ECLOSED);
  CHECK(write.result == STRUCTIO_ECLOSED);
  CHECK(p.r.pending() == 0);
  REQUIRE(p.turn_until([&] { return p.r.slots_away() == 1; }));
  CHECK(read.times + write.times == 2);
}

TEST_CASE("what was queued goes before what is written later", "[reactor]") {
  pair p;
  std::string sent;
  std::string heard;
  char next = 'a';
  const auto piece = [&] { return std::string(100'000, next++); };
  // Fill the kernel, queue a chunk, then write on: the other side must see one unbroken order.
  std::string part = piece();
  std::int64_t count;
  while ((count = try_write(*p.s, part.data(), part.size())) > 0) {
    sent += part.substr(0, static_cast<std::size_t>(count));
    if (static_cast<std::size_t>(count) == part.size()) part = piece();
    if (next > 'z') next = 'a';
  }
  REQUIRE(count == UV_EAGAIN);
  remembered gone;
  part = std::string(100'000, '#');
  count = write_start(*p.s, part.data(), part.size(), gone);
  REQUIRE(count == 64 * 1024);
  sent += part.substr(0, static_cast<std::size_t>(count));
  part.assign(part.size(), '!');  // the caller's memory is his own again
  // The kernel moves data on its own, so that there may be room again; order is what matters.
  if (try_write(*p.s, "early", 5) == 5) sent += "early";
  remembered second;
  CHECK(write_start(*p.s, "later", 5, second) == STRUCTIO_EBUSY);
  while (gone.times == 0) {
    heard += p.other.hear(1 << 20);
    p.turn_at_once();
  }
  CHECK(gone.result == 0);
  while (try_write(*p.s, "later", 5) != 5) heard += p.other.hear(1 << 20);
  sent += "later";
  close(*p.s);
  for (std::string more; !(more = p.other.hear(1 << 20)).empty();) heard += more;
  CHECK((heard == sent));
}

TEST_CASE("a chunk whose writer gave up is still sent, and the next writer waits for it",
          "[reactor]") {
  pair p;
  std::vector<char> much(std::size_t{1} << 20, 'm');
  std::size_t sent = 0;
  std::int64_t count;
  while ((count = try_write(*p.s, much.data(), much.size())) > 0) {
    sent += static_cast<std::size_t>(count);
  }
  remembered never, cleared;
  count = write_start(*p.s, "given up", 8, never);
  REQUIRE(count == 8);
  write_cancel(*p.s);
  CHECK(write_start(*p.s, "next", 4, cleared) == 0);
  std::string heard;
  while (cleared.times == 0) {
    heard += p.other.hear(1 << 20);
    p.turn_at_once();
  }
  CHECK(cleared.result == 0);
  CHECK(never.times == 0);
  REQUIRE(try_write(*p.s, "next", 4) == 4);
  close(*p.s);
  for (std::string more; !(more = p.other.hear(1 << 20)).empty();) heard += more;
  CHECK(heard.size() == sent + 12);
  CHECK(heard.substr(sent) == "given upnext");
}

TEST_CASE("the end of sending is that of our direction only", "[reactor]") {
  pair p;
  remembered got;
  REQUIRE(try_write(*p.s, "bye", 3) == 3);
  REQUIRE(end_sending(*p.s) == 0);
  CHECK(p.other.hear() == "bye");
  CHECK(p.other.hear().empty());
  CHECK(try_write(*p.s, "x", 1) < 0);
  char buffer[8];
  REQUIRE(read_start(*p.s, buffer, sizeof buffer, got) == 0);
  p.other.say("still");
  REQUIRE(p.turn_until_told(got));
  CHECK(got.result == 5);
}

TEST_CASE("a connection is made, and both ends know their addresses", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  const sockaddr_in address = loopback(port_of(*listener));
  remembered connected;
  stream_slot* s = nullptr;
  REQUIRE(tcp_connect(l.r, generic(address), nullptr, connected, s) == 0);
  CHECK(l.r.pending() == 1);
  REQUIRE(l.turn_until_told(connected));
  CHECK(connected.result == 0);
  stream_slot* served = accept_one(l, *listener);
  sockaddr_storage ours, theirs;
  REQUIRE(local_address(*s, ours) == 0);
  REQUIRE(peer_address_of(*served, theirs) == 0);
  CHECK(std::memcmp(&ours, &theirs, sizeof(sockaddr_in)) == 0);
  CHECK(set_nodelay(*s, true) == 0);
  CHECK(file_descriptor(*s) >= 0);
  REQUIRE(try_write(*s, "hi", 2) == 2);
  char buffer[8];
  remembered got;
  REQUIRE(read_start(*served, buffer, sizeof buffer, got) == 0);
  REQUIRE(l.turn_until_told(got));
  CHECK(got.result == 2);
}

TEST_CASE("a refused connection says so", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  const sockaddr_in address = loopback(port_of(*listener));
  close(*listener);
  remembered connected;
  stream_slot* s = nullptr;
  REQUIRE(tcp_connect(l.r, generic(address), nullptr, connected, s) == 0);
  REQUIRE(l.turn_until_told(connected));
  CHECK(connected.result == UV_ECONNREFUSED);
  close(*s);
  sockaddr_in nonsense = address;
  nonsense.sin_family = AF_UNIX;
  CHECK(tcp_connect(l.r, generic(nonsense), nullptr, connected, s) == UV_EAFNOSUPPORT);
  CHECK(s == nullptr);
}

TEST_CASE("connecting is given up by closing", "[reactor]") {
  loop l;
  listener_slot* listener = listen_somewhere(l.r);
  const sockaddr_in address = loopback(port_of(*listener));
  remembered told, silent;
  stream_slot *first = nullptr, *second = nullptr;
  REQUIRE(tcp_connect(l.r, generic(address), nullptr, told, first) == 0);
  REQUIRE(tcp_connect(l.r, generic(address), nullptr, silent, second) == 0);
  close(*first);
  CHECK(told.result == STRUCTIO_ECLOSED);
  connect_cancel(*second);
  close(*second);
  CHECK(silent.times == 0);
  REQUIRE(l.turn_until([&] { return l.r.slots_away() == 1; }));
}
