// Receivers of signals, with real ones that the process sends to itself.
#include <csignal>
#include <vector>

#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;
using structio::signal_receiver;

namespace {

volatile std::sig_atomic_t handled = 0;

void count_it(int) {
  handled = handled + 1;
}

/// A handler of the program's own, for the life of the object.
struct own_handler {
  explicit own_handler(int number, void (*to)(int) = count_it) : signum(number) {
    handled = 0;
    before = std::signal(number, to);
  }
  own_handler(const own_handler&) = delete;
  own_handler& operator=(const own_handler&) = delete;
  ~own_handler() { std::signal(signum, before); }
  int signum;
  void (*before)(int);
};

void prove_receiving() {
  own_handler own(SIGUSR1);
  signal_receiver signals({SIGUSR1});
  signal_receiver witness({SIGUSR1});
  std::raise(SIGUSR1);
  CHECK(witness.receive() == SIGUSR1);
  int got = 0;
  auto call = [&] { return structio_signal_receive(signals.native(), &got); };
  CHECK(op_proof::cancelled(call) == op_proof::aborted);
  CHECK(got == 0);
  CHECK(op_proof::halves(call) == 2);
  CHECK(got == SIGUSR1);
}

const op_proof::area receiving({{"structio_signal_receive", 1, STRUCTIO_EFFECT_NOTHING}},
                               prove_receiving);

}  // namespace

TEST_CASE("signals are received, and the old handler is back afterwards", "[SIG-02]") {
  const int before = open_descriptors();
  own_handler own(SIGUSR1);
  run([&] {
    {
      signal_receiver signals({SIGUSR1});
      std::raise(SIGUSR1);
      CHECK(signals.receive() == SIGUSR1);
      CHECK(handled == 0);
      signals.close();
      signals.close();
      CHECK(throws<structio::closed_error>([&] { signals.receive(); }));
    }
    std::raise(SIGUSR1);
    CHECK(handled == 1);
  });
  CHECK(open_descriptors() == before);
}

TEST_CASE("one bad signal in the list: the good ones are as they were", "[SIG-03]") {
  own_handler own(SIGUSR1);
  run([&] {
    CHECK(throws<std::exception>([&] { signal_receiver signals({SIGUSR1, 9999}); }));
    CHECK(throws<std::exception>([&] { signal_receiver signals({SIGUSR1, SIGKILL}); }));
    CHECK(throws<std::exception>([&] { signal_receiver signals({SIGUSR1, -1}); }));
    std::raise(SIGUSR1);
    CHECK(handled == 1);
  });
}

TEST_CASE("no signals are refused", "[SIG-04]") {
  run([&] {
    CHECK(throws<std::exception>([&] { signal_receiver signals(std::span<const int>{}); }));
    structio_signal_receiver* raw = nullptr;
    const int one = SIGUSR1;
    CHECK(structio_signal_open(nullptr, 1, &raw) == STRUCTIO_EINVALID);
    CHECK(structio_signal_open(&one, SIZE_MAX, &raw) == STRUCTIO_EINVALID);
    CHECK(structio_signal_open(&one, 1, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_signal_receive(nullptr, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_signal_free(nullptr) == 0);
  });
}

TEST_CASE("a signal that is listed twice counts once", "[SIG-05]") {
  own_handler own(SIGUSR1);
  run([&] {
    {
      signal_receiver signals({SIGUSR1, SIGUSR1});
      std::raise(SIGUSR1);
      CHECK(signals.receive() == SIGUSR1);
    }
    CHECK(handled == 0);
    std::raise(SIGUSR1);
    CHECK(handled == 1);
  });
}

TEST_CASE("one task at a time receives", "[SIG-07]") {
  own_handler own(SIGUSR1);
  run([&] {
    signal_receiver signals({SIGUSR1});
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(signals.receive() == SIGUSR1); });
      settle();
      CHECK(throws<structio::busy_error>([&] { signals.receive(); }));
      std::raise(SIGUSR1);
    });
  });
}

TEST_CASE("signals that are always pending take turns, each counted once", "[SIG-08]") {
  own_handler one(SIGUSR1);
  own_handler two(SIGUSR2);
  run([&] {
    signal_receiver signals({SIGUSR1, SIGUSR2});
    signal_receiver seen({SIGUSR1, SIGUSR2});
    std::vector<int> got;
    for (int round = 0; round < 10; ++round) {
      std::raise(SIGUSR1);
      std::raise(SIGUSR1);
      std::raise(SIGUSR2);
      const int first = seen.receive();
      CHECK(first + seen.receive() == SIGUSR1 + SIGUSR2);
      got.push_back(signals.receive());
    }
    for (std::size_t i = 1; i < got.size(); ++i) CHECK(got[i] != got[i - 1]);
  });
}

TEST_CASE("what was not received is delivered to the old handler", "[SIG-09]") {
  own_handler own(SIGUSR1);
  own_handler ignored(SIGUSR2, SIG_IGN);
  run([&] {
    {
      signal_receiver signals({SIGUSR1, SIGUSR2});
      std::raise(SIGUSR1);
      std::raise(SIGUSR2);
    }  // still on its way
    CHECK(handled == 1);
    {
      signal_receiver signals({SIGUSR1, SIGUSR2});
      signal_receiver witness({SIGUSR1});
      std::raise(SIGUSR1);
      std::raise(SIGUSR2);
      CHECK(witness.receive() == SIGUSR1);
      signals.close();  // the other one is there still: nothing is delivered
      CHECK(handled == 1);
    }
    CHECK(handled == 1);
    {
      signal_receiver signals({SIGUSR1});
      std::raise(SIGUSR1);
      pause(100);  // taken from the system by now, and not received
    }
    CHECK(handled == 2);
  });
}

TEST_CASE("each of several receivers gets a signal; a cancelled wait takes none", "[SIG-06]") {
  own_handler own(SIGUSR1);
  run([&] {
    signal_receiver one({SIGUSR1});
    signal_receiver two({SIGUSR1});
    structio::cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { scope.run([&] { one.receive(); }); });
      settle();
      scope.cancel();
    });
    CHECK(scope.cancelled_caught());
    std::raise(SIGUSR1);
    CHECK(two.receive() == SIGUSR1);
    CHECK(one.receive() == SIGUSR1);
  });
}

TEST_CASE("closing ends the wait for a signal; the end of a run gives signals back", "[SIG-02]") {
  own_handler own(SIGUSR1);
  structio_signal_receiver* left = nullptr;
  run([&] {
    signal_receiver signals({SIGUSR1});
    open_nursery([&](nursery& n) {
      n.start_soon([&] { CHECK(throws<structio::closed_error>([&] { signals.receive(); })); });
      settle();
      signals.close();
    });
    const int number = SIGUSR1;
    CHECK(structio_signal_open(&number, 1, &left) == 0);
  });
  std::raise(SIGUSR1);
  CHECK(handled == 1);
  CHECK(structio_signal_free(left) == 0);
}
