// Channels between runs: several runtimes, each in its own thread, and plain threads; order,
// back-pressure, cancellation on the way, ends of runs.
#include <structio/remote.hpp>
#include <structio/thread.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/face.hpp"
#include "support/gate.hpp"
#include "support/op_proof.hpp"
#include "support/refusals.hpp"

using namespace c_tasks;
using namespace std::chrono_literals;

namespace {

const structio::run_options quiet{.interrupt = structio::interrupt_mode::ignore};

// A run in a thread of its own.
template <class Fn>
std::thread in_another_run(Fn fn) {
  return std::thread([fn]() mutable { structio::run(quiet, fn); });
}

}  // namespace

TEST_CASE("a plain thread sends in order, and waits while the buffer is full", "[remote]") {
  constexpr int items = 500;
  std::vector<std::string> got;
  structio::run(quiet, [&] {
    auto ends_of_tx = structio::open_channel<std::string>(3);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    std::thread sender([to = structio::remote_sender<std::string>(tx)]() mutable {
      for (int i = 0; i < items; ++i) to.send("item " + std::to_string(i));
    });
    tx.close();
    for (std::string& one : rx) got.push_back(std::move(one));
    sender.join();
  });
  REQUIRE(got.size() == items);
  for (int i = 0; i < items; ++i)
    CHECK(got[static_cast<std::size_t>(i)] == "item " + std::to_string(i));
}

TEST_CASE("runs in several threads, channels between them", "[remote]") {
  for (const std::int64_t capacity : {0, 1, 64}) {
    constexpr int each = 200;
    constexpr int runs = 3;
    long sum = 0;
    int count = 0;
    structio::run(quiet, [&] {
      auto ends_of_tx = structio::open_channel<std::unique_ptr<int>>(capacity);
      auto& tx = ends_of_tx.tx;
      auto& rx = ends_of_tx.rx;
      std::vector<std::thread> others;
      for (int r = 0; r < runs; ++r) {
        auto to = std::make_shared<structio::remote_sender<std::unique_ptr<int>>>(tx);
        others.push_back(in_another_run([to]() mutable {
          structio::open_nursery([&](structio::nursery& n) {
            for (int t = 0; t < 2; ++t) {
              n.start_soon([&] {
                for (int i = 0; i < each; ++i) to->send(std::make_unique<int>(i));
              });
            }
          });
          to.reset();
        }));
      }
      tx.close();
      for (auto& one : rx) {
        sum += *one;
        ++count;
      }
      structio::run_in_thread([&] {
        for (auto& t : others) t.join();
      });
    });
    CHECK(count == 2 * runs * each);
    CHECK(sum == 2L * runs * each * (each - 1) / 2);
  }
}

TEST_CASE("the channel's own tasks may use it as well", "[remote]") {
  face::run([] {
    auto ends_of_tx = structio::open_channel<int>(1);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    structio::remote_sender<int> to(tx);
    to.send(5);
    CHECK(rx.receive() == 5);
  });
}

TEST_CASE("a send that is cancelled on the way is asked back", "[remote]") {
  std::string kept = "still mine";
  bool caught = false;
  bool sent_before = false;
  structio::run(quiet, [&] {
    auto ends_of_tx = structio::open_channel<std::string>(1);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    auto to = std::make_shared<structio::remote_sender<std::string>>(tx);
    structio::run_in_thread([&] {
      structio::run(quiet, [&] {
        to->send("fills the buffer");
        sent_before = true;
        const bool to_its_end = structio::move_on_after(5ms, [&] { to->send(std::move(kept)); });
        caught = !to_its_end;
      });
    });
    CHECK(rx.try_receive() == "fills the buffer");
    CHECK(rx.try_receive() == std::nullopt);
    CHECK(tx.statistics().waiting_senders == 0);
  });
  CHECK(sent_before);
  CHECK(caught);
  CHECK(kept == "still mine");
}

TEST_CASE("cancellation and completion race: sent, or still the sender's", "[remote]") {
  constexpr int rounds = 200;
  int received = 0;
  int sent = 0;
  structio::run(quiet, [&] {
    auto ends_of_tx = structio::open_channel<std::unique_ptr<int>>(0);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    auto to = std::make_shared<structio::remote_sender<std::unique_ptr<int>>>(tx);
    tx.close();
    std::thread other = in_another_run([to, &sent]() mutable {
      for (int i = 0; i < rounds; ++i) {
        auto item = std::make_unique<int>(i);
        structio::move_on_after(std::chrono::microseconds(i % 60),
                                [&] { to->send(std::move(item)); });
        if (!item) ++sent;
      }
      to.reset();
    });
    to.reset();
    for ([[maybe_unused]] auto& one : rx) {
      ++received;
      if (received % 3 == 0) structio::sleep(20us);
    }
    other.join();
  });
  CHECK(received == sent);
}

TEST_CASE("the channel's run ends: the item is still the sender's", "[remote]") {
  std::optional<structio::receiver<std::string>> outlives;
  support::gate full;
  std::string waiting = "waiting";
  std::string late = "late";
  bool refused_waiting = false;
  bool refused_late = false;
  std::thread sender;
  structio::run(quiet, [&] {
    auto ends_of_tx = structio::open_channel<std::string>(1);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    auto to = std::make_shared<structio::remote_sender<std::string>>(tx);
    outlives.emplace(std::move(rx));
    sender = std::thread([&, to] {
      to->send("fills");
      full.open();
      refused_waiting = face::throws<structio::run_finished>([&] { to->send(std::move(waiting)); });
      refused_late = face::throws<structio::run_finished>([&] { to->send(std::move(late)); });
    });
    structio::run_in_thread([&] { full.wait(); });
    while (tx.statistics().waiting_senders == 0) structio::checkpoint();
  });
  sender.join();
  CHECK(refused_waiting);
  CHECK(refused_late);
  CHECK(waiting == "waiting");
  CHECK(late == "late");
}

TEST_CASE("no receiver is left: broken, and the item is still the sender's", "[remote]") {
  structio::run(quiet, [&] {
    auto ends_of_tx = structio::open_channel<std::string>(1);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    structio::remote_sender<std::string> to(tx);
    rx.close();
    structio::run_in_thread([&] {
      std::string kept = "kept";
      CHECK(face::throws<structio::broken_error>([&] { to.send(std::move(kept)); }));
      CHECK(kept == "kept");
    });
  });
}

TEST_CASE("a remote sender keeps its run from being in deadlock, its end ends that", "[remote]") {
  structio::run(quiet, [&] {
    auto ends_of_tx = structio::open_channel<int>(0);
    auto& tx = ends_of_tx.tx;
    auto& rx = ends_of_tx.rx;
    auto to = std::make_shared<structio::remote_sender<int>>(tx);
    tx.close();
    std::thread other([to]() mutable { to.reset(); });
    to.reset();
    CHECK(face::throws<structio::end_of_channel>([&] { rx.receive(); }));
    other.join();
  });
}

TEST_CASE("bad remote senders are refused", "[remote]") {
  int item = 1;
  structio_remote_sender* to = nullptr;
  CHECK(structio_remote_sender_new(nullptr, &to) == STRUCTIO_EINVALID);
  CHECK(structio_remote_sender_new(nullptr, nullptr) == STRUCTIO_EINVALID);
  CHECK(structio_remote_sender_send(nullptr, &item) == STRUCTIO_EINVALID);
  CHECK(structio_remote_sender_free(nullptr) == 0);
  auto main = [&] {
    structio_item_type type{};
    type.struct_size = sizeof type;
    type.size = sizeof item;
    structio_sender* tx = nullptr;
    structio_receiver* rx = nullptr;
    CHECK(structio_channel_new(&type, 1, &tx, &rx) == 0);
    CHECK(structio_remote_sender_new(tx, &to) == 0);
    CHECK(structio_remote_sender_send(to, nullptr) == STRUCTIO_EINVALID);
    int elsewhere = 0;
    std::thread([&] {
      auto other = [&] {
        structio_remote_sender* none = nullptr;
        elsewhere = structio_remote_sender_new(tx, &none);
        return 0;
      };
      run(other);
    }).join();
    CHECK(elsewhere == STRUCTIO_EMISUSE);
    CHECK(structio_remote_sender_free(to) == 0);
    CHECK(structio_remote_sender_free(to) == STRUCTIO_ESTALE);
    CHECK(structio_remote_sender_send(to, &item) == STRUCTIO_ESTALE);
    CHECK(structio_sender_close(tx) == 0);
    CHECK(structio_remote_sender_new(tx, &to) == STRUCTIO_ECLOSED);
    structio_sender_free(tx);
    structio_receiver_free(rx);
    return 0;
  };
  CHECK(run(main) == 0);
}

namespace {

void prove_remote() {
  int word = 7;
  structio_item_type type{};
  type.struct_size = sizeof type;
  type.size = sizeof word;
  structio_sender* tx = nullptr;
  structio_receiver* rx = nullptr;
  structio_remote_sender* to = nullptr;
  CHECK(structio_channel_new(&type, 4, &tx, &rx) == 0);
  CHECK(structio_remote_sender_new(tx, &to) == 0);
  CHECK(op_proof::halves([&] { structio_remote_sender_send(to, &word); }) == 2);
  CHECK(op_proof::cancelled([&] { return structio_remote_sender_send(to, &word); }) ==
        op_proof::aborted);
  structio_channel_statistics now{};
  now.struct_size = sizeof now;
  CHECK(structio_sender_get_statistics(tx, &now) == 0);
  CHECK(now.buffer_used == 1);
  structio_remote_sender_free(to);
  structio_sender_free(tx);
  structio_receiver_free(rx);
}

const op_proof::area proof({{"structio_remote_sender_send", 1, STRUCTIO_EFFECT_NOTHING}},
                           prove_remote);

}  // namespace
