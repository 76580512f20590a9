// The steps of several tasks in a given order, for tests of what happens when.
// Part of testing.hpp; may still change between releases.
#pragma once

#include <structio/structio_testing.h>
#include <structio/error.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {
namespace testing {

/// Numbered steps that tasks take in the order of the numbers, whoever comes when:
///
///     structio::testing::sequencer seq;
///     structio::open_nursery([&](structio::nursery& n) {
///       n.start_soon([&] { seq(0, [&] { ... }); seq(2, [&] { ... }); });
///       n.start_soon([&] { seq(1, [&] { ... }); });
///     });
///
/// One run at a time. Must outlive its steps.
class sequencer {
 public:
  sequencer() { detail::check(structio_sequencer_init(&storage_)); }
  sequencer(const sequencer&) = delete;
  sequencer& operator=(const sequencer&) = delete;
  ~sequencer() { structio_sequencer_destroy(&storage_); }

  /// Waits until the steps before `position` are over, runs `body` as that step and returns its
  /// value, decayed: what the body returns by reference is copied. The step is over also when the
  /// body throws or is cancelled. Checkpoint. Throws what the body throws; `cancelled`, which
  /// breaks the whole sequence when it was the wait that was cancelled; broken_error in everybody
  /// else then; usage_error when this step was taken, or is waited for, before. A step within a
  /// step of the same sequence waits for ever.
  template <class Body>
  requires std::is_invocable_v<Body>
  auto operator()(std::uint64_t position, Body&& body) {
    using value = std::decay_t<std::invoke_result_t<Body>>;
    step<Body, value> one{std::addressof(body)};
    detail::blocking([&] {
      return structio_sequencer_step(&storage_, position, &step<Body, value>::entry, &one);
    });
    if (one.thrown) std::rethrow_exception(one.thrown);
    if constexpr (!std::is_void_v<value>) return *std::move(one.result);
  }

  /// A step in which nothing happens: waits for those before it.
  void operator()(std::uint64_t position) {
    detail::blocking(
        [&] { return structio_sequencer_step(&storage_, position, nullptr, nullptr); });
  }

 private:
  /// Lives in the frame of the call: nothing is thrown through the library.
  template <class Body, class Value>
  struct step {
    std::remove_reference_t<Body>* body;
    std::optional<std::conditional_t<std::is_void_v<Value>, bool, Value>> result{};
    std::exception_ptr thrown{};

    static int entry(void* self) noexcept {
      auto& one = *static_cast<step*>(self);
      try {
        if constexpr (std::is_void_v<Value>) {
          std::invoke(std::forward<Body>(*one.body));
        } else {
          one.result.emplace(std::invoke(std::forward<Body>(*one.body)));
        }
      } catch (...) {
        one.thrown = std::current_exception();
      }
      return 0;
    }
  };

  structio_sequencer storage_;
};

}  // namespace testing
}  // namespace v0
}  // namespace structio
