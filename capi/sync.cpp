// Events, mutexes, semaphores, conditions.
#include "check.hpp"
#include "sync/condition.hpp"
#include "sync/mutex.hpp"
#include "sync/semaphore.hpp"
#include "sync_block.hpp"

using namespace structio;
using namespace structio::capi;

namespace {

struct mutex_kind {
  static constexpr std::uint32_t magic = 0x4d545821;  // "MTX!"
  static constexpr const char* noun = "mutex";
};
struct semaphore_kind {
  static constexpr std::uint32_t magic = 0x53454d21;  // "SEM!"
  static constexpr const char* noun = "semaphore";
};
struct condition_kind {
  static constexpr std::uint32_t magic = 0x434e4421;  // "CND!"
  static constexpr const char* noun = "condition";
};
using mutex = sync_block<rt::sync::mutex, mutex_kind>;
using semaphore = sync_block<rt::sync::semaphore, semaphore_kind>;
using condition = sync_block<rt::sync::condition, condition_kind>;

static_assert(sizeof(mutex) <= sizeof(structio_mutex) &&
              sizeof(semaphore) <= sizeof(structio_semaphore) &&
              sizeof(condition) <= sizeof(structio_condition));

}  // namespace

int structio_event_init(structio_event* storage) {
  if (!storage) return null_argument("structio_event_init", "event");
  new (storage) event;
  return 0;
}

int structio_event_destroy(structio_event* storage) {
  return destroy_block<event>(storage, "structio_event_destroy");
}

int structio_event_discard(structio_event* storage) {
  return discard_block<event>(storage, "structio_event_discard");
}

int structio_event_set(structio_event* storage) {
  const auto e = find_for_any<event>(storage, "structio_event_set");
  if (!e) return refused();
  e.object->set();
  return 0;
}

int structio_event_is_set(const structio_event* storage) {
  const auto* e = block<event>(storage, "structio_event_is_set", event::noun);
  return e ? e->is_set() : refused();
}

int structio_event_wait(structio_event* storage) {
  const auto e = find_for_task<event>(storage, "structio_event_wait");
  return e ? e.object->wait(*e.run) : refused();
}

int structio_event_get_statistics(const structio_event* storage,
                                  structio_event_statistics* statistics) {
  constexpr const char* call = "structio_event_get_statistics";
  const auto* e = block<event>(storage, call, event::noun);
  if (!e) return refused();
  structio_event_statistics all{};
  all.waiting = e->waiting();
  return tell(all, statistics, call);
}

int structio_mutex_init(structio_mutex* storage) {
  if (!storage) return null_argument("structio_mutex_init", "mutex");
  new (storage) mutex;
  return 0;
}

int structio_mutex_destroy(structio_mutex* storage) {
  constexpr const char* call = "structio_mutex_destroy";
  auto* m = block<mutex>(storage, call, mutex::noun);
  if (m && m->owner()) m->expect_the_worst();
  return destroy_block<mutex>(storage, call);
}

int structio_mutex_discard(structio_mutex* storage) {
  constexpr const char* call = "structio_mutex_discard";
  auto* m = block<mutex>(storage, call, mutex::noun);
  if (m) m->owner();  // its run may have ended
  return discard_block<mutex>(storage, call);
}

int structio_mutex_lock(structio_mutex* storage) {
  const auto m = find_for_task<mutex>(storage, "structio_mutex_lock");
  return m ? m.object->lock(*m.run) : refused();
}

int structio_mutex_try_lock(structio_mutex* storage) {
  const auto m = find_for_owner<mutex>(storage, "structio_mutex_try_lock");
  return m ? m.object->try_lock(*m.run->current) : refused();
}

int structio_mutex_unlock(structio_mutex* storage) {
  const auto m = find_for_owner<mutex>(storage, "structio_mutex_unlock");
  return m ? m.object->unlock(*m.run->current) : refused();
}

int structio_mutex_locked(const structio_mutex* storage) {
  auto* m = block<mutex>(storage, "structio_mutex_locked", mutex::noun);
  return m ? m->owner() != nullptr : refused();
}

int structio_mutex_get_statistics(const structio_mutex* storage,
                                  structio_mutex_statistics* statistics) {
  constexpr const char* call = "structio_mutex_get_statistics";
  auto* m = block<mutex>(storage, call, mutex::noun);
  if (!m) return refused();
  structio_mutex_statistics all{};
  all.owner = m->owner_id();
  all.waiting = m->waiting();
  all.locked = m->owner() != nullptr;
  all.broken = m->broken();
  return tell(all, statistics, call);
}

int structio_semaphore_init(structio_semaphore* storage, int64_t initial, int64_t max) {
  constexpr const char* call = "structio_semaphore_init";
  if (!storage) return null_argument(call, "semaphore");
  if (initial < 0) return fail(STRUCTIO_EINVALID, "%s: initial must not be negative", call);
  if (max < initial) return fail(STRUCTIO_EINVALID, "%s: max is less than initial", call);
  new (storage) semaphore(initial, max);
  return 0;
}

int structio_semaphore_destroy(structio_semaphore* storage) {
  return destroy_block<semaphore>(storage, "structio_semaphore_destroy");
}

int structio_semaphore_discard(structio_semaphore* storage) {
  return discard_block<semaphore>(storage, "structio_semaphore_discard");
}

int structio_semaphore_acquire(structio_semaphore* storage) {
  const auto s = find_for_task<semaphore>(storage, "structio_semaphore_acquire");
  return s ? s.object->acquire(*s.run) : refused();
}

int structio_semaphore_try_acquire(structio_semaphore* storage) {
  constexpr const char* call = "structio_semaphore_try_acquire";
  const auto s = find_for_any<semaphore>(storage, call);
  if (!s) return refused();
  return s.object->try_acquire() ? 0 : fail(STRUCTIO_EWOULDBLOCK, "%s: no unit is there", call);
}

int structio_semaphore_release(structio_semaphore* storage) {
  constexpr const char* call = "structio_semaphore_release";
  const auto s = find_for_any<semaphore>(storage, call);
  if (!s) return refused();
  if (s.object->release()) return 0;
  return fail(STRUCTIO_EINVALID, "%s: all %lld units are there: release what was acquired, once",
              call, static_cast<long long>(s.object->max()));
}

int64_t structio_semaphore_value(const structio_semaphore* storage) {
  const auto* s = block<semaphore>(storage, "structio_semaphore_value", semaphore::noun);
  return s ? s->value() : refused();
}

int structio_semaphore_get_statistics(const structio_semaphore* storage,
                                      structio_semaphore_statistics* statistics) {
  constexpr const char* call = "structio_semaphore_get_statistics";
  const auto* s = block<semaphore>(storage, call, semaphore::noun);
  if (!s) return refused();
  structio_semaphore_statistics all{};
  all.value = s->value();
  all.max = s->max();
  all.waiting = s->waiting();
  return tell(all, statistics, call);
}

int structio_condition_init(structio_condition* storage, structio_mutex* of) {
  constexpr const char* call = "structio_condition_init";
  if (!storage) return null_argument(call, "condition");
  auto* m = block<mutex>(of, call, mutex::noun);
  if (!m) return refused();
  new (storage) condition(*m);
  return 0;
}

int structio_condition_destroy(structio_condition* storage) {
  return destroy_block<condition>(storage, "structio_condition_destroy");
}

int structio_condition_discard(structio_condition* storage) {
  return discard_block<condition>(storage, "structio_condition_discard");
}

int structio_condition_wait(structio_condition* storage) {
  const auto c = find_for_task<condition>(storage, "structio_condition_wait");
  return c ? c.object->wait(*c.run) : refused();
}

int64_t structio_condition_notify(structio_condition* storage, size_t count) {
  const auto c = find_for_owner<condition>(storage, "structio_condition_notify");
  return c ? c.object->notify(*c.run->current, count) : refused();
}

int structio_condition_get_statistics(const structio_condition* storage,
                                      structio_condition_statistics* statistics) {
  constexpr const char* call = "structio_condition_get_statistics";
  const auto* c = block<condition>(storage, call, condition::noun);
  if (!c) return refused();
  structio_condition_statistics all{};
  all.waiting = c->waiting();
  return tell(all, statistics, call);
}
