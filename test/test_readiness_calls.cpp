// What a wait for readiness costs in system calls: a question, a watch, the loop's wait, the
// events, and the read that is the caller's own.
#if defined(__linux__)

#include <sys/syscall.h>

#include "support/call_counter.hpp"
#include "support/readiness.hpp"
#include "support/valgrind.hpp"

using namespace readiness_test;
using sockets::call_counter;

TEST_CASE("a steady cycle of waiting and reading costs five system calls", "[IO-01]") {
  if (under_valgrind()) return;
  socket_pair ends;
  constexpr int rounds = 300;
  call_counter counter;
  counter.run(
      [&] {
        auto main = [&] {
          char byte = 0;
          while (structio_wait_readable(ends.a) == 0) {
            if (::read(ends.a, &byte, 1) != 1 || ::write(ends.a, &byte, 1) != 1) return 1;
          }
          return 0;
        };
        run(main);
      },
      [&] {
        fcntl(ends.b, F_SETFL, 0);
        const auto ask = [&] {
          char byte = 'x';
          return ::write(ends.b, &byte, 1) == 1 && ::read(ends.b, &byte, 1) == 1;
        };
        for (int i = 0; i < 20; ++i) ask();
        counter.counting = true;
        for (int i = 0; i < rounds; ++i) ask();
        counter.counting = false;
      });
  if (!counter.possible) return;
  const int writes = counter.count(SYS_write);
  CHECK(writes >= rounds - 2);
  CHECK(counter.total() - writes <= 5 * (rounds + 2));
  CHECK(counter.count(SYS_epoll_ctl) <= rounds + 2);
}

#endif
