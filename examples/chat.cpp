// A chat: each line that a client sends goes to all the others. Until SIGTERM or SIGINT.
//
//     chat [PORT]               and in other terminals:  nc 127.0.0.1 PORT
//
// Who does not read fast enough holds up nobody: when more than so many lines wait for him, he is
// dropped.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <string>
#include <structio/structio.hpp>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t lines_that_wait = 64;
constexpr std::size_t longest_line = 1000;

struct member {
  member(std::string who, structio::sender<std::string> to)
      : name(std::move(who)), lines(std::move(to)) {}
  std::string name;
  structio::sender<std::string> lines;
  structio::cancel_scope scope;  // cancelled: the member is dropped
};

class room {
 public:
  using place = std::list<member>::iterator;

  place enter(std::string name, structio::sender<std::string> lines) {
    say(name + " is here");
    return members_.emplace(members_.end(), std::move(name), std::move(lines));
  }

  void leave(place one) {
    const std::string name = one->name;
    members_.erase(one);
    say(name + " has left");
  }

  /// To everybody but one. Never waits.
  void say(const std::string& line, const member* but = nullptr) {
    for (member& one : members_) {
      if (&one != but && !one.lines.try_send(line + "\n")) one.scope.cancel("reads too slowly");
    }
  }

 private:
  std::list<member> members_;
};

struct leaving {
  room& from;
  room::place who;
  ~leaving() { from.leave(who); }
};

// One task reads, another writes what has been said; both end when either does, or when the member
// is dropped.
void talk(structio::tcp_stream conn, room& all) {
  const auto peer = conn.peer_address();
  auto [to_him, his_lines] = structio::open_channel<std::string>(lines_that_wait);
  const auto me = all.enter(peer.host + ":" + std::to_string(peer.port), std::move(to_him));
  const leaving at_end{all, me};  // however this ends; saying so never waits
  me->scope.run([&, &lines = his_lines] {
    structio::open_nursery([&](structio::nursery& n) {
      n.start_service([&] {
        for (;;) conn.send_all(lines.receive());
      });
      structio::buffered_reader reader(conn, longest_line);
      for (const std::string_view line : reader.lines()) {
        all.say(me->name + ": " + std::string(line), &*me);
      }
    });
  });
}

// A member who is gone without a word, or talks without end, is no failure of the server.
void talk_or_go(structio::tcp_stream conn, room& all) {
  try {
    talk(std::move(conn), all);
  } catch (const structio::exception_group& group) {
    structio::catch_each<structio::error>(group, [](const structio::error&) {});
  }
}

void open_room(std::uint16_t port) {
  room all;
  structio::open_nursery([&](structio::nursery& n) {
    n.cancel_scope().stop_on_signal(SIGTERM, 0s);
    n.cancel_scope().stop_on_signal(SIGINT, 0s);
    auto listener = structio::listen_tcp({.host = "127.0.0.1", .port = port});
    std::printf("chat: listening on 127.0.0.1 port %u\n", listener.port());
    structio::serve(listener, [&](structio::tcp_stream conn) { talk_or_go(std::move(conn), all); });
  });
  std::printf("chat: everybody has left\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    structio::run(
        [&] { open_room(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0)); });
  } catch (const structio::exception_group& group) {
    std::fprintf(stderr, "chat: %s", to_string(group).c_str());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
