// Intrusive doubly linked list. An object derives from list_node<Tag> once for each list it can be
// in; Tag tells those lists apart. Nothing is allocated, and unlinking needs no list. A node that
// is in no list points to null, so that "is it linked" is one load.
#pragma once

#include <cstddef>

#include "base/assert.hpp"

namespace structio::base {

template <class Tag>
class list_node {
 public:
  list_node() = default;
  list_node(const list_node&) = delete;
  list_node& operator=(const list_node&) = delete;

  bool linked() const noexcept { return next_ != nullptr; }

  /// Leaves whatever list the node is in. The node must be linked.
  void unlink() noexcept {
    STRUCTIO_ASSERT(linked());
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

  /// The same for a node that is in no list ever after.
  void unlink_for_good() noexcept {
    STRUCTIO_ASSERT(linked());
    prev_->next_ = next_;
    next_->prev_ = prev_;
  }

 private:
  template <class, class>
  friend class list;
  list_node* next_ = nullptr;
  list_node* prev_ = nullptr;
};

template <class T, class Tag>
class list {
  using node = list_node<Tag>;

 public:
  list() noexcept { head_.next_ = head_.prev_ = &head_; }
  list(const list&) = delete;
  list& operator=(const list&) = delete;

  bool empty() const noexcept { return head_.next_ == &head_; }
  T* front() noexcept { return empty() ? nullptr : to_object(head_.next_); }
  T& first() noexcept {
    STRUCTIO_ASSERT(!empty());
    return *to_object(head_.next_);
  }
  T* back() noexcept { return empty() ? nullptr : to_object(head_.prev_); }

  void push_back(T& object) noexcept { insert_before(head_, object); }
  void push_front(T& object) noexcept { insert_before(*head_.next_, object); }

  T* pop_front() noexcept {
    T* object = front();
    if (object) static_cast<node*>(object)->unlink();
    return object;
  }

  /// The neighbour behind `object`, or null at the end.
  T* next(T& object) noexcept {
    node* n = static_cast<node&>(object).next_;
    return n == &head_ ? nullptr : to_object(n);
  }

  /// The neighbour before `object`, or null at the beginning.
  T* previous(T& object) noexcept {
    node* n = static_cast<node&>(object).prev_;
    return n == &head_ ? nullptr : to_object(n);
  }

  /// Moves every element of `other` behind ours; `other` is empty afterwards.
  void splice_back(list& other) noexcept {
    if (other.empty()) return;
    node *first = other.head_.next_, *last = other.head_.prev_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
    other.head_.next_ = other.head_.prev_ = &other.head_;
  }

  /// Counts by walking: for statistics and tests, not for hot paths.
  std::size_t count() const noexcept {
    std::size_t n = 0;
    for (const node* p = head_.next_; p != &head_; p = p->next_) ++n;
    return n;
  }

 private:
  static T* to_object(node* n) noexcept { return static_cast<T*>(n); }
  void insert_before(node& place, T& object) noexcept {
    node& n = object;
    STRUCTIO_ASSERT(!n.linked());
    n.next_ = &place;
    n.prev_ = place.prev_;
    place.prev_->next_ = &n;
    place.prev_ = &n;
  }

  node head_;
};

}  // namespace structio::base
