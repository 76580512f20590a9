/* What both load generators share: connecting, latencies, the server's CPU time, the report. */
#ifndef STRUCTIO_BENCH_LOAD_H
#define STRUCTIO_BENCH_LOAD_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "bench.h"

static inline void fail(const char* what) {
  perror(what);
  exit(1);
}

/* Logarithmic buckets, 16 to an octave: within 6 % of the truth. */
enum { bucket_bits = 4, bucket_count = 64 << bucket_bits };

struct histogram {
  int64_t buckets[bucket_count];
};

static inline void histogram_add(struct histogram* h, int64_t ns) {
  int bucket = (int)(ns < 0 ? 0 : ns);
  if (ns >= (1 << bucket_bits)) {
    const int top = 63 - __builtin_clzll((unsigned long long)ns);
    bucket = ((top - bucket_bits + 1) << bucket_bits) |
             (int)((ns >> (top - bucket_bits)) & ((1 << bucket_bits) - 1));
  }
  ++h->buckets[bucket];
}

static inline double histogram_percentile_us(const struct histogram* h, int64_t count,
                                             double share) {
  int64_t seen = 0;
  int bucket = 0;
  while (bucket < bucket_count - 1) {
    seen += h->buckets[bucket];
    if ((double)seen >= share * (double)count) break;
    ++bucket;
  }
  const int octave = bucket >> bucket_bits;
  const int64_t low = bucket & ((1 << bucket_bits) - 1);
  if (octave == 0) return (double)low / 1000.0;
  return ((double)low + (1 << bucket_bits) + 0.5) * (double)(1ll << (octave - 1)) / 1000.0;
}

/* 127.0.0.`last`: every one of them is this machine. */
static inline struct sockaddr_in loopback(int port, unsigned last) {
  struct sockaddr_in at;
  memset(&at, 0, sizeof at);
  at.sin_family = AF_INET;
  at.sin_port = htons((uint16_t)port);
  at.sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xffffff00u) + last);
  return at;
}

/* A blocking socket, or with `flags` SOCK_NONBLOCK one that is connecting, to 127.0.0.1 and from
 * 127.0.0.`from`: an address has ports for some 28,000 connections, those just closed included. */
static inline int connect_to(int port, int flags, unsigned from) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) fail("socket");
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (from != 1) {
    /* The port is chosen when the peer is known: it may then be in use to other peers. */
    const struct sockaddr_in source = loopback(0, from);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (const struct sockaddr*)&source, sizeof source) != 0) fail("bind");
  }
  const struct sockaddr_in at = loopback(port, 1);
  if (connect(fd, (const struct sockaddr*)&at, sizeof at) != 0 && errno != EINPROGRESS) {
    fail("connect");
  }
  return fd;
}

/* Nanoseconds that all threads of the process were on a CPU, from the scheduler itself. */
static inline double server_cpu_ns(int64_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%lld/task", (long long)pid);
  DIR* tasks = pid > 0 ? opendir(path) : NULL;
  if (tasks == NULL) return 0;
  double total = 0;
  for (struct dirent* d = readdir(tasks); d != NULL; d = readdir(tasks)) {
    if (d->d_name[0] == '.') continue;
    char file[400];
    snprintf(file, sizeof file, "%s/%s/schedstat", path, d->d_name);
    FILE* f = fopen(file, "r");
    if (f == NULL) continue;
    double ran = 0;
    if (fscanf(f, "%lf", &ran) == 1) total += ran;
    fclose(f);
  }
  closedir(tasks);
  return total;
}

static inline int load_report(int64_t done, double wall_ns, double cpu_ns,
                              const struct histogram* times) {
  if (done == 0) return 1;
  printf(
      "{\"requests_per_s\": %.6g, \"cpu_us\": %.6g, \"p50_us\": %.4g, \"p99_us\": %.4g, "
      "\"requests\": %lld}\n",
      (double)done * 1e9 / wall_ns, cpu_ns / (double)done / 1000.0,
      histogram_percentile_us(times, done, 0.50), histogram_percentile_us(times, done, 0.99),
      (long long)done);
  return 0;
}

#endif
