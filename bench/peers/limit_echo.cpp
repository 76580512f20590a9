// Limit of the echo workloads: bare epoll, one read and one write a message, interest armed once.
// Ends on SIGTERM. A kernel that does not take all of a write is waited for on the spot.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "bench.h"

static char buffer[64 * 1024];

static int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(std::uint16_t(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  if (bind(fd, address, size) != 0 || listen(fd, 1024) != 0) {
    perror("listen");
    exit(1);
  }
  getsockname(fd, address, &size);
  bench_report_port("limit", ntohs(at.sin_port));
  return fd;
}

static bool send_all(int fd, const char* data, ssize_t size) {
  while (size > 0) {
    const ssize_t sent = write(fd, data, size_t(size));
    if (sent < 0) {
      if (errno != EAGAIN) return false;
      pollfd wait{fd, POLLOUT, 0};
      poll(&wait, 1, -1);
      continue;
    }
    data += sent;
    size -= sent;
  }
  return true;
}

static void accept_all(int listener, int poller) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = fd;
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
  }
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const int listener = listen_on(int(bench_option(argc, argv, "--port", 0)));
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  epoll_event e{};
  e.events = EPOLLIN;
  e.data.fd = listener;
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
  static epoll_event events[1024];
  for (;;) {
    const int count = epoll_wait(poller, events, 1024, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        accept_all(listener, poller);
        continue;
      }
      const ssize_t got = read(fd, buffer, sizeof buffer);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0 || !send_all(fd, buffer, got)) close(fd);
    }
  }
}
