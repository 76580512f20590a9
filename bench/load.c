/* Load generator of all echo workloads: epoll, closed loop. Each of N connections keeps D messages
 * of S bytes under way; a message counts when its last byte has come back. After a warm-up it
 * measures for some time, then prints requests a second, latencies, and the CPU time that the
 * server
 * (`--pid`) spent in the same interval.
 *
 * Always true: a connection's messages come back in order, so that a ring of send times is enough.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { max_depth = 64, connections_an_address = 5000 };

struct connection {
  int fd;
  int blocked;     /* EPOLLOUT is armed: `unsent` bytes wait for room */
  int64_t unsent;  /* bytes of messages begun that the kernel has not taken yet */
  int64_t partial; /* bytes come back of the oldest message under way */
  unsigned oldest; /* index of its send time */
  unsigned newest;
  int64_t sent_at[max_depth];
};

static struct {
  int64_t connections, size, depth;
  int poller;
  char* out; /* what is sent: long enough for a full window */
  int64_t done;
  struct histogram times;
} load;

static char in[256 * 1024];

static void want_room(struct connection* c, int on) {
  if (c->blocked == on) return;
  struct epoll_event e = {.events = on ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.ptr = c}};
  epoll_ctl(load.poller, EPOLL_CTL_MOD, c->fd, &e);
  c->blocked = on;
}

static void flush(struct connection* c) {
  while (c->unsent > 0) {
    const ssize_t sent = write(c->fd, load.out, (size_t)c->unsent);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent <= 0) fail("write");
    c->unsent -= sent;
  }
  want_room(c, c->unsent > 0);
}

static void send_messages(struct connection* c, int64_t count, int64_t now) {
  for (int64_t i = 0; i < count; ++i) c->sent_at[c->newest++ % max_depth] = now;
  c->unsent += count * load.size;
  flush(c);
}

static void receive(struct connection* c) {
  const ssize_t got = read(c->fd, in, sizeof in);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) fail("read");
  c->partial += got;
  const int64_t whole = c->partial / load.size;
  if (whole == 0) return;
  c->partial -= whole * load.size;
  const int64_t now = bench_wall_now();
  for (int64_t i = 0; i < whole; ++i) {
    histogram_add(&load.times, now - c->sent_at[c->oldest++ % max_depth]);
  }
  load.done += whole;
  send_messages(c, whole, now);
}

static void turn_until(int64_t end) {
  static struct epoll_event events[1024];
  while (bench_wall_now() < end) {
    const int count = epoll_wait(load.poller, events, 1024, 100);
    for (int i = 0; i < count; ++i) {
      struct connection* c = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) flush(c);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
    }
  }
}

static void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static struct connection* connect_all(int port) {
  struct connection* all = calloc((size_t)load.connections, sizeof *all);
  if (all == NULL) fail("calloc");
  for (int64_t i = 0; i < load.connections; ++i) {
    all[i].fd = connect_to(port, 0, 1 + (unsigned)(i / connections_an_address));
    if (fcntl(all[i].fd, F_SETFL, O_NONBLOCK) != 0) fail("fcntl");
    struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = &all[i]}};
    epoll_ctl(load.poller, EPOLL_CTL_ADD, all[i].fd, &e);
  }
  return all;
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  load.connections = bench_option(argc, argv, "--connections", 50);
  load.size = bench_option(argc, argv, "--size", 64);
  load.depth = bench_option(argc, argv, "--depth", 1);
  const int64_t warm_ms = bench_option(argc, argv, "--warm-ms", 300);
  const int64_t run_ms = bench_option(argc, argv, "--run-ms", 1500);
  const int64_t pid = bench_option(argc, argv, "--pid", 0);
  if (load.depth < 1 || load.depth > max_depth || load.size < 1) return 2;
  load.out = calloc((size_t)load.depth, (size_t)load.size);
  load.poller = epoll_create1(EPOLL_CLOEXEC);
  if (load.out == NULL || load.poller < 0) fail("epoll_create1");

  raise_descriptor_limit();
  struct connection* all = connect_all((int)bench_option(argc, argv, "--port", 0));
  for (int64_t i = 0; i < load.connections; ++i) {
    send_messages(&all[i], load.depth, bench_wall_now());
  }
  turn_until(bench_wall_now() + warm_ms * 1000000);
  load.done = 0;
  memset(&load.times, 0, sizeof load.times);
  const double cpu = server_cpu_ns(pid);
  const int64_t begin = bench_wall_now();
  turn_until(begin + run_ms * 1000000);
  const double wall = (double)(bench_wall_now() - begin);
  const double spent = server_cpu_ns(pid) - cpu;
  return load_report(load.done, wall, spent, &load.times);
}
