// The queue of waiting tasks under every primitive, first come, first served. A task has one place
// in one queue, or, when it waits for the first of several things, one in each of several queues:
// these are a choice, and who takes one of them has the others given up at once.
//
// Always true: a place that is in a queue is undecided. Taking it decides: from then on neither a
// cancellation nor another source can end that wait, so what is handed over is handed over once.
// Between take and finish nothing may give way.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/list.hpp"
#include "runtime/wait.hpp"

namespace structio::rt {

struct place_tag;
struct place;
class wait_queue;

/// What a queue can tell to who looks at the tree of tasks: one for each kind of primitive, static.
struct queue_info {
  /// Writes in words what the tasks in the queue wait for. As snprintf.
  void (*describe)(const wait_queue& queue, char* text, std::size_t size) noexcept = nullptr;
  /// The one task that has to act before the queue moves on; null: there is none, or not just one.
  const task* (*holder)(const wait_queue& queue) noexcept = nullptr;
};

/// One wait of one task for the first of several sources. Lives in the task's frame.
struct choice {
  /// Gives up every place but `taken`, which is null when a source that is no queue decided.
  void (*give_up_others)(choice& self, place* taken) noexcept = nullptr;
  place* taken = nullptr;
  std::int64_t result = 0;  ///< of the source that decided
};

/// One place in one queue; lives in the frame of the task that waits.
struct place : base::list_node<place_tag> {
  task* waiter = nullptr;
  wait_queue* queue = nullptr;  ///< the one it is in now: it may be moved
  choice* of = nullptr;         ///< null: the task waits for this alone
};

class wait_queue {
 public:
  wait_queue() = default;
  explicit wait_queue(const queue_info& info) noexcept : info_(&info) {}
  wait_queue(const wait_queue&) = delete;
  wait_queue& operator=(const wait_queue&) = delete;
  ~wait_queue() { STRUCTIO_ASSERT(places_.empty()); }

  /// A queue belongs to the run that first uses it, as long as anybody waits, or holds what is
  /// waited for. False: another run's.
  bool claim(const runtime& rt, bool held = false) noexcept {
    if (home_ == rt.life.serial()) [[likely]]
      return true;
    if (size_ > 0 || held) return false;
    home_ = rt.life.serial();
    return true;
  }
  bool belongs_to(const runtime* rt) const noexcept { return rt && home_ == rt->life.serial(); }
  /// False: what is still held then, nobody will ever give back.
  bool home_lasts() const noexcept { return run_lasts(home_); }
  const queue_info* info() const noexcept { return info_; }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  place* front() noexcept { return places_.front(); }
  place& first() noexcept { return places_.first(); }  ///< somebody waits
  place* next(place& p) noexcept { return places_.next(p); }

  void push(place& p) noexcept {
    p.queue = this;
    places_.push_back(p);
    ++size_;
  }

  /// Leaves the queue undecided: the wait was cancelled, or another place of its choice was taken.
  void remove(place& p) noexcept {
    STRUCTIO_ASSERT(p.queue == this);
    p.unlink();
    --size_;
  }

  /// Decides the wait of a place that is in this queue; `finish` has to follow.
  void take(place& p) noexcept {
    remove(p);
    if (p.of) [[unlikely]]
      decide(p);
  }

  /// Takes the first place, or null when nobody waits.
  place* take_first() noexcept {
    place* p = places_.front();
    if (p) take(*p);
    return p;
  }

  /// Moves the first `count` places to the end of another queue, undecided. Returns how many.
  std::size_t move_to(wait_queue& to, std::size_t count) noexcept;

  /// Takes and finishes the first `count` places. Returns how many there were.
  std::size_t wake(std::size_t count, std::int64_t result) noexcept;

 private:
  static void decide(place& p) noexcept {
    p.of->taken = &p;
    p.of->give_up_others(*p.of, &p);
  }

  base::list<place, place_tag> places_;
  std::size_t size_ = 0;
  run_serial home_ = 0;
  const queue_info* info_ = nullptr;  ///< null: the name of the wait says it all
};

/// Makes the task of a place that was taken ready; its wait reports `result`.
inline void finish(place& p, std::int64_t result) noexcept {
  if (p.of) [[unlikely]]
    p.of->result = result;
  wake(*p.waiter, result);
}

/// The abort function of a wait in a queue: `arg` is its place, which leaves the queue it is in
/// now.
int leave_queue(void* arg) noexcept;

/// Waits in one queue alone, until somebody takes and finishes `p`: returns that result,
/// STRUCTIO_ECANCELLED or STRUCTIO_EINTERRUPTED. Cancel point and schedule point; the caller has
/// looked for cancellation before. `abort` is given the place. As everywhere, who has been waiting
/// must not look at the queue's owner afterwards: it may be gone.
std::int64_t wait_in(runtime& rt, wait_queue& queue, place& p, const char* what,
                     int (*abort)(void* arg) noexcept = leave_queue) noexcept;

/// The same, without being a cancel point: nothing but a source ends it, or a deadlock by force.
std::int64_t wait_in_shielded(runtime& rt, wait_queue& queue, place& p, const char* what) noexcept;

}  // namespace structio::rt
