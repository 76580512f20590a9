// A port scanner: which TCP ports of a host let us in, many tries at a time, each under a deadline.
//
//     port_scanner HOST FIRST LAST [TRIES_AT_A_TIME] [MILLISECONDS]
//
// A port that refuses is closed; one that does not answer within its time is called filtered.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ranges>
#include <structio/structio.hpp>
#include <vector>

namespace {

enum class verdict { open, closed, filtered };

struct plan {
  const char* host;
  std::uint32_t first;
  std::uint32_t last;
  std::size_t at_a_time;
  std::chrono::milliseconds patience;
};

verdict probe(const plan& p, std::uint32_t port) {
  try {
    const bool answered = structio::move_on_after(p.patience, [&] {
      structio::connect_tcp({.host = p.host, .port = static_cast<std::uint16_t>(port)});
    });
    return answered ? verdict::open : verdict::filtered;
  } catch (const structio::error&) {
    return verdict::closed;
  }
}

void scan(const plan& p) {
  std::vector<std::uint32_t> ports;
  for (std::uint32_t port = p.first; port <= p.last; ++port) ports.push_back(port);
  // As many tasks as tries at a time; the verdicts come in the order of the ports.
  const auto verdicts = structio::map_concurrent(
      ports, p.at_a_time, [&](std::uint32_t port) { return probe(p, port); });
  std::size_t closed = 0;
  std::size_t filtered = 0;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (verdicts[i] == verdict::open) std::printf("%u open\n", ports[i]);
    closed += verdicts[i] == verdict::closed;
    filtered += verdicts[i] == verdict::filtered;
  }
  std::printf("%zu closed, %zu filtered\n", closed, filtered);
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int index, int otherwise) {
    return argc > index ? std::atoi(argv[index]) : otherwise;
  };
  const int first = number(2, 0);
  const int last = number(3, first);
  if (argc < 3 || first < 1 || last < first || last > 65535) {
    std::fprintf(stderr,
                 "usage: port_scanner HOST FIRST [LAST [TRIES_AT_A_TIME [MILLISECONDS]]]\n");
    return EXIT_FAILURE;
  }
  const plan p{argv[1], static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last),
               static_cast<std::size_t>(number(4, 100)),
               std::chrono::milliseconds(number(5, 1000))};
  try {
    structio::run([&] { scan(p); });
  } catch (const structio::exception_group& group) {
    std::fprintf(stderr, "port_scanner: %s", to_string(group).c_str());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
