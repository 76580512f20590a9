// Fairness: a task that never waits beside one that does nothing but give way, and how late a timer
// of a millisecond is next to all sorts of load. Each figure is one line of JSON.
//
//     bench_fairness [--cpu N] [--seconds 3]       seconds for each of the measurements
//
// "own" lateness is without the time in which the kernel let other threads have the processor.
#include <structio/debug.hpp>
#include <structio/structio.hpp>

#include <functional>
#include <mutex>

#include "latency.hpp"

namespace {

using namespace std::chrono_literals;

/// What greedy tasks do again and again, `*calls` times. None of these calls has to wait.
struct greed {
  const char* name;
  std::function<void(std::int64_t* calls)> forever;
};

void send_and_receive(std::int64_t* calls) {
  auto [tx, rx] = structio::open_channel<int>(1);
  for (;; *calls += 2) {
    tx.send(1);
    rx.receive();
  }
}
void lock_and_unlock(std::int64_t* calls) {
  structio::mutex mutex;
  for (;; ++*calls) const std::lock_guard<structio::mutex> lock(mutex);
}
void wait_for_what_is_set(std::int64_t* calls) {
  structio::event event;
  event.set();
  for (;; ++*calls) event.wait();
}
void sleep_for_nothing(std::int64_t* calls) {
  for (;; ++*calls) structio::sleep(0s);
}
void call_checkpoint(std::int64_t* calls) {
  for (;; ++*calls) structio::checkpoint();
}

/// Where the polite task's time went: how long it was away each time it had given way.
struct polite {
  latency::histogram away;
  std::int64_t rounds = 0;
  std::int64_t most_calls = 0;  // of the greedy ones between two rounds
};

void be_polite(polite& p, const std::int64_t& calls) {
  structio::checkpoint();  // the greedy ones have begun
  for (;;) {
    const std::int64_t before = calls;
    const std::int64_t begin = bench_wall_now();
    structio::sleep(0s);
    p.away.add(bench_wall_now() - begin);
    p.most_calls = std::max(p.most_calls, calls - before);
    ++p.rounds;
  }
}

void beside_greedy(const greed& kind, int greedy, structio::duration time) {
  polite p;
  std::int64_t calls = 0;
  structio::move_on_after(time, [&] {
    structio::open_nursery([&](structio::nursery& all) {
      for (int i = 0; i < greedy; ++i) all.start_soon([&] { kind.forever(&calls); });
      all.start_soon([&] { be_polite(p, calls); });
    });
  });
  const double seconds = std::chrono::duration<double>(time).count();
  std::printf(
      "{\"fairness\": \"%s\", \"greedy\": %d, \"greedy_calls_s\": %.0f, \"polite_rounds_s\": %.0f, "
      "\"calls_a_round\": {\"mean\": %.1f, \"most\": %lld}, "
      "\"away_us\": {\"p50\": %.2f, \"p99.9\": %.2f, \"max\": %.0f}}\n",
      kind.name, greedy, double(calls) / seconds, double(p.rounds) / seconds,
      double(calls) / double(p.rounds), static_cast<long long>(p.most_calls),
      p.away.percentile_us(50), p.away.percentile_us(99.9), p.away.max_us());
  std::fflush(stdout);
}

// The timer, next to what loads the run that it is in.

struct load {
  structio::nursery* all = nullptr;
  structio::tcp_listener listener = structio::listen_tcp({.host = "127.0.0.1"});
  std::int64_t calls = 0;

  void greedy(int tasks) {
    for (int i = 0; i < tasks; ++i) all->start_soon([this] { send_and_receive(&calls); });
  }
  void yielding(int tasks) {
    for (int i = 0; i < tasks; ++i) all->start_soon([this] { call_checkpoint(&calls); });
  }

  /// Connections to the program itself; each client sends again as soon as it has its answer.
  void echo(int clients) {
    all->start_soon([this] { structio::serve(listener, answer, *all); });
    for (int i = 0; i < clients; ++i) all->start_soon([this] { ask(); });
  }

 private:
  static void answer(structio::tcp_stream conn) {
    std::array<std::byte, 4096> buffer;
    while (const std::size_t got = conn.receive_some(buffer)) {
      conn.send_all(std::span(buffer).first(got));
    }
  }

  void ask() {
    auto conn = structio::connect_tcp("127.0.0.1", listener.port());
    std::array<std::byte, 64> message{};
    for (;; ++calls) {
      conn.send_all(message);
      for (std::size_t have = 0; have < message.size();) {
        have += conn.receive_some(std::span(message).subspan(have));
      }
    }
  }
};

template <class Start>
void timer_beside(const char* name, structio::duration time, Start start) {
  latency::lateness late;
  std::int64_t calls = 0;
  load beside;  // its tasks end with the nursery
  structio::open_nursery([&](structio::nursery& all) {
    beside.all = &all;
    structio::move_on_after(time, [&] {
      structio::open_nursery([&](structio::nursery& timer) {
        start(beside);
        structio::sleep(200ms);  // until all of them are at work
        beside.calls = 0;
        timer.start_soon([&] { latency::watch_timer(late); });
      });
    });
    calls = beside.calls;
    all.cancel_scope().cancel();
  });
  const auto print = [](const char* key, const latency::histogram& of) {
    std::printf("\"%s\": {\"p50\": %.0f, \"p99\": %.0f, \"p99.9\": %.0f, \"max\": %.0f}", key,
                of.percentile_us(50), of.percentile_us(99), of.percentile_us(99.9), of.max_us());
  };
  std::printf("{\"timer\": \"%s\", \"calls_s\": %.0f, \"times\": %lld, ", name,
              double(calls) / std::chrono::duration<double>(time).count(),
              static_cast<long long>(late.all.count()));
  print("late_us", late.all);
  std::printf(", ");
  print("own_late_us", late.own);
  std::printf("}\n");
  std::fflush(stdout);
}

void measure(structio::duration time) {
  const greed kinds[] = {{"channel", send_and_receive},
                         {"mutex", lock_and_unlock},
                         {"event", wait_for_what_is_set},
                         {"sleep(0)", sleep_for_nothing},
                         {"checkpoint", call_checkpoint}};
  for (const greed& kind : kinds) beside_greedy(kind, 1, time);
  beside_greedy(kinds[0], 10, time);
  timer_beside("nothing", time, [](load&) {});
  timer_beside("10 greedy tasks", time, [](load& of) { of.greedy(10); });
  timer_beside("1,000 tasks that give way", time, [](load& of) { of.yielding(1000); });
  timer_beside("32 echo connections", time, [](load& of) { of.echo(32); });
  timer_beside("1,000 echo connections", time, [](load& of) { of.echo(1000); });
}

}  // namespace

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const std::chrono::seconds time(bench_option(argc, argv, "--seconds", 3));
  try {
    structio::run([&] { measure(time); });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_fairness: %s\n", e.what());
    return 1;
  }
}
