/* libuv's UDP echo: uv_udp_recv_start once, uv_udp_try_send from the callback. With `--many 1` it
 * receives by recvmmsg; it can send so only since 1.50 (uv_udp_try_send2), which is not used. A
 * packet for which the kernel has no room is lost. Ends on SIGTERM. */
#include <arpa/inet.h>
#include <uv.h>

#include "bench.h"

static char buffer[20 * 64 * 1024]; /* recvmmsg takes one packet into each 64 KiB, 20 at most */
static size_t room = 64 * 1024;

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  (void)handle;
  (void)suggested;
  *buf = uv_buf_init(buffer, (unsigned)room);
}

static void on_packet(uv_udp_t* socket, ssize_t got, const uv_buf_t* buf,
                      const struct sockaddr* from, unsigned flags) {
  (void)flags;
  if (got < 0 || from == NULL) return;
  uv_buf_t out = uv_buf_init(buf->base, (unsigned)got);
  uv_udp_try_send(socket, &out, 1, from);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const int many = bench_option(argc, argv, "--many", 0) != 0;
  if (many) room = sizeof buffer;
  uv_loop_t loop;
  uv_loop_init(&loop);
  uv_udp_t socket;
  uv_udp_init_ex(&loop, &socket, many ? AF_INET | UV_UDP_RECVMMSG : AF_INET);
  struct sockaddr_in at;
  uv_ip4_addr("127.0.0.1", 0, &at);
  if (uv_udp_bind(&socket, (const struct sockaddr*)&at, 0) != 0) return 1;
  int size = sizeof at;
  uv_udp_getsockname(&socket, (struct sockaddr*)&at, &size);
  bench_report_port("libuv", ntohs(at.sin_port));
  uv_udp_recv_start(&socket, on_alloc, on_packet);
  return uv_run(&loop, UV_RUN_DEFAULT);
}
