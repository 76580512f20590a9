// The door through which other threads and signal handlers reach a run: a lock-free queue of nodes
// that the hub drains once a pass. The core is shared by every portal and cancel token and outlives
// the run.
//
// Always true: what `post` accepted is run. Closing waits until no poster is between its look at
// `open` and its wake-up; posters never wait, so they may be signal handlers. The hub says that it
// may sleep before it looks at the queue for the last time, and posters look for that after they
// have queued: one of the two sees the other, and a run that is awake costs posters no system call.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/fork_hook.hpp"
#include "base/mpsc.hpp"

namespace structio::rt {

struct runtime;

struct post_node : base::mpsc_node {
  /// Runs on the hub. May free the node.
  void (*run)(runtime& rt, post_node& self) noexcept = nullptr;
};

class portal_core {
 public:
  explicit portal_core(runtime& rt) noexcept : rt_(&rt) {}  ///< on the heap, by make
  static portal_core* make(runtime& rt) noexcept;           ///< null when memory is out
  /// Something outside can call no more: the run has to see that, since it may be all it was
  /// waiting for. Any thread.
  void let_go() noexcept;
  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;

  /// Any thread, signal handlers too. False: the run has ended, the node is still the caller's.
  bool post(post_node& node) noexcept;

  /// The same for one that many post, of whom the first does it; `queued` says that one has, until
  /// the node runs. 1; 0: it is queued, and will run after this call; STRUCTIO_ERUNFINISHED.
  int post_first(post_node& node, std::atomic<bool>& queued) noexcept;

  /// Hub: from now on posters wake it. False: something is queued, so it must not sleep.
  bool may_sleep() noexcept;
  void woke_up() noexcept { asleep_.store(false, std::memory_order_relaxed); }

  /// Hub: runs what was queued before this call. True when there was anything.
  bool drain(runtime& rt) noexcept;

  /// The run's thread: takes back a node that was posted and has not run. False: there is none.
  bool withdraw(post_node& node) noexcept;

  /// Never in a child that was forked since: the run is the parent's.
  bool is_open() const noexcept {
    return open_.load(std::memory_order_seq_cst) && forks_ == base::fork_count();
  }
  /// Nothing is queued any more, nor can be.
  bool is_drained() const noexcept { return drained_.load(std::memory_order_acquire); }
  bool leads_to(const runtime* rt) const noexcept { return rt_ == rt; }
  bool empty() const noexcept { return !taken_ && queue_.empty(); }
  std::uint64_t queued() const noexcept { return queued_.load(std::memory_order_relaxed); }

  /// Hub, when all else has ended: refuses from now on, runs what was accepted until then.
  void close(runtime& rt) noexcept;

  /// Something outside may still call: portals and tokens that live. Any thread.
  std::atomic<std::int64_t> outside{0};

 private:
  void push(post_node& node) noexcept;
  void take_all() noexcept;

  base::mpsc_queue queue_;
  base::mpsc_node* taken_ = nullptr;  ///< out of the queue, not run yet; the run's thread only
  std::atomic<std::uint64_t> queued_{0};
  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::int32_t> posters_{0};
  std::atomic<bool> open_{true};
  std::atomic<bool> drained_{false};
  std::atomic<bool> asleep_{false};
  const std::uint32_t forks_ = base::fork_count();
  runtime* rt_;
};

/// A portal handle's object.
struct portal {
  portal_core* core;
};

/// A call whose node is the caller's storage; see structio_post.
struct kept_post : post_node {
  static constexpr std::uint32_t magic_value = 0x504f5354;  // "POST"
  kept_post(portal_core& to, int (*f)(void*), void* a) noexcept;
  std::uint32_t magic = magic_value;
  std::atomic<bool> queued{false};
  portal_core* core;
  int (*fn)(void*);
  void* arg;
};

/// 1, 0 (it was queued already), STRUCTIO_ERUNFINISHED. Any thread, signal handlers too.
int kept_post_send(kept_post& post) noexcept;

/// The run's thread, or any once the run has ended.
void kept_post_end(kept_post& post) noexcept;

/// Queue fn(arg); see structio_portal_post and _post_once. Any thread.
int portal_post(portal_core& core, int (*fn)(void*), void* arg) noexcept;
int portal_post_once(portal_core& core, int (*fn)(void*), void* arg) noexcept;

}  // namespace structio::rt
