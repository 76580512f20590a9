// Streams of TLS that are freed or closed by another task at each instant of each call, or left to
// the end of their run in the midst of one.
#include <cstdlib>
#include <functional>
#include <optional>

#include "support/tls.hpp"

using namespace tls_test;
using structio::testing::lockstep_stream_pair;
using structio::testing::memory_stream_pair;

namespace {

using call = std::function<std::int64_t(structio_stream*)>;

std::int64_t unwrap(structio_stream* s) {
  structio_stream* plain = nullptr;
  char rest[100];
  std::size_t size = 0;
  const int code = structio_tls_unwrap(s, &plain, rest, sizeof rest, &size);
  structio_stream_free(plain);
  return code;
}

std::int64_t receive_one(structio_stream* s) {
  char byte = 0;
  return structio_stream_receive_some(s, &byte, 1);
}

std::int64_t send_much(structio_stream* s) {
  const std::string text(40000, 'x');
  return structio_stream_send_all(s, text.data(), text.size());
}

bool may_come_out(std::int64_t code) {
  return code >= 0 || code == STRUCTIO_ECLOSED || code == STRUCTIO_EBROKEN ||
         code == STRUCTIO_ESTALE || code == STRUCTIO_ECANCELLED;
}

/// Two ends, with the handshake done or to be done by the call itself.
pair ends(bool lockstep, bool ready) {
  if (lockstep) {
    auto [a, b] = lockstep_stream_pair();
    auto p = wrap(std::move(a), std::move(b));
    return ready ? shaken(std::move(p)) : std::move(p);
  }
  return ready ? shaken(memory_pair()) : memory_pair();
}

void end_at_each_instant(const call& ours, const call& theirs, bool lockstep, bool ready,
                         int (*end)(structio_stream*)) {
  const int step = std::getenv("STRUCTIO_STRESS") ? 1 : 3;
  for (int delay = 0; delay < 24; delay += step) {
    auto p = ends(lockstep, ready);
    structio_stream* raw = p.client.release();
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        const auto code = ours(raw);
        INFO("after " << delay << " instants: " << code);
        CHECK(may_come_out(code));
      });
      n.start_soon([&] { theirs(p.server.native()); });
      n.start_soon([&] {
        pause(delay);
        end(raw);
      });
      // Closing may wait for a peer that does not receive; and that is alone then, and need not
      // notice.
      n.start_soon([&] {
        pause(delay + 30);
        n.cancel_scope().cancel();
      });
    });
    structio_stream_free(raw);
  }
}

}  // namespace

TEST_CASE("TLS may be freed or closed by another task at each instant of each call") {
  const call calls[] = {structio_tls_do_handshake, receive_one, send_much, unwrap,
                        structio_stream_close};
  for (const auto end : {structio_stream_free, structio_stream_close}) {
    for (const bool lockstep : {false, true}) {
      for (const bool ready : {false, true}) {
        run(
            [&] {
              for (const call& ours : calls) {
                for (const call& theirs : {call(receive_one), call(send_much), call(unwrap)}) {
                  end_at_each_instant(ours, theirs, lockstep, ready, end);
                }
              }
            },
            1);
      }
    }
  }
}

TEST_CASE("a run may end in the midst of what is done with TLS") {
  for (int delay = 0; delay < 24; ++delay) {
    std::optional<pair> p;  // outlives the run
    run(
        [&] {
          p.emplace(memory_pair());
          open_nursery([&](nursery& n) {
            n.start_soon([&] { send_much(p->client.native()); });
            n.start_soon([&] { receive_one(p->server.native()); });
            pause(delay);
            n.cancel_scope().cancel();
          });
        },
        1);
    CHECK(structio_stream_send_all(p->client.native(), "x", 1) < 0);
  }
}
