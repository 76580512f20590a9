// Receivers of process signals: a task waits for the next one of a set. What comes while nobody
// waits is remembered once for each signal; what is still remembered at the end is delivered again
// to what the process did before.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/uv_stream.hpp"
#include "runtime/run_object.hpp"

namespace structio::rt {

struct task;
struct signal_receiver;

struct watched_signal : reactor::operation {
  signal_receiver* receiver = nullptr;
  reactor::signal_slot* slot = nullptr;
  int number = 0;
  bool pending = false;
};

struct signal_receiver : run_object {
  void* handle = nullptr;
  watched_signal* watched = nullptr;  ///< an array; each signal once
  std::size_t count = 0;
  std::size_t next = 0;    ///< where the search for a pending one begins, so that all have a turn
  task* waiter = nullptr;  ///< parked in receive
  int handed = 0;          ///< given to a waiter that has not run yet
  std::uint32_t references = 1;  ///< the handle's, and one for a call under way
  bool closed = false;
};

/// Each as its function in structio_signal.h; the handle has been looked up and the run checked.
int signal_open(runtime& rt, const int* numbers, std::size_t count, signal_receiver*& out) noexcept;
int signal_receive(runtime& rt, signal_receiver& r, int& number) noexcept;

/// Closes at once; nothing when closed before.
void signal_shut(signal_receiver& r) noexcept;

/// Ends the handle and closes.
void signal_free(signal_receiver& r) noexcept;

}  // namespace structio::rt
