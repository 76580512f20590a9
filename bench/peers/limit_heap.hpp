// An intrusive 4-ary heap of deadlines for the limit programs: entries hold the key, so that
// comparing does not touch the tasks; each task knows its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "limit.hpp"

namespace limit {

class deadline_heap {
 public:
  explicit deadline_heap(std::size_t expected) { entries_.reserve(expected + 1); }

  void insert(task* t) {
    entries_.push_back({t->deadline, t});
    up(entries_.size() - 1, {t->deadline, t});
  }

  void remove(task* t) {
    const std::size_t at = t->heap_index;
    const entry last = entries_.back();
    entries_.pop_back();
    if (at == entries_.size()) return;
    if (at > 0 && last.deadline < entries_[(at - 1) / 4].deadline) {
      up(at, last);
    } else {
      down(at, last);
    }
  }

  task* top() const { return entries_.front().owner; }
  std::size_t size() const { return entries_.size(); }

 private:
  struct entry {
    std::int64_t deadline;
    task* owner;
  };

  void put(std::size_t at, entry e) {
    entries_[at] = e;
    e.owner->heap_index = at;
  }

  void up(std::size_t at, entry e) {
    while (at > 0) {
      const std::size_t parent = (at - 1) / 4;
      if (entries_[parent].deadline <= e.deadline) break;
      put(at, entries_[parent]);
      at = parent;
    }
    put(at, e);
  }

  void down(std::size_t at, entry e) {
    const std::size_t count = entries_.size();
    for (;;) {
      const std::size_t first = at * 4 + 1;
      if (first >= count) break;
      const std::size_t end = first + 4 < count ? first + 4 : count;
      std::size_t least = first;
      for (std::size_t i = first + 1; i < end; ++i) {
        if (entries_[i].deadline < entries_[least].deadline) least = i;
      }
      if (e.deadline <= entries_[least].deadline) break;
      put(at, entries_[least]);
      at = least;
    }
    put(at, e);
  }

  std::vector<entry> entries_;
};

}  // namespace limit
