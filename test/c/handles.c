/* Task handles, start and started, services, system tasks. */
#include "check.h"

static int seven(void* arg) {
  (void)arg;
  return structio_checkpoint() == 0 ? 7 : -1;
}

static int forever(void* arg) {
  (void)arg;
  return structio_sleep_forever();
}

static int bad(void* arg) {
  (void)arg;
  return -9;
}

static void join_and_cancel(void) {
  structio_nursery n;
  structio_task *first = NULL, *second = NULL;
  structio_failure* failure = NULL;
  structio_task_id id = 0;
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_task(&n, NULL, seven, NULL, &first) == 0);
  CHECK(structio_nursery_start_task(&n, NULL, forever, NULL, &second) == 0);
  CHECK(structio_task_done(first) == 0);
  CHECK(structio_task_get_id(first, &id) == 0 && id != 0);
  CHECK(structio_task_join(first, NULL) == 7);
  CHECK(structio_task_join(first, NULL) == 7);
  CHECK(structio_task_done(first) == 1);
  CHECK(structio_task_cancel(second, "not needed") == 0);
  CHECK(structio_task_join(second, &failure) == STRUCTIO_ECANCELLED);
  CHECK(structio_failure_get_kind(failure) == STRUCTIO_FAILURE_CANCELLED);
  structio_failure_free(failure);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(structio_task_join(first, NULL) == 7); /* the handle outlives the nursery */
  CHECK(structio_task_free(first) == 0);
  CHECK(structio_task_free(second) == 0);
  CHECK(structio_task_join(first, NULL) == STRUCTIO_ESTALE);
}

static int starts(void* arg) {
  CHECK(structio_started(arg) == 0);
  CHECK(structio_started(arg) == STRUCTIO_EMISUSE);
  return structio_sleep(STRUCTIO_SECONDS(1));
}

static void start(void) {
  structio_nursery n;
  int value = 5;
  void* told = NULL;
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start(&n, NULL, starts, &value, &told) == 0);
  CHECK(told == &value);
  CHECK(structio_nursery_start(&n, NULL, bad, NULL, &told) == -9);
  CHECK(structio_nursery_start(&n, NULL, seven, NULL, &told) == STRUCTIO_EMISUSE);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
}

static int service(void* arg) {
  int* ended = arg;
  int status = structio_sleep_forever();
  *ended = status;
  return status;
}

static void services(void) {
  structio_nursery n;
  int ended = 0;
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_service(&n, NULL, service, &ended) == 0);
  CHECK(structio_nursery_start_soon(&n, seven, NULL) == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(ended == STRUCTIO_ECANCELLED);
}

struct number {
  int value;
};

static void move_number(void* storage, void* arg) {
  *(struct number*)storage = *(const struct number*)arg;
  ((struct number*)arg)->value = 0;
}

static int read_number(void* storage) {
  return ((const struct number*)storage)->value;
}

static void stored(void) {
  structio_nursery n;
  structio_task* task = NULL;
  struct number number = {31};
  structio_task_options options = STRUCTIO_TASK_OPTIONS_INIT;
  options.name = "reader";
  options.storage_size = sizeof number;
  options.storage_init = move_number;
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_task(&n, &options, read_number, &number, &task) == 0);
  CHECK(number.value == 0);
  CHECK(structio_task_join(task, NULL) == 31);
  CHECK(structio_task_free(task) == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
}

static int program(void* arg) {
  (void)arg;
  join_and_cancel();
  start();
  services();
  stored();
  return structio_start_system_task(NULL, forever, NULL);
}

int main(void) {
  CHECK(run_at_once(program, NULL) == 0);
  return checks_result();
}
