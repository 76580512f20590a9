// The slow half of the pool: size classes, new slabs, and letting memory go after a peak.
#include "context/stack_pool.hpp"

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/status.hpp"
#include "context/sanitizer.hpp"
#include "context/slab.hpp"
#include "context/stack_memory.hpp"

namespace structio::ctx {
namespace {

constexpr std::size_t largest_stack = std::size_t{1} << 30;
constexpr std::size_t smallest_stride = 16 * 1024;
constexpr std::size_t slab_bytes_at_most = std::size_t{64} << 20;

/// Stacks let go in one call of trim: at about a microsecond each, a turn must not notice it.
constexpr unsigned batch = 64;

constexpr std::size_t round_up(std::size_t n, std::size_t unit) {
  return (n + unit - 1) / unit * unit;
}

std::size_t overhead() noexcept {
  return memory::page_size() + round_up(sizeof(stack), 64);
}

}  // namespace

stack_pool::stack_pool(const stack_pool_options& options) noexcept
    : under_memcheck_(sanitizer::under_memcheck() ? 1 : 0),
      guards_(options.allow_guard_install, options.mprotect_budget) {
  const std::size_t page = memory::page_size();
  std::size_t least = std::bit_ceil(smallest_stride > 4 * page ? smallest_stride : 4 * page);
  std::size_t wanted = options.stack_size < largest_stack ? options.stack_size : largest_stack;
  default_size_ = round_up(wanted > least ? wanted : least, page);
  classes_[0].stride = default_size_;
  for (unsigned i = 1; i < class_count; ++i, least *= 2) classes_[i].stride = least;
  for (size_class& c : classes_) {
    const std::size_t fit = slab_bytes_at_most / c.stride;
    c.per_slab = fit == 0                 ? 1
                 : fit < slab::max_stacks ? static_cast<unsigned>(fit)
                                          : slab::max_stacks;
  }
}

namespace {

// Slabs that a pool had to leave behind: kept findable, so that a leak checker does not call them
// lost.
struct left_behind {
  slab** slabs;
  left_behind* next;
};
std::atomic<left_behind*> all_left_behind{nullptr};

void leave_behind(slab** slabs) noexcept {
  auto* left = base::make<left_behind>(slabs, nullptr);
  if (!left) return;
  left->next = all_left_behind.load(std::memory_order_relaxed);
  while (!all_left_behind.compare_exchange_weak(left->next, left, std::memory_order_release)) {
  }
}

}  // namespace

stack_pool::~stack_pool() {
  if (left_mapped_) {
    leave_behind(slabs_);
    return;
  }
  for (size_class& c : classes_) {
    STRUCTIO_ASSERT(c.in_use == 0);
    while (stack* s = c.warm) {
      c.warm = s->next_free;
      s->home->retire(*s);
    }
  }
  for (std::uint32_t i = 0; i < slab_count_; ++i) {
    slab* s = slabs_[i];
    if (s->mapped()) s->unmap(guards_);
    if (s->linked()) s->unlink();
    base::destroy(s);
  }
  base::release(slabs_);
}

stack_pool::size_class* stack_pool::class_for(std::size_t size) noexcept {
  if (size == 0) return &classes_[0];
  if (size > largest_stack) return nullptr;
  const std::size_t stride = size + overhead();
  for (unsigned i = 1; i < class_count; ++i) {
    if (classes_[i].stride < stride) continue;
    // The default class is taken where it serves as well: one kind of warm stacks, not two.
    return default_size_ >= stride && default_size_ <= classes_[i].stride ? &classes_[0]
                                                                          : &classes_[i];
  }
  return nullptr;
}

int stack_pool::acquire_slowly(std::size_t size, stack*& out) noexcept {
  size_class* c = class_for(size);
  if (!c) return STRUCTIO_EINVALID;
  stack* s = c->warm ? c->warm : carve(*c);
  if (!s) return STRUCTIO_ENOMEM;
  take(*c, *s);
  // A body that serves tenant after tenant keeps its frame.
  const std::byte* end = s->prepared ? static_cast<std::byte*>(s->fib.sp) : s->base + s->size;
  sanitizer::make_usable(s->base, static_cast<std::size_t>(end - s->base));
  out = s;
  return 0;
}

stack* stack_pool::carve(size_class& c) noexcept {
  slab* home = c.with_room.front();
  if (!home) home = add_slab(c);
  if (!home) return nullptr;
  bool guarded = false;
  stack* s = home->carve(guards_, guarded);
  if (!guarded) ++unguarded_;
  if (!home->has_room()) home->unlink();
  ++c.live;
  return s;
}

slab* stack_pool::add_slab(size_class& c) noexcept {
  slab* record = without_memory_.pop_front();
  if (!record) record = new_record();
  if (!record) return nullptr;
  // Where a whole slab does not fit any more, a single stack may.
  unsigned count = c.per_slab;
  const auto index = static_cast<std::uint8_t>(&c - classes_);
  while (!record->map(c.stride, count, index, guards_.first_choice())) {
    if (count > 1) {
      count = 1;
      continue;
    }
    without_memory_.push_front(*record);
    if (!said_no_memory_) {
      base::log(
          base::log_level::warn,
          "no address space for another stack of %zu KiB; %zu MiB are reserved already. Remedy: "
          "smaller stacks, or a higher limit (`ulimit -v`, vm.overcommit_memory).",
          c.stride / 1024, mapped_bytes_ >> 20);
      said_no_memory_ = true;
    }
    return nullptr;
  }
  mapped_bytes_ += record->bytes();
  c.with_room.push_front(*record);
  return record;
}

slab* stack_pool::new_record() noexcept {
  if (slab_count_ == slab_capacity_) {
    const std::uint32_t wanted = slab_capacity_ ? slab_capacity_ * 2 : 16;
    void* table = base::reallocate(slabs_, wanted * sizeof(slab*));
    if (!table) return nullptr;
    slabs_ = static_cast<slab**>(table);
    slab_capacity_ = wanted;
  }
  auto* record = base::make<slab>(slab_count_ * slab::max_stacks);
  if (record) slabs_[slab_count_++] = record;
  return record;
}

stack* stack_pool::at(std::uint32_t index) const noexcept {
  const std::uint32_t number = index / slab::max_stacks;
  return number < slab_count_ ? slabs_[number]->live(index % slab::max_stacks) : nullptr;
}

void stack_pool::decay(size_class& c, double factor) noexcept {
  const auto in_use = static_cast<double>(c.in_use);
  double retained = in_use + (c.retained - in_use) * factor;
  if (retained < in_use + 1) retained = in_use;
  const auto recent = static_cast<double>(c.recent_peak);
  c.retained = retained > recent ? retained : recent;
  if (c.recent_peak > c.peak) c.peak = c.recent_peak;
  c.recent_peak = c.in_use;
}

unsigned stack_pool::let_go(size_class& c, unsigned most) noexcept {
  const auto retained = static_cast<std::size_t>(c.retained);
  const std::size_t keep = retained > c.recent_peak ? retained : c.recent_peak;
  slab* touched[batch];
  unsigned touched_count = 0;
  unsigned gone = 0;
  while (c.warm && c.live > keep && gone < most) {
    stack* s = c.warm;
    slab* home = s->home;
    c.warm = s->next_free;
    --c.live;
    ++gone;
    if (!home->to_discard()) touched[touched_count++] = home;
    if (!home->retire(*s)) --unguarded_;
  }
  for (unsigned i = 0; i < touched_count; ++i) give_back(*touched[i]);
  return gone;
}

void stack_pool::give_back(slab& s) noexcept {
  const std::size_t bytes = s.bytes();
  if (s.unused() && s.unmap(guards_)) {
    mapped_bytes_ -= bytes;
    if (s.linked()) s.unlink();
    without_memory_.push_front(s);
    return;
  }
  s.discard();
  if (!s.linked()) classes_[s.size_class()].with_room.push_front(s);
}

std::int64_t stack_pool::trim(std::int64_t now, std::int64_t half_life) noexcept {
  if (decayed_at_ == base::long_ago || decayed_at_ > now) decayed_at_ = now;
  const std::int64_t elapsed = now - decayed_at_;
  const std::int64_t step = half_life >= 8 ? half_life / 8 : 1;
  if (elapsed >= step || half_life <= 0) {
    const double factor =
        half_life > 0 ? std::exp2(-static_cast<double>(elapsed) / static_cast<double>(half_life))
                      : 0;
    for (size_class& c : classes_) {
      // With no half-life there is nothing to wait for: the peak is forgotten at once.
      if (half_life <= 0) c.recent_peak = c.in_use;
      decay(c, factor);
    }
    decayed_at_ = now;
  }
  unsigned left = batch;
  bool warm = false;
  for (size_class& c : classes_) {
    if (c.live == c.in_use) continue;
    left -= let_go(c, left);
    warm = warm || c.warm;
  }
  if (!warm) return base::forever;
  return left == 0 ? now : base::saturating_add(decayed_at_, step);
}

stack_pool_statistics stack_pool::statistics() const noexcept {
  stack_pool_statistics sum{};
  for (const size_class& c : classes_) {
    sum.in_use += c.in_use;
    sum.peak_in_use += c.recent_peak > c.peak ? c.recent_peak : c.peak;
    sum.warm += c.live - c.in_use;
  }
  sum.mapped_bytes = mapped_bytes_;
  sum.guards_madvise = guards_.by_madvise();
  sum.guards_mprotect = guards_.by_mprotect();
  sum.unguarded = unguarded_;
  return sum;
}

}  // namespace structio::ctx
