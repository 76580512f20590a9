// What the tests of channels share: a channel of ints through the C ABI that frees its ends, tasks
// that send or receive once and keep what came of it, statistics as one line.
#pragma once

#include <structio/structio_channel.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "support/c_blocks.hpp"
#include "support/catch.hpp"

namespace channels {

using namespace c_tasks;

inline structio_item_type int_type() {
  structio_item_type type{};
  type.struct_size = sizeof type;
  type.size = sizeof(int);
  return type;
}

struct int_channel {
  explicit int_channel(int64_t capacity) {
    const structio_item_type type = int_type();
    CHECK(structio_channel_new(&type, capacity, &tx, &rx) == 0);
  }
  int_channel(const int_channel&) = delete;
  int_channel& operator=(const int_channel&) = delete;
  ~int_channel() {
    structio_sender_free(tx);
    structio_receiver_free(rx);
  }

  structio_sender* tx = nullptr;
  structio_receiver* rx = nullptr;
};

inline int send(structio_sender* tx, int item) {
  return structio_sender_send(tx, &item);
}
inline int try_send(structio_sender* tx, int item) {
  return structio_sender_try_send(tx, &item);
}

/// The item, which is not negative, or the code.
inline int receive(structio_receiver* rx) {
  int item = -1;
  const int status = structio_receiver_receive(rx, &item);
  return status < 0 ? status : item;
}
inline int try_receive(structio_receiver* rx) {
  int item = -1;
  const int status = structio_receiver_try_receive(rx, &item);
  return status < 0 ? status : item;
}

/// A batch of at most `most`, or its code alone.
inline std::vector<int> batch(structio_receiver* rx, size_t most) {
  std::vector<int> items(most);
  const int64_t got = structio_receiver_receive_batch(rx, items.data(), most);
  if (got < 0) return {static_cast<int>(got)};
  items.resize(static_cast<std::size_t>(got));
  return items;
}
inline std::vector<int> try_batch(structio_receiver* rx, size_t most) {
  std::vector<int> items(most);
  const int64_t got = structio_receiver_try_receive_batch(rx, items.data(), most);
  if (got < 0) return {static_cast<int>(got)};
  items.resize(static_cast<std::size_t>(got));
  return items;
}

inline structio_channel_statistics statistics(const structio_sender* tx) {
  structio_channel_statistics all{};
  all.struct_size = sizeof all;
  CHECK(structio_sender_get_statistics(tx, &all) == 0);
  return all;
}
inline structio_channel_statistics statistics(const structio_receiver* rx) {
  structio_channel_statistics all{};
  all.struct_size = sizeof all;
  CHECK(structio_receiver_get_statistics(rx, &all) == 0);
  return all;
}

/// "used/capacity open senders+receivers waiting senders+receivers peak".
inline std::string line(const structio_channel_statistics& s) {
  const auto n = [](int64_t value) { return std::to_string(value); };
  return n(s.buffer_used) + "/" + n(s.capacity) + " " + n(s.open_senders) + "+" +
         n(s.open_receivers) + " " + n(s.waiting_senders) + "+" + n(s.waiting_receivers) + " " +
         n(s.peak_buffer_used);
}

/// A task that sends or receives once, inside a scope of its own.
struct once {
  structio_sender* tx = nullptr;
  structio_receiver* rx = nullptr;
  int item = 0;    ///< to send
  int result = 1;  ///< as send and receive above; 1: it is still at it
  structio_scope scope{};
  running_task running{};

  once(structio_sender* sender, int value) : tx(sender), item(value) {}
  explicit once(structio_receiver* receiver) : rx(receiver) {}

  int operator()() {
    return running.run([this] {
      return scope_block(scope, [this] {
        result = tx ? send(tx, item) : receive(rx);
        return result == STRUCTIO_ECANCELLED ? result : 0;
      });
    });
  }
};

/// Starts one and waits until it waits.
inline void begin(structio_nursery& n, once& task) {
  task.running.starts();
  CHECK(spawn(n, task.tx ? "sender" : "receiver", task) == 0);
  settle();
}

/// A run with a nursery around `body(nursery)`. `in_order`: tasks take turns as they became ready,
/// for tests of a promised order.
template <class Body>
void in_nursery(Body&& body, bool in_order = false) {
  auto main = [&] {
    return nursery_block([&](structio_nursery& n) {
      body(n);
      return 0;
    });
  };
  structio_run_options options = run_options();
  options.budget = 1;
  if (in_order) options.seed = 0;
  CHECK(run(main, options) == 0);
}

/// The same without the nursery.
template <class Body>
void in_task(Body&& body) {
  in_nursery([&](structio_nursery&) { body(); });
}

using ints = std::vector<int>;

}  // namespace channels
