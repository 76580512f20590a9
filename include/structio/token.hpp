// Cancel tokens: cancelling a scope from other threads and from signal handlers, and from a
// std::stop_token. Included by scope.hpp.
#pragma once

#include <structio/scope.hpp>

#include <cstddef>
#include <version>
#if defined(__cpp_lib_jthread)
#include <stop_token>
#endif

#include <atomic>
#include <utility>

namespace structio {
inline namespace v0 {

/// Cancels one scope from anywhere, as long as the scope lives; afterwards it does nothing.
/// Copying shares it. Any thread.
class cancel_token {
 public:
  /// A token that cancels nothing.
  cancel_token() = default;
  cancel_token(const cancel_token& other) noexcept : shared_(other.shared_) {
    if (shared_ != nullptr) shared_->users.fetch_add(1, std::memory_order_relaxed);
  }
  cancel_token(cancel_token&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  cancel_token& operator=(cancel_token other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~cancel_token() {
    if (shared_ == nullptr || shared_->users.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    structio_cancel_token_free(shared_->token);
    delete shared_;
  }

  /// Takes effect soon. Any thread, and signal handlers. Returns false when the run has ended or
  /// the token cancels nothing.
  bool cancel() const noexcept {
    return shared_ != nullptr && structio_cancel_token_cancel(shared_->token) >= 0;
  }

  explicit operator bool() const noexcept { return shared_ != nullptr; }

 private:
  friend class scope_ref;
  struct shared {
    structio_cancel_token* token = nullptr;
    std::atomic<std::size_t> users{1};
  };
  explicit cancel_token(shared* owned) noexcept : shared_(owned) {}

  shared* shared_ = nullptr;
};

inline cancel_token scope_ref::token() const {
  cancel_token made(new cancel_token::shared);
  const int status = structio_cancel_token_new(scope_, &made.shared_->token);
  if (status < 0) {
    delete std::exchange(made.shared_, nullptr);
    detail::throw_status(status);
  }
  return made;
}

#if defined(__cpp_lib_jthread)
/// As long as it lives, a stop of `source` cancels `scope`, from whichever thread the stop comes.
///
///     structio::cancel_scope scope;
///     structio::stop_bridge bridge(thread_token, scope);
///     scope.run(body);
class stop_bridge {
 public:
  stop_bridge(const std::stop_token& source, scope_ref scope)
      : callback_(source, forward_cancel{scope.token()}) {}
  stop_bridge(const stop_bridge&) = delete;
  stop_bridge& operator=(const stop_bridge&) = delete;

 private:
  struct forward_cancel {
    cancel_token token;
    void operator()() const noexcept { token.cancel(); }
  };
  std::stop_callback<forward_cancel> callback_;
};

/// As long as it lives, cancelling `scope` requests a stop of its token: for threads and libraries
/// that know std::stop_token. Made and destroyed in the scope's run; the token may go anywhere, and
/// outlive it. What is registered with std::stop_callback runs within the call that cancels, so it
/// must not block.
///
///     auto stop = structio::stop_source_of(scope);
///     structio::run_in_thread([token = stop.token()] {
///       while (!token.stop_requested()) work();
///     });
class scope_stop_source {
 public:
  explicit scope_stop_source(scope_ref scope) {
    const structio_cancelled_fn request = [](void* arg) noexcept {
      static_cast<std::stop_source*>(arg)->request_stop();
    };
    detail::check(structio_scope_on_cancel(scope.native(), &watch_, request, &source_));
  }
  scope_stop_source(const scope_stop_source&) = delete;
  scope_stop_source& operator=(const scope_stop_source&) = delete;
  ~scope_stop_source() { structio_scope_watch_remove(&watch_); }

  std::stop_token token() const noexcept { return source_.get_token(); }

 private:
  std::stop_source source_;
  structio_scope_watch watch_;
};

/// See scope_stop_source.
inline scope_stop_source stop_source_of(scope_ref scope) {
  return scope_stop_source(scope);
}
#endif

}  // namespace v0
}  // namespace structio
