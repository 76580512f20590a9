// A store of keys on several cores: a run in each thread, which share nothing but what they say to
// each other. Until SIGTERM or SIGINT.
//
//     sharded [PORT [SHARDS]]       and in another terminal:  nc 127.0.0.1 PORT
//
//     set KEY VALUE -> ok           get KEY -> VALUE, or an empty line
//     incr KEY      -> new value    stats   -> keys, requests and connections, of all shards
//
// Each shard listens on the same port (SO_REUSEPORT): the kernel deals the connections out, and
// each stays where it arrived, as do its tasks. Each key belongs to one shard, by its hash, and
// only that one's thread ever touches it: no locks. A request for another shard's key travels there
// by a portal and its answer back by another. Neither queue can grow without bound, since a
// connection asks for one thing at a time.
//
// On a stop every shard refuses new clients, hangs up on those who have asked nothing, and lets
// answers that were begun go out, for at most the grace; a second signal cuts them off. No shard
// ends before all have hung up, since the others may ask it. One that fails takes the process with
// it: its keys are gone.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <structio/structio.hpp>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr auto grace = 10s;
constexpr std::size_t longest_line = 4096;

// Used by its own thread only, but for `door`, which is how the others get in. It stays until all
// threads have ended, since one of them may still be in a call of it.
struct shard {
  std::optional<structio::portal> door;
  std::unordered_map<std::string, std::string> keys;
  std::size_t requests = 0, connections = 0;
  structio::event all_open, all_closed;
};

// How many have not come yet to a place where they wait for each other.
struct server {
  explicit server(std::size_t count) : shards(count), opening(count), closing(count) {}
  std::deque<shard> shards;  // a deque, since they stay where they are
  std::atomic<std::size_t> opening, closing;
};

// Waits until every shard is here. Meanwhile this one goes on to answer the others.
void meet(server& all, shard& here, std::atomic<std::size_t>& missing,
          structio::event shard::*all_here) {
  if (missing.fetch_sub(1) == 1) {
    for (shard& each : all.shards) each.door->post([&each, all_here] { (each.*all_here).set(); });
  }
  (here.*all_here).wait();
}

// The value of work(there), which runs in that shard, between its tasks, and must not wait.
template <class Work>
auto ask(shard& here, shard& there, Work work) {
  if (&here == &there) return work(there);
  std::optional<decltype(work(there))> answer;
  structio::event arrived;
  there.door->post([&] {
    answer = work(there);
    here.door->post([&arrived] { arrived.set(); });
  });
  // What the other shard is about to write to lies in this frame, which must not be left before. It
  // answers soon, whatever happens: it does not wait, and does not end before this shard has.
  structio::cancel_scope shield({.shield = true});
  shield.run([&] { arrived.wait(); });
  return *std::move(answer);
}

std::string statistics(server& all, shard& here) {
  struct totals {
    std::size_t keys = 0, requests = 0, connections = 0;
  } sum;
  for (shard& each : all.shards) {
    const totals one = ask(here, each, [](const shard& there) {
      return totals{there.keys.size(), there.requests, there.connections};
    });
    sum.keys += one.keys;
    sum.requests += one.requests;
    sum.connections += one.connections;
  }
  return "keys=" + std::to_string(sum.keys) + " requests=" + std::to_string(sum.requests) +
         " connections=" + std::to_string(sum.connections);
}

std::string answer_to(std::string_view line, server& all, shard& here) {
  const auto next_word = [&line] {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return std::string(word);
  };
  const std::string command = next_word();
  if (command == "stats") return statistics(all, here);
  const std::string key = next_word();
  shard& owner = all.shards[std::hash<std::string>{}(key) % all.shards.size()];
  if (command == "get") {
    return ask(here, owner, [&key](const shard& there) {
      const auto found = there.keys.find(key);
      return found == there.keys.end() ? std::string() : found->second;
    });
  }
  if (command == "set") {
    return ask(here, owner, [&key, value = std::string(line)](shard& there) {
      there.keys[key] = value;
      return std::string("ok");
    });
  }
  if (command == "incr") {
    return ask(here, owner, [&key](shard& there) {
      std::string& value = there.keys[key];
      return value = std::to_string(std::strtoll(value.c_str(), nullptr, 10) + 1);
    });
  }
  return "what?";
}

void talk(structio::tcp_stream conn, server& all, shard& here) {
  ++here.connections;
  structio::buffered_reader reader(conn, longest_line);
  try {
    for (;;) {
      // Who has asked nothing is owed nothing: a stop ends this wait at once.
      structio::cancel_scope idle({.ends_on_stop = true});
      const auto line = idle.run([&] { return reader.receive_line(); });
      if (!line || !*line) return;
      ++here.requests;
      conn.send_all(answer_to(**line, all, here) + "\n");
    }
  } catch (const structio::error&) {
    // The client is gone without a word, or its line is too long. No failure of the server.
  }
}

void serve_until_stopped(structio::tcp_listener listener, server& all, shard& here) {
  meet(all, here, all.opening, &shard::all_open);
  const auto handler = [&](structio::tcp_stream conn) { talk(std::move(conn), all, here); };
  structio::open_nursery([&](structio::nursery& connections) {
    connections.cancel_scope().stop_on_signal(SIGTERM, grace);  // in every shard: all of them stop
    connections.cancel_scope().stop_on_signal(SIGINT, grace);
    structio::serve(listener, handler, connections);
    listener.close();  // turns new clients away
  });
  meet(all, here, all.closing, &shard::all_closed);
}

structio::tcp_listener open_listener(std::uint16_t port) {
  return structio::listen_tcp({.host = "127.0.0.1", .port = port, .reuse_port = true});
}

// On a thread of its own, or the main one. `body` is given the shard, once it has its portal.
template <class Body>
void run_shard(shard& here, Body body) noexcept {
  try {
    structio::run({.interrupt = structio::interrupt_mode::ignore}, [&] {
      here.door.emplace();
      body();
    });
  } catch (const std::exception& why) {
    std::fprintf(stderr, "sharded: %s\n", why.what());
    std::_Exit(EXIT_FAILURE);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  const int cores = argc > 2 ? std::atoi(argv[2]) : int(std::thread::hardware_concurrency());
  server all(static_cast<std::size_t>(std::max(cores, 1)));
  std::vector<std::thread> others;
  run_shard(all.shards[0], [&] {
    auto listener = open_listener(port);  // the others take the port that this one got
    for (std::size_t i = 1; i < all.shards.size(); ++i) {
      others.emplace_back([&all, &here = all.shards[i], chosen = listener.port()] {
        run_shard(here, [&] { serve_until_stopped(open_listener(chosen), all, here); });
      });
    }
    std::printf("sharded: listening on 127.0.0.1 port %u\n", listener.port());
    serve_until_stopped(std::move(listener), all, all.shards[0]);
  });
  for (std::thread& one : others) one.join();
  std::printf("sharded: every connection is closed\n");
  return EXIT_SUCCESS;
}
