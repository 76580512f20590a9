// What the movable handles of the face have in common: assigning to one lets go of what it had, at
// once.
#include <structio/net.hpp>
#include <structio/remote.hpp>
#include <structio/structio.hpp>
#include <structio/testing.hpp>

#include <memory>
#include <string>
#include <utility>

#include "support/face.hpp"

using face::throws;
using structio::broadcast;
using structio::open_channel;

namespace {

// Assigns a handle to itself, which compilers warn of.
template <class Handle>
void assign_to_itself(Handle& handle) {
  Handle& same = handle;
  handle = std::move(same);
}

}  // namespace

TEST_CASE("assigning to an end of a channel or a broadcast closes what it had") {
  face::run([] {
    broadcast<int> a(1);
    broadcast<int> b(1);
    auto one = a.subscribe();
    auto two = a.subscribe();
    one = std::move(two);
    CHECK(a.statistics().subscriptions == 1);
    assign_to_itself(one);
    a.send(1);
    CHECK(one.receive() == 1);
    CHECK(a.try_send(2));
    CHECK(one.receive() == 2);
    a = std::move(b);
    CHECK(throws<structio::end_of_channel>([&] { return one.receive(); }));
    assign_to_itself(a);
    CHECK(a.statistics().capacity == 1);

    auto c = open_channel<int>(1);
    auto d = open_channel<int>(1);
    c.tx = std::move(d.tx);
    CHECK(throws<structio::end_of_channel>([&] { return c.rx.receive(); }));
    c.rx = std::move(d.rx);
    assign_to_itself(c.rx);
    CHECK(c.tx.try_send(1));
    CHECK(c.rx.receive() == 1);
  });
}

TEST_CASE("assigning to a remote sender closes what it had") {
  face::run([] {
    auto c = open_channel<int>(1);
    auto d = open_channel<int>(1);
    structio::remote_sender<int> one(c.tx);
    structio::remote_sender<int> two(d.tx);
    c.tx.close();
    one = std::move(two);
    CHECK(throws<structio::end_of_channel>([&] { return c.rx.receive(); }));
    assign_to_itself(one);
    one.send(7);
    CHECK(d.rx.receive() == 7);
  });
}

TEST_CASE("assigning to a stream or a listener closes what it had") {
  face::run([] {
    structio::tcp_listener one = structio::listen_tcp({.host = "127.0.0.1"});
    structio::tcp_listener two = structio::listen_tcp({.host = "127.0.0.1"});
    const auto gone = one.address();
    one = std::move(two);
    CHECK(throws<structio::error>(
        [&] { structio::connect_tcp({.host = "127.0.0.1", .port = gone.port}); }));
    assign_to_itself(one);
    structio::tcp_stream s = structio::connect_tcp({.host = "127.0.0.1", .port = one.port()});
    structio::tcp_stream at_first = one.accept();
    structio::tcp_stream t = structio::connect_tcp({.host = "127.0.0.1", .port = one.port()});
    structio::tcp_stream at_second = one.accept();
    s = std::move(t);
    char byte = 'x';
    CHECK(at_first.receive_some(std::span<char>(&byte, 1)) == 0);
    assign_to_itself(s);
    s.send_all("y");
    CHECK(at_second.receive_some(std::span<char>(&byte, 1)) == 1);
    CHECK(byte == 'y');
  });
}

TEST_CASE("assigning to the handle of a task forgets what it had") {
  face::run([] {
    const auto held = std::make_shared<int>(1);
    structio::open_nursery([&](structio::nursery& n) {
      auto one = n.start_task([&] { return held; });
      auto two = n.start_task([] { return std::shared_ptr<int>(); });
      one.join();
      two.join();
      CHECK(held.use_count() == 2);
      one = std::move(two);
      CHECK(held.use_count() == 1);
      assign_to_itself(one);
      CHECK(one.get() == nullptr);
    });
  });
}
