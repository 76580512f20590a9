/* Combinators and sequences of steps from C: what a program looks like that uses them. */
#include <structio/structio_combine.h>

#include "check.h"

struct question {
  int seconds;
  int fails;
  int answer; /* out */
};

static int ask(void* arg) {
  struct question* q = arg;
  int status = structio_sleep(STRUCTIO_SECONDS(q->seconds));
  if (status != 0) return status;
  if (q->fails) return -77;
  q->answer = q->seconds * 10;
  return 0;
}

static int ask_all(void* arg) {
  struct question a = {3, 0, 0}, b = {1, 0, 0};
  const structio_task_fn fns[] = {ask, ask};
  void* args[2];
  int status;
  args[0] = &a;
  args[1] = &b;
  (void)arg;
  status = structio_all(fns, args, 2);
  CHECK(a.answer == 30 && b.answer == 10);
  return status;
}

static int ask_any(void* arg) {
  struct question a = {3, 0, 0}, b = {1, 1, 0}, c = {2, 0, 0};
  const structio_task_fn fns[] = {ask, ask, ask};
  void* args[3];
  size_t winner = 0;
  structio_failure* why;
  args[0] = &a;
  args[1] = &b;
  args[2] = &c;
  (void)arg;
  CHECK(structio_first_success(fns, args, 3, &winner) == 0);
  CHECK(winner == 2 && c.answer == 20 && a.answer == 0);
  c.answer = 0;
  CHECK(structio_race(fns, args, 3, &winner) == STRUCTIO_EGROUP);
  CHECK(winner == 1 && c.answer == 0);
  why = structio_failure_take();
  CHECK(structio_failure_count(why) == 1);
  CHECK(structio_failure_code(structio_failure_member(why, 0)) == -77);
  structio_failure_free(why);
  return structio_race(fns, args, 0, &winner);
}

static int fetch(size_t index, void* arg) {
  int* answers = arg;
  int status = structio_sleep(STRUCTIO_SECONDS(1));
  answers[index] = (int)index * 2;
  return status;
}

static int fetch_all(void* arg) {
  int answers[10] = {0};
  int64_t begin = structio_now();
  size_t i;
  int status = structio_for_each_concurrent(10, 4, fetch, answers);
  (void)arg;
  for (i = 0; i < 10; ++i) CHECK(answers[i] == (int)i * 2);
  CHECK(structio_now() - begin == STRUCTIO_SECONDS(3));
  return status;
}

static char steps[8];

static int note(void* arg) {
  strncat(steps, arg, sizeof steps - strlen(steps) - 1);
  return 0;
}

static int odd_steps(void* arg) {
  int status = structio_sequencer_step(arg, 1, note, "b");
  return status != 0 ? status : structio_sequencer_step(arg, 3, note, "d");
}

static int even_steps(void* arg) {
  int status = structio_sequencer_step(arg, 0, note, "a");
  return status != 0 ? status : structio_sequencer_step(arg, 2, note, "c");
}

static int in_order(void* arg) {
  structio_sequencer seq;
  const structio_task_fn fns[] = {odd_steps, even_steps};
  void* args[2];
  int status = structio_sequencer_init(&seq);
  args[0] = args[1] = &seq;
  (void)arg;
  if (status == 0) status = structio_all(fns, args, 2);
  CHECK(strcmp(steps, "abcd") == 0);
  CHECK(structio_sequencer_destroy(&seq) == 0);
  return status;
}

/* Ten virtual seconds at a thousand times the speed of real time. */
static int hurry(void* arg) {
  CHECK(structio_virtual_clock_set_rate(arg, -1) == STRUCTIO_EINVALID);
  CHECK(structio_virtual_clock_set_rate(arg, 1000) == 0);
  return structio_sleep(STRUCTIO_SECONDS(10));
}

int main(void) {
  structio_virtual_clock_options clock_options = {.struct_size = sizeof clock_options,
                                                  .autojump = -1};
  structio_run_options options = {.struct_size = sizeof options};
  structio_clock* clock = NULL;
  CHECK(run_at_once(ask_all, NULL) == 0);
  CHECK(run_at_once(ask_any, NULL) == STRUCTIO_EINVALID);
  CHECK(run_at_once(fetch_all, NULL) == 0);
  CHECK(run_at_once(in_order, NULL) == 0);
  CHECK(structio_all(NULL, NULL, 0) == STRUCTIO_ENOTASK);
  CHECK(structio_virtual_clock_new(&clock_options, &clock) == 0);
  options.clock = clock;
  CHECK(structio_run(hurry, clock, &options) == 0);
  CHECK(structio_virtual_clock_free(clock) == 0);
  return checks_result();
}
