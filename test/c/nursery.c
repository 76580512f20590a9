/* The program that the manual begins with, unchanged but for the name of its main function, and
 * what nurseries do around it. */
#include "check.h"

static int child(void* arg) {
  (void)arg;
  return structio_sleep(
      STRUCTIO_SECONDS(1)); /* STRUCTIO_ECANCELLED when cancelled: just return it */
}
static int program(void* arg) {
  structio_nursery n;
  int status = structio_nursery_open(&n);
  if (status == 0) status = structio_nursery_start_soon(&n, child, arg);
  return structio_nursery_close(&n, status, NULL); /* waits for every child, whatever happened */
}

static int count_up(void* arg) {
  int* count = arg;
  int status = structio_checkpoint();
  ++*count;
  return status;
}

static int many(void* arg) {
  structio_nursery n;
  int i, status = structio_nursery_open(&n);
  for (i = 0; i < 1000 && status == 0; ++i) status = structio_nursery_start_soon(&n, count_up, arg);
  return structio_nursery_close(&n, status, NULL);
}

static int fails(void* arg) {
  (void)arg;
  return -77;
}

static int one_fails(void* arg) {
  structio_nursery n;
  int status = structio_nursery_open(&n);
  if (status == 0) status = structio_nursery_start_soon(&n, child, arg);
  if (status == 0) status = structio_nursery_start_soon(&n, fails, arg);
  status = structio_nursery_close(&n, status, NULL);
  CHECK(status == STRUCTIO_EGROUP);
  CHECK(structio_nursery_start_soon(&n, child, arg) == STRUCTIO_ECLOSED);
  CHECK(says("structio_nursery_start_soon"));
  return status;
}

int main(void) {
  int count = 0;
  CHECK(structio_run(program, NULL, NULL) == 0);
  CHECK(run_at_once(program, NULL) == 0);
  CHECK(run_at_once(many, &count) == 0);
  CHECK(count == 1000);
  CHECK(run_at_once(one_fails, NULL) == STRUCTIO_EGROUP);
  CHECK(says("1 task failed"));
  CHECK(structio_run(NULL, NULL, NULL) == STRUCTIO_EINVALID);
  return checks_result();
}
