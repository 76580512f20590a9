/* Option structs: all zero is refused for want of its size, a size below that of a size as well;
 * nothing but the size means default; a struct from an older header is good. */
#include "check.h"

#define REFUSED(options, call)                  \
  do {                                          \
    memset(&(options), 0, sizeof(options));     \
    CHECK((call) == STRUCTIO_EINVALID);         \
    CHECK(says("struct_size"));                 \
    (options).struct_size = sizeof(size_t) - 1; \
    CHECK((call) == STRUCTIO_EINVALID);         \
    (options).struct_size = sizeof(options);    \
  } while (0)

static int nothing(void* arg) {
  (void)arg;
  return 0;
}

static int handler(structio_stream* stream, void* arg) {
  (void)stream;
  (void)arg;
  return 0;
}

static void of_the_network(void) {
  structio_tcp_listen_options listen;
  structio_tcp_connect_options connect;
  structio_serve_options serve;
  structio_listener* listener = NULL;
  structio_stream* stream = NULL;
  REFUSED(listen, structio_tcp_listen(&listen, &listener));
  CHECK(listener == NULL);
  CHECK(structio_tcp_listen(&listen, &listener) == 0);
  REFUSED(connect, structio_tcp_connect(&connect, &stream));
  CHECK(stream == NULL);
  CHECK(structio_listener_address(listener, NULL, 0, &connect.port) == 0);
  CHECK(structio_tcp_connect(&connect, &stream) == 0);
  connect.port = 1;
  connect.struct_size = offsetof(structio_tcp_connect_options, port); /* of an older header */
  {
    structio_stream* none = NULL;
    CHECK(structio_tcp_connect(&connect, &none) < 0);
    CHECK(says("port 0"));
  }
  REFUSED(serve, structio_serve(listener, handler, NULL, &serve));
  CHECK(structio_stream_free(stream) == 0);
  CHECK(structio_listener_free(listener) == 0);
  CHECK(structio_tcp_listen(NULL, &listener) == 0);
  CHECK(structio_listener_free(listener) == 0);
}

static void of_tasks(void) {
  structio_nursery n;
  structio_scope scope;
  structio_scope_options scope_options;
  structio_task_options task_options;
  structio_task* task = NULL;
  void* value = NULL;
  REFUSED(scope_options, structio_scope_init(&scope, &scope_options));
  CHECK(structio_scope_init(&scope, &scope_options) == 0);
  REFUSED(scope_options, structio_nursery_open_with(&n, &scope_options));
  CHECK(structio_nursery_open_with(&n, &scope_options) == 0);
  REFUSED(task_options, structio_nursery_spawn(&n, &task_options, nothing, NULL));
  REFUSED(task_options, structio_nursery_start(&n, &task_options, nothing, NULL, &value));
  REFUSED(task_options, structio_nursery_start_task(&n, &task_options, nothing, NULL, &task));
  REFUSED(task_options, structio_nursery_start_service(&n, &task_options, nothing, NULL));
  REFUSED(task_options, structio_start_system_task(&task_options, nothing, NULL));
  CHECK(structio_nursery_spawn(&n, &task_options, nothing, NULL) == 0);
  task_options.storage_size = 8; /* and nothing to fill it with */
  CHECK(structio_nursery_spawn(&n, &task_options, nothing, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
}

static void filled_in(void) {
  structio_cancel_info cancel;
  structio_op_info op;
  structio_statistics statistics;
  REFUSED(cancel, structio_cancel_reason(&cancel));
  CHECK(structio_cancel_reason(&cancel) == 0);
  REFUSED(op, structio_op_at(0, &op));
  CHECK(structio_op_at(0, &op) == 0);
  REFUSED(statistics, structio_get_statistics(&statistics));
  CHECK(structio_get_statistics(&statistics) == 0);
  CHECK(statistics.tasks_living == 1);
}

static int program(void* arg) {
  of_the_network();
  of_tasks();
  filled_in();
  return nothing(arg);
}

int main(void) {
  structio_run_options run;
  structio_virtual_clock_options clock_options;
  structio_clock* clock = NULL;
  REFUSED(run, structio_run(program, NULL, &run));
  CHECK(structio_run(program, NULL, &run) == 0);
  CHECK(structio_run(program, NULL, NULL) == 0);
  run.version = UINT32_C(0x7f000000);
  CHECK(structio_run(program, NULL, &run) == STRUCTIO_EVERSION);
  REFUSED(clock_options, structio_virtual_clock_new(&clock_options, &clock));
  CHECK(clock == NULL);
  CHECK(structio_virtual_clock_new(&clock_options, &clock) == 0);
  CHECK(structio_virtual_clock_free(clock) == 0);
  return checks_result();
}
