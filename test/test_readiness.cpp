// Readiness of descriptors: waiting, both directions, cancelling, closing, what is shared with the
// kernel behind our back.
#include <structio/structio_readiness.h>

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/op_proof.hpp"
#include "support/sockets.hpp"

using namespace c_tasks;
using namespace descriptors;

namespace {

using wait_fn = int (*)(int);

// A task that waits for a descriptor, in a scope of its own.
struct waiting {
  wait_fn wait = structio_wait_readable;
  int descriptor = -1;
  structio_scope scope;
  int status = 1;  // still waiting

  int operator()() {
    return scope_block(scope, [&] {
      status = wait(descriptor);
      return status == STRUCTIO_ECANCELLED ? status : 0;
    });
  }
  void start(structio_nursery& n, wait_fn how, int which) {
    wait = how;
    descriptor = which;
    status = 1;
    spawn(n, "waiting", *this);
  }
  bool waits() const { return status == 1; }
};

struct counted {
  uint64_t readable;
  uint64_t writable;
  uint64_t pending;
  counted() {
    structio_statistics s{};
    s.struct_size = sizeof s;
    structio_get_statistics(&s);
    readable = s.waiting_readable;
    writable = s.waiting_writable;
    pending = s.io_pending;
  }
  bool are(uint64_t read, uint64_t write) const {
    return readable == read && writable == write && pending == read + write;
  }
};

template <class Body>
void in_nursery(Body&& body) {
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      body(n);
      return 0;
    });
  };
  CHECK(run(main) == 0);
}

template <class Fn>
bool is_checkpoint(Fn fn) {
  return op_proof::halves(fn) == 2;
}

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

TEST_CASE("who is about to close tells those who wait", "[IO-06]") {
  in_nursery([](structio_nursery& n) {
    socket_pair ends;
    waiting reader;
    waiting writer;
    fill(ends.a);
    reader.start(n, structio_wait_readable, ends.a);
    writer.start(n, structio_wait_writable, ends.a);
    settle();
    CHECK(structio_notify_closing(ends.a) == 0);
    CHECK(counted().are(0, 0));
    settle();
    CHECK(reader.status == STRUCTIO_ECLOSED);
    CHECK(writer.status == STRUCTIO_ECLOSED);
    // It is not closed yet: another wait is as good as the first.
    say(ends.b);
    CHECK(structio_wait_readable(ends.a) == 0);
    CHECK(structio_notify_closing(ends.a) == 0);
    CHECK(structio_notify_closing(ends.b) == 0);
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

TEST_CASE("a descriptor closed behind our back leaves waits that can be cancelled", "[IO-10]") {
  in_nursery([](structio_nursery& n) {
    socket_pair ends;
    waiting reader;
    waiting writer;
    fill(ends.a);
    reader.start(n, structio_wait_readable, ends.a);
    writer.start(n, structio_wait_writable, ends.a);
    SECTION("before the loop has seen it") {
      structio_checkpoint();
      ends.close_a();
    }
    SECTION("later") {
      settle();
      ends.close_a();
    }
    settle();
    structio_scope_cancel(&reader.scope, nullptr);
    structio_scope_cancel(&writer.scope, nullptr);
    settle();
    CHECK(reader.status != 1);
    CHECK(writer.status != 1);
    CHECK(counted().are(0, 0));
  });
}

TEST_CASE("the same with a duplicate that keeps the file open", "[IO-11]") {
  in_nursery([](structio_nursery& n) {
    socket_pair ends;
    waiting reader;
    waiting writer;
    fill(ends.a);
    const int kept = dup(ends.a);
    const int number = ends.a;
    reader.start(n, structio_wait_readable, number);
    writer.start(n, structio_wait_writable, number);
    settle();
    ends.close_a();
    SECTION("nothing happens") {
      settle();
      CHECK(reader.waits());
    }
    SECTION("an event for the reader") {
      say(ends.b);
      settle();
      CHECK(reader.status == 0);
      CHECK(writer.status == STRUCTIO_ECLOSED);  // the watcher could not be renewed
    }
    SECTION("an event for both") {
      ends.close_b();
      settle();
      CHECK(reader.status == 0);
      CHECK(writer.status == 0);
    }
    SECTION("an event for nobody any more") {
      structio_scope_cancel(&reader.scope, nullptr);
      say(ends.b);
      settle();
    }
    structio_scope_cancel(&reader.scope, nullptr);
    structio_scope_cancel(&writer.scope, nullptr);
    settle();
    CHECK(counted().are(0, 0));
    CHECK_FALSE(reader.waits());
    CHECK_FALSE(writer.waits());
    ::close(kept);
  });
}

TEST_CASE("a number that is used again is waited for anew", "[IO-10][IO-11]") {
  in_nursery([](structio_nursery& n) {
    const bool keep = GENERATE(false, true);  // the old file by a duplicate
    waiting first;
    waiting second;
    socket_pair old;
    const int number = old.a;
    const int kept = keep ? dup(number) : -1;
    first.start(n, structio_wait_readable, number);
    settle();
    pipe_pair fresh;
    REQUIRE(dup2(fresh.a, number) == number);  // closes the old one without a word
    second.start(n, structio_wait_readable, number);
    settle();
    CHECK(first.status == STRUCTIO_ECLOSED);
    CHECK(second.waits());
    CHECK(counted().are(1, 0));
    say(old.b);  // concerns nobody any more
    settle();
    CHECK(second.waits());
    say(fresh.b);
    settle();
    CHECK(second.status == 0);
    if (keep) {
      REQUIRE(dup2(kept, number) == number);  // the first file is back at its number
      CHECK(structio_wait_readable(number) == 0);
      CHECK(hear(number) == "x");
      second.start(n, structio_wait_readable, number);
      settle();
      CHECK(second.waits());
      say(old.b);
      settle();
      CHECK(second.status == 0);
      ::close(kept);
    }
  });
}

TEST_CASE("numbers come and go without a word, as a library of somebody else's makes them") {
  in_nursery([](structio_nursery& n) {
    for (int round = 0; round < 50; ++round) {
      socket_pair ends;
      waiting reader;
      reader.start(n, structio_wait_readable, ends.a);
      settle();
      say(ends.b);
      settle();
      CHECK(reader.status == 0);
    }
    for (int round = 0; round < 20; ++round) {  // all of these have one inode
      const int counter = eventfd(0, EFD_NONBLOCK);
      waiting reader;
      reader.start(n, structio_wait_readable, counter);
      settle();
      CHECK(reader.waits());
      CHECK(eventfd_write(counter, 1) == 0);
      settle();
      CHECK(reader.status == 0);
      ::close(counter);
    }
  });
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
