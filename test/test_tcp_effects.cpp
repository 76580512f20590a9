// What the other end sees of a call that was cancelled, before it began or while it waited, against
// what the table of the ABI says of it: a proof for each function of the network.
#include <map>
#include <optional>

#include "support/c_blocks.hpp"
#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;

namespace {

/// Runs `call` in a scope that is cancelled before or, when it can be made to wait, while it waits;
/// returns its status.
template <class Call>
int64_t cut(bool before, Call call) {
  int64_t status = 0;
  structio::cancel_scope scope;
  open_nursery([&](nursery& n) {
    if (!before) {
      n.start_soon([&] {
        structio::testing::wait_all_tasks_blocked(2ms);
        scope.cancel();
      });
    }
    scope.run([&] {
      if (before) scope.cancel();
      status = call();
    });
  });
  return status;
}

std::string drain(tcp_stream& from) {
  std::string all;
  for (std::string piece = receive(from, 100'000); !piece.empty(); piece = receive(from, 100'000)) {
    all += piece;
  }
  return all;
}

const std::string& much() {
  static const std::string data = pattern(std::size_t{16} << 20);
  return data;
}

/// A proof says what it saw; `before`: cancelled beforehand, else while it waits.
using proof = structio_effect (*)(bool before);

structio_effect accept_effect(bool before) {
  auto listener = listen();
  std::optional<peer> client;
  if (before) client.emplace(listener.port());
  structio_stream* made = nullptr;
  CHECK(cut(before, [&] { return structio_listener_accept(listener.native(), &made); }) ==
        STRUCTIO_ECANCELLED);
  CHECK(made == nullptr);
  if (!client) client.emplace(listener.port());
  client->say("x");
  auto stream = listener.accept();
  return receive(stream) == "x" ? STRUCTIO_EFFECT_NOTHING : STRUCTIO_EFFECT_PREFIX;
}

structio_effect receive_effect(bool before) {
  auto [a, b] = connected();
  if (before) a.send_all("x");
  char buffer[8];
  CHECK(cut(before, [&, &b = b] {
          return structio_stream_receive_some(b.native(), buffer, sizeof buffer);
        }) == STRUCTIO_ECANCELLED);
  if (!before) a.send_all("x");
  return receive(b) == "x" ? STRUCTIO_EFFECT_NOTHING : STRUCTIO_EFFECT_PREFIX;
}

structio_effect send_effect(bool before) {
  auto [a, b] = connected();
  CHECK(cut(before, [&, &a = a] {
          return structio_stream_send_all(a.native(), much().data(), much().size());
        }) == STRUCTIO_ECANCELLED);
  std::string got;
  open_nursery([&, &a = a, &b = b](nursery& n) {
    n.start_soon([&] { a.send_eof(); });
    got = drain(b);
  });
  CHECK(much().compare(0, got.size(), got) == 0);
  return got.empty() ? STRUCTIO_EFFECT_NOTHING : STRUCTIO_EFFECT_PREFIX;
}

structio_effect send_eof_effect(bool before) {
  auto [a, b] = connected();
  if (!before) {
    cut(false,
        [&, &a = a] { return structio_stream_send_all(a.native(), much().data(), much().size()); });
  }
  CHECK(cut(before, [&, &a = a] { return structio_stream_send_eof(a.native()); }) ==
        STRUCTIO_ECANCELLED);
  std::string got;
  open_nursery([&, &a = a, &b = b](nursery& n) {
    n.start_soon([&] {
      CHECK(structio_stream_send_all(a.native(), "more", 4) == 0);
      a.send_eof();
    });
    got = drain(b);
  });
  return got.size() >= 4 && got.substr(got.size() - 4) == "more" ? STRUCTIO_EFFECT_NOTHING
                                                                 : STRUCTIO_EFFECT_CLOSED;
}

structio_effect stream_close_effect(bool) {
  auto [a, b] = connected();
  CHECK(cut(true, [&, &a = a] { return structio_stream_close(a.native()); }) ==
        STRUCTIO_ECANCELLED);
  CHECK(receive(b).empty());
  return structio_stream_send_all(a.native(), "x", 1) == STRUCTIO_ECLOSED ? STRUCTIO_EFFECT_CLOSED
                                                                          : STRUCTIO_EFFECT_NOTHING;
}

structio_effect listener_close_effect(bool) {
  auto listener = listen();
  const std::uint16_t port = listener.port();
  CHECK(cut(true, [&] { return structio_listener_close(listener.native()); }) ==
        STRUCTIO_ECANCELLED);
  structio::listen_tcp({.host = "127.0.0.1", .port = port});
  structio_stream* made = nullptr;
  return structio_listener_accept(listener.native(), &made) == STRUCTIO_ECLOSED
             ? STRUCTIO_EFFECT_CLOSED
             : STRUCTIO_EFFECT_NOTHING;
}

structio_effect connect_effect(bool before) {
  connected();  // a loop keeps a descriptor in hand from its first stream on
  // A listener whose queue is full, so that connecting waits.
  auto listener = structio::listen_tcp({.host = "127.0.0.1", .backlog = 1});
  std::vector<peer> queued;
  for (int i = 0; i < 4; ++i) {
    queued.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    const sockaddr_in address = sockets::loopback(listener.port());
    static_cast<void>(
        ::connect(queued.back().descriptor(), sockets::generic(address), sizeof address));
  }
  const int descriptors = open_descriptors();
  structio_tcp_connect_options options{};
  options.struct_size = sizeof options;
  options.port = listener.port();
  structio_stream* made = nullptr;
  CHECK(cut(before, [&] { return structio_tcp_connect(&options, &made); }) == STRUCTIO_ECANCELLED);
  CHECK(made == nullptr);
  return open_descriptors() == descriptors ? STRUCTIO_EFFECT_CLOSED : STRUCTIO_EFFECT_PREFIX;
}

structio_effect serve_effect(bool before) {
  auto listener = listen();
  bool done = false;
  const structio_serve_fn handler = [](structio_stream*, void* arg) {
    *static_cast<bool*>(arg) = true;
    return 0;
  };
  std::optional<peer> client;
  if (!before) client.emplace(listener.port());
  CHECK(cut(before, [&] { return structio_serve(listener.native(), handler, &done, nullptr); }) ==
        STRUCTIO_ECANCELLED);
  CHECK(done == !before);  // exactly what the handlers have done
  return STRUCTIO_EFFECT_BODY;
}

structio_effect wait_send_effect(bool before) {
  auto [a, b] = connected();
  if (!before) {
    structio::move_on_after(10ms, [&sender = a] { sender.send_all(much()); });
  }
  CHECK(cut(before, [&sender = a] {
          return structio_stream_wait_send_might_not_block(sender.native());
        }) == STRUCTIO_ECANCELLED);
  a.close();
  const std::string arrived = drain(b);  // it can still be closed, and what was sent arrives
  CHECK(arrived == much().substr(0, arrived.size()));
  return STRUCTIO_EFFECT_NOTHING;
}

const std::map<std::string, proof> proofs = {
    {"structio_listener_accept", accept_effect},
    {"structio_listener_close", listener_close_effect},
    {"structio_serve", serve_effect},
    {"structio_stream_close", stream_close_effect},
    {"structio_stream_receive_some", receive_effect},
    {"structio_stream_send_all", send_effect},
    {"structio_stream_send_eof", send_eof_effect},
    {"structio_stream_wait_send_might_not_block", wait_send_effect},
    {"structio_tcp_connect", connect_effect},
};

structio_op_info info() {
  structio_op_info empty{};
  empty.struct_size = sizeof empty;
  return empty;
}

bool of_the_network(const std::string& name) {
  for (const char* part : {"listener_", "stream_", "tcp_", "serve"}) {
    if (name.starts_with(std::string("structio_") + part)) return true;
  }
  return false;
}

/// Whether the file of another area has the proof.
bool proved_elsewhere(const std::string& name) {
  for (const op_proof::area* area : op_proof::area::all()) {
    for (const op_proof::shown& op : area->ops) {
      if (op.name == name) return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("every function of the network that waits has a proof of its effect") {
  std::size_t found = 0;
  structio_op_info entry = info();
  for (std::size_t i = 0; structio_op_at(i, &entry) == 0; ++i, entry = info()) {
    if (!of_the_network(entry.name) || proved_elsewhere(entry.name)) continue;
    ++found;
    INFO(entry.name);
    CHECK(proofs.count(entry.name) == 1);
    CHECK(entry.checkpoint == 1);
  }
  CHECK(found == proofs.size());
}

TEST_CASE("what the table says of a cancelled call is what it does", "[CANCEL-07]") {
  for (const auto& [name, prove] : proofs) {
    INFO(name);
    structio_op_info entry = info();
    REQUIRE(structio_op_find(name.c_str(), &entry) == 0);
    for (const bool before : {true, false}) {
      structio_effect saw{};
      run([&, prove = prove] { saw = prove(before); });
      // A prefix may be empty: what was cancelled beforehand has done nothing.
      if (entry.effect == STRUCTIO_EFFECT_PREFIX && before) {
        CHECK(saw == STRUCTIO_EFFECT_NOTHING);
      } else {
        CHECK(static_cast<std::uint32_t>(saw) == entry.effect);
      }
    }
  }
}
