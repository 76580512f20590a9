// Learning that a child has ended: through its pidfd, which the run's reactor watches, or where
// there is none by a thread that blocks until then.
//
// Always true: watching begins when the first task waits and ends with the last, so that a child
// that nobody waits for is nothing that could still happen to the run.
#pragma once

#include <cstdint>

#include "reactor/reactor.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt::process {

struct end_thread;

class end_notice : reactor::operation {
 public:
  /// `told` is called on the hub, perhaps too early: look whether it has ended.
  end_notice(void (*told)(void* arg) noexcept, void* arg) noexcept;
  end_notice(const end_notice&) = delete;
  end_notice& operator=(const end_notice&) = delete;

  /// 0, or a code with its message. `pidfd` negative: a thread.
  int begin(runtime& rt, std::int64_t pid, int pidfd) noexcept;

  /// Not called after this until it is begun again.
  void end(runtime& rt, int pidfd) noexcept;

  /// The same for good, when the pidfd is about to be closed or the run is over.
  void give_up(runtime& rt, int pidfd) noexcept;

 private:
  friend struct end_thread;
  void tell() noexcept;
  int begin_thread(runtime& rt, std::int64_t pid) noexcept;

  void (*told_)(void* arg) noexcept;
  void* arg_;
  end_thread* thread_ = nullptr;  ///< blocks, perhaps for a wait that was given up
  bool by_thread_ = false;        ///< what is begun now
  bool begun_ = false;
};

}  // namespace structio::rt::process
