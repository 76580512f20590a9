/* What a user of the C ABI might write first: two children that sleep, one of them cut short. */
#include <stdio.h>
#include <structio/structio.h>

static int finished;

static int short_child(void* arg) {
  int status = structio_sleep(STRUCTIO_MILLISECONDS(1));
  (void)arg;
  if (status == 0) finished += 1;
  return status;
}

static int program(void* arg) {
  structio_nursery nursery;
  int status = structio_nursery_open(&nursery);
  (void)arg;
  if (status == 0) status = structio_nursery_start_soon(&nursery, short_child, NULL);
  if (status == 0) status = structio_nursery_start_soon(&nursery, short_child, NULL);
  return structio_nursery_close(&nursery, status, NULL);
}

int main(void) {
  int status = structio_run(program, NULL, NULL);
  if (status != 0 || finished != 2) {
    printf("status %d (%s), %d children finished\n", status, structio_strerror(status), finished);
    return 1;
  }
  printf("structio works from C\n");
  return 0;
}
