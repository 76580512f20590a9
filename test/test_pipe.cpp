// Pipes and descriptors of the user's as streams, terminals among them.
#include <structio/pipe.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include <cstring>
#include <span>
#include <string>

#include "support/few_descriptors.hpp"
#include "support/net.hpp"

using namespace net_test;
using structio::any_stream;
using structio::open_pipe;
using structio::stream_from_descriptor;

namespace {

/// A pipe of the system, whose ends are closed at the end unless they were given away.
struct raw_pipe {
  int ends[2] = {-1, -1};
  raw_pipe() { REQUIRE(pipe(ends) == 0); }
  raw_pipe(const raw_pipe&) = delete;
  raw_pipe& operator=(const raw_pipe&) = delete;
  ~raw_pipe() {
    for (const int end : ends) {
      if (end >= 0) close(end);
    }
  }
  any_stream reading() { return stream_from_descriptor(std::exchange(ends[0], -1)); }
  any_stream writing() { return stream_from_descriptor(std::exchange(ends[1], -1)); }
};

bool is_open(int descriptor) {
  return fcntl(descriptor, F_GETFD) >= 0;
}

bool is_nonblocking(int descriptor) {
  return (fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0;
}

std::string text_of(any_stream& from, std::size_t at_once = 4096) {
  std::string all;
  for (std::string piece; !(piece = receive(from, at_once)).empty();) all += piece;
  return all;
}

void send_with_descriptor(int socket, std::string text, int descriptor) {
  iovec data{text.data(), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptor)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
  REQUIRE(sendmsg(socket, &message, 0) == static_cast<ssize_t>(text.size()));
}

/// A terminal: the master's side, and the name of the other.
struct terminal {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  int slave = -1;
  terminal() {
    REQUIRE(master >= 0);
    REQUIRE(grantpt(master) == 0);
    REQUIRE(unlockpt(master) == 0);
    slave = ::open(ptsname(master), O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0);
  }
  ~terminal() {
    if (master >= 0) close(master);
  }
};

}  // namespace

TEST_CASE("a MiB goes through a pipe whose reader takes 4 KiB at a time", "[FD-02]") {
  run([] {
    auto [reading, writing] = open_pipe();
    const std::string data = pattern(std::size_t{1} << 20);
    std::string got;
    open_nursery([&, &in = reading, &out = writing](nursery& n) {
      n.start_soon([&] {
        out.send_all(data);
        out.close();
      });
      n.start_soon([&] {
        for (std::string piece; !(piece = receive(in, 4096)).empty();) got += piece;
      });
    });
    CHECK(got == data);
  });
}

TEST_CASE("the other end of a descriptor's stream may be anybody's", "[FD-03]") {
  run([] {
    raw_pipe p;
    any_stream in = stream_from_descriptor(std::exchange(p.ends[0], -1));
    REQUIRE(write(p.ends[1], "abc", 3) == 3);
    CHECK(receive(in) == "abc");
    raw_pipe q;
    any_stream out = q.writing();
    out.send_all("xyz");
    char buffer[4] = {};
    CHECK(read(q.ends[0], buffer, 3) == 3);
    CHECK(std::string(buffer) == "xyz");
  });
}

TEST_CASE("a stream of a descriptor has its number and closes it", "[FD-03][FD-04][FD-05]") {
  run([] {
    raw_pipe p;
    const int number = p.ends[0];
    any_stream in = p.reading();
    std::int64_t told = -1;
    CHECK(structio_stream_descriptor(in.native(), &told) == 0);
    CHECK(told == number);
    in.close();
    CHECK_FALSE(is_open(number));
    CHECK(structio_stream_descriptor(in.native(), &told) == STRUCTIO_ECLOSED);
    const int other = p.ends[1];
    { any_stream out = p.writing(); }
    CHECK_FALSE(is_open(other));
  });
}

TEST_CASE("a descriptor is made non-blocking, and blocking again when the stream goes") {
  run([] {
    raw_pipe p;
    const int kept = dup(p.ends[0]);  // the same open file
    REQUIRE(kept >= 0);
    CHECK_FALSE(is_nonblocking(kept));
    {
      any_stream in = p.reading();
      CHECK(is_nonblocking(kept));
    }
    CHECK_FALSE(is_nonblocking(kept));
    // One that was non-blocking before stays so.
    REQUIRE(fcntl(kept, F_SETFL, O_NONBLOCK) == 0);
    const int other = dup(kept);
    { any_stream in = stream_from_descriptor(kept); }
    CHECK(is_nonblocking(other));
    close(other);
  });
}

TEST_CASE("closing a closed stream leaves whoever has its number now alone", "[FD-06]") {
  run([] {
    raw_pipe p;
    const int number = p.ends[0];
    any_stream first = p.reading();
    first.close();
    raw_pipe q;
    REQUIRE(q.ends[0] == number);
    any_stream second = q.reading();
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(receive(second) == "still here"); });
      settle();
      first.close();
      settle();
      REQUIRE(write(q.ends[1], "still here", 10) == 10);
    });
  });
}

TEST_CASE("a stream closed between the event and the call is closed to its waiter", "[FD-07]") {
  run(
      [] {
        raw_pipe p;
        any_stream in = p.reading();
        open_nursery([&](nursery& n) {
          n.start_soon([&] { CHECK(throws<structio::closed_error>([&] { receive(in); })); });
          settle();
          in.close();
        });
        auto [reading, writing] = open_pipe();
        open_nursery([&, &out = writing](nursery& n) {
          n.start_soon([&] {
            CHECK(throws<structio::closed_error>(
                [&] { out.send_all(std::string(std::size_t{1} << 20, 'x')); }));
          });
          settle();
          out.close();
        });
      },
      1);
}

TEST_CASE("a pipe whose reader has gone is broken to its writer", "[FD-08]") {
  run([] {
    auto [reading, writing] = open_pipe();
    reading.close();
    CHECK(throws<structio::broken_error>([&, &out = writing] { out.send_all("to nobody"); }));
  });
}

TEST_CASE("each end of a pipe goes one way", "[FD-01]") {
  run([] {
    auto [reading, writing] = open_pipe();
    CHECK(throws<structio::usage_error>([&, &in = reading] { in.send_all("x"); }));
    CHECK(throws<structio::usage_error>([&, &in = reading] { in.send_eof(); }));
    CHECK(throws<structio::usage_error>([&, &out = writing] { receive(out); }));
    CHECK(throws<structio::usage_error>([&, &out = writing] { out.send_eof(); }));
  });
}

TEST_CASE("what cannot be a stream is refused and stays the caller's", "[FD-01]") {
  run([] {
    const int before = open_descriptors();
    structio_stream* out = nullptr;
    CHECK(structio_stream_from_descriptor(-1, &out) == STRUCTIO_EINVALID);
    CHECK(structio_stream_from_descriptor(std::int64_t{1} << 40, &out) == STRUCTIO_EINVALID);
    CHECK(structio_stream_from_descriptor(0, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_stream_from_descriptor(1 << 20, &out) == -EBADF);
    const int file = ::open("/proc/self/exe", O_RDONLY);
    CHECK(structio_stream_from_descriptor(file, &out) == -EPERM);
    CHECK(is_open(file));
    close(file);
    const int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(structio_stream_from_descriptor(datagrams, &out) == -EINVAL);
    CHECK(is_open(datagrams));
    close(datagrams);
    const int lonely = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(structio_stream_from_descriptor(lonely, &out) == -EINVAL);
    close(lonely);
    CHECK(out == nullptr);
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("what is a stream already is not made another one", "[FD-01]") {
  run([] {
    const auto twice = [](std::int64_t descriptor) {
      structio_stream* made = nullptr;
      CHECK(structio_stream_from_descriptor(descriptor, &made) == -EEXIST);
      CHECK(!made);
    };
    auto [reading, writing] = open_pipe();
    std::int64_t number = -1;
    REQUIRE(structio_stream_descriptor(reading.native(), &number) == 0);
    twice(number);  // though nobody has waited for it
    writing.send_all("x");
    CHECK(receive(reading) == "x");
    twice(number);
    auto both = connected();
    twice(both.a.descriptor());
    both.b.send_all("still ours");
    CHECK(receive(both.a) == "still ours");
  });
}

TEST_CASE("a connected socket from elsewhere is a stream with two directions", "[SSTR-05]") {
  run([] {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    REQUIRE(close(ends[1]) == 0);
    any_stream s = stream_from_descriptor(ends[0]);
    CHECK(text_of(s) == "x");
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    any_stream a = stream_from_descriptor(ends[0]);
    any_stream b = stream_from_descriptor(ends[1]);
    a.send_all("request");
    a.send_eof();
    CHECK(text_of(b) == "request");
    b.send_all("answer");
    b.close();
    CHECK(text_of(a) == "answer");
  });
}

TEST_CASE("a TCP socket from elsewhere is a connection") {
  run([] {
    auto listener = listen();
    const int raw = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = sockets::loopback(listener.port());
    REQUIRE(::connect(raw, sockets::generic(address), sizeof address) == 0);
    any_stream s = stream_from_descriptor(raw);
    CHECK(structio_stream_set_nodelay(s.native(), 1) == 0);
    char host[46];
    std::uint16_t port = 0;
    CHECK(structio_stream_peer_address(s.native(), host, sizeof host, &port) == 0);
    CHECK(port == listener.port());
  });
}

TEST_CASE("a pipe cancelled at each instant loses nothing and leaves nothing open") {
  run(
      [] {
        connected();  // a loop keeps a descriptor in hand from its first stream on
        const int before = open_descriptors();
        for (int delay = 0; delay < 8; ++delay) {
          auto [reading, writing] = open_pipe();
          std::string got;
          structio::cancel_scope scope;
          open_nursery([&, &in = reading, &out = writing](nursery& n) {
            n.start_soon([&] {
              pause(delay);
              scope.cancel();
            });
            n.start_soon([&] {
              pause(delay / 2);
              out.send_all("abcd");
            });
            scope.run([&] {
              while (got.size() < 4) got += receive(in, 1);
            });
          });
          while (got.size() < 4) got += receive(reading, 1);
          CHECK(got == "abcd");
        }
        CHECK(open_descriptors() == before);
      },
      1);
}

TEST_CASE("a terminal is a stream, with a size and a raw mode that ends with it") {
  run([] {
    terminal t;
    winsize size{};
    size.ws_col = 91;
    size.ws_row = 37;
    REQUIRE(ioctl(t.master, TIOCSWINSZ, &size) == 0);
    {
      any_stream s = stream_from_descriptor(t.slave);
      CHECK(structio::size_of_terminal(s).columns == 91);
      CHECK(structio::size_of_terminal(s).rows == 37);
      REQUIRE(write(t.master, "line\n", 5) == 5);
      CHECK(receive(s) == "line\n");
      termios mode{};
      structio::set_terminal_raw(s, true);
      REQUIRE(tcgetattr(t.master, &mode) == 0);
      CHECK((mode.c_lflag & ICANON) == 0);
      REQUIRE(write(t.master, "k", 1) == 1);
      CHECK(receive(s) == "k");
      s.send_all("shown");
      CHECK(throws<structio::usage_error>([&] { s.send_eof(); }));
      // Seen from outside once the stream has gone: the other side keeps the terminal alive.
    }
    termios after{};
    REQUIRE(tcgetattr(t.master, &after) == 0);
    CHECK((after.c_lflag & ICANON) != 0);
  });
}

TEST_CASE("the controlling end of a terminal ends when nobody has the other one open") {
  run([] {
    terminal t;
    const int child = fork();
    if (child == 0) {
      dup2(t.slave, 1);
      execl("/bin/echo", "echo", "from behind the terminal", nullptr);
      _exit(1);
    }
    close(t.slave);
    any_stream s = stream_from_descriptor(std::exchange(t.master, -1));
    CHECK(text_of(s) == "from behind the terminal\r\n");
    CHECK(receive(s).empty());
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  });
}

TEST_CASE("what is read piece by piece comes to its end whole, though the sender hung up before") {
  // To a reader with room for all of it each of these gives a part, and reports the hang-up at
  // once.
  run([] {
#ifdef __linux__  // elsewhere a terminal holds less, and the write would wait
    SECTION("a terminal, which hands on no more than its line holds") {
      terminal t;
      termios mode{};
      REQUIRE(tcgetattr(t.slave, &mode) == 0);
      cfmakeraw(&mode);
      REQUIRE(tcsetattr(t.slave, TCSANOW, &mode) == 0);
      any_stream s = stream_from_descriptor(std::exchange(t.master, -1));
      const std::string data = pattern(6000);
      REQUIRE(write(t.slave, data.data(), data.size()) == 6000);
      close(t.slave);
      CHECK(text_of(s, 65536) == data);
      CHECK(receive(s).empty());
    }
#endif
    SECTION("a socket, where descriptors came along") {
      int ends[2];
      REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
      any_stream s = stream_from_descriptor(ends[0]);
      send_with_descriptor(ends[1], "one", STDERR_FILENO);
      REQUIRE(write(ends[1], "two", 3) == 3);
      close(ends[1]);
      CHECK(text_of(s) == "onetwo");
      CHECK(receive(s).empty());
    }
#ifdef O_DIRECT
    SECTION("a pipe of packets") {
      raw_pipe p;
      REQUIRE(fcntl(p.ends[1], F_SETFL, O_DIRECT) == 0);
      any_stream s = p.reading();
      REQUIRE(write(p.ends[1], "one", 3) == 3);
      REQUIRE(write(p.ends[1], "two", 3) == 3);
      close(std::exchange(p.ends[1], -1));
      CHECK(text_of(s) == "onetwo");
      CHECK(receive(s).empty());
    }
#endif
  });
}

TEST_CASE("a terminal that is the standard input stays it") {
  terminal t;
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    dup2(t.slave, 0);
    const bool stayed = run([] {
      any_stream s = stream_from_descriptor(0);
      const bool meanwhile = is_open(0);
      s.close();
      pause(3);
      return meanwhile && is_open(0) && !is_nonblocking(0) && isatty(0) == 1;
    });
    _exit(stayed ? 0 : 1);
  }
  close(t.slave);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("what is no terminal has no size") {
  run([] {
    auto [a, b] = open_pipe();
    CHECK(structio_terminal_size(a.native(), nullptr, nullptr) == STRUCTIO_EMISUSE);
    CHECK(structio_terminal_set_raw(a.native(), 1) == STRUCTIO_EMISUSE);
    a.close();
    CHECK(structio_terminal_size(a.native(), nullptr, nullptr) == STRUCTIO_ECLOSED);
    CHECK(structio_terminal_size(nullptr, nullptr, nullptr) == STRUCTIO_EINVALID);
  });
}

TEST_CASE("pipes refuse what is no place for them") {
  structio_stream *a = nullptr, *b = nullptr;
  CHECK(structio_pipe_open(&a, &b) == STRUCTIO_ENOTASK);
  run([&] {
    CHECK(structio_pipe_open(nullptr, &b) == STRUCTIO_EINVALID);
    CHECK(structio_pipe_open(&a, nullptr) == STRUCTIO_EINVALID);
  });
}

TEST_CASE("a pipe for which there are no descriptors leaves nothing behind") {
  run([] {
    connected();  // a loop keeps a descriptor in hand from its first stream on
    const int before = open_descriptors();
    structio_stream *a = nullptr, *b = nullptr;
    for (int spare = 0; spare < 2; ++spare) {
      const support::few_descriptors few(spare);
      CHECK(structio_pipe_open(&a, &b) == -EMFILE);
      CHECK(structio_unix_pair(&a, &b) == -EMFILE);
      CHECK(a == nullptr);
      CHECK(b == nullptr);
    }
    CHECK(open_descriptors() == before);
    open_pipe();
  });
}
