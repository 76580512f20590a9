/* TLS in C: a server and a client in one run, with a certificate from files that openssl makes;
 * then back to plain bytes. */
#include <structio/structio.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static char chain[64], key[64];
static structio_tls_context *own, *trust;

static int answer(structio_stream* stream, void* arg) {
  char buffer[64];
  int64_t got;
  (void)arg;
  while ((got = structio_stream_receive_some(stream, buffer, sizeof buffer)) > 0) {
    int status = structio_stream_send_all(stream, buffer, (size_t)got);
    if (status < 0) return status;
  }
  return got < 0 ? (int)got : structio_stream_close(stream);
}

static int server(void* arg) {
  structio_tls_serve_options options;
  structio_serve_options serving;
  memset(&options, 0, sizeof options);
  memset(&serving, 0, sizeof serving);
  options.struct_size = sizeof options;
  serving.struct_size = sizeof serving;
  serving.max_connections = 1;
  options.handshake_timeout = STRUCTIO_SECONDS(20);
  options.serving = &serving;
  return structio_tls_serve((structio_listener*)arg, own, answer, NULL, &options);
}

static structio_stream* client_of(structio_stream* plain) {
  structio_tls_stream_options options;
  structio_stream* s = NULL;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.server_name = "localhost";
  CHECK(structio_tls_client(trust, plain, &options, &s) == 0);
  return s;
}

static int ask(structio_listener* listener) {
  structio_tcp_connect_options to;
  structio_stream *plain = NULL, *s;
  structio_tls_info info;
  char buffer[64] = {0};
  size_t rest = 0;
  memset(&to, 0, sizeof to);
  to.struct_size = sizeof to;
  CHECK(structio_listener_address(listener, buffer, sizeof buffer, &to.port) == 0);
  CHECK(structio_tcp_connect(&to, &plain) == 0);
  s = client_of(plain);
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK(structio_tls_get_info(s, &info) == STRUCTIO_EMISUSE);
  CHECK(structio_tls_do_handshake(s) == 0);
  CHECK(structio_tls_get_info(s, &info) == 0);
  CHECK(strcmp(info.version, "TLSv1.3") == 0);
  CHECK(structio_tls_peer_subject(s, buffer, sizeof buffer) > 0);
  CHECK(strcmp(buffer, "CN = localhost") == 0);
  CHECK(structio_stream_send_all(s, "hello", 5) == 0);
  CHECK(structio_stream_receive_some(s, buffer, sizeof buffer) == 5);
  CHECK(memcmp(buffer, "hello", 5) == 0);
  CHECK(structio_tls_unwrap(s, &plain, buffer, sizeof buffer, &rest) == 0);
  CHECK(rest == 0);
  CHECK(structio_stream_receive_some(s, buffer, sizeof buffer) == STRUCTIO_ECLOSED);
  CHECK(structio_stream_free(s) == 0);
  CHECK(structio_stream_receive_some(plain, buffer, sizeof buffer) == 0);
  return structio_stream_free(plain);
}

static int program(void* arg) {
  structio_nursery n;
  structio_listener* listener = NULL;
  structio_tcp_listen_options options;
  int status;
  (void)arg;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  CHECK(structio_tcp_listen(&options, &listener) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  status = structio_nursery_start_soon(&n, server, listener);
  if (status == 0) status = ask(listener);
  structio_scope_cancel(structio_nursery_scope(&n), NULL);
  status = structio_nursery_close(&n, status, NULL);
  CHECK(status == 0);
  return structio_listener_free(listener);
}

static int make_files(void) {
  char command[512];
  snprintf(chain, sizeof chain, "/tmp/structio-c-%ld-chain.pem", (long)getpid());
  snprintf(key, sizeof key, "/tmp/structio-c-%ld-key.pem", (long)getpid());
  snprintf(
      command, sizeof command,
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
      " -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout %s -out %s 2>/dev/null",
      key, chain);
  return system(command);
}

int main(void) {
  structio_tls_context_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  if (structio_tls_context_new(&options, &trust) == STRUCTIO_EUNSUPPORTED) {
    printf("built without OpenSSL: skipped\n");
    return 0;
  }
  CHECK(structio_tls_context_free(trust) == 0);
  if (make_files() != 0) {
    printf("openssl is not installed: skipped\n");
    return 0;
  }
  options.trusted_file = chain;
  CHECK(structio_tls_context_new(&options, &trust) == 0);
  options.trusted_file = NULL;
  options.server = 1;
  options.certificates_file = chain;
  options.key_file = key;
  CHECK(structio_tls_context_new(&options, &own) == 0);
  CHECK(structio_run(program, NULL, NULL) == 0);
  CHECK(structio_tls_context_free(own) == 0);
  CHECK(structio_tls_context_free(own) == STRUCTIO_ESTALE);
  CHECK(structio_tls_context_free(trust) == 0);
  remove(chain);
  remove(key);
  return checks_result();
}
