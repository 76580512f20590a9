/* Select and readiness. */
#include <structio/structio_channel.h>
#include <structio/structio_readiness.h>
#include <structio/structio_select.h>
#include <structio/structio_sync.h>
#include <unistd.h>

#include "check.h"

struct shop {
  structio_sender* orders;
  structio_receiver* inbox;
  structio_event closing;
  int seen;
};

static int customer(void* arg) {
  struct shop* s = arg;
  int order;
  for (order = 1; order <= 3; ++order) {
    int item = order;
    int status = structio_sender_send(s->orders, &item);
    if (status < 0) return status;
    status = structio_sleep(STRUCTIO_SECONDS(1));
    if (status < 0) return status;
  }
  return structio_event_set(&s->closing);
}

/* Serves until the event, with a look around whenever nothing comes for a while. */
static int clerk(void* arg) {
  struct shop* s = arg;
  int order = 0;
  int idle = 0;
  for (;;) {
    structio_select_case cases[3];
    int64_t taken;
    memset(cases, 0, sizeof cases);
    cases[0].kind = STRUCTIO_SELECT_RECEIVE;
    cases[0].object = s->inbox;
    cases[0].item = &order;
    cases[1].kind = STRUCTIO_SELECT_EVENT;
    cases[1].object = &s->closing;
    cases[2].kind = STRUCTIO_SELECT_TIMEOUT;
    cases[2].moment = STRUCTIO_MILLISECONDS(400);
    taken = structio_select(cases, 3, NULL);
    if (taken < 0) return (int)taken;
    if (taken == 0) s->seen = s->seen * 10 + order;
    if (taken == 1) break;
    if (taken == 2) ++idle;
  }
  CHECK(idle == 6);
  return 0;
}

static int serve(void* arg) {
  struct shop* s = arg;
  structio_nursery n;
  structio_item_type type = {.struct_size = sizeof type, .size = sizeof(int)};
  CHECK(structio_channel_new(&type, 0, &s->orders, &s->inbox) == 0);
  CHECK(structio_event_init(&s->closing) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, customer, s) == 0);
  CHECK(structio_nursery_start_soon(&n, clerk, s) == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(structio_sender_free(s->orders) == 0);
  CHECK(structio_receiver_free(s->inbox) == 0);
  CHECK(structio_event_destroy(&s->closing) == 0);
  return 0;
}

static int read_one(void* arg) {
  const int* ends = arg;
  char byte = 0;
  CHECK(structio_wait_readable(ends[0]) == 0);
  CHECK(read(ends[0], &byte, 1) == 1);
  CHECK(byte == 'x');
  CHECK(structio_wait_readable(ends[0]) == STRUCTIO_ECLOSED);
  return 0;
}

static int descriptors(void* arg) {
  int ends[2];
  structio_nursery n;
  structio_select_case both[2];
  structio_select_options now = STRUCTIO_SELECT_OPTIONS_INIT;
  (void)arg;
  CHECK(pipe(ends) == 0);
  CHECK(structio_wait_writable(ends[1]) == 0);
  memset(both, 0, sizeof both);
  both[0].kind = STRUCTIO_SELECT_READABLE;
  both[0].descriptor = ends[0];
  both[1].kind = STRUCTIO_SELECT_WRITABLE;
  both[1].descriptor = ends[1];
  CHECK(structio_select(both, 2, NULL) == 1);
  both[1].kind = STRUCTIO_SELECT_NONE;
  now.flags = STRUCTIO_SELECT_NOWAIT;
  CHECK(structio_select(both, 2, &now) == STRUCTIO_EWOULDBLOCK);
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, read_one, ends) == 0);
  CHECK(structio_wait_all_tasks_blocked(0) == 0);
  CHECK(write(ends[1], "x", 1) == 1);
  CHECK(structio_wait_all_tasks_blocked(0) == 0);
  CHECK(structio_notify_closing(ends[0]) == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  close(ends[0]);
  close(ends[1]);
  CHECK(structio_wait_readable(-1) < 0);
  CHECK(says("descriptor"));
  return 0;
}

int main(void) {
  struct shop s;
  memset(&s, 0, sizeof s);
  CHECK(run_at_once(serve, &s) == 0);
  CHECK(s.seen == 123);
  CHECK(structio_run(descriptors, NULL, NULL) == 0);
  return checks_result();
}
