// The only place where the library enters user code: callables on a task's own stack, and what
// happens to the exceptions that leave them. Used by run.hpp, nursery.hpp, portal.hpp, net.hpp.
// Always true: nothing is thrown out of an entry; what leaves the user's code becomes the failure
// in flight of its task, and the entry returns that failure's code. A callable is destroyed before,
// so that nothing its destructor does can take the failure's place.
#pragma once

#include <structio/structio.h>
#include <structio/group.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace structio {
inline namespace v0 {
namespace detail {

/// Calls `fn` and answers as a task function does.
template <class Fn>
int enter(Fn&& fn) noexcept {
  return raise(failure_thrown_by(std::forward<Fn>(fn)));
}

/// Calls `fn` and answers as a function of the C ABI does: an error of the library is its own code.
template <class Fn>
int enter_as_call(Fn&& fn) noexcept {
  try {
    fn();
    return 0;
  } catch (const error& e) {
    structio_failure* own = nullptr;
    if (structio_failure_new_status(e.code(), e.what(), &own) != 0) return e.code();
    return structio_failure_raise(own);
  } catch (...) {
    return raise(current_failure());
  }
}

/// A callable with its arguments, decayed, as std::thread keeps them.
template <class Fn, class... Args>
class bound_call {
 public:
  template <class F, class... A>
  explicit bound_call(std::in_place_t, F&& fn, A&&... args)
      : fn_(std::forward<F>(fn)), args_(std::forward<A>(args)...) {}

  /// Extra arguments come first; the bound ones are moved into the call.
  template <class... Extra>
  decltype(auto) operator()(Extra&... extra) {
    // A plain call where it does, which it nearly always does: less to compile, shorter backtraces.
    if constexpr (sizeof...(Args) == 0 && requires { std::move(fn_)(extra...); }) {
      return std::move(fn_)(extra...);
    } else {
      return std::apply(
          [&](Args&... args) -> decltype(auto) {
            return std::invoke(std::move(fn_), extra..., std::move(args)...);
          },
          args_);
    }
  }

 private:
  Fn fn_;
  std::tuple<Args...> args_;
};

template <class Fn, class... Args>
auto bind_call(Fn&& fn, Args&&... args) {
  using call = bound_call<std::decay_t<Fn>, std::decay_t<Args>...>;
  return call(std::in_place, std::forward<Fn>(fn), std::forward<Args>(args)...);
}

/// How a callable is moved into storage on the task's stack. What may throw while it is moved, or
/// is aligned beyond what that storage promises, lives on the heap and only its owner is moved.
template <class Call>
inline constexpr bool fits_stack = std::is_nothrow_move_constructible_v<Call> &&
                                   alignof(Call) <= alignof(std::max_align_t);

template <class Call, bool Fits = fits_stack<Call>>
class stored {
 public:
  explicit stored(Call&& call) noexcept : call_(std::move(call)) {}
  Call& call() noexcept { return call_; }

 private:
  Call call_;
};

template <class Call>
class stored<Call, false> {
 public:
  explicit stored(Call&& call) : call_(new Call(std::move(call))) {}
  Call& call() noexcept { return *call_; }

 private:
  std::unique_ptr<Call> call_;
};

/// storage_init of the C ABI: moves the callable from the starter's frame to the task's stack.
template <class Stored>
void move_to_storage(void* storage, void* arg) noexcept {
  ::new (storage) Stored(std::move(*static_cast<Stored*>(arg)));
}

/// Task function of a stored callable: runs it and destroys it, still inside the task. What the
/// callable owns is cleaned up like what it had on the stack: when it failed, that is not
/// cancelled.
template <class Stored>
int enter_stored(void* storage) noexcept {
  auto* used = static_cast<Stored*>(storage);
  caught_failure caught = failure_thrown_by([used] { used->call()(); });
  if (caught.status < 0 && !std::is_trivially_destructible_v<Stored>) {
    behind_shield([used] {
      std::destroy_at(used);
      return 0;
    });
  } else {
    std::destroy_at(used);
  }
  return raise(std::move(caught));
}

/// Fills in what hands `Stored` to a task.
template <class Stored>
void use_storage(structio_task_options& options) noexcept {
  options.storage_size = sizeof(Stored);
  options.storage_init = &move_to_storage<Stored>;
}

}  // namespace detail
}  // namespace v0
}  // namespace structio
