/* Load generator of the UDP workloads: epoll, closed loop. Each of N clients, a socket of its own,
 * keeps D packets of S bytes under way and sends as many as have come back, in one call. Prints
 * packets a second, latencies, and the CPU time that the server (`--pid`) spent meanwhile.
 *
 * Always true: a client that hears nothing for 100 ms begins anew, since packets may be lost.
 */
#include "load.h"

#include <sys/epoll.h>

enum { max_depth = 64 };

struct client {
  int fd;
  int64_t sent_at; /* of its last call that sent */
};

static struct {
  int64_t clients, size, depth;
  int poller;
  int64_t done;
  struct histogram times;
} load;

static char out[2048];
static char in[max_depth][2048];

static void send_packets(struct client* c, int64_t count, int64_t now) {
  struct iovec piece = {.iov_base = out, .iov_len = (size_t)load.size};
  struct mmsghdr packets[max_depth];
  memset(packets, 0, sizeof packets);
  for (int64_t i = 0; i < count; ++i) {
    packets[i].msg_hdr.msg_iov = &piece;
    packets[i].msg_hdr.msg_iovlen = 1;
  }
  c->sent_at = now;
  if (sendmmsg(c->fd, packets, (unsigned)count, 0) != (int)count) fail("sendmmsg");
}

static void receive(struct client* c) {
  struct iovec pieces[max_depth];
  struct mmsghdr packets[max_depth];
  memset(packets, 0, sizeof packets);
  for (int64_t i = 0; i < load.depth; ++i) {
    pieces[i] = (struct iovec){.iov_base = in[i], .iov_len = sizeof in[i]};
    packets[i].msg_hdr.msg_iov = &pieces[i];
    packets[i].msg_hdr.msg_iovlen = 1;
  }
  const int got = recvmmsg(c->fd, packets, (unsigned)load.depth, MSG_DONTWAIT, NULL);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) fail("recvmmsg");
  const int64_t now = bench_wall_now();
  for (int i = 0; i < got; ++i) histogram_add(&load.times, now - c->sent_at);
  load.done += got;
  send_packets(c, got, now);
}

static void begin_anew(struct client* all, int64_t now) {
  for (int64_t i = 0; i < load.clients; ++i) {
    if (now - all[i].sent_at < 100 * 1000000) continue;
    while (recv(all[i].fd, in[0], sizeof in[0], MSG_DONTWAIT) >= 0) continue;
    send_packets(&all[i], load.depth, now);
  }
}

static void turn_until(struct client* all, int64_t end) {
  struct epoll_event events[256];
  int64_t checked = bench_wall_now();
  for (int64_t now = checked; now < end; now = bench_wall_now()) {
    const int count = epoll_wait(load.poller, events, 256, 50);
    for (int i = 0; i < count; ++i) receive(events[i].data.ptr);
    if (now - checked < 50 * 1000000) continue;
    checked = now;
    begin_anew(all, now);
  }
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  load.clients = bench_option(argc, argv, "--clients", 50);
  load.size = bench_option(argc, argv, "--size", 64);
  load.depth = bench_option(argc, argv, "--depth", 1);
  const int64_t warm_ms = bench_option(argc, argv, "--warm-ms", 300);
  const int64_t run_ms = bench_option(argc, argv, "--run-ms", 1500);
  const int64_t pid = bench_option(argc, argv, "--pid", 0);
  if (load.depth < 1 || load.depth > max_depth || load.size > (int64_t)sizeof out) return 2;
  load.poller = epoll_create1(EPOLL_CLOEXEC);
  struct client* all = calloc((size_t)load.clients, sizeof *all);
  if (all == NULL || load.poller < 0) fail("epoll_create1");
  for (int64_t i = 0; i < load.clients; ++i) {
    const struct sockaddr_in at = loopback((int)bench_option(argc, argv, "--port", 0), 1);
    all[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect(all[i].fd, (const struct sockaddr*)&at, sizeof at) != 0) fail("connect");
    struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = &all[i]}};
    epoll_ctl(load.poller, EPOLL_CTL_ADD, all[i].fd, &e);
    send_packets(&all[i], load.depth, bench_wall_now());
  }

  turn_until(all, bench_wall_now() + warm_ms * 1000000);
  load.done = 0;
  memset(&load.times, 0, sizeof load.times);
  const double cpu = server_cpu_ns(pid);
  const int64_t begin = bench_wall_now();
  turn_until(all, begin + run_ms * 1000000);
  const double wall = (double)(bench_wall_now() - begin);
  return load_report(load.done, wall, server_cpu_ns(pid) - cpu, &load.times);
}
