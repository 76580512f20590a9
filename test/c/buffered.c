/* Reading in units in C, over a stream of one's own; copying and proxying. */
#include <structio/structio.h>
#include <structio/structio_testing_stream.h>

#include <string.h>

#include "check.h"

/* A stream that brings a text, a few bytes at a time, and counts what becomes of it. */
struct text {
  const char* rest;
  int closed, destroyed;
};

static int64_t bring(void* arg, void* buffer, size_t size) {
  struct text* t = arg;
  size_t left = strlen(t->rest);
  if (size > 3) size = 3;
  if (size > left) size = left;
  memcpy(buffer, t->rest, size);
  t->rest += size;
  return (int64_t)size;
}

static int close_text(void* arg) {
  ++((struct text*)arg)->closed;
  return structio_checkpoint();
}

static void destroy_text(void* arg) {
  ++((struct text*)arg)->destroyed;
}

static void read_units(void) {
  struct text t = {"first line\r\nkey=value;rest", 0, 0};
  structio_stream_table table;
  structio_buffered_options options;
  structio_stream* s = NULL;
  structio_buffered* b = NULL;
  const void* data = NULL;
  size_t size = 0;
  char four[4];
  memset(&table, 0, sizeof table);
  table.struct_size = sizeof table;
  table.receive_some = bring;
  table.close = close_text;
  table.destroy = destroy_text;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.owns_stream = 1;
  CHECK(structio_stream_new(&table, &t, &s) == 0);
  CHECK(structio_buffered_new(s, &options, &b) == 0);
  CHECK(structio_buffered_receive_line(b, &data, &size) == 1);
  CHECK(size == 10 && memcmp(data, "first line", 10) == 0);
  CHECK(structio_buffered_peek(b, 3, &data, &size) == 1 && memcmp(data, "key", 3) == 0);
  CHECK(structio_buffered_receive_until(b, ";", 1, &data, &size) == 1 && size == 9);
  CHECK(structio_buffered_unread(b, "un", 2) == 0);
  CHECK(structio_buffered_receive_exactly(b, four, 4) == 1 && memcmp(four, "unre", 4) == 0);
  CHECK(structio_buffered_take_exactly(b, 9, &data) == STRUCTIO_EINCOMPLETE && data == NULL);
  CHECK(structio_buffered_available(b) == 2);
  CHECK(structio_buffered_receive_some(b, four, 4) == 2);
  CHECK(structio_buffered_receive_line(b, &data, &size) == 0 && data == NULL);
  CHECK(structio_stream_send_all(s, "x", 1) == STRUCTIO_EMISUSE);
  CHECK(structio_stream_close(s) == 0 && t.closed == 1);
  CHECK(structio_buffered_free(b) == 0);
  CHECK(t.destroyed == 1);
}

static void move_bytes(void) {
  structio_stream *a = NULL, *b = NULL, *c = NULL, *d = NULL, *out = NULL;
  structio_copy_options three;
  uint64_t moved = 0, there = 0, back = 0;
  const structio_piece pieces[] = {{"abc", 3}, {"", 0}, {"defg", 4}};
  char buffer[16];
  memset(&three, 0, sizeof three);
  three.struct_size = sizeof three;
  three.limit = 3;
  CHECK(structio_memory_stream_pair(&a, &b) == 0);
  CHECK(structio_memory_stream_pair(&c, &d) == 0);
  CHECK(structio_stream_send_vectored(a, pieces, 3) == 0);
  CHECK(structio_stream_send_eof(a) == 0);
  CHECK(structio_stream_copy(b, c, &three, &moved) == 0 && moved == 3);
  CHECK(structio_stream_send_all(d, "back", 4) == 0 && structio_stream_send_eof(d) == 0);
  CHECK(structio_stream_proxy(b, c, NULL, &there, &back) == 0);
  CHECK(there == 4 && back == 4);
  CHECK(structio_stream_receive_some(d, buffer, 16) == 7 && memcmp(buffer, "abcdefg", 7) == 0);
  CHECK(structio_stream_receive_some(a, buffer, 16) == 4);
  CHECK(structio_stream_staple(a, d, &out) == 0);
  CHECK(structio_stream_receive_some(out, buffer, 16) == 0);
  CHECK(structio_stream_free(out) == 0);
  CHECK(structio_stream_free(a) == STRUCTIO_ESTALE);
  CHECK(structio_stream_free(b) == 0 && structio_stream_free(c) == 0);
}

static int program(void* arg) {
  (void)arg;
  read_units();
  move_bytes();
  return 0;
}

int main(void) {
  CHECK(run_at_once(program, NULL) == 0);
  return checks_result();
}
