// Limit of the UDP workloads: bare epoll, then one recvfrom and one sendto a packet until nothing
// is there, at most 32 between two looks at epoll; with `--many 1` one recvmmsg and one sendmmsg
// for up to 32. Ends on SIGTERM.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdint>

#include "bench.h"

enum { most = 32, packet_size = 2048 };

static char buffers[most][packet_size];
static sockaddr_in peers[most];
static iovec pieces[most];
static mmsghdr packets[most];

static void one_by_one(int fd) {
  for (int i = 0; i < most; ++i) {
    socklen_t size = sizeof peers[0];
    auto* from = reinterpret_cast<sockaddr*>(&peers[0]);
    const ssize_t got = recvfrom(fd, buffers[0], packet_size, 0, from, &size);
    if (got < 0) return;
    sendto(fd, buffers[0], std::size_t(got), 0, from, size);
  }
}

static void many(int fd) {
  for (int i = 0; i < most; ++i) {
    pieces[i] = {buffers[i], packet_size};
    packets[i].msg_hdr.msg_name = &peers[i];
    packets[i].msg_hdr.msg_namelen = sizeof peers[i];
    packets[i].msg_hdr.msg_iov = &pieces[i];
    packets[i].msg_hdr.msg_iovlen = 1;
  }
  const int got = recvmmsg(fd, packets, most, 0, nullptr);
  for (int i = 0; i < got; ++i) pieces[i].iov_len = packets[i].msg_len;
  if (got > 0) sendmmsg(fd, packets, unsigned(got), 0);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const bool batches = bench_option(argc, argv, "--many", 0) != 0;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  if (bind(fd, address, size) != 0) return 1;
  getsockname(fd, address, &size);
  bench_report_port("limit", ntohs(at.sin_port));
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  epoll_event e{};
  e.events = EPOLLIN;
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
  for (;;) {
    if (epoll_wait(poller, &e, 1, -1) != 1) continue;
    if (batches) {
      many(fd);
    } else {
      one_by_one(fd);
    }
  }
}
