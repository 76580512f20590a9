/* Events, mutexes, semaphores, conditions, limiters. */
#include <structio/structio_sync.h>
#include "check.h"

struct room {
  structio_event open;
  structio_mutex mutex;
  structio_condition changed;
  structio_semaphore seats;
  structio_limiter limiter;
  int value;
  int most_inside;
  int inside;
  int served;
};

static int visitor(void* arg) {
  struct room* r = arg;
  int status = structio_event_wait(&r->open);
  if (status < 0) return status;
  status = structio_semaphore_acquire(&r->seats);
  if (status < 0) return status;
  if (++r->inside > r->most_inside) r->most_inside = r->inside;
  status = structio_sleep(STRUCTIO_MILLISECONDS(1));
  --r->inside;
  CHECK(structio_semaphore_release(&r->seats) == 0);
  if (status < 0) return status;

  status = structio_mutex_lock(&r->mutex);
  if (status < 0) return status;
  ++r->value;
  CHECK(structio_condition_notify(&r->changed, STRUCTIO_ALL) >= 0);
  CHECK(structio_mutex_unlock(&r->mutex) == 0);

  status = structio_limiter_acquire(&r->limiter);
  if (status < 0) return status;
  ++r->served;
  return structio_limiter_release(&r->limiter);
}

static int wait_for_all(void* arg) {
  struct room* r = arg;
  int status = structio_mutex_lock(&r->mutex);
  if (status < 0) return status;
  while (status == 0 && r->value < 5) status = structio_condition_wait(&r->changed);
  CHECK(structio_mutex_unlock(&r->mutex) == 0);
  return status;
}

static void together(void) {
  struct room r = {0};
  structio_nursery n;
  structio_event_statistics waiting = {sizeof waiting, 0};
  structio_semaphore_statistics seats = {0};
  structio_limiter_statistics tokens = {0};
  int i;
  CHECK(structio_event_init(&r.open) == 0);
  CHECK(structio_mutex_init(&r.mutex) == 0);
  CHECK(structio_condition_init(&r.changed, &r.mutex) == 0);
  CHECK(structio_semaphore_init(&r.seats, 2, 2) == 0);
  CHECK(structio_limiter_init(&r.limiter, STRUCTIO_UNLIMITED) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  for (i = 0; i < 5; ++i) CHECK(structio_nursery_start_soon(&n, visitor, &r) == 0);
  CHECK(structio_nursery_start_soon(&n, wait_for_all, &r) == 0);
  CHECK(structio_wait_all_tasks_blocked(0) == 0);
  CHECK(structio_event_get_statistics(&r.open, &waiting) == 0 && waiting.waiting == 5);
  CHECK(structio_event_is_set(&r.open) == 0);
  CHECK(structio_event_set(&r.open) == 0);
  CHECK(structio_event_is_set(&r.open) == 1);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(r.value == 5 && r.served == 5 && r.most_inside == 2);
  seats.struct_size = sizeof seats;
  CHECK(structio_semaphore_get_statistics(&r.seats, &seats) == 0);
  CHECK(seats.value == 2 && seats.max == 2 && seats.waiting == 0);
  tokens.struct_size = sizeof tokens;
  CHECK(structio_limiter_get_statistics(&r.limiter, &tokens) == 0);
  CHECK(tokens.borrowed == 0 && tokens.available == STRUCTIO_UNLIMITED);
  CHECK(structio_limiter_destroy(&r.limiter) == 0);
  CHECK(structio_semaphore_destroy(&r.seats) == 0);
  CHECK(structio_condition_destroy(&r.changed) == 0);
  CHECK(structio_mutex_destroy(&r.mutex) == 0);
  CHECK(structio_event_destroy(&r.open) == 0);
}

static int lock_and_leave(void* arg) {
  CHECK(structio_task_set_name("careless") == 0);
  return structio_mutex_lock(arg);
}

static void broken(void) {
  structio_mutex m;
  structio_nursery n;
  structio_mutex_statistics s = {0};
  CHECK(structio_mutex_init(&m) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, lock_and_leave, &m) == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(structio_mutex_try_lock(&m) == STRUCTIO_EBROKEN);
  CHECK(says("careless"));
  s.struct_size = sizeof s;
  CHECK(structio_mutex_get_statistics(&m, &s) == 0 && s.broken == 1 && s.locked == 0);
  CHECK(structio_mutex_destroy(&m) == 0);
  CHECK(structio_mutex_lock(&m) == STRUCTIO_EINVALID);
}

static void on_behalf(void) {
  structio_limiter l;
  structio_borrower who;
  int jobs[2];
  CHECK(structio_limiter_init(&l, 1) == 0);
  CHECK(structio_limiter_acquire_on_behalf(&l, &jobs[0]) == 0);
  CHECK(structio_limiter_try_acquire_on_behalf(&l, &jobs[1]) == STRUCTIO_EWOULDBLOCK);
  CHECK(structio_limiter_borrowers(&l, &who, 1) == 1 && who.object == &jobs[0] && who.task == 0);
  CHECK(structio_limiter_destroy(&l) == STRUCTIO_EMISUSE);
  CHECK(structio_limiter_set_total(&l, 2) == 0 && structio_limiter_total(&l) == 2);
  CHECK(structio_limiter_acquire(&l) == 0);
  CHECK(structio_limiter_release_on_behalf(&l, &jobs[1]) == STRUCTIO_EMISUSE);
  CHECK(structio_limiter_discard(&l) == 0);
}

static const char reading[] = "another task is reading";

static int second_reader(void* arg) {
  structio_resource_guard* guard = arg;
  CHECK(structio_resource_guard_entered(guard) == 1);
  CHECK(structio_resource_guard_enter(guard) == STRUCTIO_EBUSY);
  CHECK(strcmp(structio_last_message(), reading) == 0);
  return 0;
}

static void guarded(void) {
  structio_resource_guard guard = {{0}};
  structio_nursery n;
  CHECK(structio_resource_guard_enter(&guard) == STRUCTIO_EINVALID && says("not an initialised"));
  CHECK(structio_resource_guard_init(NULL, reading) == STRUCTIO_EINVALID);
  CHECK(structio_resource_guard_init(&guard, NULL) == STRUCTIO_EINVALID && says("conflict"));
  CHECK(structio_resource_guard_init(&guard, reading) == 0);
  CHECK(structio_resource_guard_leave(&guard) == STRUCTIO_EMISUSE && says("nobody is inside"));
  CHECK(structio_resource_guard_enter(&guard) == 0);
  CHECK(structio_resource_guard_enter(&guard) == STRUCTIO_EBUSY); /* not recursive */
  CHECK(structio_resource_guard_destroy(&guard) == STRUCTIO_EMISUSE && says("inside"));
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, second_reader, &guard) == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(structio_resource_guard_leave(&guard) == 0);
  CHECK(structio_resource_guard_entered(&guard) == 0);
  CHECK(structio_resource_guard_enter(&guard) == 0); /* good for the next one */
  CHECK(structio_resource_guard_leave(&guard) == 0);
  CHECK(structio_resource_guard_destroy(&guard) == 0);
  CHECK(structio_resource_guard_destroy(&guard) == STRUCTIO_EINVALID);
  CHECK(structio_resource_guard_init(&guard, reading) == 0);
  CHECK(structio_resource_guard_enter(&guard) == 0);
  CHECK(structio_resource_guard_discard(&guard) == 0); /* with somebody inside */
  CHECK(structio_resource_guard_discard(NULL) == STRUCTIO_EINVALID);
}

static int program(void* arg) {
  (void)arg;
  together();
  broken();
  on_behalf();
  guarded();
  return 0;
}

int main(void) {
  CHECK(run_at_once(program, NULL) == 0);
  return checks_result();
}
