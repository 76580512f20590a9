// Unix datagram sockets: paths, abstract names, a receiver that does not keep up.
#include <unistd.h>

#include <string>

#include "support/net.hpp"

using namespace net_test;
using structio::datagram_socket;
using structio::open_unix_datagram;
using structio::socket_address;

namespace {

std::string receive(datagram_socket& from) {
  std::string text(2048, '\0');
  text.resize(from.receive(std::span<char>(text)).size);
  return text;
}

std::string fresh_name(const char* start) {
  static int count = 0;
  return start + std::string("structio-test-") + std::to_string(getpid()) + "-" +
         std::to_string(++count);
}

}  // namespace

TEST_CASE("Unix datagrams by path; the file goes with the socket", "[UNIXS-01][UNIXS-02]") {
  const int before = open_descriptors();
  const std::string path = fresh_name("/tmp/");
  run([&] {
    {
      auto server = open_unix_datagram({.path = path.c_str()});
      CHECK(access(path.c_str(), F_OK) == 0);
      CHECK(throws<structio::error>([&] { open_unix_datagram({.path = path.c_str()}); }));
      CHECK(access(path.c_str(), F_OK) == 0);
      auto client = open_unix_datagram({.peer = path.c_str()});
      client.send("hello");
      char buffer[16];
      const auto got = server.receive(buffer);
      CHECK(std::string(buffer, got.size) == "hello");
      CHECK(server.local_address().host() == path);
      CHECK(got.from.host().empty());  // the client has no name
      CHECK(got.from.port() == 0);
      CHECK(throws<structio::error>([&] { server.send_to("answer", got.from); }));
    }
    CHECK(access(path.c_str(), F_OK) != 0);
    CHECK(throws<structio::error>([&] { open_unix_datagram({.peer = path.c_str()}); }));
    // Whose peer is not there leaves no file behind either.
    CHECK(throws<structio::error>(
        [&] { open_unix_datagram({.path = path.c_str(), .peer = "/tmp/structio-test-nobody"}); }));
    CHECK(access(path.c_str(), F_OK) != 0);
    const std::string endless(200, 'x');
    CHECK(throws<structio::error>([&] { open_unix_datagram({.path = endless.c_str()}); }));
  });
  CHECK(open_descriptors() == before);
}

#ifdef __linux__
TEST_CASE("Unix datagrams by abstract name, with an answer", "[UNIXS-01]") {
  const std::string one = fresh_name("@"), two = fresh_name("@");
  run([&] {
    auto a = open_unix_datagram({.path = one.c_str()});
    auto b = open_unix_datagram({.path = two.c_str()});
    a.send_to("question", socket_address::unix_path(two.c_str()));
    char buffer[16];
    const auto got = b.receive(buffer);
    CHECK(got.from.host() == one);
    b.send_to("answer", got.from);
    CHECK(receive(a) == "answer");
  });
}

TEST_CASE("a full receiver makes senders wait, connected or not", "[SOCK-25]") {
  const std::string name = fresh_name("@");
  for (const bool connected : {true, false}) {
    run([&] {
      auto server = open_unix_datagram({.path = name.c_str()});
      auto client = open_unix_datagram({.peer = connected ? name.c_str() : nullptr});
      const auto to = socket_address::unix_path(name.c_str());
      int sent = 0;
      open_nursery([&](nursery& n) {
        n.start_soon([&] {
          for (; sent < 1000; ++sent) connected ? client.send("x") : client.send_to("x", to);
        });
        pause(200);
        CHECK(sent < 1000);
        for (int i = 0; i < 1000; ++i) receive(server);
      });
      CHECK(sent == 1000);
    });
  }
}
#endif
