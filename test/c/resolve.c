/* Names in C: a resolver and a connector of one's own, a server with a limit that outlives failures
 * of its handlers. */
#include <structio/structio.h>
#include <structio/structio_testing_stream.h>

#include <string.h>

#include "check.h"

static int asked = 0, connected_to = 0, failures = 0;

static int find(const structio_resolve_options* query, structio_address_sink* sink, void* arg) {
  CHECK(arg == &asked);
  ++asked;
  if (strcmp(query->host, "down.test") == 0) return STRUCTIO_EBROKEN;
  CHECK(structio_address_sink_add(sink, "nonsense", 0) == STRUCTIO_EINVALID);
  if (structio_sleep(STRUCTIO_SECONDS(1)) < 0) return STRUCTIO_ECANCELLED;
  return structio_address_sink_add(sink, "127.0.0.1", 0);
}

static int make(const char* host, uint16_t port, structio_stream** out, void* arg) {
  structio_stream* other = NULL;
  int code;
  CHECK(arg == NULL && port == 80 && strcmp(host, "127.0.0.1") == 0);
  ++connected_to;
  code = structio_memory_stream_pair(out, &other);
  if (code == 0) code = structio_stream_send_all(other, "made", 4);
  structio_stream_free(other);
  return code;
}

static int connect_by_name(void* arg) {
  structio_tcp_connect_options to = {.struct_size = sizeof to, .host = "some.test", .port = 80};
  structio_resolver_fn former = NULL;
  void* former_arg = NULL;
  structio_stream* s = NULL;
  char buffer[8];
  (void)arg;
  CHECK(structio_set_resolver(find, &asked, NULL, NULL) == 0);
  CHECK(structio_set_connector(make, NULL, NULL, NULL) == 0);
  CHECK(structio_tcp_connect(&to, &s) == 0);
  CHECK(structio_stream_receive_some(s, buffer, sizeof buffer) == 4);
  CHECK(structio_stream_free(s) == 0);
  to.host = "down.test";
  CHECK(structio_tcp_connect(&to, &s) == STRUCTIO_EBROKEN && s == NULL);
  CHECK(structio_set_resolver(NULL, NULL, &former, &former_arg) == 0);
  CHECK(former == find && former_arg == &asked);
  CHECK(structio_set_connector(NULL, NULL, NULL, NULL) == 0);
  return 0;
}

static int fail(structio_stream* stream, void* arg) {
  (void)stream;
  (void)arg;
  return STRUCTIO_EBROKEN;
}

static int decide(const char* peer, int status, structio_failure* why, void* arg) {
  (void)arg;
  CHECK(strncmp(peer, "127.0.0.1:", 10) == 0);
  CHECK(status == STRUCTIO_EBROKEN && structio_failure_code(why) == STRUCTIO_EBROKEN);
  return ++failures < 3 ? 0 : -1;
}

static int server(void* arg) {
  structio_serve_options options = {.struct_size = sizeof options};
  options.max_connections = 1;
  options.on_error = decide;
  return structio_serve_all((structio_listener* const*)arg, 2, fail, NULL, &options);
}

static int serve_two(void* arg) {
  structio_tcp_listen_options at = {.struct_size = sizeof at, .host = "127.0.0.1"};
  structio_tcp_connect_options to = {.struct_size = sizeof to};
  structio_listener* both[2];
  structio_stream* clients[3] = {NULL, NULL, NULL};
  structio_nursery n;
  size_t count = 0;
  int i, status, connected;
  (void)arg;
  CHECK(structio_tcp_listen_all(&at, both, 1, &count) == 0 && count == 1);
  CHECK(structio_tcp_listen_all(&at, both + 1, 1, &count) == 0 && count == 1);
  CHECK(structio_nursery_open(&n) == 0);
  status = structio_nursery_start_soon(&n, server, both);
  for (i = 0; i < 3; ++i) {
    CHECK(structio_listener_address(both[i % 2], NULL, 0, &to.port) == 0);
    connected = structio_tcp_connect(&to, &clients[i]);
    /* The last one's handler may have failed, and ended all of this, before we learn of it. */
    CHECK(connected == 0 || (i == 2 && connected == STRUCTIO_ECANCELLED));
  }
  CHECK(structio_nursery_close(&n, status, NULL) == STRUCTIO_EGROUP);
  CHECK(failures == 3);
  for (i = 0; i < 3; ++i) CHECK(structio_stream_free(clients[i]) == 0);
  CHECK(structio_listener_free(both[0]) == 0);
  return structio_listener_free(both[1]);
}

int main(void) {
  CHECK(run_at_once(connect_by_name, NULL) == 0);
  CHECK(asked == 2 && connected_to == 1);
  CHECK(structio_run(serve_two, NULL, NULL) == 0);
  return checks_result();
}
