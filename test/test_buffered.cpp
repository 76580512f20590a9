// Reading in units over streams that bring their bytes in every way they can be cut.
#include <structio/buffered.hpp>
#include <structio/testing/memory_stream.hpp>

#include <string>
#include <vector>

#include "support/net.hpp"
#include "support/op_proof.hpp"

using namespace net_test;
using structio::any_stream;
using structio::buffered_reader;
using structio::testing::memory_stream_pair;

namespace {

template <class Fn>
int code_of(Fn fn) {
  try {
    fn();
  } catch (const structio::error& e) {
    return e.code();
  }
  return 0;
}

/// A reader over what another task sends in pieces of a size, and then ends.
template <class Body>
void reading(const std::string& text, std::size_t piece, Body body,
             std::size_t limit = buffered_reader::default_limit) {
  auto [near, far] = memory_stream_pair();
  open_nursery([&, &in = near, &out = far](nursery& n) {
    n.start_soon([&] {
      for (std::size_t at = 0; at < text.size(); at += piece) {
        out.send_all(std::string_view(text).substr(at, piece));
        structio::checkpoint();
      }
      out.send_eof();
    });
    buffered_reader reader(in, limit);
    body(reader);
    n.cancel_scope().cancel();
  });
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("lines, whatever pieces they come in") {
  face::run([] {
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
      reading("one\ntwo\r\n\n\rfour\r\r\nlast", piece, [](buffered_reader& r) {
        strings all;
        for (const std::string_view line : r.lines()) all.emplace_back(line);
        CHECK(all == strings{"one", "two", "", "\rfour\r", "last"});
        CHECK_FALSE(r.receive_line());
      });
    }
  });
}

TEST_CASE("exactly so many bytes, and the end before and in the middle") {
  face::run([] {
    for (const std::size_t piece : {1u, 4u, 100u}) {
      reading("abcdefgh", piece, [](buffered_reader& r) {
        std::array<std::byte, 3> three;
        CHECK(r.receive_exactly(three));
        CHECK(three[2] == std::byte{'c'});
        CHECK(r.receive_exactly(2) == "de");
        CHECK(r.receive_exactly(std::size_t{0}) == "");
        CHECK(code_of([&] { r.receive_exactly(4); }) == STRUCTIO_EINCOMPLETE);
        CHECK(r.receive_exactly(3) == "fgh");  // nothing was consumed
        CHECK_FALSE(r.receive_exactly(1));
        CHECK_FALSE(r.receive_exactly(three));
      });
    }
  });
}

TEST_CASE("up to a delimiter that is cut in two, within a limit") {
  face::run([] {
    for (const std::size_t piece : {1u, 2u, 5u, 100u}) {
      reading(
          "a--b-=-=c-=-end without one", piece,
          [](buffered_reader& r) {
            CHECK(r.receive_until("-=-") == "a--b");
            CHECK(r.receive_until("-=-") == "=c");
            CHECK(code_of([&] { r.receive_until("-=-"); }) == STRUCTIO_EINCOMPLETE);
            CHECK(r.receive_until("w") == "end ");
          },
          20);
      reading(
          std::string(20, 'x') + "\n" + std::string(21, 'y') + "\n", piece,
          [](buffered_reader& r) {
            CHECK(r.receive_line() == std::string(20, 'x'));
            CHECK(code_of([&] { r.receive_line(); }) == STRUCTIO_ELIMIT);
            CHECK(code_of([&] { r.receive_line(); }) == STRUCTIO_ELIMIT);
            CHECK(r.receive_exactly(22) == std::string(21, 'y') + "\n");
          },
          20);
    }
  });
}

TEST_CASE("frames of each kind of length") {
  face::run([] {
    for (const unsigned length_size : {1u, 2u, 4u, 8u}) {
      for (const bool little : {false, true}) {
        const structio::frame_format format{length_size, little, 300};
        auto [near, far] = memory_stream_pair();
        structio::send_frame(near, "first", format);
        structio::send_frame(near, "", format);
        structio::send_frame(near, std::string(200, 'z'), format);
        near.send_eof();
        buffered_reader r(far);
        CHECK(r.receive_frame(format) == "first");
        CHECK(r.receive_frame(format) == "");
        CHECK(r.receive_frame(format) == std::string(200, 'z'));
        CHECK_FALSE(r.receive_frame(format));
      }
    }
    auto [near, far] = memory_stream_pair();
    CHECK(code_of([&, &s = near] { structio::send_frame(s, std::string(256, 'x'), {1}); }) ==
          STRUCTIO_ELIMIT);
    near.send_all(std::string_view("\0\0\0\7abc", 7));
    near.send_eof();
    buffered_reader r(far);
    CHECK(code_of([&] { r.receive_frame({4, false, 6}); }) == STRUCTIO_ELIMIT);
    CHECK(code_of([&] { r.receive_frame(); }) == STRUCTIO_EINCOMPLETE);
    CHECK(r.receive_frame({2}) == "");
  });
}

TEST_CASE("peek consumes nothing; what is put back comes first") {
  face::run([] {
    reading("GET /", 2, [](buffered_reader& r) {
      CHECK(r.peek(3).substr(0, 3) == "GET");
      CHECK(r.buffered() >= 3);
      CHECK(r.receive_until(" ") == "GET");
      r.unread("PUT ");
      r.unread("");
      CHECK(r.receive_until(" ") == "PUT");
      r.unread(std::string(100000, 'p'));
      CHECK(r.receive_exactly(100000) == std::string(100000, 'p'));
      CHECK(r.peek(100) == "/");
      CHECK(r.receive_exactly(1) == "/");
      CHECK(r.peek(1).empty());
    });
  });
}

TEST_CASE("a cancelled call has consumed nothing") {
  face::run([] {
    auto [near, far] = memory_stream_pair();
    buffered_reader r(far);
    near.send_all("half a li");
    CHECK_FALSE(structio::move_on_after(1s, [&] { r.receive_line(); }));
    CHECK(r.buffered() == 9);
    CHECK_FALSE(structio::move_on_after(1s, [&] { r.receive_exactly(20); }));
    CHECK_FALSE(structio::move_on_after(1s, [&] { r.receive_frame({1, false, 1000}); }));
    near.send_all("ne\n");
    CHECK(r.receive_line() == "half a line");
  });
}

TEST_CASE("a reader at every instant: no byte is lost or comes twice") {
  run(
      [] {
        for (int delay = 0; delay < 30; ++delay) {
          auto ends = connected();
          strings got;
          open_nursery([&](nursery& n) {
            n.start_soon([&] {
              for (int i = 0; i < 8; ++i) {
                ends.a.send_all("line " + std::to_string(i));
                structio::checkpoint();
                ends.a.send_all("\n");
              }
              ends.a.send_eof();
            });
            buffered_reader r(ends.b);
            for (bool more = true; more;) {
              structio::cancel_scope scope;
              open_nursery([&](nursery& inner) {
                inner.start_soon([&] {
                  pause(delay % 5);
                  scope.cancel();
                });
                scope.run([&] {
                  const auto line = r.receive_line();
                  more = line.has_value();
                  if (more) got.emplace_back(*line);
                });
              });
            }
          });
          REQUIRE(got.size() == 8);
          CHECK(got[7] == "line 7");
        }
      },
      1);
}

TEST_CASE("a reader owns its stream if it was moved in, and gives it back") {
  run([] {
    auto ends = connected();
    ends.a.send_all("header\nbody");
    buffered_reader r(std::move(ends.b));
    CHECK(r.receive_line() == "header");
    any_stream body = r.detach();
    std::array<std::byte, 16> rest;
    CHECK(r.receive_some(rest) == 4);
    CHECK(throws<structio::closed_error>([&] { r.receive_some(rest); }));
    CHECK(throws<structio::closed_error>([&] { r.receive_line(); }));
    CHECK(throws<structio::closed_error>([&] { r.detach(); }));
    ends.a.send_all("more");
    CHECK(receive(body) == "more");
    { buffered_reader owner(std::move(body)); }
    CHECK(receive(ends.a).empty());
  });
}

TEST_CASE("a buffer is for one task at a time, and outlives what it reads from") {
  face::run([] {
    auto [near, far] = memory_stream_pair();
    buffered_reader r(far);
    open_nursery([&, &in = far](nursery& n) {
      n.start_soon([&] { CHECK(throws<structio::closed_error>([&] { r.receive_line(); })); });
      settle();
      CHECK(throws<structio::busy_error>([&] { r.receive_line(); }));
      CHECK(throws<structio::busy_error>([&] { r.unread("x"); }));
      CHECK(throws<structio::usage_error>([&] { r.detach(); }));  // it is not the reader's
      in.close();
    });
    { any_stream gone = std::move(far); }
    CHECK(throws<structio::closed_error>([&] { r.receive_line(); }));
  });
}

TEST_CASE("a buffer that is freed ends the call under way, also when its data has come") {
  face::run([] {
    for (const bool data_comes : {false, true}) {
      auto [near, far] = memory_stream_pair();
      structio_buffered* b = nullptr;
      REQUIRE(structio_buffered_new(far.native(), nullptr, &b) == 0);
      open_nursery([&, &out = near](nursery& n) {
        n.start_soon([&] {
          const void* data = &data;
          std::size_t size = 7;
          CHECK(structio_buffered_receive_line(b, &data, &size) == STRUCTIO_ECLOSED);
          CHECK(data == nullptr);
          CHECK(size == 0);
        });
        settle();
        if (data_comes) out.send_all("a line\n");
        CHECK(structio_buffered_free(b) == 0);
      });
    }
  });
}

TEST_CASE("another delimiter is looked for from the beginning") {
  face::run([] {
    auto [near, far] = memory_stream_pair();
    buffered_reader r(far);
    near.send_all("..ac..");
    CHECK_FALSE(structio::move_on_after(1s, [&] { r.receive_until("ab"); }));
    CHECK(r.receive_until("ac") == "..");
  });
}

TEST_CASE("a frame whose length has no end, and a view put back into its own buffer") {
  face::run([] {
    auto [near, far] = memory_stream_pair();
    buffered_reader r(far);
    near.send_all(std::string(8, '\xff') + "rest");
    CHECK(code_of([&] { r.receive_frame({8, false, SIZE_MAX}); }) == STRUCTIO_ELIMIT);
    CHECK(r.receive_exactly(8) == std::string(8, '\xff'));
    const std::string_view rest = r.peek(4);
    r.unread(rest);
    r.unread(r.peek(8));
    CHECK(r.receive_exactly(16) == "restrestrestrest");
  });
}

TEST_CASE("calls that are refused give way and look for cancellation") {
  face::run([] {
    auto [near, far] = memory_stream_pair();
    buffered_reader r(std::move(far), 2);
    near.send_all("long");
    r.peek(4);
    structio::cancel_scope scope;
    open_nursery([&](nursery& n) {
      n.start_soon([&] { scope.cancel(); });
      CHECK_FALSE(scope.run([&] {
        while (code_of([&] { r.receive_line(); }) == STRUCTIO_ELIMIT) {
        }
      }));
    });
    r.receive_exactly(4);
    const any_stream taken = r.detach();
    CHECK(op_proof::halves([&] { CHECK(throws<structio::closed_error>([&] { r.peek(1); })); }) ==
          2);
  });
}

TEST_CASE("long input costs what it is long: each byte is searched once") {
  face::run([] {
    const std::string long_line = pattern(std::size_t{1} << 20);
    std::string text = long_line;
    for (char& c : text) {
      if (c == '\n') c = 'n';
    }
    reading(
        text + "\n", 512, [&](buffered_reader& r) { CHECK(r.receive_line() == text); },
        std::size_t{2} << 20);
  });
}

TEST_CASE("buffers refuse what makes no sense") {
  structio_buffered* b = nullptr;
  const void* data = nullptr;
  std::size_t size = 0;
  CHECK(structio_buffered_new(nullptr, nullptr, &b) == STRUCTIO_EINVALID);
  CHECK(structio_buffered_free(nullptr) == 0);
  CHECK(structio_buffered_available(nullptr) == STRUCTIO_EINVALID);
  face::run([&] {
    auto [near, far] = memory_stream_pair();
    CHECK(structio_buffered_new(near.native(), nullptr, nullptr) == STRUCTIO_EINVALID);
    REQUIRE(structio_buffered_new(near.native(), nullptr, &b) == 0);
    CHECK(structio_buffered_receive_until(b, "", 0, &data, &size) == STRUCTIO_EINVALID);
    CHECK(structio_buffered_receive_until(b, nullptr, 1, &data, &size) == STRUCTIO_EINVALID);
    CHECK(structio_buffered_receive_line(b, nullptr, &size) == STRUCTIO_EINVALID);
    CHECK(structio_buffered_receive_exactly(b, nullptr, 1) == STRUCTIO_EINVALID);
    CHECK(structio_buffered_receive_some(b, &size, 0) == STRUCTIO_EINVALID);
    CHECK(structio_buffered_take_exactly(b, SIZE_MAX, &data) == STRUCTIO_ENOMEM);
    CHECK(structio_buffered_peek(b, 1, &data, nullptr) == STRUCTIO_EINVALID);
    structio_frame_options odd{};
    odd.struct_size = sizeof odd;
    odd.length_size = 3;
    CHECK(structio_buffered_receive_frame(b, &odd, &data, &size) == STRUCTIO_EINVALID);
    CHECK(structio_stream_send_frame(near.native(), &odd, "x", 1) == STRUCTIO_EINVALID);
    CHECK(structio_buffered_unread(b, nullptr, 1) == STRUCTIO_EINVALID);
    CHECK(structio_buffered_detach(b, nullptr) == STRUCTIO_EINVALID);
    CHECK(structio_buffered_free(b) == 0);
    CHECK(structio_buffered_receive_line(b, &data, &size) == STRUCTIO_ESTALE);
  });
}

TEST_CASE("a buffer that is left after its run is freed all the same") {
  structio_buffered* b = nullptr;
  face::run([&] {
    auto [near, far] = memory_stream_pair();
    REQUIRE(structio_buffered_new(near.release(), nullptr, &b) == 0);
  });
  const void* data = nullptr;
  std::size_t size = 0;
  face::run([&] { CHECK(structio_buffered_receive_line(b, &data, &size) == STRUCTIO_ECLOSED); });
  CHECK(structio_buffered_free(b) == 0);
}

namespace {

void prove() {
  structio_stream *near = nullptr, *far = nullptr;
  REQUIRE(structio_memory_stream_pair(&near, &far) == 0);
  structio_buffered* b = nullptr;
  REQUIRE(structio_buffered_new(far, nullptr, &b) == 0);
  const std::string text("\0\0\0\1x some line\nab-cdefg", 24);
  REQUIRE(structio_stream_send_all(near, text.data(), text.size()) == 0);
  const void* data = nullptr;
  std::size_t size = 0;
  char buffer[4];
  const auto each = [&](auto call, std::int64_t expected) {
    const auto before = structio_buffered_available(b);
    CHECK(op_proof::cancelled(call) == op_proof::aborted);
    CHECK(structio_buffered_available(b) == before);
    CHECK(op_proof::halves([&] { CHECK(call() == expected); }) == 2);
  };
  each([&] { return structio_buffered_peek(b, 4, &data, &size); }, 1);
  each([&] { return structio_buffered_receive_frame(b, nullptr, &data, &size); }, 1);
  each([&] { return structio_buffered_receive_line(b, &data, &size); }, 1);
  each([&] { return structio_buffered_receive_until(b, "-", 1, &data, &size); }, 1);
  each([&] { return structio_buffered_receive_exactly(b, buffer, 2); }, 1);
  each([&] { return structio_buffered_take_exactly(b, 1, &data); }, 1);
  each([&] { return structio_buffered_receive_some(b, buffer, 1); }, 1);
  const auto frame = [&] { return structio_stream_send_frame(far, nullptr, "x", 1); };
  CHECK(op_proof::cancelled(frame) == op_proof::aborted);
  CHECK(op_proof::halves([&] { CHECK(frame() == 0); }) == 2);
  structio_buffered_free(b);
  structio_stream_free(near);
  structio_stream_free(far);
}

const op_proof::area proof({{"structio_buffered_peek", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_buffered_receive_exactly", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_buffered_receive_frame", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_buffered_receive_line", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_buffered_receive_some", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_buffered_receive_until", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_buffered_take_exactly", 1, STRUCTIO_EFFECT_NOTHING},
                            {"structio_stream_send_frame", 1, STRUCTIO_EFFECT_PREFIX}},
                           prove);

}  // namespace
