// A supervisor: keeps programs running, and stops them with itself.
//
//     supervisor "sleep 5" "python3 -m http.server 8000"
//
// A program that ends is started again: after a tenth of a second, and each time it ends soon after
// after twice as long as before, up to a minute; one that was healthy for a while begins anew. On
// SIGTERM or SIGINT nothing is started any more, the programs are asked to end, and who has not
// after the grace is killed. The same signal once more kills at once. Whatever happens, no program
// outlives the supervisor.
//
// The times can be shortened, for trying it out, by SUPERVISOR_SPEED (how many times as fast).
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <structio/structio.hpp>

namespace {

using namespace std::chrono_literals;
using structio::clock;
using structio::duration;

struct times {
  duration first_pause = 100ms;
  duration longest_pause = 60s;
  duration healthy = 10s;  ///< who has lived as long begins anew with the first pause
  duration grace = 10s;
};

times times_from_environment() {
  times t;
  const char* speed = std::getenv("SUPERVISOR_SPEED");
  const long factor = std::max(speed ? std::atol(speed) : 1L, 1L);
  for (duration* one : {&t.first_pause, &t.longest_pause, &t.healthy, &t.grace}) *one /= factor;
  return t;
}

std::string describe(const structio::process_ending& ending) {
  if (ending.unknown) return "has ended";
  if (ending.signal != 0) return "was killed by signal " + std::to_string(ending.signal);
  return "exited with status " + std::to_string(ending.exit_status);
}

// One life of the program. On a stop it is asked to end, and has the rest of the grace for that;
// when that is over this is cancelled, and leaving kills it.
void live(int number, const std::string& command) {
  auto child = structio::spawn_shell(command, {.in = structio::stdio::null(), .new_group = true});
  std::printf("program %d: started as process %lld\n", number, static_cast<long long>(child.pid()));
  structio::cancel_scope until_stop({.ends_on_stop = true});
  auto ending = until_stop.run([&] { return child.wait(); });
  if (!ending) {
    child.terminate();
    ending = child.wait();
  }
  std::printf("program %d: %s\n", number, describe(*ending).c_str());
}

void supervise(int number, const std::string& command, const times& t) {
  duration pause = t.first_pause;
  // What ends on a stop is the pause, and the wait above: not the program's last moments.
  while (!structio::stop_requested()) {
    const auto begun = clock::now();
    live(number, command);
    if (structio::stop_requested()) return;
    if (clock::now() - begun >= t.healthy) pause = t.first_pause;
    std::printf(
        "program %d: again in %lld ms\n", number,
        static_cast<long long>(std::chrono::ceil<std::chrono::milliseconds>(pause).count()));
    structio::cancel_scope({.ends_on_stop = true}).run([&] { structio::sleep(pause); });
    pause = std::min(2 * pause, t.longest_pause);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc < 2) {
    std::fprintf(stderr, "usage: supervisor COMMAND...\n");
    return EXIT_FAILURE;
  }
  try {
    structio::run([&] {
      const times t = times_from_environment();
      structio::open_nursery([&](structio::nursery& programs) {
        programs.cancel_scope().stop_on_signal(SIGTERM, t.grace);
        programs.cancel_scope().stop_on_signal(SIGINT, t.grace);
        for (int i = 1; i < argc; ++i) {
          programs.start_soon([i, argv, &t] { supervise(i, argv[i], t); });
        }
      });
      std::printf("supervisor: every program has ended\n");
    });
  } catch (const structio::exception_group& group) {
    std::fprintf(stderr, "supervisor: %s", to_string(group).c_str());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
