// Contexts of TLS are shared by runs on several threads, with the sessions that clients keep.
#include <thread>
#include <vector>

#include "support/tls.hpp"

using namespace tls_test;

// OpenSSL is not compiled for the thread sanitizer, which therefore does not see the atomic counts
// of references by which it hands memory from one thread to another.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libcrypto.so\nrace:libssl.so\n";
}

TEST_CASE("runs on several threads share contexts and sessions") {
  const tls_context client(client_options());
  const tls_context server(server_options());
  std::vector<int> good(3, 0);
  std::vector<std::thread> threads;
  for (int& count : good) {
    threads.emplace_back([&] {
      structio::run({.interrupt = structio::interrupt_mode::ignore}, [&] {
        for (int i = 0; i < 8; ++i) {
          auto [a, b] = structio::testing::memory_stream_pair();
          auto p = shaken(wrap(std::move(a), std::move(b), client, server));
          p.server.send_all("hello");
          if (receive(p.client) == "hello") ++count;
          p.client.close();
        }
      });
    });
  }
  for (std::thread& one : threads) one.join();
  for (const int count : good) CHECK(count == 8);
}
