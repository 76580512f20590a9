// Carving stacks out of a slab and giving their pages back.
#include "context/slab.hpp"

#include <bit>
#include <new>

#include "base/assert.hpp"
#include "context/sanitizer.hpp"
#include "context/stack_memory.hpp"

namespace structio::ctx {
namespace {

/// The descriptor begins a cache line, so that it shares none with whatever comes below it.
constexpr std::size_t descriptor_bytes = (sizeof(stack) + 63) / 64 * 64;

}  // namespace

bool slab::map(std::size_t stride, unsigned count, std::uint8_t size_class,
               guard_kind guard) noexcept {
  STRUCTIO_ASSERT(!memory_ && count > 0 && count <= max_stacks);
  memory_ = static_cast<std::byte*>(memory::reserve(stride * count));
  if (!memory_) return false;
  stride_ = stride;
  count_ = static_cast<std::uint8_t>(count);
  size_class_ = size_class;
  preferred_guard_ = guard;
  all_ = count == max_stacks ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  available_ = all_;
  retired_ = guarded_by_madvise_ = guarded_by_mprotect_ = 0;
  return true;
}

bool slab::unmap(guard_keeper& guards) noexcept {
  STRUCTIO_ASSERT(memory_ && unused());
  sanitizer::unpoison(memory_, bytes());
  if (!memory::unreserve(memory_, bytes())) return false;
  guards.removed(static_cast<std::size_t>(std::popcount(guarded_by_madvise_)),
                 static_cast<std::size_t>(std::popcount(guarded_by_mprotect_)));
  memory_ = nullptr;
  available_ = all_ = retired_ = 0;
  count_ = 0;
  return true;
}

stack* slab::descriptor(unsigned place) const noexcept {
  return reinterpret_cast<stack*>(memory_ + stride_ * (place + 1) - descriptor_bytes);
}

stack* slab::carve(guard_keeper& guards, bool& guarded) noexcept {
  const auto place = static_cast<unsigned>(std::countr_zero(available_));
  const std::uint64_t bit = std::uint64_t{1} << place;
  std::byte* guard = memory_ + stride_ * place;
  if (!((guarded_by_madvise_ | guarded_by_mprotect_) & bit)) {
    const guard_kind kind = guards.install(guard, preferred_guard_);
    if (kind == guard_kind::madvise) guarded_by_madvise_ |= bit;
    if (kind == guard_kind::mprotect) guarded_by_mprotect_ |= bit;
  }
  guarded = ((guarded_by_madvise_ | guarded_by_mprotect_) & bit) != 0;
  available_ &= ~bit;
  retired_ &= ~bit;
  auto* s = new (descriptor(place)) stack;
  s->base = guard + memory::page_size();
  s->size = static_cast<std::size_t>(reinterpret_cast<std::byte*>(s) - s->base);
  s->home = this;
  s->index = first_index_ + place;
  s->generation = generations_[place];
  s->size_class = size_class_;
  s->valgrind_id = sanitizer::register_stack(s->base, s);
  return s;
}

bool slab::retire(stack& s) noexcept {
  const unsigned place = s.index - first_index_;
  const std::uint64_t bit = std::uint64_t{1} << place;
  STRUCTIO_ASSERT(live(place) == &s);
  generations_[place] = s.generation;
  sanitizer::forget(s.fib, {s.base, s.size});
  sanitizer::unpoison(s.base, s.size);
  sanitizer::unregister_stack(s.valgrind_id);
  available_ |= bit;
  retired_ |= bit;
  return ((guarded_by_madvise_ | guarded_by_mprotect_) & bit) != 0;
}

void slab::discard() noexcept {
  // One call for each run of neighbours: guards in between survive it.
  while (retired_ != 0) {
    const auto first = static_cast<unsigned>(std::countr_zero(retired_));
    const auto run = static_cast<unsigned>(std::countr_one(retired_ >> first));
    memory::discard(memory_ + stride_ * first, stride_ * run);
    const std::uint64_t ones =
        run == max_stacks ? ~std::uint64_t{0} : (std::uint64_t{1} << run) - 1;
    retired_ &= ~(ones << first);
  }
}

}  // namespace structio::ctx
