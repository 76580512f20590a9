/* Who may call what (rule 8): on a worker thread, while the task that owns everything waits for it,
 * questions are answered and all else is refused. */
#include "check.h"

struct owned {
  structio_nursery nursery;
  structio_scope scope;
  structio_lot lot;
  structio_event event;
  structio_mutex mutex;
  structio_semaphore semaphore;
  structio_limiter limiter;
  structio_scope_watch watch;
  structio_task* child;
  structio_process* process;
  structio_sender* tx;
  structio_receiver* rx;
  structio_listener* listener;
};

static int idle(void* arg) {
  (void)arg;
  return structio_sleep_forever();
}

static int nothing(void* arg) {
  (void)arg;
  return 0;
}

static void told(void* arg) {
  (void)arg;
}

static void questions(struct owned* o) {
  structio_task_id id = 0;
  structio_task_id ids[1];
  int64_t number = 0;
  char text[100];
  CHECK(structio_task_done(o->child) == 0);
  CHECK(structio_task_get_id(o->child, &id) == 0 && id != 0);
  CHECK(structio_nursery_scope(&o->nursery) != NULL);
  CHECK(structio_debug_parent_task(&o->nursery) != 0);
  CHECK(structio_scope_deadline(&o->scope, &number) == 0 && number == STRUCTIO_FOREVER);
  CHECK(structio_scope_shield(&o->scope) == 0);
  CHECK(structio_scope_cancel_called(&o->scope) == 0);
  CHECK(structio_scope_cancelled_caught(&o->scope) == 0);
  CHECK(structio_scope_describe(&o->scope, text, sizeof text) > 0);
  CHECK(structio_lot_waiting(&o->lot) == 0);
  CHECK(structio_lot_broken_by(&o->lot, ids, 1) == 0);
  CHECK(structio_event_is_set(&o->event) == 0);
  CHECK(structio_mutex_locked(&o->mutex) == 0);
  CHECK(structio_semaphore_value(&o->semaphore) == 1);
  CHECK(structio_limiter_total(&o->limiter) == 1);
  CHECK(structio_process_pid(o->process, &number) == 0 && number > 0);
}

#define REFUSED(call) CHECK((call) == STRUCTIO_ENOTASK)

static void refusals(struct owned* o) {
  structio_stream* stream = NULL;
  structio_cancel_token* token = NULL;
  structio_portal* portal = NULL;
  uint16_t port = 0;
  int64_t number = 0;
  int item = 1;
  REFUSED(structio_nursery_start_soon(&o->nursery, nothing, NULL));
  REFUSED(structio_nursery_close(&o->nursery, 0, NULL));
  REFUSED(structio_task_join(o->child, NULL));
  REFUSED(structio_task_cancel(o->child, NULL));
  CHECK(structio_task_free(o->child) == STRUCTIO_EMISUSE);
  REFUSED(structio_scope_enter(&o->scope));
  REFUSED(structio_scope_cancel(&o->scope, NULL));
  REFUSED(structio_scope_stop(&o->scope, 0, NULL));
  REFUSED(structio_scope_set_deadline(&o->scope, 0));
  REFUSED(structio_scope_set_shield(&o->scope, 1));
  REFUSED(structio_scope_on_cancel(&o->scope, &o->watch, told, NULL));
  REFUSED(structio_cancel_token_new(&o->scope, &token));
  REFUSED(structio_portal_new(&portal));
  REFUSED(structio_lot_park(&o->lot));
  REFUSED(structio_lot_unpark(&o->lot, 1));
  REFUSED(structio_event_set(&o->event));
  REFUSED(structio_event_wait(&o->event));
  REFUSED(structio_mutex_try_lock(&o->mutex));
  REFUSED(structio_semaphore_release(&o->semaphore));
  REFUSED(structio_limiter_set_total(&o->limiter, 2));
  REFUSED(structio_process_wait(o->process, NULL));
  REFUSED(structio_process_poll(o->process, NULL));
  REFUSED(structio_process_kill(o->process, 15));
  CHECK(structio_process_stdin(o->process) == NULL);
  REFUSED(structio_process_detach(o->process, 0, &stream));
  CHECK(structio_process_free(o->process) == STRUCTIO_EMISUSE);
  REFUSED(structio_sender_try_send(o->tx, &item));
  REFUSED(structio_receiver_try_receive(o->rx, &item));
  REFUSED(structio_sender_close(o->tx));
  CHECK(structio_sender_free(o->tx) == STRUCTIO_EMISUSE);
  REFUSED(structio_listener_accept(o->listener, &stream));
  REFUSED(structio_listener_address(o->listener, NULL, 0, &port));
  REFUSED(structio_listener_descriptor(o->listener, &number));
  REFUSED(structio_listener_close(o->listener));
  CHECK(structio_listener_free(o->listener) == STRUCTIO_EMISUSE);
  CHECK(stream == NULL && token == NULL && portal == NULL);
}

static int elsewhere(void* arg) {
  questions(arg);
  refusals(arg);
  return 0;
}

static void make(struct owned* o) {
  const char* const argv[] = {"cat", NULL};
  structio_process_options options = STRUCTIO_PROCESS_OPTIONS_INIT;
  structio_tcp_listen_options listen = {.struct_size = sizeof listen, .host = "127.0.0.1"};
  structio_item_type type = {.struct_size = sizeof type, .size = sizeof(int)};
  options.argv = argv;
  options.in.kind = STRUCTIO_STDIO_PIPE;
  CHECK(structio_scope_init(&o->scope, NULL) == 0);
  CHECK(structio_lot_init(&o->lot) == 0);
  CHECK(structio_event_init(&o->event) == 0);
  CHECK(structio_mutex_init(&o->mutex) == 0);
  CHECK(structio_semaphore_init(&o->semaphore, 1, 2) == 0);
  CHECK(structio_limiter_init(&o->limiter, 1) == 0);
  CHECK(structio_process_spawn(&options, &o->process) == 0);
  CHECK(structio_channel_new(&type, 1, &o->tx, &o->rx) == 0);
  CHECK(structio_tcp_listen(&listen, &o->listener) == 0);
}

static int program(void* arg) {
  struct owned* o = arg;
  make(o);
  CHECK(structio_nursery_open(&o->nursery) == 0);
  CHECK(structio_nursery_start_task(&o->nursery, NULL, idle, NULL, &o->child) == 0);
  CHECK(structio_scope_enter(&o->scope) == 0);
  CHECK(structio_run_in_thread(elsewhere, o, NULL) == 0);
  CHECK(structio_scope_leave(&o->scope, 0, NULL) == 0);
  CHECK(structio_process_stdin(o->process) != NULL); /* nothing has happened to any of it */
  CHECK(structio_task_cancel(o->child, NULL) == 0);
  CHECK(structio_nursery_close(&o->nursery, 0, NULL) == 0);
  CHECK(structio_task_free(o->child) == 0);
  return 0;
}

/* After the run handles are freed on whatever thread. */
int main(void) {
  struct owned o;
  CHECK(structio_run(program, &o, NULL) == 0);
  CHECK(structio_process_free(o.process) == 0);
  CHECK(structio_sender_free(o.tx) == 0);
  CHECK(structio_receiver_free(o.rx) == 0);
  CHECK(structio_listener_free(o.listener) == 0);
  CHECK(structio_lot_destroy(&o.lot) == 0);
  CHECK(structio_event_destroy(&o.event) == 0);
  CHECK(structio_mutex_destroy(&o.mutex) == 0);
  CHECK(structio_semaphore_destroy(&o.semaphore) == 0);
  CHECK(structio_limiter_destroy(&o.limiter) == 0);
  CHECK(structio_scope_destroy(&o.scope) == 0);
  return checks_result();
}
