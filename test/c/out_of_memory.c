/* When there is no memory for another stack, starting a task says so; a server keeps the connection
 * that it has taken until there is. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

static int handled = 0;
static int heard = 0;

static int forever(void* arg) {
  (void)arg;
  return structio_sleep_forever();
}

static int hello(structio_stream* stream, void* arg) {
  (void)arg;
  ++handled;
  return structio_stream_send_all(stream, "hello", 5);
}

static int server(void* arg) {
  return structio_serve(arg, hello, NULL, NULL);
}

static int client(void* arg) {
  structio_tcp_connect_options options = {.struct_size = sizeof options};
  structio_stream* stream = NULL;
  char text[8];
  int64_t got;
  CHECK(structio_listener_address(arg, NULL, 0, &options.port) == 0);
  CHECK(structio_tcp_connect(&options, &stream) == 0);
  got = structio_stream_receive_some(stream, text, sizeof text);
  heard = got == 5;
  structio_stream_free(stream);
  return got < 0 ? (int)got : 0;
}

/* From here on the process gets no more address space. */
static void limit_memory(void) {
  struct rlimit limit;
  unsigned long pages = 0;
  FILE* status = fopen("/proc/self/statm", "r");
  CHECK(status != NULL && fscanf(status, "%lu", &pages) == 1);
  if (status) fclose(status);
  CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
  limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)1 << 20);
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

static int program(void* arg) {
  structio_tcp_listen_options options = {.struct_size = sizeof options};
  structio_listener* listener = NULL;
  structio_nursery servers, clients, sleepers;
  structio_stream *one = NULL, *other = NULL;
  int status = 0;
  (void)arg;
  /* Streams come from pools, which have to be there: only stacks are to be missing. */
  CHECK(structio_unix_pair(&one, &other) == 0);
  CHECK(structio_stream_free(one) == 0 && structio_stream_free(other) == 0);
  options.host = "127.0.0.1";
  CHECK(structio_tcp_listen(&options, &listener) == 0);
  CHECK(structio_nursery_open(&servers) == 0);
  CHECK(structio_nursery_start_soon(&servers, server, listener) == 0);
  CHECK(structio_nursery_open(&clients) == 0);
  CHECK(structio_nursery_start_soon(&clients, client, listener) == 0);
  CHECK(structio_nursery_open(&sleepers) == 0);
  limit_memory();
  while (status == 0) status = structio_nursery_start_soon(&sleepers, forever, NULL);
  CHECK(status == STRUCTIO_ENOMEM);
  CHECK(says("stack"));
  CHECK(structio_sleep(STRUCTIO_MILLISECONDS(150)) == 0);
  CHECK(handled == 0);
  CHECK(structio_scope_cancel(structio_nursery_scope(&sleepers), NULL) == 0);
  CHECK(structio_nursery_close(&sleepers, 0, NULL) == 0);
  CHECK(structio_nursery_close(&clients, 0, NULL) == 0);
  CHECK(heard == 1);
  CHECK(handled == 1);
  CHECK(structio_scope_cancel(structio_nursery_scope(&servers), NULL) == 0);
  CHECK(structio_nursery_close(&servers, 0, NULL) == 0);
  return structio_listener_free(listener);
}

int main(void) {
  const char* preloaded = getenv("LD_PRELOAD");
#if defined(SANITIZED)
  return 0; /* its shadow needs address space without end */
#endif
  if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL) return 0;
  CHECK(setenv("STRUCTIO_LOG", "error", 1) == 0);
  CHECK(structio_run(program, NULL, NULL) == 0);
  return checks_result();
}
