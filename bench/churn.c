/* Load generator of `churn`: connect, send 64 bytes, read them back, close; N connections in
 * flight, each closed one replaced at once. Counts connections and the server's (`--pid`) CPU time.
 */
#include "load.h"

#include <errno.h>
#include <sys/epoll.h>

struct client {
  int fd;
  int64_t begun_at;
  int64_t left; /* bytes still to come back */
};

static struct {
  int port;
  int64_t size;
  int poller;
  int64_t done;
  struct histogram times;
} churn;

static char buffer[64 * 1024];

static void begin(struct client* c) {
  c->begun_at = bench_wall_now();
  c->left = churn.size;
  c->fd = connect_to(churn.port, SOCK_NONBLOCK, 1);
  /* On loopback the handshake is over when connect returns, so that the message can go at once. */
  if (write(c->fd, buffer, (size_t)churn.size) != (ssize_t)churn.size) fail("write");
  struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = c}};
  epoll_ctl(churn.poller, EPOLL_CTL_ADD, c->fd, &e);
}

static void receive(struct client* c) {
  const ssize_t got = read(c->fd, buffer, sizeof buffer);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) fail("read");
  c->left -= got;
  if (c->left > 0) return;
  close(c->fd);
  histogram_add(&churn.times, bench_wall_now() - c->begun_at);
  ++churn.done;
  begin(c);
}

static void turn_until(int64_t end) {
  struct epoll_event events[256];
  while (bench_wall_now() < end) {
    const int count = epoll_wait(churn.poller, events, 256, 100);
    for (int i = 0; i < count; ++i) receive(events[i].data.ptr);
  }
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const int64_t connections = bench_option(argc, argv, "--connections", 32);
  const int64_t warm_ms = bench_option(argc, argv, "--warm-ms", 300);
  const int64_t run_ms = bench_option(argc, argv, "--run-ms", 1000);
  const int64_t pid = bench_option(argc, argv, "--pid", 0);
  churn.port = (int)bench_option(argc, argv, "--port", 0);
  churn.size = bench_option(argc, argv, "--size", 64);
  churn.poller = epoll_create1(EPOLL_CLOEXEC);
  struct client* clients = calloc((size_t)connections, sizeof *clients);
  if (clients == NULL || churn.poller < 0) fail("epoll_create1");
  for (int64_t i = 0; i < connections; ++i) begin(&clients[i]);

  turn_until(bench_wall_now() + warm_ms * 1000000);
  churn.done = 0;
  memset(&churn.times, 0, sizeof churn.times);
  const double cpu = server_cpu_ns(pid);
  const int64_t start = bench_wall_now();
  turn_until(start + run_ms * 1000000);
  const double wall = (double)(bench_wall_now() - start);
  return load_report(churn.done, wall, server_cpu_ns(pid) - cpu, &churn.times);
}
