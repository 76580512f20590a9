/* An echo server in C: sends back what each client sends, until SIGTERM or SIGINT asks it to stop.
 *
 *     echo_server [PORT]        and in another terminal:  nc 127.0.0.1 PORT
 *
 * On a stop it refuses new clients at once, hangs up on those who are between two lines, and lets
 * the others finish the line they have begun, for at most GRACE. The same signal once more cuts
 * them off. Whatever happens, every connection is closed before the program ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <structio/structio.h>

#define GRACE STRUCTIO_SECONDS(10)

/* Receives into a scope that a stop ends at once. Returns 0, as at the end of the stream, when it
 * did: nobody is in the middle of anything. */
static int64_t receive_unless_stopped(structio_stream* stream, char* buffer, size_t size) {
  structio_scope idle;
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  options.ends_on_stop = 1;
  structio_scope_init(&idle, &options);
  int status = structio_scope_enter(&idle);
  if (status < 0) return status;
  int64_t got = structio_stream_receive_some(stream, buffer, size);
  status = structio_scope_leave(&idle, got < 0 ? (int)got : 0, NULL);
  return status < 0 || got < 0 ? status : got;
}

/* One connection, one task: it blocks in straight lines and is closed when this returns. */
static int echo(structio_stream* stream, void* arg) {
  (void)arg;
  char buffer[4096];
  int in_line = 0;
  for (;;) {
    int64_t got = in_line ? structio_stream_receive_some(stream, buffer, sizeof buffer)
                          : receive_unless_stopped(stream, buffer, sizeof buffer);
    if (got == 0 || got == STRUCTIO_EBROKEN) return 0; /* the client is gone, or we stop */
    if (got < 0) return (int)got;
    in_line = buffer[got - 1] != '\n';
    int status = structio_stream_send_all(stream, buffer, (size_t)got);
    if (status == STRUCTIO_EBROKEN) return 0;
    if (status < 0) return status;
  }
}

/* Serves until the accept loop is stopped. Then nobody listens any more. */
static int listen_and_serve(structio_nursery* connections, uint16_t port) {
  structio_tcp_listen_options where = {
      .struct_size = sizeof where, .host = "127.0.0.1", .port = port};
  structio_listener* listener = NULL;
  int status = structio_tcp_listen(&where, &listener);
  if (status < 0) return status;
  structio_listener_address(listener, NULL, 0, &port);
  printf("echo: listening on 127.0.0.1 port %u\n", port);
  fflush(stdout);
  structio_serve_options serving = {.struct_size = sizeof serving, .handler_nursery = connections};
  status = structio_serve(listener, echo, NULL, &serving);
  structio_listener_free(listener);
  printf("echo: stopping\n");
  fflush(stdout);
  return status;
}

static int program(void* arg) {
  structio_nursery connections;
  int status = structio_nursery_open(&connections);
  if (status < 0) return status;
  structio_scope* scope = structio_nursery_scope(&connections);
  status = structio_scope_stop_on_signal(scope, SIGTERM, GRACE);
  if (status == 0) status = structio_scope_stop_on_signal(scope, SIGINT, GRACE);
  if (status == 0) status = listen_and_serve(&connections, *(uint16_t*)arg);
  return structio_nursery_close(&connections, status, NULL); /* waits for every connection */
}

int main(int argc, char** argv) {
  uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 0; /* 0: the system chooses one */
  structio_failure* failure = NULL;
  structio_run_options options = {.struct_size = sizeof options, .failure = &failure};
  if (structio_run(program, &port, &options) < 0) {
    char text[1000] = "no run could be had\n";
    structio_failure_describe(failure, text, sizeof text);
    structio_failure_free(failure);
    fprintf(stderr, "echo: %s", text);
    return EXIT_FAILURE;
  }
  printf("echo: every connection is closed\n");
  return EXIT_SUCCESS;
}
