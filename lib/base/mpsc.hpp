// Queue from many threads to one. Producers push with one compare-exchange; the consumer takes
// everything at once with one exchange and turns it round, so that the order is the order of the
// pushes (Treiber's stack, 1986, drained whole, so that no node can come back under a reader).
#pragma once

#include <atomic>

namespace structio::base {

struct mpsc_node {
  mpsc_node* next = nullptr;
};

class mpsc_queue {
 public:
  /// Any thread, signal handlers too. True when the queue was empty: a consumer that sleeps needs a
  /// wake-up. Sequentially consistent when it is done, as is `empty`: who then looks whether the
  /// consumer sleeps, and who says that it will and then looks here, do not miss each other.
  bool push(mpsc_node& node) noexcept {
    mpsc_node* head = head_.load(std::memory_order_relaxed);
    do {
      node.next = head;
    } while (!head_.compare_exchange_weak(head, &node, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    return head == nullptr;
  }

  /// Consumer only: everything pushed so far, oldest first.
  mpsc_node* drain() noexcept {
    mpsc_node* node = head_.exchange(nullptr, std::memory_order_acquire);
    mpsc_node* oldest = nullptr;
    while (node) {
      mpsc_node* next = node->next;
      node->next = oldest;
      oldest = node;
      node = next;
    }
    return oldest;
  }

  bool empty() const noexcept { return head_.load(std::memory_order_seq_cst) == nullptr; }

 private:
  std::atomic<mpsc_node*> head_{nullptr};
};

}  // namespace structio::base
