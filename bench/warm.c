/* Touches `--bytes` of memory and gives them back. A virtual machine's host may take back memory
 * that lies idle; the first to touch it again pays for that, several times the price of a page
 * fault. So run.py lets this program pay before a workload that touches gigabytes. */
#include <sys/mman.h>

#include "bench.h"

int main(int argc, char** argv) {
  bench_pin(argc, argv);
  const size_t bytes = (size_t)bench_option(argc, argv, "--bytes", 0);
  if (bytes == 0) return 0;
  char* at =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return 1;
  madvise(at, bytes, MADV_NOHUGEPAGE);
  for (size_t i = 0; i < bytes; i += 4096) at[i] = 1;
  return 0;
}
