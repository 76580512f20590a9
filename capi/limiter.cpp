// Capacity limiters: a task's own tokens, and those that are borrowed on behalf of an object.
#include "sync/limiter.hpp"

#include "check.hpp"
#include "sync_block.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

using limiter = rt::sync::limiter_block;

static_assert(sizeof(limiter) <= sizeof(structio_limiter) &&
              rt::sync::unlimited == STRUCTIO_UNLIMITED);

rt::sync::borrower calling_task(const rt::runtime& r) noexcept {
  return rt::sync::borrower::of_task(r.current->id());
}

int negative_total(const char* call) noexcept {
  return fail(STRUCTIO_EINVALID, "%s: total must not be negative", call);
}

}  // namespace

int structio_limiter_init(structio_limiter* storage, int64_t total) {
  constexpr const char* call = "structio_limiter_init";
  if (!storage) return null_argument(call, "limiter");
  if (total < 0) return negative_total(call);
  new (storage) limiter(total);
  return 0;
}

int structio_limiter_destroy(structio_limiter* storage) {
  return destroy_block<limiter>(storage, "structio_limiter_destroy");
}

int structio_limiter_discard(structio_limiter* storage) {
  return discard_block<limiter>(storage, "structio_limiter_discard");
}

int structio_limiter_acquire(structio_limiter* storage) {
  const auto l = find_for_task<limiter>(storage, "structio_limiter_acquire");
  return l ? l.object->acquire(*l.run, calling_task(*l.run)) : refused();
}

int structio_limiter_try_acquire(structio_limiter* storage) {
  const auto l = find_for_owner<limiter>(storage, "structio_limiter_try_acquire");
  return l ? l.object->try_acquire(calling_task(*l.run)) : refused();
}

int structio_limiter_release(structio_limiter* storage) {
  const auto l = find_for_owner<limiter>(storage, "structio_limiter_release");
  return l ? l.object->release(calling_task(*l.run)) : refused();
}

int structio_limiter_acquire_on_behalf(structio_limiter* storage, const void* borrower) {
  constexpr const char* call = "structio_limiter_acquire_on_behalf";
  if (!borrower) return null_argument(call, "borrower");
  const auto l = find_for_task<limiter>(storage, call);
  return l ? l.object->acquire(*l.run, rt::sync::borrower::of_object(borrower)) : refused();
}

int structio_limiter_try_acquire_on_behalf(structio_limiter* storage, const void* borrower) {
  constexpr const char* call = "structio_limiter_try_acquire_on_behalf";
  if (!borrower) return null_argument(call, "borrower");
  const auto l = find_for_any<limiter>(storage, call);
  return l ? l.object->try_acquire(rt::sync::borrower::of_object(borrower)) : refused();
}

int structio_limiter_release_on_behalf(structio_limiter* storage, const void* borrower) {
  constexpr const char* call = "structio_limiter_release_on_behalf";
  if (!borrower) return null_argument(call, "borrower");
  const auto l = find_for_any<limiter>(storage, call);
  return l ? l.object->release(rt::sync::borrower::of_object(borrower)) : refused();
}

int64_t structio_limiter_total(const structio_limiter* storage) {
  const auto* l = block<limiter>(storage, "structio_limiter_total", limiter::noun);
  return l ? l->total() : refused();
}

int structio_limiter_set_total(structio_limiter* storage, int64_t total) {
  constexpr const char* call = "structio_limiter_set_total";
  const auto l = find_for_any<limiter>(storage, call);
  if (!l) return refused();
  if (total < 0) return negative_total(call);
  l.object->set_total(total);
  return 0;
}

int structio_limiter_get_statistics(const structio_limiter* storage,
                                    structio_limiter_statistics* statistics) {
  constexpr const char* call = "structio_limiter_get_statistics";
  const auto* l = block<limiter>(storage, call, limiter::noun);
  if (!l) return refused();
  structio_limiter_statistics all{};
  all.total = l->total();
  all.borrowed = l->borrowed();
  all.available = l->available();
  all.waiting = l->waiting();
  return tell(all, statistics, call);
}

int64_t structio_limiter_borrowers(const structio_limiter* storage, structio_borrower* borrowers,
                                   size_t capacity) {
  constexpr const char* call = "structio_limiter_borrowers";
  const auto* l = block<limiter>(storage, call, limiter::noun);
  if (!l) return refused();
  if (!borrowers && capacity > 0) return null_argument(call, "borrowers");
  size_t count = 0;
  l->each_borrower([&](const rt::sync::borrower& who) noexcept {
    if (count < capacity) {
      const bool is_task = who.is == rt::sync::borrower::kind::task;
      borrowers[count] = {
          is_task ? who.key : 0,
          is_task ? nullptr : reinterpret_cast<const void*>(static_cast<uintptr_t>(who.key))};
    }
    ++count;
  });
  return static_cast<int64_t>(count);
}
