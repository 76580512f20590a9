/* What a user of the C ABI might write first: an echo server and its client, a task each, on the
 * loopback. Ends with 0 when the client got back what it had sent. */
#include <stdio.h>
#include <string.h>
#include <structio/structio.h>

static const char greeting[] = "structio works from C";

struct state {
  structio_nursery nursery;
  structio_listener* listener;
  char answer[sizeof greeting];
};

static int echo(structio_stream* stream, void* arg) {
  char buffer[100];
  (void)arg;
  for (;;) {
    int status;
    int64_t got = structio_stream_receive_some(stream, buffer, sizeof buffer);
    if (got <= 0) return (int)got;
    status = structio_stream_send_all(stream, buffer, (size_t)got);
    if (status < 0) return status;
  }
}

static int server(void* arg) {
  struct state* state = arg;
  return structio_serve(state->listener, echo, NULL, NULL);
}

static int talk(structio_stream* stream, char* answer, size_t size) {
  size_t have = 0;
  int status = structio_stream_send_all(stream, greeting, size);
  while (status == 0 && have < size) {
    int64_t got = structio_stream_receive_some(stream, answer + have, size - have);
    if (got <= 0) return got < 0 ? (int)got : STRUCTIO_EBROKEN;
    have += (size_t)got;
  }
  return status;
}

/* Cancels the server when it is done, so that the nursery can end. */
static int client(void* arg) {
  struct state* state = arg;
  structio_stream* stream = NULL;
  structio_tcp_connect_options where;
  int status;
  memset(&where, 0, sizeof where);
  where.struct_size = sizeof where;
  where.host = "127.0.0.1";
  structio_listener_address(state->listener, NULL, 0, &where.port);
  status = structio_tcp_connect(&where, &stream);
  if (status == 0) status = talk(stream, state->answer, sizeof greeting);
  structio_stream_free(stream);
  structio_scope_cancel(structio_nursery_scope(&state->nursery), "the client is done");
  return status;
}

static int program(void* arg) {
  struct state* state = arg;
  structio_tcp_listen_options where;
  int status;
  memset(&where, 0, sizeof where);
  where.struct_size = sizeof where;
  where.host = "127.0.0.1";
  status = structio_tcp_listen(&where, &state->listener);
  if (status < 0) return status;
  status = structio_nursery_open(&state->nursery);
  if (status == 0) status = structio_nursery_start_soon(&state->nursery, server, state);
  if (status == 0) status = structio_nursery_start_soon(&state->nursery, client, state);
  status = structio_nursery_close(&state->nursery, status, NULL);
  structio_listener_free(state->listener);
  return status;
}

int main(void) {
  static struct state state;
  int status = structio_run(program, &state, NULL);
  if (status != 0 || strcmp(state.answer, greeting) != 0) {
    printf("status %d (%s), answer '%s'\n", status, structio_strerror(status), state.answer);
    return 1;
  }
  printf("%s\n", state.answer);
  return 0;
}
