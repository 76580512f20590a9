/* Cancel scopes, deadlines, shields and stopping, from C. */
#include "check.h"

static int forever(void* arg) {
  (void)arg;
  return structio_sleep_forever();
}

static int as_in_the_manual(void) {
  structio_scope scope;
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  int status;
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  options.deadline = STRUCTIO_SECONDS(5);
  structio_scope_init(&scope, &options);
  status = structio_scope_enter(&scope);
  if (status == 0) {
    status = structio_sleep(STRUCTIO_SECONDS(50));
    CHECK(status == STRUCTIO_ECANCELLED);
    CHECK(structio_checkpoint() == STRUCTIO_ECANCELLED);
    status = structio_scope_leave(&scope, status, NULL);
  }
  CHECK(structio_scope_cancelled_caught(&scope) == 1);
  CHECK(structio_scope_cancel_called(&scope) == 1);
  return status;
}

static void cancelled_from_without(void) {
  structio_scope outer, inner;
  structio_cancel_info info;
  char text[64];
  CHECK(structio_scope_init(&outer, NULL) == 0);
  CHECK(structio_scope_enter(&outer) == 0);
  CHECK(structio_scope_init(&inner, NULL) == 0);
  CHECK(structio_scope_set_shield(&inner, 1) == 0);
  CHECK(structio_scope_enter(&inner) == 0);
  CHECK(structio_scope_cancel(&outer, "enough") == 0);
  CHECK(structio_checkpoint() == 0); /* shielded */
  CHECK(structio_scope_set_shield(&inner, 0) == 0);
  CHECK(structio_checkpoint() == STRUCTIO_ECANCELLED);
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK(structio_cancel_reason(&info) == 1);
  CHECK(info.source == STRUCTIO_SOURCE_EXPLICIT);
  CHECK(info.reason != NULL && strcmp(info.reason, "enough") == 0);
  CHECK(structio_scope_leave(&inner, STRUCTIO_ECANCELLED, NULL) == STRUCTIO_ECANCELLED);
  CHECK(structio_scope_leave(&outer, STRUCTIO_ECANCELLED, NULL) == 0);
  CHECK(structio_scope_describe(&outer, text, sizeof text) > 0);
  CHECK(structio_scope_leave(&outer, 0, NULL) == STRUCTIO_EMISUSE);
  CHECK(structio_scope_enter(&outer) == STRUCTIO_EMISUSE);
}

static int polite(void* arg) {
  int* stops = arg;
  structio_scope idle;
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  int status;
  options.ends_on_stop = 1;
  CHECK(structio_scope_init(&idle, &options) == 0);
  CHECK(structio_scope_enter(&idle) == 0);
  status = structio_scope_leave(&idle, structio_sleep_forever(), NULL);
  CHECK(status == 0);
  CHECK(structio_stop_requested() == 1);
  ++*stops;
  return structio_sleep(STRUCTIO_SECONDS(1)); /* within the grace */
}

static void stopped(void) {
  structio_nursery n;
  int stops = 0;
  int64_t start = structio_now();
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, polite, &stops) == 0);
  CHECK(structio_nursery_start_soon(&n, forever, NULL) == 0);
  CHECK(structio_wait_all_tasks_blocked(0) == 0);
  CHECK(structio_scope_stop(structio_nursery_scope(&n), STRUCTIO_SECONDS(3), "closing") == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(stops == 1);
  CHECK(structio_now() - start == STRUCTIO_SECONDS(3));
}

static int program(void* arg) {
  int64_t start = structio_now();
  int timed_out = 0;
  (void)arg;
  CHECK(as_in_the_manual() == 0);
  CHECK(structio_now() - start == STRUCTIO_SECONDS(5));
  CHECK(structio_move_on_after(STRUCTIO_SECONDS(1), forever, NULL, &timed_out) == 0);
  CHECK(timed_out == 1);
  CHECK(structio_fail_after(STRUCTIO_SECONDS(1), forever, NULL) == STRUCTIO_ETOOSLOW);
  CHECK(structio_fail_after(-1, forever, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_current_deadline() == STRUCTIO_FOREVER);
  CHECK(structio_sleep(-1) == STRUCTIO_EINVALID);
  CHECK(structio_seconds(INT64_MAX) == STRUCTIO_FOREVER);
  cancelled_from_without();
  stopped();
  return 0;
}

int main(void) {
  CHECK(run_at_once(program, NULL) == 0);
  CHECK(structio_scope_init(NULL, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_sleep(1) == STRUCTIO_ENOTASK);
  return checks_result();
}
