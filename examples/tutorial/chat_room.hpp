// The chat of the tutorial, without the network: what 09_chat.cpp serves and 10_testing.cpp tests.
#pragma once

#include <set>
#include <string>
#include <structio/structio.hpp>
#include <utility>

inline constexpr std::size_t lines_that_wait = 64;
inline constexpr std::size_t longest_line = 1000;
inline constexpr auto idle_limit = std::chrono::minutes(10);

struct member {
  std::string name;
  structio::sender<std::string> lines;
  structio::cancel_scope scope{};  // cancelled: the member is dropped
};

class room {
 public:
  // Never waits: the policy for those who read too slowly is to drop them.
  void say(const std::string& line, const member* but = nullptr) {
    for (member* one : members_) {
      if (one != but && !one->lines.try_send(line + "\n")) one->scope.cancel("reads too slowly");
    }
  }
  void enter(member& one) {
    say(one.name + " is here");
    members_.insert(&one);
  }
  void leave(member& one) {
    members_.erase(&one);
    one.lines.close();  // its writer sends what waits, and ends
    say(one.name + " has left");
  }

 private:
  std::set<member*> members_;
};

struct presence {
  presence(room& where, member& one) : where_(where), one_(one) { where_.enter(one_); }
  presence(const presence&) = delete;
  presence& operator=(const presence&) = delete;
  ~presence() { where_.leave(one_); }
  room& where_;
  member& one_;
};

// One member, from the first line to the last. A writer sends what the others have said.
inline void talk(structio::any_stream conn, std::string name, room& all) {
  auto lines = structio::open_channel<std::string>(lines_that_wait);
  member me{std::move(name), std::move(lines.tx)};
  me.scope.run([&] {
    structio::open_nursery([&](structio::nursery& n) {
      n.start_soon([&] {
        for (const std::string& line : lines.rx) conn.send_all(line);
      });
      const presence here(all, me);
      structio::cancel_scope reading({.timeout = idle_limit, .ends_on_stop = true});
      reading.run([&] {
        structio::buffered_reader reader(conn, longest_line);
        for (const std::string_view line : reader.lines()) {
          reading.set_timeout(idle_limit);
          all.say(me.name + ": " + std::string(line), &me);
        }
      });
    });
  });
}
