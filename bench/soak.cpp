// Everything at once in one run, for as long as it is told to: connections that stay and others
// that come and go, deadlines that pass and others that do not, scopes cancelled at random moments,
// calls in threads, child processes, channels. It prints a line of JSON for each window and judges
// at the end whether memory, descriptors and the lateness of a 1 ms timer stayed what they were.
//
//     bench_soak [--seconds 1800] [--seed 1] [--window-ms N]
//
// Exit status 1: something grew, or was left over at the end.
#include <structio/debug.hpp>
#include <structio/structio.hpp>

#include "latency.hpp"
#include "soak_judge.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::size_t message_max = 4096;

enum kind { echoes, connects, fired, unfired, cancels, thread_calls, processes, items, kinds };
constexpr const char* kind_names[kinds] = {"echoes",  "connects",     "fired",     "unfired",
                                           "cancels", "thread_calls", "processes", "items"};

/// What the tasks of the soak share. All of them live in the nursery `all`.
struct soak {
  structio::nursery& all;
  std::uint64_t seed;
  std::uint16_t port = 0;
  std::array<std::int64_t, kinds> done{};
  latency::lateness late{};

  /// A number below `end`; one sequence for all, so that a seed makes one mixture.
  std::uint64_t random(std::uint64_t end) { return bench_random(&seed) % end; }
  structio::duration up_to(structio::duration most) {
    return structio::duration(
        static_cast<std::int64_t>(random(static_cast<std::uint64_t>(most.count()) + 1)));
  }
};

[[noreturn]] void wrong(const char* what) {
  std::fprintf(stderr, "soak: %s\n", what);
  std::_Exit(1);
}

// Echo: the server, and clients that compare what comes back.

void serve_one(structio::tcp_stream conn) {
  std::array<std::byte, message_max> buffer;
  try {
    while (const std::size_t got = conn.receive_some(buffer)) {
      conn.send_all(std::span(buffer).first(got));
    }
  } catch (const structio::broken_error&) {  // a client that was cancelled in the middle
  }
}

void exchange(soak& s, structio::tcp_stream& conn) {
  std::array<std::byte, message_max> sent;
  std::array<std::byte, message_max> back;
  const std::size_t size = 1 + s.random(message_max);
  const std::uint64_t start = s.random(256);
  for (std::size_t i = 0; i < size; ++i) sent[i] = static_cast<std::byte>(start + i * 7);
  conn.send_all(std::span(sent).first(size));
  for (std::size_t have = 0; have < size;) {
    const std::size_t got = conn.receive_some(std::span(back).subspan(have, size - have));
    if (got == 0) wrong("a connection ended by itself");
    have += got;
  }
  if (std::memcmp(sent.data(), back.data(), size) != 0) wrong("other bytes came back");
  ++s.done[echoes];
}

void talk_for_ever(soak& s) {
  auto conn = structio::connect_tcp("127.0.0.1", s.port);
  for (;;) exchange(s, conn);
}

// Pauses: a port of the system is not free at once after a connection.
void come_and_go(soak& s) {
  for (;;) {
    {
      auto conn = structio::connect_tcp("127.0.0.1", s.port);
      ++s.done[connects];
      for (std::uint64_t i = s.random(4); i > 0; --i) exchange(s, conn);
    }
    structio::sleep(s.up_to(60ms));
  }
}

// Deadlines and cancellation.

void deadlines(soak& s) {
  for (;;) {
    const bool ended = structio::move_on_after(s.up_to(2ms), [] { structio::sleep(1h); });
    if (ended) wrong("a sleep of an hour ended");
    ++s.done[fired];
    structio::fail_after(1h, [&] { structio::sleep(s.up_to(1ms)); });
    ++s.done[unfired];
  }
}

/// A nursery of tasks that wait for all sorts of things, cancelled at a random moment.
void cancel_at_random(soak& s) {
  for (;;) {
    structio::event never_set;
    auto nobody_sends = structio::open_channel<int>(0);
    structio::open_nursery([&](structio::nursery& some) {
      some.start_soon([] { structio::sleep_forever(); });
      some.start_soon([&] { never_set.wait(); });
      some.start_soon([&] { nobody_sends.rx.receive(); });
      some.start_soon([&] { talk_for_ever(s); });
      some.start_soon([&] { structio::shielded(1s, [&] { structio::sleep(s.up_to(1ms)); }); });
      some.start_soon([&] {
        structio::open_nursery([&](structio::nursery& inner) {
          for (int i = 0; i < 4; ++i) inner.start_soon([] { structio::sleep(1h); });
        });
      });
      structio::sleep(s.up_to(5ms));
      some.cancel_scope().cancel("at random");
    });
    ++s.done[cancels];
    structio::sleep(s.up_to(20ms));
  }
}

// Outside of the loop: threads and processes.

void in_threads(soak& s) {
  for (;;) {
    const std::uint64_t given = s.random(1000);
    const auto pause = std::chrono::microseconds(s.random(500));
    const auto twice = structio::run_in_thread([given, pause] {
      const timespec time{0, std::chrono::nanoseconds(pause).count()};
      nanosleep(&time, nullptr);
      return given * 2;
    });
    if (twice != given * 2) wrong("a thread answered something else");
    structio::move_on_after(s.up_to(1ms), [] {
      structio::run_in_thread({.abandon_on_cancel = true}, [] {
        const timespec time{0, 500'000};
        nanosleep(&time, nullptr);
      });
    });
    s.done[thread_calls] += 2;
    structio::sleep(s.up_to(4ms));
  }
}

void children(soak& s) {
  for (;;) {
    structio::run_process({.argv = {"/bin/true"}});
    ++s.done[processes];
    if (s.random(8) == 0) {  // one that would stay, and is ended by its deadline
      structio::move_on_after(s.up_to(20ms), [] {
        structio::run_process({.argv = {"/bin/sleep", "3600"}});
      });
      ++s.done[processes];
    }
    structio::sleep(s.up_to(200ms));
  }
}

void produce(soak& s, structio::sender<std::string> tx) {
  for (std::uint64_t i = 0;; ++i) {
    tx.send(std::string(s.random(100), 'x'));  // some of them need memory of their own
    if (i % 64 == 0) structio::sleep(s.up_to(1ms));
  }
}
void consume(soak& s, structio::receiver<std::string> rx) {
  for (;;) {
    rx.receive();
    ++s.done[items];
  }
}

// The whole.

void start_load(soak& s, structio::tcp_listener& listener) {
  auto& all = s.all;
  all.start_soon({.name = "server"}, [&] { structio::serve(listener, serve_one, all); });
  all.start_soon({.name = "timer"}, [&] { latency::watch_timer(s.late); });
  for (int i = 0; i < 32; ++i) all.start_soon({.name = "echo"}, talk_for_ever, std::ref(s));
  for (int i = 0; i < 8; ++i) all.start_soon({.name = "churn"}, come_and_go, std::ref(s));
  for (int i = 0; i < 64; ++i) all.start_soon({.name = "deadlines"}, deadlines, std::ref(s));
  for (int i = 0; i < 8; ++i) all.start_soon({.name = "cancels"}, cancel_at_random, std::ref(s));
  for (int i = 0; i < 8; ++i) all.start_soon({.name = "threads"}, in_threads, std::ref(s));
  for (int i = 0; i < 2; ++i) all.start_soon({.name = "children"}, children, std::ref(s));
  for (int i = 0; i < 4; ++i) {
    auto [tx, rx] = structio::open_channel<std::string>(16);
    all.start_soon({.name = "producer"}, produce, std::ref(s), std::move(tx));
    all.start_soon({.name = "consumer"}, consume, std::ref(s), std::move(rx));
  }
}

void print_lateness(const char* name, const latency::histogram& late) {
  std::printf("\"%s\": {\"p50\": %.0f, \"p99\": %.0f, \"p99.9\": %.0f, \"max\": %.0f}, ", name,
              late.percentile_us(50), late.percentile_us(99), late.percentile_us(99.9),
              late.max_us());
}

soak_judge::window measure(soak& s, double at, double length) {
  const soak_judge::window w{.at = at,
                             .resident_kib = bench_resident() / 1024,
                             .anonymous_kib = soak_judge::anonymous_kib(),
                             .descriptors = soak_judge::open_descriptors(),
                             .max = s.late.all.max_us(),
                             .own50 = s.late.own.percentile_us(50),
                             .own99 = s.late.own.percentile_us(99),
                             .own999 = s.late.own.percentile_us(99.9),
                             .own_max = s.late.own.max_us()};
  const auto now = structio::debug::get_statistics();
  std::printf("{\"soak\": %.1f, \"rss_kib\": %lld, \"anon_kib\": %lld, ", w.at,
              static_cast<long long>(w.resident_kib), static_cast<long long>(w.anonymous_kib));
  std::printf("\"descriptors\": %d, \"tasks\": %llu, ", w.descriptors,
              static_cast<unsigned long long>(now.tasks_living));
  print_lateness("late_us", s.late.all);
  print_lateness("own_late_us", s.late.own);
  std::printf("\"per_second\": {");
  for (std::size_t i = 0; i < kinds; ++i) {
    std::printf("%s\"%s\": %.0f", i == 0 ? "" : ", ", kind_names[i], double(s.done[i]) / length);
  }
  std::printf("}}\n");
  std::fflush(stdout);
  s.done = {};
  s.late = {};
  return w;
}

std::vector<soak_judge::window> run_soak(double seconds, double window, std::uint64_t seed) {
  std::vector<soak_judge::window> windows;
  windows.reserve(static_cast<std::size_t>(seconds / window) + 2);
  structio::open_nursery([&](structio::nursery& all) {
    auto listener = structio::listen_tcp({.host = "127.0.0.1"});
    soak s{all, seed, listener.port()};
    start_load(s, listener);
    const std::int64_t begin = bench_wall_now();
    double last = 0;
    while (last < seconds) {
      structio::sleep(std::chrono::duration<double>(window));
      const double at = double(bench_wall_now() - begin) / 1e9;
      windows.push_back(measure(s, at, at - last));
      last = at;
    }
    all.cancel_scope().cancel("the soak is over");
  });
  return windows;
}

}  // namespace

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const auto seconds = double(bench_option(argc, argv, "--seconds", 1800));
  const double usual = std::clamp(seconds / 60, 0.2, 10.0);
  const auto chosen = double(bench_option(argc, argv, "--window-ms", 0)) / 1000;
  const auto seed = static_cast<std::uint64_t>(bench_option(argc, argv, "--seed", 1));
  const int before = soak_judge::open_descriptors();
  std::vector<soak_judge::window> windows;
  try {
    structio::run([&] { windows = run_soak(seconds, chosen > 0 ? chosen : usual, seed); });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "soak: %s\n", e.what());
    return 1;
  }
  const int left = soak_judge::descriptors_left(before);
  return soak_judge::judge(windows, left) ? 0 : 1;
}
