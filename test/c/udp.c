/* Datagrams and signals in C: an echo over UDP, a batch, a signal that is received. */
#define _POSIX_C_SOURCE 200809L
#include <structio/structio.h>

#include <signal.h>
#include <string.h>

#include "check.h"

static structio_datagram* bound_to_loopback(void) {
  structio_udp_options options;
  structio_datagram* s = NULL;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  CHECK(structio_udp_open(&options, &s) == 0);
  return s;
}

static void echo_once(void) {
  structio_datagram* server = bound_to_loopback();
  structio_datagram* client = bound_to_loopback();
  structio_address to, from;
  structio_packet packets[2];
  char buffer[8], host[64], pieces[2][8];
  uint16_t port = 0;
  int i;
  CHECK(structio_datagram_local_address(server, &to) == 0);
  CHECK(structio_address_format(&to, host, sizeof host, &port) == 0);
  CHECK(strcmp(host, "127.0.0.1") == 0 && port != 0);
  CHECK(structio_datagram_send_to(client, "ping", 4, &to) == 0);
  CHECK(structio_datagram_receive(server, buffer, sizeof buffer, &from, NULL) == 4);
  CHECK(structio_datagram_send_to(server, buffer, 4, &from) == 0);
  CHECK(structio_datagram_receive(client, buffer, sizeof buffer, NULL, NULL) == 4);
  CHECK(memcmp(buffer, "ping", 4) == 0);
  memset(packets, 0, sizeof packets);
  for (i = 0; i < 2; ++i) {
    packets[i].data = i == 0 ? (void*)"one" : (void*)"two";
    packets[i].size = 3;
    packets[i].address = &to;
  }
  CHECK(structio_datagram_send_many(client, packets, 2) == 2);
  for (i = 0; i < 2; ++i) {
    packets[i].data = pieces[i];
    packets[i].size = sizeof pieces[i];
    packets[i].address = NULL;
  }
  CHECK(structio_datagram_receive_many(server, packets, 2) == 2);
  CHECK(memcmp(pieces[0], "one", 3) == 0 && memcmp(pieces[1], "two", 3) == 0);
  CHECK(structio_datagram_close(server) == 0);
  CHECK(structio_datagram_receive(server, buffer, 1, NULL, NULL) == STRUCTIO_ECLOSED);
  CHECK(structio_datagram_free(server) == 0);
  CHECK(structio_datagram_free(server) == STRUCTIO_ESTALE);
  CHECK(structio_datagram_free(client) == 0);
}

static void receive_a_signal(void) {
  const int signals[] = {SIGUSR1, SIGUSR2};
  structio_signal_receiver* r = NULL;
  int number = 0;
  CHECK(structio_signal_open(signals, 0, &r) == STRUCTIO_EINVALID);
  CHECK(structio_signal_open(signals, 2, &r) == 0);
  CHECK(raise(SIGUSR2) == 0);
  CHECK(structio_signal_receive(r, &number) == 0 && number == SIGUSR2);
  CHECK(structio_signal_close(r) == 0);
  CHECK(structio_signal_receive(r, &number) == STRUCTIO_ECLOSED);
  CHECK(structio_signal_free(r) == 0);
}

static int program(void* arg) {
  (void)arg;
  echo_once();
  receive_a_signal();
  return 0;
}

int main(void) {
  CHECK(structio_run(program, NULL, NULL) == 0);
  return checks_result();
}
