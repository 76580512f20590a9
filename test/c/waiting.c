/* Park, wake and abort; parking lots; task-locals. */
#include "check.h"

struct waiting {
  structio_waiter waiter;
  int64_t result;
  int asked;
};

static int on_abort(void* arg) {
  ++((struct waiting*)arg)->asked;
  return STRUCTIO_ABORT_DONE;
}

static int wait_for_it(void* arg) {
  struct waiting* w = arg;
  CHECK(structio_waiter_init(&w->waiter) == 0);
  w->result = structio_park(&w->waiter, "a test", on_abort, w);
  return w->result < 0 ? (int)w->result : 0;
}

static void park_and_wake(void) {
  structio_nursery n;
  struct waiting woken = {0}, cancelled = {0};
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, wait_for_it, &woken) == 0);
  CHECK(structio_nursery_start_soon(&n, wait_for_it, &cancelled) == 0);
  CHECK(structio_wait_all_tasks_blocked(0) == 0);
  CHECK(structio_wake(&woken.waiter, INT64_C(1) << 40) == 1);
  CHECK(structio_wake(&woken.waiter, 2) == 0);
  CHECK(structio_wait_all_tasks_blocked(0) == 0);
  CHECK(structio_scope_cancel(structio_nursery_scope(&n), NULL) == 0);
  CHECK(structio_wake(&cancelled.waiter, 2) == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(woken.result == INT64_C(1) << 40 && woken.asked == 0);
  CHECK(cancelled.result == STRUCTIO_ECANCELLED && cancelled.asked == 1);
}

static int park_in_lot(void* arg) {
  return structio_lot_park(arg);
}

static void lots(void) {
  structio_nursery n;
  structio_lot lot, other;
  int i;
  CHECK(structio_lot_init(&lot) == 0);
  CHECK(structio_lot_init(&other) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  for (i = 0; i < 5; ++i) CHECK(structio_nursery_start_soon(&n, park_in_lot, &lot) == 0);
  CHECK(structio_wait_all_tasks_blocked(0) == 0);
  CHECK(structio_lot_waiting(&lot) == 5);
  CHECK(structio_lot_unpark(&lot, 2) == 2);
  CHECK(structio_lot_repark(&lot, &other, 1) == 1);
  CHECK(structio_lot_destroy(&lot) < 0); /* somebody waits here */
  CHECK(structio_lot_unpark(&lot, SIZE_MAX) == 2);
  CHECK(structio_lot_unpark(&other, SIZE_MAX) == 1);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(structio_lot_break(&lot, 0) == 0);
  CHECK(structio_lot_park(&lot) == STRUCTIO_EBROKEN);
  CHECK(structio_lot_destroy(&lot) == 0);
  CHECK(structio_lot_destroy(&other) == 0);
}

static const char key = 0;
static int dropped = 0;

static void drop(void* value) {
  dropped += *(int*)value;
}

static int see_locals(void* arg) {
  int own = 9;
  void* value = NULL;
  CHECK(structio_local_get(&key, &value) == 0);
  CHECK(value == arg);
  CHECK(structio_local_set(&key, &own, NULL, NULL) == 0);
  CHECK(structio_local_get(&key, &value) == 0 && value == &own);
  return 0;
}

static void locals(void) {
  structio_nursery n;
  structio_local_token token;
  void* value = NULL;
  static int first = 1, second = 10; /* they are dropped after this function */
  CHECK(structio_local_get(&key, &value) == STRUCTIO_EABSENT);
  CHECK(structio_local_set(&key, &first, drop, NULL) == 0);
  CHECK(structio_local_set(&key, &second, drop, &token) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, see_locals, &second) == 0);
  CHECK(structio_local_reset(&key, &token) == 0);
  CHECK(structio_local_reset(&key, &token) == STRUCTIO_EINVALID);
  CHECK(structio_local_get(&key, &value) == 0 && value == &first);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
}

static int program(void* arg) {
  (void)arg;
  park_and_wake();
  lots();
  locals();
  return 0;
}

int main(void) {
  CHECK(run_at_once(program, NULL) == 0);
  CHECK(dropped == 11); /* each value once */
  return checks_result();
}
