// The polite stop: stage one asks, stage two cancels; scopes that end on stop; stops by signals;
// cancel tokens from other threads and from signal handlers.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"
#include "support/signal_from_thread.hpp"

using namespace c_tasks;

namespace {

constexpr int64_t second = STRUCTIO_SECONDS(1);

structio_scope_options ending_on_stop() {
  structio_scope_options options = scope_options();
  options.ends_on_stop = 1;
  return options;
}

// What somebody saw at its end.
struct end {
  int64_t moment = -1;
  int source = 0;
  int requested = -1;
  std::string reason;
  std::string by;

  int of(int status) {
    moment = structio_now();
    source = cancel_source(&reason, &by);
    requested = structio_stop_requested();
    return status;
  }
};

// The token that a signal handler cancels.
structio_cancel_token* signalled = nullptr;
volatile sig_atomic_t cancel_status = 1;
void cancel_by_signal(int) {
  cancel_status = structio_cancel_token_cancel(signalled);
}

class handler {
 public:
  handler(int signum, void (*fn)(int)) : signum_(signum) {
    struct sigaction action = {};
    action.sa_handler = fn;
    sigaction(signum, &action, &before_);
  }
  handler(const handler&) = delete;
  handler& operator=(const handler&) = delete;
  ~handler() { sigaction(signum_, &before_, nullptr); }

 private:
  int signum_;
  struct sigaction before_ = {};
};

}  // namespace

TEST_CASE("a stop asks, and cancels when the grace is over", "[CANCEL][REASON]") {
  virtual_clock clock(0);
  structio_scope s;
  end e;
  auto work = [&] {
    return scope_block(s, [&] {
      CHECK(structio_stop_requested() == 0);
      CHECK(structio_sleep(2 * second) == 0);
      CHECK(structio_stop_requested() == 1);
      return e.of(structio_sleep_forever());
    });
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "worker", work);
      structio_sleep(second);
      CHECK(structio_scope_stop(&s, 3 * second, "closing time") == 0);
      CHECK(structio_scope_cancel_called(&s) == 0);
      CHECK(structio_stop_requested() == 0);  // outside of the scope
      return 0;
    });
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(e.moment == 4 * second);
  CHECK(e.source == STRUCTIO_SOURCE_STOP);
  CHECK(e.reason == "closing time");
  CHECK(structio_scope_cancelled_caught(&s) == 1);
}

TEST_CASE("a grace of nothing is a cancellation, one for ever never ends", "[CANCEL]") {
  virtual_clock clock(0);
  auto body = [&] {
    structio_scope at_once;
    scope_block(at_once, [&] {
      CHECK(structio_scope_stop(&at_once, 0, nullptr) == 0);
      CHECK(cancel_source() == STRUCTIO_SOURCE_STOP);
      CHECK(structio_stop_requested() == 1);
      return structio_checkpoint();
    });
    CHECK(structio_scope_cancelled_caught(&at_once) == 1);
    structio_scope never;
    return scope_block(never, [&] {
      CHECK(structio_scope_stop(&never, STRUCTIO_FOREVER, nullptr) == 0);
      CHECK(structio_stop_requested() == 1);
      CHECK(structio_sleep(STRUCTIO_SECONDS(1000000)) == 0);
      CHECK(structio_current_deadline() == STRUCTIO_FOREVER);
      return 0;
    });
  };
  CHECK(run(body, clock.options()) == 0);
}

TEST_CASE("a second stop can only shorten the grace; the first words stay", "[CANCEL][REASON-06]") {
  for (const bool shorter : {true, false}) {
    virtual_clock clock(0);
    end e;
    structio_scope s;
    auto body = [&] {
      return scope_block(s, [&] {
        structio_scope_stop(&s, 5 * second, "first");
        structio_sleep(second);
        CHECK(structio_scope_stop(&s, shorter ? second : 20 * second, "second") == 0);
        return e.of(structio_sleep_forever());
      });
    };
    CHECK(run(body, clock.options()) == 0);
    CHECK(e.moment == (shorter ? 2 : 5) * second);
    CHECK(e.reason == "first");
  }
}

TEST_CASE("scopes that end on stop are cancelled at once, all else goes on", "[CANCEL]") {
  virtual_clock clock(0);
  end accepting;
  end working;
  bool worked = false;
  auto accept_loop = [&] {
    structio_scope s;
    const int status = scope_block(
        s, [&] { return accepting.of(structio_sleep_forever()); }, ending_on_stop());
    CHECK(structio_scope_cancelled_caught(&s) == 1);
    CHECK(structio_checkpoint() == 0);  // only that scope is cancelled
    return status;
  };
  auto handler = [&] {
    worked = structio_sleep(2 * second) == 0;
    return worked ? 0 : working.of(STRUCTIO_ECANCELLED);
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      spawn(n, "accept", accept_loop);
      spawn(n, "handler", handler);
      structio_sleep(second);
      return structio_scope_stop(structio_nursery_scope(&n), 10 * second, "drain");
    });
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(accepting.moment == second);
  CHECK(accepting.source == STRUCTIO_SOURCE_STOP);
  CHECK(accepting.reason == "drain");
  CHECK(accepting.by == "main");
  CHECK(worked);
}

TEST_CASE("a stop is seen by scopes that are entered later and tasks that begin later",
          "[CANCEL]") {
  virtual_clock clock(0);
  end late_scope;
  end late_task;
  auto starting_late = [&] {
    structio_scope s;
    return scope_block(
        s, [&] { return late_task.of(structio_checkpoint()); }, ending_on_stop());
  };
  auto body = [&] {
    return nursery_block([&](structio_nursery& n) {
      structio_scope_stop(structio_nursery_scope(&n), second, "over");
      structio_scope s;
      scope_block(
          s, [&] { return late_scope.of(structio_checkpoint()); }, ending_on_stop());
      spawn(n, "late", starting_late);
      return structio_checkpoint();
    });
  };
  CHECK(run(body, clock.options()) == 0);
  for (const end* e : {&late_scope, &late_task}) {
    CHECK(e->source == STRUCTIO_SOURCE_STOP);
    CHECK(e->requested == 1);
    CHECK(e->moment == 0);
  }
}

TEST_CASE("a shield keeps a stop out, as far as asked", "[CANCEL]") {
  virtual_clock clock(0);
  end e;
  auto body = [&] {
    structio_scope outer;
    return scope_block(outer, [&] {
      structio_scope_stop(&outer, second, "stop");
      shielded([&] {
        CHECK(structio_stop_requested() == 0);
        structio_scope inner;
        scope_block(
            inner, [&] { return structio_sleep(3 * second); }, ending_on_stop());
        CHECK(structio_scope_cancelled_caught(&inner) == 0);
        return 0;
      });
      CHECK(structio_now() == 3 * second);
      CHECK(structio_stop_requested() == 1);
      return e.of(structio_checkpoint());
    });
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(e.source == STRUCTIO_SOURCE_STOP);
}

TEST_CASE("a scope that is stopped before entry is stopped then", "[CANCEL-11]") {
  virtual_clock clock(0);
  end e;
  auto body = [&] {
    structio_scope s;
    structio_scope_init(&s, nullptr);
    structio_scope_stop(&s, 2 * second, "early");
    structio_sleep(second);
    structio_scope_enter(&s);
    CHECK(structio_stop_requested() == 1);
    const int status = e.of(structio_sleep_forever());
    return structio_scope_leave(&s, status, nullptr);
  };
  CHECK(run(body, clock.options()) == 0);
  CHECK(e.moment == 2 * second);
}

TEST_CASE("stopping what is over or cancelled is nothing", "[CANCEL-14]") {
  auto body = [&] {
    structio_scope left;
    scope_block(left, [] { return 0; });
    CHECK(structio_scope_stop(&left, 0, nullptr) == 0);
    CHECK(structio_checkpoint() == 0);
    structio_scope s;
    end e;
    return scope_block(s, [&] {
      structio_scope_cancel(&s, "really");
      CHECK(structio_scope_stop(&s, second, "politely") == 0);
      return e.of(structio_checkpoint());
    });
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a signal stops a scope, the same once more cancels it", "[CANCEL][SIG]") {
  for (const int signals : {1, 2}) {
    end e;
    int64_t began = 0;
    auto body = [&] {
      structio_scope s;
      return scope_block(s, [&] {
        // The grace is over soon in one case and never in the other.
        const int64_t grace = signals == 1 ? STRUCTIO_MILLISECONDS(20) : STRUCTIO_FOREVER;
        REQUIRE(structio_scope_stop_on_signal(&s, SIGUSR1, grace) == 0);
        began = structio_now();
        raise(SIGUSR1);
        while (structio_stop_requested() == 0) structio_checkpoint();
        CHECK(structio_scope_cancel_called(&s) == 0);
        if (signals == 2) raise(SIGUSR1);
        return e.of(structio_sleep_forever());
      });
    };
    CHECK(run(body) == 0);
    CHECK(e.source == STRUCTIO_SOURCE_STOP);
    if (signals == 1) CHECK(e.moment - began >= STRUCTIO_MILLISECONDS(20));
    CHECK_THAT(e.reason, ContainsSubstring("signal"));
  }
}

TEST_CASE("several signals, several scopes, each for itself", "[CANCEL][SIG]") {
  end outer_end;
  auto body = [&] {
    structio_scope outer;
    return scope_block(outer, [&] {
      structio_scope_stop_on_signal(&outer, SIGUSR1, STRUCTIO_FOREVER);
      structio_scope_stop_on_signal(&outer, SIGUSR2, 0);
      structio_scope inner;
      scope_block(inner, [&] {
        structio_scope_stop_on_signal(&inner, SIGUSR1, 0);
        raise(SIGUSR1);
        return structio_sleep_forever();
      });
      CHECK(structio_scope_cancelled_caught(&inner) == 1);
      CHECK(structio_stop_requested() == 1);
      CHECK(structio_checkpoint() == 0);
      raise(SIGUSR2);
      return outer_end.of(structio_sleep_forever());
    });
  };
  CHECK(run(body) == 0);
  CHECK(outer_end.source == STRUCTIO_SOURCE_STOP);
}

TEST_CASE("once the scope is left a signal is whose it was before", "[CANCEL][SIG]") {
  const handler ignored(SIGUSR1, SIG_IGN);
  auto body = [&] {
    structio_scope s;
    scope_block(s, [&] { return structio_scope_stop_on_signal(&s, SIGUSR1, 0); });
    raise(SIGUSR1);
    CHECK(structio_scope_cancel_called(&s) == 0);
    return structio_checkpoint();
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a run that waits for a signal only is no deadlock", "[CANCEL][SIG]") {
  std::thread other;
  auto body = [&] {
    structio_scope s;
    return scope_block(s, [&] {
      structio_scope_stop_on_signal(&s, SIGUSR1, 0);
      other = signal_from_thread(SIGUSR1);
      return structio_sleep_forever();
    });
  };
  CHECK(run(body) == 0);
  other.join();
}

TEST_CASE("a token cancels its scope from another thread", "[CANCEL-12][TOKEN]") {
  end e;
  auto body = [&] {
    structio_scope s;
    structio_cancel_token* token = nullptr;
    std::thread other;
    const int status = scope_block(s, [&] {
      REQUIRE(structio_cancel_token_new(&s, &token) == 0);
      other = std::thread([&] { CHECK(structio_cancel_token_cancel(token) == 0); });
      return e.of(structio_sleep_forever());
    });
    other.join();
    CHECK(structio_cancel_token_cancel(token) == 0);
    CHECK(structio_cancel_token_free(token) == 0);
    CHECK(structio_cancel_token_cancel(token) == STRUCTIO_ESTALE);
    return status;
  };
  CHECK(run(body) == 0);
  CHECK(e.source == STRUCTIO_SOURCE_EXPLICIT);
}

TEST_CASE("a token cancels from a signal handler", "[SRC-09][TOKEN]") {
  const handler installed(SIGUSR1, cancel_by_signal);
  auto body = [&] {
    structio_scope s;
    return scope_block(s, [&] {
      REQUIRE(structio_cancel_token_new(&s, &signalled) == 0);
      raise(SIGUSR1);
      raise(SIGUSR1);
      return structio_sleep_forever();
    });
  };
  CHECK(run(body) == 0);
  CHECK(cancel_status == 0);
  CHECK(structio_cancel_token_free(signalled) == 0);
  cancel_by_signal(0);
  CHECK(cancel_status == STRUCTIO_ESTALE);
}

TEST_CASE("many threads and one token: cancelled once, freed safely", "[TOKEN]") {
  for (int round = 0; round < 20; ++round) {
    structio_cancel_token* token = nullptr;
    std::vector<std::thread> threads;
    auto body = [&] {
      structio_scope s;
      return scope_block(s, [&] {
        REQUIRE(structio_cancel_token_new(&s, &token) == 0);
        for (int i = 0; i < 4; ++i) {
          threads.emplace_back([&] {
            // Whoever comes after the run finds that it is over.
            const int status = structio_cancel_token_cancel(token);
            if (status != 0 && status != STRUCTIO_ERUNFINISHED) std::abort();
          });
        }
        return structio_sleep_forever();
      });
    };
    CHECK(run(body) == 0);
    for (std::thread& t : threads) t.join();
    CHECK(structio_cancel_token_free(token) == 0);
  }
}

TEST_CASE("a token that can do nothing any more hides no deadlock", "[TOKEN]") {
  structio_cancel_token* of_left = nullptr;
  structio_cancel_token* freed = nullptr;
  std::thread other;
  auto body = [&] {
    structio_scope left;
    scope_block(left, [&] { return structio_cancel_token_new(&left, &of_left); });
    structio_scope s;
    return scope_block(s, [&] {
      structio_cancel_token_new(&s, &freed);
      other = std::thread([&] { structio_cancel_token_free(freed); });
      return structio_sleep_forever();
    });
  };
  CHECK(run(body) == STRUCTIO_EDEADLOCK);
  other.join();
  CHECK(structio_cancel_token_free(of_left) == 0);
}

TEST_CASE("a token does not touch the storage of a scope that was left", "[TOKEN][FIB-11]") {
  auto body = [] {
    structio_scope s;
    structio_cancel_token* token = nullptr;
    scope_block(s, [&] { return structio_cancel_token_new(&s, &token); });
    std::memset(&s, 0, sizeof s);  // something else lives there now
    CHECK(structio_cancel_token_cancel(token) == 0);
    settle();
    for (const std::uint64_t word : s.opaque) CHECK(word == 0);
    return structio_cancel_token_free(token);
  };
  CHECK(run(body) == 0);
}

TEST_CASE("a token of a run that has ended, and of a scope of another run", "[TOKEN][FIB-17]") {
  structio_scope s;
  structio_cancel_token* token = nullptr;
  structio_scope_init(&s, nullptr);
  auto make = [&] { return structio_cancel_token_new(&s, &token); };
  CHECK(run(make) == 0);
  CHECK(structio_cancel_token_cancel(token) == STRUCTIO_ERUNFINISHED);
  auto enter = [&] {
    CHECK(structio_scope_enter(&s) == STRUCTIO_EMISUSE);
    CHECK(says({"another run"}));
    return structio_checkpoint();
  };
  CHECK(run(enter) == 0);
  CHECK(structio_cancel_token_free(token) == 0);
  CHECK(structio_scope_destroy(&s) == 0);
}
