// The demo: structured concurrency on real sockets, told step by step. `./dev demo` runs it, and so
// do the tests: it ends with status 1 when anything that it tells does not hold.
//
//     demo [CLIENTS]                    1,000 unless told otherwise
//
// Server, clients and all others are tasks of one run, and so of one thread: what they share needs
// no lock. It is declared before the nurseries are opened, since a child may borrow only what
// outlives it.
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <structio/debug.hpp>
#include <structio/structio.hpp>

#include "demo_story.hpp"

namespace {

using namespace std::chrono_literals;
using story::grouped;
using story::more;
using story::promise;
using story::tell;
using structio::nursery;
using ready = structio::task_status<void>;

constexpr auto client_deadline = 15s;  // of everything that one client does
constexpr auto playing_time = 2s;      // for which the clients ask and ask again
constexpr auto patience = 1s;          // of the client whose peer never answers
constexpr auto slow_work = 100ms;      // what the server needs for a slow request
constexpr auto grace = 5s;             // what the server gets to finish what it has begun
constexpr std::string_view ping = "ping: a request of 32 bytes.....";
constexpr std::string_view slow = "slow: one that takes a while....";

struct shared_world {
  std::size_t clients = 0;
  std::uint16_t port = 0;                 // of the server
  structio::cancel_scope serving;         // around the server: who stops it stops this
  std::size_t connected = 0;              // clients that stand at the starting line
  std::size_t in_work = 0;                // slow requests that the server has begun
  std::size_t farewells = 0;              // clients that had every answer, and then a clean end
  bool playing = true;                    // until the whistle
  structio::parking_lot starting_line;    // where the clients wait for each other
  structio::parking_lot everybody_there;  // where main waits for the clients
  structio::parking_lot all_in_work;      // where main waits for the server
  story::answer_times times;
};

// THE SERVER

// One connection is one task, and waits in straight lines. Between two requests a stop may end it
// at once; a request that has arrived is answered before.
void answer(shared_world& world, structio::tcp_stream& conn) {
  std::array<char, 4096> buffer;
  for (;;) {
    structio::cancel_scope idle({.ends_on_stop = true});
    const auto got = idle.run([&] { return conn.receive_some(buffer); });
    if (got.value_or(0) == 0) return;
    if (buffer[0] == slow[0]) {
      if (++world.in_work == world.clients) world.all_in_work.unpark();
      structio::sleep(slow_work);
    }
    conn.send_all(std::string_view(buffer.data(), *got));
  }
}

// A stop ends the accept loop; then nobody listens any more, and the nursery's end waits for the
// connections that are left.
void server(ready& status, shared_world& world) {
  auto handler = [&](structio::tcp_stream conn) { answer(world, conn); };
  world.serving.run([&] {
    structio::open_nursery([&](nursery& connections) {
      auto listener = structio::listen_tcp({.host = "127.0.0.1"});
      world.port = listener.port();
      status.started();
      structio::serve(listener, handler, connections);
    });
  });
}

// THE CLIENTS

void ask(structio::tcp_stream& conn, std::string_view request) {
  std::array<char, 64> reply;
  conn.send_all(request);
  std::size_t have = 0;
  while (have < request.size()) {
    const auto got = conn.receive_some(std::span(reply).subspan(have));
    if (got == 0) throw std::runtime_error("the server hung up before it had answered");
    have += got;
  }
  if (std::string_view(reply.data(), have) != request) {
    throw std::runtime_error("the answer is not what was sent");
  }
}

void client(shared_world& world) {
  structio::fail_after(client_deadline, [&] {
    auto conn = structio::connect_tcp({.port = world.port});
    ask(conn, ping);  // who has an answer has a connection that the server has accepted
    if (++world.connected == world.clients) world.everybody_there.unpark();
    world.starting_line.park();
    while (world.playing) {
      const auto asked = structio::now();
      ask(conn, ping);
      world.times.add(structio::now() - asked);
    }
    ask(conn, slow);
    std::array<char, 1> nothing;
    if (conn.receive_some(nothing) == 0) ++world.farewells;
  });
}

// A PEER THAT NEVER ANSWERS, AND ITS CLIENT

void silent_peer(structio::tcp_listener& listener) {
  auto conn = listener.accept();
  structio::sleep_forever();
}

void patient_client(ready& status, std::uint16_t port) {
  auto conn = structio::connect_tcp({.port = port});
  status.started();
  const auto begun = structio::now();
  const bool answered = structio::move_on_after(patience, [&] { ask(conn, ping); });
  const auto waited = structio::now() - begun;
  tell("The client of the silent peer is cut off by its own deadline, after %.3f s.",
       story::seconds(waited));
  promise(!answered && waited >= patience, "a deadline cuts off, and never too early");
  promise(waited < patience + 1s, "a deadline cuts off in time");
}

// A FAMILY OF THREE, ONE OF WHICH FAILS

void sibling(ready& status, shared_world& world, int& cancelled) {
  auto conn = structio::connect_tcp({.port = world.port});
  status.started();
  std::array<char, 1> nothing;
  try {
    conn.receive_some(nothing);
  } catch (const structio::cancelled&) {
    ++cancelled;
    throw;  // always: the scope that was cancelled absorbs it
  }
}

void unlucky_client(ready& status, shared_world& world) {
  auto conn = structio::connect_tcp({.port = world.port});
  status.started();
  world.starting_line.park();
  structio::while_doing("checking the answer", [&] {
    std::array<char, 4> reply;
    conn.send_all("ping");
    conn.receive_some(reply);
    if (std::string_view(reply.data(), reply.size()) != "pong") {
      throw std::runtime_error("sent 'ping', expected 'pong', got 'ping'");
    }
  });
}

void family(ready& status, shared_world& world) {
  int cancelled = 0;
  std::string report;
  try {
    structio::open_nursery([&](nursery& n) {
      n.start({.name = "sibling 1"}, sibling, std::ref(world), std::ref(cancelled));
      n.start({.name = "sibling 2"}, sibling, std::ref(world), std::ref(cancelled));
      n.start({.name = "unlucky client"}, unlucky_client, std::ref(world));
      status.started();
    });
  } catch (const structio::exception_group& group) {
    report = to_string(group);
  }
  tell("One of the family fails. Its nursery cancels the two others, waits for them, and reports:");
  story::show(report);
  promise(cancelled == 2, "a failure cancels its siblings");
  promise(report.find("checking the answer") != std::string::npos, "a failure says where it was");
}

// THE STORY

void show_everybody(const shared_world& world) {
  const std::string tree = structio::debug::tree();
  const auto count = structio::debug::get_statistics();
  tell("All are alive: %s tasks on one thread, each on a stack of its own. The tree of tasks,",
       grouped(count.tasks_living).c_str());
  more("neighbours that are alike in one line:");
  story::show(tree);
  // Each client is a task, and so is each of the server's connections.
  promise(count.tasks_living >= 2 * world.clients, "everybody is alive at the same time");
}

void play(shared_world& world) {
  tell("Go! Every client asks, waits for the answer, and asks again.");
  world.starting_line.unpark_all();
  const auto begun = structio::now();
  structio::sleep(playing_time);
  world.playing = false;
  const double played = story::seconds(structio::now() - begun);
  const std::size_t answers = world.times.count();
  tell("The whistle: %s requests were answered in %.2f s, %s a second.", grouped(answers).c_str(),
       played, grouped(static_cast<std::uint64_t>(static_cast<double>(answers) / played)).c_str());
  more("Half of the answers came within %.2f ms (p50), 99 of 100 within %.2f ms (p99), with",
       world.times.percentile(50), world.times.percentile(99));
  more("%s waiting for theirs at any moment, and both ends on this one thread.",
       grouped(world.clients).c_str());
  promise(answers >= world.clients, "every client has answers");
}

bool refuses(std::uint16_t port) {
  try {
    auto conn = structio::connect_tcp({.port = port});
    return false;
  } catch (const structio::error& e) {
    more("A new client is turned away: \"%s\".", e.what());
    return e.name() == std::string_view("ECONNREFUSED");
  }
}

void stop_gracefully(shared_world& world) {
  while (world.in_work < world.clients) world.all_in_work.park();
  tell("The server is at work on a last, slow request of every client when it is asked to stop,");
  more("with %.0f s of grace to finish what it has begun.", story::seconds(grace));
  world.serving.stop(grace, "the demo is over");
  structio::checkpoint();  // lets everybody else run once: the accept loop ends
  promise(refuses(world.port), "a server that was stopped refuses new clients");
}

void everything(shared_world& world) {
  auto silence = structio::listen_tcp({.host = "127.0.0.1"});
  structio::open_nursery([&](nursery& n) {
    n.start({.name = "server"}, server, std::ref(world));
    n.start_service({.name = "silent peer"}, silent_peer, std::ref(silence));
    tell("A server listens on 127.0.0.1 port %u. It is a task, and so is each connection.",
         world.port);
    structio::open_nursery([&](nursery& clients) {
      for (std::size_t i = 1; i <= world.clients; ++i) {
        const std::string name = "client " + std::to_string(i);
        clients.start_soon({.name = name.c_str()}, client, std::ref(world));
      }
      while (world.connected < world.clients) world.everybody_there.park();
      tell("%s clients have connected, each a task of one nursery and under a deadline of %.0f s.",
           grouped(world.clients).c_str(), story::seconds(client_deadline));
      clients.start({.name = "patient client"}, patient_client, silence.port());
      clients.start({.name = "family"}, family, std::ref(world));
      more("Besides them there is a client whose peer never answers, and a family of three.");
      show_everybody(world);
      play(world);
      stop_gracefully(world);
    });
    tell("%s of %s clients had every answer, and then a clean end of their connection.",
         grouped(world.farewells).c_str(), grouped(world.clients).c_str());
    promise(world.farewells == world.clients, "a stop loses no request that was begun");
  });
  promise(!world.serving.cancelled_caught(), "the server needed less than its grace");
  const auto count = structio::debug::get_statistics();
  tell("Everybody has ended. %s tasks have run, and were switched %s times.",
       grouped(count.tasks_spawned).c_str(), grouped(count.switches).c_str());
  promise(count.tasks_living == 1, "no task outlives its nursery");
}

// Two descriptors a client, since both ends are ours; and a few besides.
std::size_t as_many_as_allowed(std::size_t wanted) {
  constexpr std::size_t others = 64;
  const std::size_t allowed = story::allow_descriptors(2 * wanted + others);
  const std::size_t possible = allowed > others ? (allowed - others) / 2 : 1;
  if (possible >= wanted) return wanted;
  std::printf("\nThis system allows %zu open files: %s clients instead of %s (see ulimit -n).\n",
              allowed, grouped(possible).c_str(), grouped(wanted).c_str());
  return possible;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const long wanted = argc > 1 ? std::atol(argv[1]) : 1000;
  if (wanted < 1 || wanted > 100'000) {
    std::fprintf(stderr, "usage: demo [CLIENTS]      (1 to 100,000 of them)\n");
    return 2;
  }
  std::printf("structio: structured concurrency on real sockets\n");
  shared_world world;
  world.clients = as_many_as_allowed(static_cast<std::size_t>(wanted));
  const int limit = static_cast<int>(2 * world.clients) + 128;
  structio::run([] {});  // the first run of a process makes what libuv keeps for all that follow
  const int before = story::open_descriptors(limit);
  try {
    structio::run([&] { everything(world); });
  } catch (const structio::exception_group& group) {
    tell("The demo has failed:");
    story::show(to_string(group));
    return 1;
  } catch (const std::exception& e) {
    tell("The demo has failed: %s", e.what());
    return 1;
  }
  const int left = story::open_descriptors(limit) - before;
  tell("The run has ended, and leaves %d descriptors open.", left);
  promise(left == 0, "nothing is left behind");
  if (story::broken_promises == 0) {
    std::printf("\nAll of this was checked while it happened, and holds.\n");
    return 0;
  }
  std::printf("\n%d of the things told above do not hold.\n", story::broken_promises);
  return 1;
}
