// The loop: its life, one turn of it, and the wake-up. uv_run is called here and nowhere else.
#include "reactor/uv_reactor.hpp"

#include <cstdlib>
#include <new>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/status.hpp"
#include "reactor/uv_reactor_state.hpp"

namespace structio::reactor {

uv_reactor::state::~state() {
  base::release(readiness.table);
  while (spare_chunks) {
    spare_chunk* next = spare_chunks->next;
    base::release(spare_chunks);
    spare_chunks = next;
  }
}

void* uv_reactor::state::take_chunk() noexcept {
  if (!spare_chunks) return base::allocate(chunk_size);
  spare_chunk* chunk = spare_chunks;
  spare_chunks = chunk->next;
  --spare_chunk_count;
  return chunk;
}

void uv_reactor::state::give_back_chunk(void* chunk) noexcept {
  constexpr std::size_t kept = 8;
  if (spare_chunk_count >= kept) {
    base::release(chunk);
    return;
  }
  spare_chunks = new (chunk) spare_chunk{spare_chunks};
  ++spare_chunk_count;
}

uv_reactor::uv_reactor() noexcept = default;

uv_reactor::~uv_reactor() {
  if (!state_) return;
  close();
  base::destroy(state_);
}

int uv_reactor::open() noexcept {
  STRUCTIO_ASSERT(!state_);
  state_ = base::make<state>();
  if (!state_) return STRUCTIO_ENOMEM;
  state& s = *state_;
  constexpr int most_descriptors =
      9;  // epoll, libuv's wake-up and ours, timerfd, two pairs of signal pipes, one spare
  int status = take_standard_descriptors();
  if (status == 0) status = room_for_descriptors(most_descriptors);
  if (status < 0) return status;
  status = uv_loop_init(&s.loop);
  if (status < 0) return status;
  uv_timer_init(&s.loop, &s.starvation);
  s.open = true;
  s.sigpipe.enter();
  status = s.wakeup.open(s.loop);
  if (status == 0) status = s.deadline_alarm.open(s.loop);
  if (status < 0) close();
  return status;
}

std::int64_t uv_reactor::now() noexcept {
  return base::monotonic_now();
}

void uv_reactor::poll(std::int64_t deadline) noexcept {
  state& s = *state_;
  STRUCTIO_ASSERT(s.open);
  ++s.turn;
  s.blocking = false;
  if (deadline != base::long_ago) {
    const std::int64_t moment = base::monotonic_now();
    if (deadline > moment) {
      s.blocking = true;
      s.deadline_alarm.set(deadline, moment);
    }
  }
  uv_run(&s.loop, s.blocking ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void uv_reactor::wake() noexcept {
  state_->wakeup.ring();
}

std::int64_t uv_reactor::pending() const noexcept {
  return state_->pending;
}

std::size_t uv_reactor::slots_away() const noexcept {
  if (!state_) return 0;
  return state_->streams.away() + state_->listeners.away() + state_->signals.away() +
         state_->watches.away();
}

void uv_reactor::close() noexcept {
  if (!state_ || !state_->open) return;
  state& s = *state_;
  s.open = false;
  s.closing = true;  // from here on nothing new is begun, whatever the waiters do when told
  s.streams.for_each([](stream_slot& slot) { structio::reactor::close(slot); });
  s.listeners.for_each([](listener_slot& slot) { structio::reactor::close(slot); });
  s.signals.for_each([](signal_slot& slot) { structio::reactor::close(slot); });
  s.watches.for_each([](watch_slot& slot) { structio::reactor::close(slot); });
  close_readiness(s);
  STRUCTIO_ASSERT(s.pending == 0);
  s.deadline_alarm.close();
  uv_close(reinterpret_cast<uv_handle_t*>(&s.starvation), nullptr);
  s.wakeup.close();
  ++s.turn;
  s.blocking = true;
  uv_run(&s.loop, UV_RUN_DEFAULT);
  descriptors_given_back();
  const int status = uv_loop_close(&s.loop);
  if (status < 0) {
    base::log(base::log_level::error, "reactor: the loop did not close: %s", uv_err_name(status));
  }
  s.sigpipe.leave();
  STRUCTIO_ASSERT(slots_away() == 0);
}

}  // namespace structio::reactor
