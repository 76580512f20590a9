// Generators: a function that produces values one by one, in a task of its own, for a loop.
//
//     structio::with_generator<int>(
//         [](structio::yielder<int>& yield) {
//           for (int i = 0;; ++i) yield(i);
//         },
//         [](structio::generated<int>& values) {
//           for (int& v : values) if (v > 9) break;
//         });
//
// Always true: the generator never runs ahead: it begins when the first value is asked for, and
// goes on after a yield when the next one is. It ends before the block does. When the consumer is
// done the generator is cancelled, and that cancellation is the block's own affair; a cancellation
// from outside reaches the consumer first, and the generator when the consumer has left.
#pragma once

#include <structio/channel.hpp>
#include <structio/group.hpp>
#include <structio/nursery.hpp>
#include <structio/scope.hpp>
#include <structio/wait.hpp>

#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {
namespace detail {

/// What the two sides share; lives in with_generator's frame.
template <class T>
class generator_core {
 public:
  generator_core() : scope_({.shield = true}), pipe_(open_channel<T>(0)) {}

  /// Consumer's side: asks for the next value. Nothing at the end.
  void next_into(std::optional<T>& item) {
    demand_.unpark_all();  // several may wait, and not each has more to yield
    pipe_.rx.next_into(item);
    if (item || !failed_) return;
    // What it failed with is on its way out of the block, and cancels us.
    blocking([] { return structio_checkpoint(); });
    throw broken_error("the generator has failed");
  }

  bool closed() const noexcept { return left_; }

  /// The consumer wants no more. Idempotent.
  void leave() noexcept {
    if (std::exchange(left_, true)) return;
    structio_receiver_close(pipe_.rx.native());
    structio_scope_cancel(scope_.native(), "nobody wants the generator's values any more");
    structio_lot_unpark(demand_.native(), STRUCTIO_ALL);
  }

  /// Generator's side: its whole life.
  template <class Body>
  void run(Body&& body) {
    try {
      scope_.run([&] {
        failed_ = true;
        const ending end{*this};
        await_demand();
        body();
        failed_ = false;
      });
      failed_ = false;
    } catch (const cancelled&) {
      // An exit signal from behind a shield, which no scope knows of. Nobody else's gets in here.
      if (!left_) throw;
    } catch (const exception_group& group) {
      if (!left_) throw;
      const auto halves =
          split_if(group, [](const failure& one) { return one.code() == STRUCTIO_ECANCELLED; });
      if (halves.rest) throw exception_group(*halves.rest);
    }
  }

  /// Hands a value over and waits until the next one is wanted.
  void yield(T&& value) {
    const int status = left_ ? STRUCTIO_EBROKEN : offer(value, [this](void* item) {
      return behind_shield([&] { return structio_sender_send(pipe_.tx.native(), item); });
    });
    if (status < 0 && status != STRUCTIO_EBROKEN) throw_status(status);
    await_demand();
  }

 private:
  /// Says that there are no more values, also when the body has failed.
  struct ending {
    generator_core& core;
    ~ending() { structio_sender_close(core.pipe_.tx.native()); }
  };

  // A generator that is not asked does not run, whatever its own scopes say meanwhile: only a
  // receiver that waits, or the end, lets it go on.
  void await_demand() {
    while (!left_ && pipe_.rx.statistics().waiting_receivers == 0) {
      check(behind_shield([this] { return structio_lot_park(demand_.native()); }));
    }
    if (must_not_throw()) return;
    check(structio_checkpoint_if_cancelled());
    if (left_) throw_status(STRUCTIO_ECANCELLED);  // behind a shield of the generator's own
  }

  cancel_scope scope_;
  parking_lot demand_;
  channel<T> pipe_;
  bool left_ = false;
  bool failed_ = false;
};

/// Throws what a generator's block comes to: the one error bare, two or more as the group.
[[noreturn]] inline void throw_generated(const exception_group& group) {
  const failure& all = group.as_failure();
  std::size_t errors = 0;
  bool interrupt = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const failure member = all[i];
    interrupt = interrupt || member.code() == STRUCTIO_EINTERRUPTED;
    if (member.kind() != failure_kind::cancelled) ++errors;
  }
  if (errors < 2 || interrupt) unwrap_single_failure(all);
  structio_failure* noted = failure(all).release();
  structio_failure_add_while(&noted, "ending a generator: it failed as well as its consumer");
  throw exception_group(failure(noted));
}

}  // namespace detail

/// What a generator yields through: `yield(value)`. Several tasks inside the generator may: their
/// values come one by one, and whoever's has been taken goes on when the next one is asked for.
template <class T>
class yielder {
 public:
  explicit yielder(detail::generator_core<T>& core) noexcept : core_(core) {}
  yielder(const yielder&) = delete;
  yielder& operator=(const yielder&) = delete;

  /// Hands over a value and waits until the next one is asked for. Cancel point, once it is asked:
  /// no deadline of the generator's own takes effect before. Throws `cancelled`, also when nobody
  /// wants more: let it pass.
  void operator()(T&& value) { core_.yield(std::move(value)); }
  void operator()(const T& value) requires std::is_copy_constructible_v<T> {
    T copy(value);
    core_.yield(std::move(copy));
  }

 private:
  detail::generator_core<T>& core_;
};

/// What a consumer reads from. Several tasks may receive in turn.
template <class T>
class generated {
 public:
  explicit generated(detail::generator_core<T>& core) noexcept : core_(core) {}
  generated(const generated&) = delete;
  generated& operator=(const generated&) = delete;

  /// The next value, nothing at the end. Checkpoint. Throws `cancelled` (also when the generator
  /// has failed), closed_error.
  std::optional<T> receive_next() {
    std::optional<T> item;
    next_into(item);
    return item;
  }

  /// The next value. Checkpoint. Throws end_of_channel as well.
  T receive() {
    std::optional<T> item;
    next_into(item);
    if (!item) throw end_of_channel("the generator has ended");
    return *std::move(item);
  }

  /// `for (T& value : values)`.
  auto begin() { return detail::item_iterator<T, generated>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Receives into an empty `item`, and leaves it empty at the end. Checkpoint.
  void next_into(std::optional<T>& item) { core_.next_into(item); }

  /// Wants no more values: the generator is cancelled, and who receives gets closed_error.
  /// Idempotent. Any task or hook.
  void close() noexcept { core_.leave(); }

 private:
  detail::generator_core<T>& core_;
};

/// Runs `producer(yield)` in a task of its own, for as long as `consumer(values)` reads, and
/// returns what the consumer returns, decayed: a copy where that is a reference. When the consumer
/// is done, or fails, the generator is cancelled and awaited. Throws the exception of the one that
/// failed, bare; when both did, an exception_group. `cancelled` when the consumer was cancelled and
/// the generator did not fail.
template <detail::channel_value T, class Producer, class Consumer>
requires std::is_invocable_v < Producer, yielder<T>
& > &&std::is_invocable_v<Consumer, generated<T>&> auto with_generator(Producer&& producer,
                                                                       Consumer&& consumer) {
  using value = std::invoke_result_t<Consumer, generated<T>&>;
  detail::generator_core<T> core;
  const auto produce = [&] {
    yielder<T> yield(core);
    std::invoke(std::forward<Producer>(producer), yield);
  };
  const auto consume = [&]() -> value {
    struct leaving {
      detail::generator_core<T>& core;
      ~leaving() { core.leave(); }
    } const at_end{core};
    generated<T> values(core);
    return std::invoke(std::forward<Consumer>(consumer), values);
  };
  try {
    auto result = open_nursery([&](nursery& n) -> value {
      n.start_soon({.name = "generator"}, [&] { core.run(produce); });
      return consume();
    });
    if constexpr (!std::is_void_v<value>) return *std::move(result);
  } catch (const exception_group& group) {
    detail::throw_generated(group);
  }
}

}  // namespace v0
}  // namespace structio
