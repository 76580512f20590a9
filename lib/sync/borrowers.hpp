// Who has a token of a limiter, and who waits for one: a set that is searched by identity. Open
// addressing with a few slots in place, so that small limiters need no memory of the heap.
//
// Always true: room is made before anything else is done for a borrower, so that adding succeeds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace structio::rt::sync {

/// Whom a token is lent to: a task by its id, or any object on whose behalf somebody acts. The two
/// never meet, whatever their numbers.
struct borrower {
  enum class kind : std::uint8_t { none, task, object };

  static borrower of_task(std::uint64_t id) noexcept { return {id, kind::task}; }
  static borrower of_object(const void* object) noexcept {
    return {reinterpret_cast<std::uintptr_t>(object), kind::object};
  }

  std::uint64_t key = 0;
  kind is = kind::none;

  bool operator==(const borrower&) const = default;
};

class borrower_set {
 public:
  struct entry {
    borrower who;
    bool waits = false;
  };

  borrower_set() = default;
  borrower_set(const borrower_set&) = delete;
  borrower_set& operator=(const borrower_set&) = delete;
  ~borrower_set();

  /// Null: not in the set.
  entry* find(const borrower& who) noexcept;

  /// Memory for one more; false: there is none.
  bool make_room() noexcept;

  void add(const borrower& who, bool waits) noexcept;
  void remove(entry& e) noexcept;
  void clear() noexcept;

  /// Goes through all entries in no order: `at` begins at 0. Null at the end.
  const entry* next(std::size_t& at) const noexcept;

 private:
  static constexpr std::size_t few = 8;

  std::size_t home_of(const borrower& who) const noexcept;
  entry& free_slot_for(const borrower& who) noexcept;

  entry few_[few];
  entry* slots_ = few_;
  std::size_t count_ = 0;
  std::size_t mask_ = few - 1;
};

}  // namespace structio::rt::sync
