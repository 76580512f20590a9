/* What every bench program shares: arguments, clocks, memory, pinning, and the one line of JSON
 * that run.py reads. C99, so that peers written in C use it too. A program prints a line for each
 * workload it was asked for and nothing else on stdout.
 */
#ifndef STRUCTIO_BENCH_H
#define STRUCTIO_BENCH_H

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#endif

/* The value after `--name` as an integer, or `otherwise` when it is not given. */
static inline int64_t bench_option(int argc, char** argv, const char* name, int64_t otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (strcmp(argv[i], name) == 0) return strtoll(argv[i + 1], NULL, 10);
  }
  return otherwise;
}

static inline const char* bench_text_option(int argc, char** argv, const char* name,
                                            const char* otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (strcmp(argv[i], name) == 0) return argv[i + 1];
  }
  return otherwise;
}

/* Pins the calling thread, and those that it starts; a negative number: it stays where it is. */
static inline void bench_pin_to(int64_t cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) perror("sched_setaffinity");
}

/* `--cpu N` pins the process; without it the process stays where it is. */
static inline void bench_pin(int argc, char** argv) {
  bench_pin_to(bench_option(argc, argv, "--cpu", -1));
}

static inline int64_t bench_clock(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* CPU time, not wall time: being pre-empted by a neighbour must not count. */
static inline int64_t bench_cpu_now(void) {
  return bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}
static inline int64_t bench_wall_now(void) {
  return bench_clock(CLOCK_MONOTONIC);
}

/* Resident bytes of this process. */
static inline int64_t bench_resident(void) {
  long long size = 0;
  long long resident = 0;
  FILE* f = fopen("/proc/self/statm", "r");
  if (f == NULL) return 0;
  if (fscanf(f, "%lld %lld", &size, &resident) != 2) resident = 0;
  fclose(f);
  return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

/* The same pseudo-random sequence in every program (splitmix64). */
static inline uint64_t bench_random(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* How long the i-th sleeper of the cancel workload would sleep: about an hour, in no order. */
static inline int64_t bench_long_sleep(uint64_t* state) {
  return (int64_t)3600 * 1000000000 + (int64_t)(bench_random(state) % 1000000000u);
}

/* How long the i-th task of the sleepers workload sleeps: up to a second. */
static inline int64_t bench_short_sleep(uint64_t* state) {
  return (int64_t)(bench_random(state) % 1000000000u);
}

static inline void bench_report(const char* workload, const char* peer, double value,
                                const char* unit, int64_t n) {
  printf(
      "{\"workload\": \"%s\", \"peer\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"n\": %lld}\n",
      workload, peer, value, unit, (long long)n);
  fflush(stdout);
}

/* An echo server says where it listens; run.py hands the number to the load generator. */
static inline void bench_report_port(const char* peer, int port) {
  printf("{\"peer\": \"%s\", \"port\": %d}\n", peer, port);
  fflush(stdout);
}

#endif
