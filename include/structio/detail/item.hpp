// Items of channels and broadcasts between typed C++ and the C ABI: the description of a type, raw
// memory for one item, the loop over a source. Included by channel.hpp, broadcast.hpp and
// generator.hpp.
// Always true: what the library moves is moved without throwing. A type whose move may throw, or
// that is aligned beyond what malloc promises, travels as a pointer to a box of its own.
#pragma once

#include <structio/structio_channel.h>
#include <structio/detail/trampoline.hpp>
#include <structio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {

/// A capacity without an end.
inline constexpr std::int64_t unlimited = STRUCTIO_UNLIMITED;

namespace detail {

template <class T>
concept channel_value =
    std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T> && !std::is_array_v<T> &&
    std::is_move_constructible_v<T> && std::is_destructible_v<T>;

/// A value that is offered is moved out of its variable, or copied when nothing brings it back.
template <class T>
inline constexpr bool offered_by_move =
    std::is_move_assignable_v<T> || std::is_nothrow_move_constructible_v<T>;
template <class T>
inline constexpr bool can_be_offered = offered_by_move<T> || std::is_copy_constructible_v<T>;

/// What lies in a channel's memory for one T.
template <class T>
using item_of = std::conditional_t<fits_stack<T>, T, T*>;

/// Its bytes may be copied instead of moving it.
template <class T>
inline constexpr bool is_plain = fits_stack<T>&& std::is_trivially_copyable_v<T>;

template <class T>
void relocate_item(void* to, void* from) noexcept {
  T* value = static_cast<T*>(from);
  ::new (to) T(std::move(*value));
  std::destroy_at(value);
}

template <class T>
void destroy_item(void* item) noexcept {
  if constexpr (fits_stack<T>) {
    std::destroy_at(static_cast<T*>(item));
  } else {
    delete *static_cast<T**>(item);
  }
}

template <class T>
structio_item_type item_type() noexcept {
  static_assert(can_be_offered<T>,
                "a value that is not sent has to come back into its variable: the type needs a "
                "move assignment, a move constructor that is noexcept, or a copy constructor");
  structio_item_type type{};
  type.struct_size = sizeof type;
  type.size = sizeof(item_of<T>);
  if constexpr (fits_stack<T> && !is_plain<T>) type.move = &relocate_item<T>;
  if constexpr (!is_plain<T>) type.destroy = &destroy_item<T>;
  return type;
}

/// Memory for one item on its way in or out; knows nothing of whether it holds one.
template <class T>
class item_slot {
 public:
  item_slot() noexcept {}
  item_slot(const item_slot&) = delete;
  item_slot& operator=(const item_slot&) = delete;

  void* memory() noexcept { return bytes_; }

  template <class Value>
  void put(Value&& value) {
    if constexpr (fits_stack<T>) {
      ::new (memory()) T(std::forward<Value>(value));
    } else {
      ::new (memory())(T*)(new T(std::forward<Value>(value)));
    }
  }

  T& value() noexcept {
    if constexpr (fits_stack<T>) {
      return *std::launder(reinterpret_cast<T*>(bytes_));
    } else {
      return **std::launder(reinterpret_cast<T**>(bytes_));
    }
  }

  void destroy() noexcept { destroy_item<T>(memory()); }

  /// Moves the item out; the slot is raw afterwards.
  T take() {
    const ending end{*this};
    return std::move(value());
  }
  void take_into(std::optional<T>& out) {
    const ending end{*this};
    out.emplace(std::move(value()));
  }

 private:
  struct ending {
    item_slot& slot;
    ~ending() { slot.destroy(); }
  };
  alignas(item_of<T>) std::byte bytes_[sizeof(item_of<T>)];
};

/// A value in the form in which the C ABI sends it, until it has been sent or is taken back.
template <class T>
class offered {
 public:
  explicit offered(T& value) : value_(&value) {
    if constexpr (offered_by_move<T>) {
      if constexpr (!is_plain<T>) slot_.put(std::move(value));
    } else {
      slot_.put(std::as_const(value));
    }
  }
  offered(const offered&) = delete;
  offered& operator=(const offered&) = delete;

  void* memory() noexcept {
    if constexpr (is_plain<T>) {
      return static_cast<void*>(value_);
    } else {
      return slot_.memory();
    }
  }

  /// It was not sent: the value is what it was. Only where assigning throws it is what that leaves:
  /// why it was not sent is what has to be told.
  void take_back() noexcept {
    if constexpr (!is_plain<T>) {
      put_back();
      slot_.destroy();
    }
  }

 private:
  void put_back() noexcept {
    if constexpr (std::is_nothrow_move_assignable_v<T>) {
      *value_ = std::move(slot_.value());
    } else if constexpr (std::is_nothrow_move_constructible_v<T>) {
      std::destroy_at(value_);
      std::construct_at(value_, std::move(slot_.value()));
    } else if constexpr (std::is_move_assignable_v<T>) {
      try {
        *value_ = std::move(slot_.value());
      } catch (...) {
      }
    }  // else it was a copy
  }

  struct nothing {};
  T* value_;
  [[no_unique_address]] std::conditional_t<is_plain<T>, nothing, item_slot<T>> slot_;
};

/// Offers `value` to a function of the C ABI; when that fails the value is what it was. Returns the
/// function's status.
template <class T, class Call>
auto offer(T& value, Call&& call) {
  offered<T> offering(value);
  const auto status = call(offering.memory());
  if (status < 0) offering.take_back();
  return status;
}

/// The loop `for (T& item : source)` over anything with `bool next_into(std::optional<T>&)`. Holds
/// one item, which is gone before the next is asked for.
template <class T, class Source>
class item_iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;

  explicit item_iterator(Source& source) : source_(&source) { source_->next_into(current_); }

  T& operator*() const noexcept { return *current_; }
  T* operator->() const noexcept { return std::addressof(*current_); }
  item_iterator& operator++() {
    current_.reset();
    source_->next_into(current_);
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const item_iterator& i, std::default_sentinel_t) noexcept {
    return !i.current_.has_value();
  }

 private:
  Source* source_;
  mutable std::optional<T> current_;
};

}  // namespace detail
}  // namespace v0
}  // namespace structio
