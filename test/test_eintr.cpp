// Calls of the system that signals interrupt all the time: nothing is lost, nothing fails.
#include <structio/pipe.hpp>
#include <structio/unix.hpp>

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <string>
#include <thread>

#include "support/net.hpp"

using namespace net_test;

namespace {

std::atomic<int> interruptions{0};

/// Interrupts the thread that made it, again and again: its handler has no SA_RESTART.
class interrupter {
 public:
  interrupter() {
    struct sigaction action {};
    action.sa_handler = [](int) { interruptions.fetch_add(1, std::memory_order_relaxed); };
    sigaction(SIGUSR1, &action, &before_);
    sender_ = std::thread([this, target = pthread_self()] {
      while (!over_.load()) {
        pthread_kill(target, SIGUSR1);
        std::this_thread::yield();
      }
    });
  }
  interrupter(const interrupter&) = delete;
  interrupter& operator=(const interrupter&) = delete;
  ~interrupter() {
    over_ = true;
    sender_.join();
    sigaction(SIGUSR1, &before_, nullptr);
  }

 private:
  struct sigaction before_ {};
  std::atomic<bool> over_{false};
  std::thread sender_;
};

constexpr int rounds = 60;

void echo(structio::any_stream& s) {
  for (std::string text = receive(s); !text.empty(); text = receive(s)) s.send_all(text);
}

void talk(structio::any_stream& s, const std::string& text) {
  s.send_all(text);
  CHECK(receive_whole(s, text.size()) == text);
}

void over_tcp() {
  auto listener = listen();
  const std::string large = pattern(300'000);
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      for (int i = 0; i < rounds; ++i) {
        n.start_soon([s = std::make_shared<tcp_stream>(listener.accept())] { echo(*s); });
      }
    });
    for (int i = 0; i < rounds; ++i) {
      auto s = connect(listener);
      talk(s, "small");
      if (i % 20 == 0) {
        open_nursery([&](nursery& both) {
          both.start_soon([&] { s.send_all(large); });
          CHECK(receive_whole(s, large.size()) == large);
        });
      }
      s.send_eof();
      CHECK(receive(s).empty());
    }
  });
}

void over_udp() {
  auto a = structio::open_udp({.host = "127.0.0.1"});
  auto b = structio::connect_udp("127.0.0.1", a.port());
  open_nursery([&](nursery& n) {
    n.start_soon([&] {
      char buffer[64];
      for (int i = 0; i < rounds; ++i) {
        const auto got = a.receive(buffer);
        a.send_to(std::string_view(buffer, got.size), got.from);
      }
    });
    for (int i = 0; i < rounds; ++i) {
      b.send(std::to_string(i));
      std::string text(64, '\0');
      text.resize(b.receive(std::span<char>(text)).size);
      CHECK(text == std::to_string(i));
    }
  });
}

void over_unix_sockets() {
  const std::string path = "/tmp/structio-eintr-" + std::to_string(getpid());
  auto listener = structio::listen_unix({.path = path});
  for (int i = 0; i < rounds; ++i) {
    auto one = structio::connect_unix(path);
    auto other = listener.accept();
    const std::int64_t sent = one.descriptor();
    open_nursery([&](nursery& n) {
      n.start_soon([&] {
        const int status = structio_unix_send_descriptors(other.native(), "x", 1, &sent, 1);
        CHECK(status == 0);
      });
      std::int64_t place = -1;
      structio_descriptors came{};
      came.struct_size = sizeof came;
      came.array = &place;
      came.capacity = 1;
      char byte = 0;
      CHECK(structio_unix_receive_descriptors(one.native(), &byte, 1, &came) == 1);
      CHECK(came.count == 1);
      ::close(static_cast<int>(place));
    });
  }
}

void over_pipes() {
  auto ends = structio::open_pipe();
  const std::string large = pattern(300'000);
  open_nursery([&](nursery& n) {
    n.start_soon([&] { ends.second.send_all(large); });
    CHECK(receive_whole(ends.first, large.size()) == large);
  });
}

}  // namespace

TEST_CASE("signals that interrupt calls of the system cost nobody anything", "[SOCK-25][SSTR-04]") {
  const int before = open_descriptors();
  {
    const interrupter all_the_time;
    run([] {
      open_nursery([](nursery& n) {
        n.start_soon(over_tcp);
        n.start_soon(over_udp);
        n.start_soon(over_unix_sockets);
        n.start_soon(over_pipes);
        n.start_soon([] {
          for (int i = 0; i < rounds; ++i) {
            CHECK(!structio::resolve("localhost", 1).empty());
            structio::sleep(100us);
          }
        });
      });
    });
  }
  CHECK(interruptions.load() > 0);
  CHECK(open_descriptors() == before);
}
