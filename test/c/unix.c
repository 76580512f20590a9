/* Unix sockets and pipes in C: a server at an abstract name or a path, a descriptor sent along. */
#include <structio/structio.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static char path[64];

static int answer(structio_stream* stream, void* arg) {
  char buffer[64];
  int64_t got;
  (void)arg;
  while ((got = structio_stream_receive_some(stream, buffer, sizeof buffer)) > 0) {
    int status = structio_stream_send_all(stream, buffer, (size_t)got);
    if (status < 0) return status;
  }
  return (int)got;
}

static int server(void* arg) {
  return structio_serve((structio_listener*)arg, answer, NULL, NULL);
}

static int ask(void) {
  structio_stream* s = NULL;
  char buffer[8] = {0};
  CHECK(structio_unix_connect(path, &s) == 0);
  CHECK(structio_stream_send_all(s, "hello", 5) == 0);
  CHECK(structio_stream_receive_some(s, buffer, 5) == 5);
  CHECK(strcmp(buffer, "hello") == 0);
  return structio_stream_free(s);
}

static void pass_a_descriptor(void) {
  structio_stream *a = NULL, *b = NULL, *in = NULL, *out = NULL;
  int64_t sent = -1, came = -1;
  char buffer[8] = {0};
  structio_descriptors place;
  structio_stream* passed = NULL;
  memset(&place, 0, sizeof place);
  place.struct_size = sizeof place;
  place.array = &came;
  place.capacity = 1;
  CHECK(structio_unix_pair(&a, &b) == 0);
  CHECK(structio_pipe_open(&in, &out) == 0);
  CHECK(structio_stream_descriptor(out, &sent) == 0);
  CHECK(structio_unix_send_descriptors(a, "x", 1, &sent, 1) == 0);
  CHECK(structio_unix_receive_descriptors(b, buffer, sizeof buffer, &place) == 1);
  CHECK(place.count == 1 && !place.lost);
  CHECK(structio_stream_from_descriptor(came, &passed) == 0);
  CHECK(structio_stream_free(out) == 0);
  CHECK(structio_stream_send_all(passed, "pipe", 4) == 0);
  CHECK(structio_stream_free(passed) == 0);
  CHECK(structio_stream_receive_some(in, buffer, sizeof buffer) == 4);
  CHECK(memcmp(buffer, "pipe", 4) == 0);
  CHECK(structio_stream_receive_some(in, buffer, sizeof buffer) == 0);
  CHECK(structio_stream_free(in) == 0);
  CHECK(structio_stream_free(a) == 0);
  CHECK(structio_stream_free(b) == 0);
}

static int program(void* arg) {
  structio_nursery n;
  structio_unix_listen_options options;
  structio_listener* listener = NULL;
  int status;
  (void)arg;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.path = path;
  options.permissions = 0600;
  CHECK(structio_unix_listen(&options, &listener) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  status = structio_nursery_start_soon(&n, server, listener);
  if (status == 0) status = ask();
  pass_a_descriptor();
  structio_scope_cancel(structio_nursery_scope(&n), NULL);
  status = structio_nursery_close(&n, status, NULL);
  CHECK(status == 0);
  return structio_listener_free(listener);
}

int main(void) {
  snprintf(path, sizeof path, "/tmp/structio-c-%ld", (long)getpid());
  CHECK(structio_run(program, NULL, NULL) == 0);
  CHECK(access(path, F_OK) != 0);
  return checks_result();
}
