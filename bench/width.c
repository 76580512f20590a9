/* How much of the core is ours: additions that do not depend on each other, done in the time that
 * one multiplication takes in a chain of them. The chain goes at the pace of the clock, whoever
 * else is there; the additions compete with what a neighbour executes who shares the core's
 * pipeline (a hyperthread, of another virtual machine perhaps), which no accounting of time shows.
 */
#include "bench.h"

enum { multiplications = 4, additions = 16 };

/* A value that the compiler knows nothing about. */
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

static double chain(int64_t n) {
  uint64_t x = 3;
  const int64_t begin = bench_cpu_now();
  for (int64_t i = 0; i < n; ++i) {
    for (int k = 0; k < multiplications; ++k) {
      x *= 5001;
      OPAQUE(x);
    }
  }
  return (double)(bench_cpu_now() - begin) / (double)(n * multiplications);
}

static double independent(int64_t n) {
  uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
  const int64_t begin = bench_cpu_now();
  for (int64_t i = 0; i < n; ++i) {
    for (int k = 0; k < additions / 8; ++k) {
      ++a, ++b, ++c, ++d, ++e, ++f, ++g, ++h;
      OPAQUE(a);
      OPAQUE(b);
      OPAQUE(c);
      OPAQUE(d);
      OPAQUE(e);
      OPAQUE(f);
      OPAQUE(g);
      OPAQUE(h);
    }
  }
  return (double)(bench_cpu_now() - begin) / (double)(n * additions);
}

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const int64_t n = bench_option(argc, argv, "--n", 3000000);
  chain(n / 10);
  const double one = chain(n);
  bench_report("width", "core", one / independent(n), "additions", n);
  return 0;
}
