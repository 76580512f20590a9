// Readiness of descriptors: waiting, both directions, cancelling, moving data.
#include <cstdio>
#include <string>
#include <vector>

#include "support/readiness.hpp"
#include "support/sockets.hpp"

using namespace readiness_test;

namespace {

void prove() {
  socket_pair ends;
  // Ready, and not looked at: the call has done nothing.
  CHECK(op_proof::cancelled([&] { return structio_wait_writable(ends.a); }) == op_proof::aborted);
  CHECK(op_proof::cancelled([&] { return structio_wait_readable(ends.a); }) == op_proof::aborted);
  CHECK(op_proof::halves([&] { structio_wait_writable(ends.a); }) == 2);
  say(ends.b);
  CHECK(op_proof::halves([&] { structio_wait_readable(ends.a); }) == 2);
  CHECK(op_proof::cancelled([&] { return structio_wait_readable(ends.a); }) == op_proof::aborted);
  CHECK(hear(ends.a) == "x");
  CHECK(op_proof::halves([&] { structio_wait_readable(-1); }) == 2);
}

const op_proof::area proof(
    std::vector<op_proof::shown>{{"structio_wait_readable", 1, STRUCTIO_EFFECT_NOTHING},
                                 {"structio_wait_writable", 1, STRUCTIO_EFFECT_NOTHING}},
    prove);

}  // namespace

TEST_CASE("a wait ends when the descriptor is ready, and not before", "[IO-01]") {
  in_nursery([](structio_nursery& n) {
    socket_pair ends;
    waiting reader;
    waiting writer;
    CHECK(is_checkpoint([&] { CHECK(structio_wait_writable(ends.a) == 0); }));
    reader.start(n, structio_wait_readable, ends.a);
    settle();
    CHECK(reader.waits());
    say(ends.b);
    settle();
    CHECK(reader.status == 0);
    CHECK(is_checkpoint([&] { CHECK(structio_wait_readable(ends.a) == 0); }));
    CHECK(hear(ends.a) == "x");

    fill(ends.a);
    writer.start(n, structio_wait_writable, ends.a);
    settle();
    CHECK(writer.waits());
    drain(ends.b);
    settle();
    CHECK(writer.status == 0);
  });
}

TEST_CASE("a pipe tells of its data, its room and its ends", "[IO-01]") {
  in_nursery([](structio_nursery& n) {
    pipe_pair ends;
    waiting reader;
    waiting writer;
    reader.start(n, structio_wait_readable, ends.a);
    settle();
    CHECK(reader.waits());
    fill(ends.b);
    writer.start(n, structio_wait_writable, ends.b);
    settle();
    CHECK(reader.status == 0);
    CHECK(writer.waits());
    drain(ends.a);
    settle();
    CHECK(writer.status == 0);
    // The other end's closing: an end of data is ready to be read, a broken pipe to be written to.
    reader.start(n, structio_wait_readable, ends.a);
    settle();
    ends.close_b();
    settle();
    CHECK(reader.status == 0);
    pipe_pair more;
    fill(more.b);
    writer.start(n, structio_wait_writable, more.b);
    settle();
    more.close_a();
    settle();
    CHECK(writer.status == 0);
  });
}

TEST_CASE("a cancelled wait leaves the descriptor as it was", "[IO-02][IO-12]") {
  in_nursery([](structio_nursery& n) {
    socket_pair ends;
    waiting reader;
    waiting writer;
    fill(ends.a);
    CHECK(counted().are(0, 0));
    reader.start(n, structio_wait_readable, ends.a);
    writer.start(n, structio_wait_writable, ends.a);
    settle();
    CHECK(counted().are(1, 1));
    structio_scope_cancel(&reader.scope, nullptr);
    CHECK(counted().are(0, 1));
    structio_scope_cancel(&writer.scope, nullptr);
    CHECK(counted().are(0, 0));
    settle();
    CHECK(reader.status == STRUCTIO_ECANCELLED);
    CHECK(writer.status == STRUCTIO_ECANCELLED);
    say(ends.b);
    drain(ends.b);
    CHECK(structio_wait_readable(ends.a) == 0);
    CHECK(structio_wait_writable(ends.a) == 0);
    CHECK(hear(ends.a) == "x");
    CHECK(counted().are(0, 0));
  });
}

TEST_CASE("an event after a cancelled wait is nobody's, and the next wait is told", "[IO-02]") {
  in_nursery([](structio_nursery& n) {
    socket_pair ends;
    waiting reader;
    for (int round = 0; round < 5; ++round) {
      reader.start(n, structio_wait_readable, ends.a);
      settle();
      structio_scope_cancel(&reader.scope, nullptr);
      settle();
      say(ends.b);
      settle();  // the watcher goes off with nobody there
      CHECK(hear(ends.a) == "x");
      reader.start(n, structio_wait_readable, ends.a);
      settle();
      CHECK(reader.waits());
      say(ends.b);
      settle();
      CHECK(reader.status == 0);
      CHECK(hear(ends.a) == "x");
    }
  });
}

TEST_CASE("one waiter for each direction of a descriptor", "[IO-03][IO-04]") {
  in_nursery([](structio_nursery& n) {
    socket_pair ends;
    waiting reader;
    waiting writer;
    fill(ends.a);
    reader.start(n, structio_wait_readable, ends.a);
    writer.start(n, structio_wait_writable, ends.a);
    settle();
    CHECK(structio_wait_readable(ends.a) == STRUCTIO_EBUSY);
    CHECK(says({"another task", std::to_string(ends.a).c_str()}));
    CHECK(structio_wait_writable(ends.a) == STRUCTIO_EBUSY);
    settle();
    CHECK(reader.waits());
    CHECK(writer.waits());
    say(ends.b);
    drain(ends.b);
    settle();
    CHECK(reader.status == 0);
    CHECK(writer.status == 0);
  });
}

TEST_CASE("reader and writer are woken each by their own direction", "[IO-05]") {
  in_nursery([](structio_nursery& n) {
    socket_pair ends;
    waiting reader;
    waiting writer;
    const auto start_both = [&] {
      fill(ends.a);
      reader.start(n, structio_wait_readable, ends.a);
      writer.start(n, structio_wait_writable, ends.a);
      settle();
      CHECK(counted().are(1, 1));
    };
    start_both();
    drain(ends.b);
    settle();
    CHECK(reader.waits());
    CHECK(writer.status == 0);
    fill(ends.a);
    writer.start(n, structio_wait_writable, ends.a);
    settle();
    say(ends.b);
    settle();
    CHECK(reader.status == 0);
    CHECK(writer.waits());
    drain(ends.b);
    settle();
    CHECK(writer.status == 0);
  });
}

TEST_CASE("an error or a hang-up wakes both", "[IO-05]") {
  in_nursery([](structio_nursery& n) {
    socket_pair ends;
    waiting reader;
    waiting writer;
    fill(ends.a);
    reader.start(n, structio_wait_readable, ends.a);
    writer.start(n, structio_wait_writable, ends.a);
    settle();
    ends.close_b();
    settle();
    CHECK(reader.status == 0);
    CHECK(writer.status == 0);
  });
}

namespace {

// Sends and receives through readiness waits; counts what came.
struct mover {
  int descriptor;
  std::size_t size;
  std::size_t received = 0;
  bool all_checkpoints = true;

  int send() {
    const std::string block(24 * 1024, 's');
    std::size_t left = size;
    while (left > 0) {
      all_checkpoints &= is_checkpoint([&] { CHECK(structio_wait_writable(descriptor) == 0); });
      const ssize_t count =
          ::send(descriptor, block.data(), std::min(left, block.size()), MSG_NOSIGNAL);
      if (count > 0) left -= static_cast<std::size_t>(count);
    }
    return shutdown(descriptor, SHUT_WR);
  }
  int receive() {
    for (;;) {
      all_checkpoints &= is_checkpoint([&] { CHECK(structio_wait_readable(descriptor) == 0); });
      char block[10000];
      const ssize_t count = ::recv(descriptor, block, sizeof block, 0);
      if (count == 0) return 0;
      if (count > 0) received += static_cast<std::size_t>(count);
    }
  }
};

void exchange(int a, int b, const structio_run_options& options) {
  constexpr std::size_t size = 1 << 20;
  mover left{a, size};
  mover right{b, size + 17};
  auto left_sends = [&] { return left.send(); };
  auto left_receives = [&] { return left.receive(); };
  auto right_sends = [&] { return right.send(); };
  auto right_receives = [&] { return right.receive(); };
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "left sends", left_sends);
      spawn(n, "left receives", left_receives);
      spawn(n, "right sends", right_sends);
      spawn(n, "right receives", right_receives);
      return 0;
    });
  };
  CHECK(run(main, options) == 0);
  CHECK(left.received == right.size);
  CHECK(right.received == left.size);
  if (options.budget == 1) CHECK((left.all_checkpoints && right.all_checkpoints));
}

}  // namespace

TEST_CASE("a megabyte each way through readiness waits", "[IO-07]") {
  structio_run_options options = run_options();
  for (const std::uint32_t budget : {0U, 1U}) {
    options.budget = budget;
    socket_pair ends;
    exchange(ends.a, ends.b, options);
  }
}

TEST_CASE("a megabyte each way over TCP", "[IO-07]") {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = sockets::loopback(0);
  socklen_t length = sizeof address;
  REQUIRE(bind(listener, sockets::generic(address), sizeof address) == 0);
  REQUIRE(listen(listener, 1) == 0);
  REQUIRE(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  sockets::peer a(ntohs(address.sin_port));
  sockets::peer b(accept(listener, nullptr, nullptr));
  make_nonblocking(a.descriptor());
  make_nonblocking(b.descriptor());
  exchange(a.descriptor(), b.descriptor(), run_options());
  close(listener);
}

TEST_CASE("a file on disk is always ready") {
  FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  const int null = ::open("/dev/null", O_RDWR);
  in_nursery([&](structio_nursery&) {
    for (const int descriptor : {fileno(file), null}) {
      CHECK(is_checkpoint([&] { CHECK(structio_wait_readable(descriptor) == 0); }));
      CHECK(is_checkpoint([&] { CHECK(structio_wait_writable(descriptor) == 0); }));
    }
  });
  ::close(null);
  std::fclose(file);
}

TEST_CASE("the descriptor's own flags are left alone, and none of ours is left over") {
  in_nursery([](structio_nursery&) {});  // libuv keeps a pipe from a process's first loop on
  const int before = sockets::open_descriptors();
  int both[2];
  REQUIRE(pipe(both) == 0);
  in_nursery([&](structio_nursery& n) {
    waiting reader;
    reader.start(n, structio_wait_readable, both[0]);
    settle();
    CHECK((fcntl(both[0], F_GETFL) & O_NONBLOCK) == 0);
    say(both[1]);
    settle();
    CHECK(reader.status == 0);
  });
  close(both[0]);
  close(both[1]);
  CHECK(sockets::open_descriptors() == before);
}

TEST_CASE("hundreds wait at once, and are woken in one turn or in several") {
  in_nursery([](structio_nursery& n) {
    constexpr std::size_t count = 200;
    std::vector<socket_pair> ends(count);
    std::vector<waiting> readers(count);
    for (std::size_t i = 0; i < count; ++i) readers[i].start(n, structio_wait_readable, ends[i].a);
    settle();
    CHECK(counted().are(count, 0));
    for (std::size_t i = 0; i < count; ++i) say(ends[i].b);
    settle();
    for (const waiting& reader : readers) CHECK(reader.status == 0);
    CHECK(counted().are(0, 0));
  });
}

TEST_CASE("a run that waits for a descriptor is in no deadlock, and ends when it is cancelled") {
  socket_pair ends;
  auto main = [&] {
    structio_scope_options options = scope_options();
    options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
    options.deadline = STRUCTIO_MILLISECONDS(5);
    structio_scope s;
    return scope_block(
        s, [&] { return structio_wait_readable(ends.a); }, options);
  };
  CHECK(run(main) == 0);
}
