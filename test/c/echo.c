/* A TCP echo server and its clients in one run; the server is stopped and drains. */
#include "check.h"

#define CLIENTS 20

static uint16_t port;
static int echoed = 0;

static int echo(structio_stream* stream, void* arg) {
  char buffer[1024];
  (void)arg;
  for (;;) {
    const int64_t got = structio_stream_receive_some(stream, buffer, sizeof buffer);
    int status;
    if (got <= 0) return (int)got;
    status = structio_stream_send_all(stream, buffer, (size_t)got);
    if (status != 0) return status;
  }
}

static int server(void* arg) {
  return structio_serve(arg, echo, NULL, NULL);
}

static int client(void* arg) {
  structio_tcp_connect_options options = {.struct_size = sizeof options};
  structio_stream* stream = NULL;
  char text[64], answer[64];
  size_t length, there = 0;
  int status;
  options.port = port;
  status = structio_tcp_connect(&options, &stream);
  if (status != 0) return status;
  length = (size_t)snprintf(text, sizeof text, "client %d speaking", *(const int*)arg);
  status = structio_stream_send_all(stream, text, length);
  if (status == 0) status = structio_stream_send_eof(stream);
  while (status == 0) {
    const int64_t got = structio_stream_receive_some(stream, answer + there, sizeof answer - there);
    if (got < 0) status = (int)got;
    if (got <= 0) break;
    there += (size_t)got;
  }
  if (there == length && memcmp(text, answer, length) == 0) ++echoed;
  CHECK(structio_stream_close(stream) == 0);
  CHECK(structio_stream_free(stream) == 0);
  return status;
}

static int program(void* arg) {
  structio_tcp_listen_options options = {.struct_size = sizeof options};
  structio_listener* listener = NULL;
  structio_nursery servers, clients;
  int numbers[CLIENTS];
  int i, status;
  char host[46];
  (void)arg;
  options.host = "127.0.0.1";
  status = structio_tcp_listen(&options, &listener);
  if (status != 0) return status;
  CHECK(structio_listener_address(listener, host, sizeof host, &port) == 0);
  CHECK(strcmp(host, "127.0.0.1") == 0 && port != 0);
  CHECK(structio_nursery_open(&servers) == 0);
  CHECK(structio_nursery_start_soon(&servers, server, listener) == 0);
  CHECK(structio_nursery_open(&clients) == 0);
  for (i = 0; i < CLIENTS; ++i) {
    numbers[i] = i;
    CHECK(structio_nursery_start_soon(&clients, client, &numbers[i]) == 0);
  }
  CHECK(structio_nursery_close(&clients, 0, NULL) == 0);
  CHECK(structio_scope_stop(structio_nursery_scope(&servers), STRUCTIO_FOREVER, "done") == 0);
  CHECK(structio_nursery_close(&servers, 0, NULL) == 0);
  CHECK(structio_listener_close(listener) == 0);
  return structio_listener_free(listener);
}

int main(void) {
  CHECK(structio_run(program, NULL, NULL) == 0);
  CHECK(echoed == CLIENTS);
  return checks_result();
}
