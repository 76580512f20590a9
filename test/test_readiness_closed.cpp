// Descriptors that are closed while they are waited for: with a word, and without.
#include <sys/eventfd.h>

#include "support/readiness.hpp"

using namespace readiness_test;

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
    if (keep) say(old.b);  // concerns nobody any more
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

TEST_CASE("a number that stands for a file on disk by now is ready, and who waited is told") {
  in_nursery([](structio_nursery& n) {
    for (const wait_fn anew : {&structio_wait_readable, &structio_wait_writable}) {
      socket_pair ends;
      const int number = ends.a;
      waiting before;
      before.start(n, structio_wait_readable, number);
      settle();
      const int file = ::open("/dev/null", O_RDWR);
      REQUIRE(::dup2(file, number) == number);
      ::close(file);
      CHECK(anew(number) == 0);
      settle();
      CHECK(before.status == STRUCTIO_ECLOSED);
    }
  });
}
