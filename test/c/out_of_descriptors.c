/* A server whose process runs out of descriptors pauses and goes on: every client is answered. The
 * clients live in another process, and all are connected before the server takes the first. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS 24
#define SEATS 5

static int to_clients[2], to_server[2];
static int now_serving = 0, most_served = 0, answered = 0;

/* Connects all, says so, waits for the word, then asks each and counts the answers. */
static int clients(void) {
  struct sockaddr_in address;
  uint16_t port = 0;
  int sockets[CLIENTS];
  int i, good = 0;
  char byte = 'c';
  if (read(to_clients[0], &port, sizeof port) != (ssize_t)sizeof port) return 100;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  for (i = 0; i < CLIENTS; ++i) {
    sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(sockets[i], (const struct sockaddr*)&address, sizeof address) != 0) return 101;
  }
  if (write(to_server[1], &byte, 1) != 1) return 102;
  if (read(to_clients[0], &byte, 1) != 1) return 103;
  for (i = 0; i < CLIENTS; ++i) {
    if (write(sockets[i], "?", 1) == 1 && read(sockets[i], &byte, 1) == 1 && byte == '!') ++good;
  }
  return good;
}

static int answer(structio_stream* stream, void* arg) {
  char byte = 0;
  int status;
  (void)arg;
  if (++now_serving > most_served) most_served = now_serving;
  status = (int)structio_stream_receive_some(stream, &byte, 1);
  --now_serving;
  if (status == 1) status = structio_stream_send_all(stream, "!", 1);
  if (status == 0) ++answered;
  return status;
}

static int server(void* arg) {
  return structio_serve(arg, answer, NULL, NULL);
}

/* Leaves room for SEATS descriptors and no more: those with the lowest free numbers. */
static void limit_descriptors(void) {
  struct rlimit limit;
  int taken[SEATS];
  int i;
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  for (i = 0; i < SEATS; ++i) taken[i] = dup(0);
  limit.rlim_cur = (rlim_t)taken[SEATS - 1] + 1;
  for (i = 0; i < SEATS; ++i) CHECK(close(taken[i]) == 0);
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static int program(void* arg) {
  structio_tcp_listen_options options = {.struct_size = sizeof options};
  structio_listener* listener = NULL;
  structio_nursery n;
  uint16_t port = 0;
  char byte;
  (void)arg;
  options.host = "127.0.0.1";
  CHECK(structio_tcp_listen(&options, &listener) == 0);
  CHECK(structio_listener_address(listener, NULL, 0, &port) == 0);
  CHECK(write(to_clients[1], &port, sizeof port) == (ssize_t)sizeof port);
  CHECK(read(to_server[0], &byte, 1) == 1); /* all are in the queue */
  limit_descriptors();
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, server, listener) == 0);
  while (now_serving == 0) CHECK(structio_sleep(STRUCTIO_MILLISECONDS(1)) == 0);
  CHECK(write(to_clients[1], "g", 1) == 1);
  while (answered < CLIENTS) CHECK(structio_sleep(STRUCTIO_MILLISECONDS(5)) == 0);
  CHECK(structio_scope_cancel(structio_nursery_scope(&n), NULL) == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  return structio_listener_free(listener);
}

/* Valgrind keeps the limit by closing, behind our back, a connection that the system has given. */
static int under_valgrind(void) {
  const char* preloaded = getenv("LD_PRELOAD");
  return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

int main(void) {
  pid_t child;
  int status = 0;
  if (under_valgrind()) return 0;
  /* No line for each pause; UBSan would need descriptors to look into what writes it. */
  CHECK(setenv("STRUCTIO_LOG", "error", 1) == 0);
  CHECK(pipe(to_clients) == 0 && pipe(to_server) == 0);
  child = fork();
  if (child == 0) _exit(clients());
  CHECK(child > 0);
  CHECK(structio_run(program, NULL, NULL) == 0);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == CLIENTS);
  CHECK(answered == CLIENTS);
  CHECK(most_served > 0 && most_served <= SEATS);
  return checks_result();
}
