// What a user of the C++ face might write first: an echo server and its clients on the loopback,
// and an error that a task throws to whoever opened the nursery.
#include <array>
#include <cstddef>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <structio/structio.hpp>

using namespace std::chrono_literals;

namespace {

void echo(structio::tcp_stream stream) {
  std::array<std::byte, 100> buffer;
  while (const auto got = stream.receive_some(buffer)) {
    stream.send_all(std::span(buffer).first(got));
  }
}

std::string ask(std::uint16_t port, std::string_view question) {
  structio::tcp_stream stream = structio::connect_tcp("127.0.0.1", port);
  stream.send_all(std::as_bytes(std::span(question.data(), question.size())));
  stream.send_eof();
  std::string answer;
  std::array<char, 100> buffer;
  while (const auto got = stream.receive_some(std::as_writable_bytes(std::span(buffer)))) {
    answer.append(buffer.data(), got);
  }
  return answer;
}

bool ten_clients_are_answered() {
  structio::tcp_listener listener = structio::listen_tcp({.host = "127.0.0.1"});
  int answered = 0;
  structio::open_nursery([&](structio::nursery& outer) {
    outer.start_service([&] { structio::serve(listener, echo); });
    structio::open_nursery([&](structio::nursery& clients) {
      for (int i = 0; i < 10; ++i) {
        clients.start_soon([&listener, &answered, i] {
          const std::string question = "client " + std::to_string(i);
          if (ask(listener.address().port, question) == question) ++answered;
        });
      }
    });
  });
  return answered == 10;
}

bool an_error_comes_out() {
  try {
    structio::open_nursery([](structio::nursery& n) {
      n.start_soon([] { throw std::runtime_error("as planned"); });
      structio::sleep(1h);
    });
  } catch (const structio::exception_group& group) {
    try {
      structio::unwrap_single(group);
    } catch (const std::runtime_error& single) {
      return single.what() == std::string_view("as planned");
    }
  }
  return false;
}

}  // namespace

int main() {
  return structio::run([] {
    if (!ten_clients_are_answered() || !an_error_comes_out()) {
      std::puts("structio does not work from C++");
      return 1;
    }
    std::puts("structio works from C++");
    return 0;
  });
}
