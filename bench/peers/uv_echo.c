/* libuv's echo server as an expert writes it: uv_read_start once for the connection's life, one
 * shared read buffer, uv_try_write, and uv_write only for what the kernel did not take. Ends on
 * SIGTERM. With `--own 1` each connection has a buffer of its own, as tasks must have: what the
 * sharing alone is worth. */
#include <arpa/inet.h>
#include <uv.h>

#include "bench.h"

enum { buffer_size = 64 * 1024 };

static char shared[buffer_size];
static int own_buffers;

typedef struct {
  uv_tcp_t tcp;
  char* buffer;
} connection;

typedef struct {
  uv_write_t request;
  char data[];
} rest;

static void on_close(uv_handle_t* handle) {
  free(handle);
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  (void)suggested;
  *buf = uv_buf_init(((connection*)handle)->buffer, buffer_size);
}

static void on_written(uv_write_t* request, int status) {
  if (status != 0) uv_close((uv_handle_t*)request->handle, on_close);
  free(request);
}

static void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* buf) {
  if (got == 0) return;
  if (got < 0) {
    uv_close((uv_handle_t*)stream, on_close);
    return;
  }
  uv_buf_t out = uv_buf_init(buf->base, (unsigned)got);
  int sent = uv_try_write(stream, &out, 1);
  if (sent == UV_EAGAIN) sent = 0;
  if (sent < 0) {
    uv_close((uv_handle_t*)stream, on_close);
    return;
  }
  if (sent == (int)got) return;
  const size_t left = (size_t)got - (size_t)sent;
  rest* r = malloc(sizeof *r + left);
  if (r == NULL) abort();
  memcpy(r->data, buf->base + sent, left);
  out = uv_buf_init(r->data, (unsigned)left);
  uv_write(&r->request, stream, &out, 1, on_written);
}

static void on_connection(uv_stream_t* listener, int status) {
  if (status != 0) return;
  connection* c = malloc(sizeof *c);
  if (c == NULL) abort();
  c->buffer = own_buffers ? malloc(buffer_size) : shared;
  if (c->buffer == NULL) abort();
  uv_tcp_t* client = &c->tcp;
  uv_tcp_init(listener->loop, client);
  if (uv_accept(listener, (uv_stream_t*)client) != 0) {
    uv_close((uv_handle_t*)client, on_close);
    return;
  }
  uv_tcp_nodelay(client, 1);
  uv_read_start((uv_stream_t*)client, on_alloc, on_read);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  own_buffers = bench_option(argc, argv, "--own", 0) != 0;
  uv_loop_t loop;
  uv_loop_init(&loop);
  uv_tcp_t listener;
  uv_tcp_init(&loop, &listener);
  struct sockaddr_in at;
  uv_ip4_addr("127.0.0.1", (int)bench_option(argc, argv, "--port", 0), &at);
  if (uv_tcp_bind(&listener, (const struct sockaddr*)&at, 0) != 0) return 1;
  if (uv_listen((uv_stream_t*)&listener, 1024, on_connection) != 0) return 1;
  int size = sizeof at;
  uv_tcp_getsockname(&listener, (struct sockaddr*)&at, &size);
  bench_report_port("libuv", ntohs(at.sin_port));
  return uv_run(&loop, UV_RUN_DEFAULT);
}
