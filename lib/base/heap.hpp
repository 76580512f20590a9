// Intrusive 4-ary min-heap of (key, node). The array keeps the keys beside the pointers, so sifting
// compares without touching the nodes; a node knows its index, so that removal is exact. Four
// children a level halve the depth of a binary heap and share a cache line or two (Johnson's d-ary
// heap, 1975).
#pragma once

#include <cstdint>

#include "base/assert.hpp"
#include "base/memory.hpp"
#include "base/status.hpp"

namespace structio::base {

struct heap_node {
  static constexpr std::uint32_t absent = UINT32_MAX;
  std::uint32_t heap_index = absent;
  bool in_heap() const noexcept { return heap_index != absent; }
};

class heap {
 public:
  struct entry {
    std::int64_t key;
    heap_node* node;
  };

  heap() = default;
  heap(const heap&) = delete;
  heap& operator=(const heap&) = delete;
  ~heap() { base::release(entries_); }

  bool empty() const noexcept { return size_ == 0; }
  std::uint32_t size() const noexcept { return size_; }
  const entry& front() const noexcept { return entries_[0]; }

  /// The least key but for the front's; INT64_MAX when there is no second one.
  std::int64_t second_key() const noexcept {
    std::int64_t least = INT64_MAX;
    for (std::uint32_t i = 1; i < size_ && i <= 4; ++i) {
      if (entries_[i].key < least) least = entries_[i].key;
    }
    return least;
  }
  std::int64_t key_of(const heap_node& node) const noexcept {
    return entries_[node.heap_index].key;
  }

  /// Adds a node. In the usual case (a key not before the last one) nothing is moved.
  int insert(heap_node& node, std::int64_t key) noexcept {
    STRUCTIO_ASSERT(!node.in_heap());
    if (holes_ > 0) [[unlikely]]
      close_holes();
    if (size_ == capacity_ && !grow()) return STRUCTIO_ENOMEM;
    sift_up(size_++, {key, &node});
    return 0;
  }

  void remove(heap_node& node) noexcept {
    STRUCTIO_ASSERT(node.in_heap() && entries_[node.heap_index].node == &node);
    const std::uint32_t hole = node.heap_index;
    node.heap_index = heap_node::absent;
    if (exactly_ == 0) [[unlikely]] {
      entries_[hole].node = nullptr;
      ++holes_;
      return;
    }
    --exactly_;
    const entry last = entries_[--size_];
    if (hole != size_) place(hole, last);
  }

  /// Changes the key of a node that is in the heap.
  void update(heap_node& node, std::int64_t key) noexcept {
    if (holes_ > 0) [[unlikely]]
      close_holes();
    place(node.heap_index, {key, &node});
  }

  /// While it lives, many may be removed: after the first sixteenth each leaves a hole, since to
  /// fill it would touch nodes that are likely to be next. All holes are closed at its end, in one
  /// go, or by an insertion. Meanwhile only insert, remove and update may be called.
  class many_removals {
   public:
    explicit many_removals(heap& h) noexcept : heap_(h) {
      STRUCTIO_ASSERT(h.exactly_ > UINT32_MAX && h.holes_ == 0);  // never one in another
      h.exactly_ = h.size_ / 16 + 1;
    }
    ~many_removals() {
      heap_.exactly_ = always;
      if (heap_.holes_ > 0) heap_.close_holes();
    }
    many_removals(const many_removals&) = delete;
    many_removals& operator=(const many_removals&) = delete;

   private:
    heap& heap_;
  };

 private:
  static constexpr std::uint64_t always = UINT64_MAX;

  // Each hole gets the last entry; then bottom-up (Floyd's treesort 3, 1964), which looks at keys
  // alone and touches the nodes that move.
  void close_holes() noexcept {
    for (std::uint32_t i = 0; holes_ > 0; ++i) {
      if (entries_[i].node) continue;
      while (!entries_[size_ - 1].node && size_ - 1 > i) {
        --size_;
        --holes_;
      }
      --holes_;
      if (--size_ > i) set(i, entry(entries_[size_]));
    }
    for (std::uint32_t at = (size_ + 2) / 4; at-- > 0;) {
      if (entries_[least_child(at)].key < entries_[at].key) sift_down(at, entry(entries_[at]));
    }
  }

  bool grow() noexcept {
    const std::uint32_t wanted = capacity_ ? capacity_ * 2 : 64;
    if (wanted <= capacity_) return false;
    void* memory = base::reallocate(entries_, wanted * sizeof(entry));
    if (!memory) return false;
    entries_ = static_cast<entry*>(memory);
    capacity_ = wanted;
    return true;
  }

  void set(std::uint32_t at, const entry& e) noexcept {
    entries_[at] = e;
    e.node->heap_index = at;
  }

  void place(std::uint32_t at, const entry& e) noexcept {
    if (at > 0 && e.key < entries_[(at - 1) / 4].key) {
      sift_up(at, e);
    } else {
      sift_down(at, e);
    }
  }

  void sift_up(std::uint32_t at, const entry& e) noexcept {
    while (at > 0) {
      const std::uint32_t parent = (at - 1) / 4;
      if (entries_[parent].key <= e.key) break;
      set(at, entries_[parent]);
      at = parent;
    }
    set(at, e);
  }

  // Of one that has children.
  std::uint32_t least_child(std::uint32_t at) const noexcept {
    const std::uint32_t first = at * 4 + 1;
    const std::uint32_t end = first + 4 < size_ ? first + 4 : size_;
    std::uint32_t least = first;
    for (std::uint32_t child = first + 1; child < end; ++child) {
      if (entries_[child].key < entries_[least].key) least = child;
    }
    return least;
  }

  void sift_down(std::uint32_t at, const entry& e) noexcept {
    while (at * 4 + 1 < size_) {
      const std::uint32_t least = least_child(at);
      if (entries_[least].key >= e.key) break;
      set(at, entries_[least]);
      at = least;
    }
    set(at, e);
  }

  entry* entries_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint32_t holes_ = 0;         ///< entries without a node, whose keys still count
  std::uint64_t exactly_ = always;  ///< so many removals until they leave holes
};

}  // namespace structio::base
