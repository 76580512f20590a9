/* Tasks that are driven by steps: where a step runs, what it may call, what its calls return, how
 * the task ends, and what is refused. */
#include <limits.h>

#include "check.h"

static uint32_t op(const char* name) {
  structio_op_info info = {.struct_size = sizeof info};
  CHECK(structio_op_find(name, &info) == 0);
  return info.index;
}

static uint64_t pointer(const void* p) {
  return (uint64_t)(uintptr_t)p;
}

/* --- a coroutine: a line at a time ------------------------------------------------------------ */

struct coroutine {
  int line;
  int result;
  structio_scope scope;
  structio_nursery nursery;
  structio_steps children[2];
  structio_event* event;
  int64_t slept;
};

static int sleeps_and_ends(void* state, structio_call* call) {
  struct coroutine* c = state;
  CHECK(call->struct_size == sizeof *call && call->fn == NULL);
  switch (c->line++) {
    case 0:
      CHECK(call->result == 0);
      c->slept = -structio_now();
      call->op = op("structio_sleep");
      call->arguments[0] = (uint64_t)STRUCTIO_SECONDS(3);
      return STRUCTIO_STEP_CALL;
    case 1:
      CHECK(call->result == 0);
      c->slept += structio_now();
      call->result = 42;
      return STRUCTIO_STEP_DONE;
    default: CHECK(c->line <= 2); return STRUCTIO_STEP_DONE; /* not stepped after its end */
  }
}

static void a_step_sleeps(void) {
  struct coroutine c = {0};
  structio_steps steps = {sizeof steps, sleeps_and_ends, &c};
  CHECK(run_at_once(structio_drive, &steps) == 42);
  CHECK(c.slept == STRUCTIO_SECONDS(3));
}

/* --- on which stack, and what is refused there ------------------------------------------------ */

static int looks_around(void* state, structio_call* call) {
  char here;
  void *low = NULL, *high = NULL;
  structio_steps again = {sizeof again, looks_around, state};
  CHECK(structio_task_stack(&low, &high) == 0);
  CHECK((char*)low > &here || &here >= (char*)high);
  CHECK(structio_in_task() == 1);
  CHECK(structio_checkpoint() == STRUCTIO_ENOTASK && says("STRUCTIO_STEP_CALL"));
  CHECK(structio_sleep(1) == STRUCTIO_ENOTASK);
  CHECK(structio_drive(&again) == STRUCTIO_ENOTASK);
  CHECK(structio_task_set_name("renamed by a step") == 0);
  CHECK(structio_stop_requested() == 0);
  call->result = 0;
  return STRUCTIO_STEP_DONE;
}

static void a_step_stands_on_the_threads_stack(void) {
  structio_steps steps = {sizeof steps, looks_around, NULL};
  CHECK(run_at_once(structio_drive, &steps) == 0);
}

static int64_t receives_nothing(void* arg, void* buffer, size_t size) {
  (void)arg, (void)buffer, (void)size;
  return 0;
}

static void* no_exceptions(void) {
  static void* globals[2];
  return globals;
}

static int prepares(void* state, structio_call* call) {
  structio_stream_table table = {0};
  structio_stream* stream = NULL;
  table.struct_size = sizeof table;
  table.receive_some = receives_nothing;
  CHECK(structio_stream_new(&table, state, &stream) == 0);
  CHECK(structio_stream_free(stream) == 0);
  CHECK(structio_add_cxa_get_globals(no_exceptions) == 0);
  call->result = 0;
  return STRUCTIO_STEP_DONE;
}

static void a_step_may_call_what_never_waits(void) {
  structio_steps steps = {sizeof steps, prepares, NULL};
  CHECK(run_at_once(structio_drive, &steps) == 0);
}

struct leaver {
  int line;
  structio_scope scope;
  structio_nursery nursery;
  int child_ended;
};

static int notes_its_end(void* arg) {
  int* ended = arg;
  *ended = structio_sleep(STRUCTIO_SECONDS(9));
  return *ended;
}

static int does_nothing(void* arg) {
  (void)arg;
  return 0;
}

/* Leaving a scope with a nursery open in it waits for the nursery's tasks. */
static int leaves_too_early(void* state, structio_call* call) {
  struct leaver* l = state;
  switch (l->line++) {
    case 0:
      CHECK(structio_move_on_after(1, does_nothing, NULL, NULL) == STRUCTIO_ENOTASK);
      CHECK(structio_fail_after(1, does_nothing, NULL) == STRUCTIO_ENOTASK);
      CHECK(says("structio_fail_after") && says("STRUCTIO_STEP_CALL"));
      CHECK(structio_scope_init(&l->scope, NULL) == 0 && structio_scope_enter(&l->scope) == 0);
      CHECK(structio_nursery_open(&l->nursery) == 0);
      CHECK(structio_nursery_start_soon(&l->nursery, notes_its_end, &l->child_ended) == 0);
      CHECK(structio_scope_leave(&l->scope, 0, NULL) == STRUCTIO_ENOTASK);
      CHECK(says("STRUCTIO_STEP_CALL"));
      call->op = op("structio_checkpoint");
      return STRUCTIO_STEP_CALL;
    case 1:
      CHECK(call->result == 0 && l->child_ended == 0);
      CHECK(structio_scope_cancel(structio_nursery_scope(&l->nursery), NULL) == 0);
      call->op = op("structio_nursery_close");
      call->arguments[0] = pointer(&l->nursery);
      return STRUCTIO_STEP_CALL;
    default:
      CHECK(call->result == 0 && l->child_ended == STRUCTIO_ECANCELLED);
      call->result = structio_scope_leave(&l->scope, 0, NULL);
      return STRUCTIO_STEP_DONE;
  }
}

static void a_step_does_not_wait_by_leaving(void) {
  struct leaver l = {0};
  structio_steps steps = {sizeof steps, leaves_too_early, &l};
  CHECK(run_at_once(structio_drive, &steps) == 0);
}

struct watcher {
  int line;
  structio_nursery nursery;
  structio_task* other;
};

static int sleeps_long(void* arg) {
  (void)arg;
  return structio_sleep(STRUCTIO_SECONDS(9));
}

static int looks_at_stacks(void* state, structio_call* call) {
  struct watcher* w = state;
  structio_task_id id = 0;
  void* addresses[64];
  switch (w->line++) {
    case 0:
      CHECK(structio_nursery_open(&w->nursery) == 0);
      CHECK(structio_nursery_start_task(&w->nursery, NULL, sleeps_long, NULL, &w->other) == 0);
      CHECK(structio_task_get_id(w->other, &id) == 0);
      CHECK(structio_debug_backtrace(id, addresses, 64) >= 0); /* has not begun */
      call->op = op("structio_checkpoint");
      return STRUCTIO_STEP_CALL;
    case 1:
      CHECK(call->result == 0);
      CHECK(structio_task_get_id(w->other, &id) == 0);
      CHECK(structio_debug_backtrace(id, addresses, 64) > 3);
      CHECK(structio_debug_backtrace(structio_task_current(), addresses, 64) > 3);
      CHECK(structio_debug_backtrace(id, addresses, 64) > 3);
      CHECK(structio_task_free(w->other) == 0);
      call->op = op("structio_nursery_close");
      call->arguments[0] = pointer(&w->nursery);
      return STRUCTIO_STEP_CALL;
    default: CHECK(call->result == 0 && w->line == 3); return STRUCTIO_STEP_DONE;
  }
}

static void a_step_may_look_at_other_stacks(void) {
  struct watcher w = {0};
  structio_steps steps = {sizeof steps, looks_at_stacks, &w};
  CHECK(run_at_once(structio_drive, &steps) == 0);
}

/* --- nurseries, scopes, failures -------------------------------------------------------------- */

static int waits_for_event(void* state, structio_call* call) {
  struct coroutine* c = state;
  if (c->line++ == 0) {
    call->op = op("structio_event_wait");
    call->arguments[0] = pointer(c->event);
    return STRUCTIO_STEP_CALL;
  }
  if (call->result == 0) {
    structio_failure* f = NULL;
    CHECK(structio_failure_new_status(-77, "as asked", &f) == 0);
    call->result = structio_failure_raise(f);
  }
  return STRUCTIO_STEP_DONE;
}

static int parent(void* state, structio_call* call) {
  struct coroutine* c = state;
  structio_failure* f;
  char text[400];
  int i;
  switch (c->line++) {
    case 0:
      CHECK(structio_nursery_open(&c->nursery) == 0);
      for (i = 0; i < 2; ++i) {
        CHECK(structio_nursery_start_soon(&c->nursery, structio_drive, &c->children[i]) == 0);
      }
      CHECK(structio_event_set(c->event) == 0);
      call->op = op("structio_nursery_close");
      call->arguments[0] = pointer(&c->nursery);
      call->arguments[1] = 0;
      call->arguments[2] = 0;
      return STRUCTIO_STEP_CALL;
    default:
      CHECK(call->result == STRUCTIO_EGROUP);
      f = structio_failure_take();
      CHECK(structio_failure_count(f) == 2);
      CHECK(structio_failure_describe(f, text, sizeof text) > 0 && strstr(text, "as asked"));
      structio_failure_free(f);
      call->result = 7;
      return STRUCTIO_STEP_DONE;
  }
}

static void steps_start_tasks_and_fail(void) {
  struct coroutine p = {0}, a = {0}, b = {0};
  structio_steps steps = {sizeof steps, parent, &p};
  structio_event event;
  CHECK(structio_event_init(&event) == 0);
  p.event = a.event = b.event = &event;
  p.children[0] = (structio_steps){sizeof steps, waits_for_event, &a};
  p.children[1] = (structio_steps){sizeof steps, waits_for_event, &b};
  CHECK(run_at_once(structio_drive, &steps) == 7);
  CHECK(structio_event_destroy(&event) == 0);
}

static int under_a_deadline(void* state, structio_call* call) {
  struct coroutine* c = state;
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  switch (c->line++) {
    case 0:
      options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
      options.deadline = STRUCTIO_SECONDS(1);
      CHECK(structio_scope_init(&c->scope, &options) == 0);
      CHECK(structio_scope_enter(&c->scope) == 0);
      call->op = op("structio_sleep_forever");
      return STRUCTIO_STEP_CALL;
    case 1: /* level-triggered: so is the next one */
      CHECK(call->result == STRUCTIO_ECANCELLED);
      call->op = op("structio_checkpoint");
      return STRUCTIO_STEP_CALL;
    default:
      CHECK(call->result == STRUCTIO_ECANCELLED);
      call->result = structio_scope_leave(&c->scope, (int)call->result, NULL);
      CHECK(call->result == 0 && structio_scope_cancelled_caught(&c->scope) == 1);
      return STRUCTIO_STEP_DONE;
  }
}

static void a_deadline_cuts_a_call(void) {
  struct coroutine c = {0};
  structio_steps steps = {sizeof steps, under_a_deadline, &c};
  CHECK(run_at_once(structio_drive, &steps) == 0);
}

/* --- functions of one's own ------------------------------------------------------------------- */

static int64_t two_sleeps(const uint64_t* arguments) {
  int status = structio_sleep((int64_t)arguments[0]);
  if (status == 0) status = structio_sleep((int64_t)arguments[7]);
  return status < 0 ? status : INT64_MAX;
}

static int calls_its_own(void* state, structio_call* call) {
  struct coroutine* c = state;
  if (c->line++ == 0) {
    call->fn = two_sleeps;
    call->arguments[0] = (uint64_t)STRUCTIO_SECONDS(1);
    call->arguments[7] = (uint64_t)STRUCTIO_SECONDS(2);
    return STRUCTIO_STEP_CALL;
  }
  CHECK(call->result == INT64_MAX); /* all 64 bits of it */
  call->result = structio_now() == STRUCTIO_SECONDS(3) ? 0 : -1;
  return STRUCTIO_STEP_DONE;
}

static void a_function_of_ones_own(void) {
  struct coroutine c = {0};
  structio_steps steps = {sizeof steps, calls_its_own, &c};
  CHECK(run_at_once(structio_drive, &steps) == 0);
}

static int64_t copies_three_gigabytes(const uint64_t* arguments) {
  (void)arguments;
  return INT64_C(3) << 30;
}

static int copies(void* state, structio_call* call) {
  struct coroutine* c = state;
  if (c->line++ > 0) return STRUCTIO_STEP_DONE;
  call->fn = copies_three_gigabytes;
  return STRUCTIO_STEP_CALL;
}

static void a_count_that_no_int_holds_is_no_failure(void) {
  struct coroutine c = {0};
  structio_steps steps = {sizeof steps, copies, &c};
  CHECK(run_at_once(structio_drive, &steps) == INT_MAX);
}

static int is_ready(void* state, structio_call* call) {
  (void)state;
  CHECK(structio_started(state) == 0);
  call->result = 0;
  return STRUCTIO_STEP_DONE;
}

static int begins_one(void* arg) {
  structio_steps steps = {sizeof steps, is_ready, arg};
  structio_nursery n;
  void* value = NULL;
  int status = structio_nursery_open(&n);
  if (status == 0) status = structio_nursery_start(&n, NULL, structio_drive, &steps, &value);
  CHECK(value == arg);
  return structio_nursery_close(&n, status, NULL);
}

/* --- from another thread ---------------------------------------------------------------------- */

static int calls_in(void* portal) {
  struct coroutine c = {0};
  structio_steps steps = {sizeof steps, sleeps_and_ends, &c};
  CHECK(structio_portal_call(portal, structio_drive, &steps, NULL) == 42);
  return 0;
}

static int is_called_into(void* arg) {
  structio_portal* portal = NULL;
  (void)arg;
  CHECK(structio_portal_new(&portal) == 0);
  CHECK(structio_run_in_thread(calls_in, portal, NULL) == 0);
  CHECK(structio_portal_free(portal) == 0);
  return 0;
}

/* --- nonsense --------------------------------------------------------------------------------- */

static int answers_nonsense(void* state, structio_call* call) {
  (void)state, (void)call;
  return 7;
}

static int calls_nothing(void* state, structio_call* call) {
  struct coroutine* c = state;
  if (c->line++ == 0) {
    call->op = UINT32_MAX;
    return STRUCTIO_STEP_CALL;
  }
  CHECK(call->result == STRUCTIO_EINVALID);
  CHECK(says("4294967295"));
  return STRUCTIO_STEP_DONE;
}

static void nonsense_is_refused(void) {
  struct coroutine c = {0};
  structio_steps steps = {sizeof steps, answers_nonsense, NULL};
  CHECK(structio_drive(&steps) == STRUCTIO_ENOTASK);
  CHECK(run_at_once(structio_drive, &steps) == STRUCTIO_EINVALID);
  CHECK(run_at_once(structio_drive, NULL) == STRUCTIO_EINVALID);
  steps.step = NULL;
  CHECK(run_at_once(structio_drive, &steps) == STRUCTIO_EINVALID);
  steps.step = calls_nothing;
  steps.state = &c;
  CHECK(run_at_once(structio_drive, &steps) == STRUCTIO_EINVALID && c.line == 2);
  steps.struct_size = 1;
  CHECK(run_at_once(structio_drive, &steps) == STRUCTIO_EINVALID && says("struct_size"));
}

int main(void) {
  int value = 0;
  a_step_sleeps();
  a_step_stands_on_the_threads_stack();
  a_step_may_call_what_never_waits();
  a_step_does_not_wait_by_leaving();
  a_step_may_look_at_other_stacks();
  steps_start_tasks_and_fail();
  a_deadline_cuts_a_call();
  a_function_of_ones_own();
  a_count_that_no_int_holds_is_no_failure();
  CHECK(run_at_once(begins_one, &value) == 0);
  CHECK(run_at_once(is_called_into, NULL) == 0);
  nonsense_is_refused();
  return checks_result();
}
