// Receiving signals of the process.
//
//     structio::signal_receiver signals({SIGHUP, SIGUSR1});
//     for (;;) {
//       if (signals.receive() == SIGHUP) reload();
//     }
//
// Always true: the destructor gives the signals back and never waits.
#pragma once

#include <structio/structio_signal.h>
#include <structio/error.hpp>

#include <initializer_list>
#include <span>
#include <utility>

namespace structio {
inline namespace v0 {

/// Receives the signals of a set instead of what the process did about them. Movable; one receiving
/// task at a time; any number of receivers may be open for a signal, and each gets it.
class signal_receiver {
 public:
  /// Throws std::invalid_argument (no signals), error (a signal that cannot be received).
  explicit signal_receiver(std::span<const int> signals) {
    detail::check(structio_signal_open(signals.data(), signals.size(), &raw_));
  }
  signal_receiver(std::initializer_list<int> signals)
      : signal_receiver(std::span<const int>(signals.begin(), signals.size())) {}
  signal_receiver(signal_receiver&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  signal_receiver& operator=(signal_receiver&& other) noexcept {
    signal_receiver taken(std::move(other));  // goes with what was here before
    std::swap(raw_, taken.raw_);
    return *this;
  }
  /// What has come and was not received is delivered to what the process did before.
  ~signal_receiver() { structio_signal_free(raw_); }

  /// Waits for the next signal; several of the same count once, different ones take turns.
  /// Checkpoint. Cancelled: none was taken. Throws `cancelled`, busy_error, closed_error.
  int receive() {
    int number = 0;
    detail::blocking([&] { return structio_signal_receive(raw_, &number); });
    return number;
  }

  /// Closes as the destructor does: whoever waits here gets closed_error. Idempotent.
  void close() { detail::check(structio_signal_close(raw_)); }

  structio_signal_receiver* native() const noexcept { return raw_; }

 private:
  structio_signal_receiver* raw_ = nullptr;
};

}  // namespace v0
}  // namespace structio
