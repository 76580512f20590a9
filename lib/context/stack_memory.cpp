// Stack memory on POSIX systems: mmap, madvise, mprotect. The kernel merges neighbouring slabs into
// one mapping as long as their flags agree, so nothing here may make one slab differ from the next.
#include "context/stack_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>

namespace structio::ctx::memory {
namespace {

#ifdef __linux__
// The C library's headers may be older than the kernel.
constexpr int madvise_guard_install = 102;
#endif

#ifdef MAP_NORESERVE
constexpr int reserve_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#else
constexpr int reserve_flags = MAP_PRIVATE | MAP_ANONYMOUS;
#endif

}  // namespace

std::size_t page_size() noexcept {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void* reserve(std::size_t bytes) noexcept {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, reserve_flags, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
#ifdef MADV_NOHUGEPAGE
  // With huge pages the first touch would take 2 MiB. A kernel built without them refuses: fine.
  (void)madvise(memory, bytes, MADV_NOHUGEPAGE);
#endif
  return memory;
}

bool unreserve(void* memory, std::size_t bytes) noexcept {
  return munmap(memory, bytes) == 0;
}

void discard(void* memory, std::size_t bytes) noexcept {
  (void)madvise(memory, bytes, MADV_DONTNEED);
}

bool guard_by_madvise([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef __linux__
  return madvise(memory, bytes, madvise_guard_install) == 0;
#else
  return false;
#endif
}

bool guard_by_mprotect(void* memory, std::size_t bytes) noexcept {
  return mprotect(memory, bytes, PROT_NONE) == 0;
}

std::size_t mapping_limit() noexcept {
#ifdef __linux__
  std::FILE* file = std::fopen("/proc/sys/vm/max_map_count", "re");
  if (!file) return 65530;  // The kernel's default since 2.4.
  unsigned long value = 0;
  const int fields = std::fscanf(file, "%lu", &value);
  std::fclose(file);
  return fields == 1 ? value : 65530;
#else
  return 0;
#endif
}

}  // namespace structio::ctx::memory
