// Options of sockets, as the system itself tells them back.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <climits>

#include "support/net.hpp"

using namespace net_test;

namespace {

int told(std::int64_t descriptor, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  CHECK(getsockopt(static_cast<int>(descriptor), level, name, &value, &size) == 0);
  return value;
}

}  // namespace

TEST_CASE("socket options reach the system and come back", "[SOCK-08]") {
  run([] {
    auto pair = connected();
    const auto d = pair.a.descriptor();
    CHECK(structio_socket_set_keepalive(d, 1, STRUCTIO_SECONDS(7), 1, 3) == 0);
    CHECK(told(d, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(told(d, IPPROTO_TCP, TCP_KEEPINTVL) == 1);
    CHECK(told(d, IPPROTO_TCP, TCP_KEEPCNT) == 3);
    CHECK(structio_socket_set_send_buffer(d, 20000) == 0);
    int size = 0;
    CHECK(structio_socket_send_buffer(d, &size) == 0);
    CHECK(size >= 20000);
    CHECK(structio_socket_set_hops(d, 9) == 0);
    CHECK(told(d, IPPROTO_IP, IP_TTL) == 9);
    int value = 0;
    std::size_t room = sizeof value;
    CHECK(structio_socket_get_option(d, IPPROTO_IP, IP_TTL, &value, &room) == 0);
    CHECK(value == 9);
    value = 10;
    CHECK(structio_socket_set_option(d, IPPROTO_IP, IP_TTL, &value, sizeof value) == 0);
    CHECK(told(d, IPPROTO_IP, IP_TTL) == 10);
    CHECK(structio_socket_set_linger(d, 1) == STRUCTIO_EINVALID);
    CHECK(structio_socket_set_linger(d, 0) == 0);
    pair.a = connected().a;  // closes with a reset
    char byte;
    CHECK(throws<structio::broken_error>([&] { pair.b.receive_some(std::span<char>(&byte, 1)); }));
  });
}

TEST_CASE("bad descriptors and values for socket options are refused", "[SOCK-08]") {
  int value = 0;
  std::size_t size = sizeof value;
  CHECK(structio_socket_get_option(-1, SOL_SOCKET, SO_TYPE, &value, &size) < 0);
  CHECK(structio_socket_get_option(INT64_MAX, SOL_SOCKET, SO_TYPE, &value, &size) < 0);
  CHECK(structio_socket_get_option(0, SOL_SOCKET, SO_TYPE, nullptr, &size) == STRUCTIO_EINVALID);
  CHECK(structio_socket_set_option(0, SOL_SOCKET, SO_TYPE, nullptr, 4) == STRUCTIO_EINVALID);
  CHECK(structio_socket_set_keepalive(0, 1, -1, 0, 0) == STRUCTIO_EINVALID);
  CHECK(structio_socket_set_keepalive(0, 1, INT64_MAX, 0, 0) == STRUCTIO_EINVALID);
  CHECK(structio_socket_set_send_buffer(0, -1) == STRUCTIO_EINVALID);
  CHECK(structio_socket_send_buffer(0, nullptr) == STRUCTIO_EINVALID);
}

TEST_CASE("the face sets options of whatever has a descriptor", "[SSTR-02]") {
  net_test::run([] {
    auto listener = net_test::listen();
    structio::set_receive_buffer(listener, 65536);
    auto a = net_test::connect(listener);
    auto b = listener.accept();
    structio::set_keepalive(a, {.idle = std::chrono::seconds(60), .probes = 3});
    structio::clear_keepalive(a);
    structio::set_send_buffer(a, 65536);
    CHECK(structio::send_buffer(a) >= 65536);
    CHECK(structio::receive_buffer(b) >= 65536);
    structio::set_hops(a, 7);
    structio::reset_on_close(a, true);
    { const auto gone = std::move(a); }
    CHECK(face::throws<structio::broken_error>([&] { net_test::receive(b); }));
    listener.close();
    CHECK(face::throws<structio::closed_error>([&] { structio::receive_buffer(listener); }));
  });
}
