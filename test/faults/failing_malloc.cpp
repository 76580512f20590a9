// malloc and its kin, with a count and a will of their own; see failing_malloc.hpp.
#include "faults/failing_malloc.hpp"

#include <cstdlib>
#include <new>

#if STRUCTIO_OWN_MALLOC
#include <dlfcn.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace {

// Asked once, before anything is counted: a symbol that is not found leaves a message on the heap.
const bool libuv_is_shared = [] {
  Dl_info own;
  void* init = dlsym(RTLD_DEFAULT, "uv_loop_init");
  return init && dladdr(init, &own) != 0 && std::strstr(own.dli_fname, "libuv");
}();

}  // namespace
#endif

bool failing_malloc::in_charge() noexcept {
  const std::int64_t before = living;
  void* block = ::operator new(1, std::nothrow);  // which Valgrind replaces as well
  const bool counted = living != before;
  ::operator delete(block);
  return counted;
}

bool failing_malloc::refuses_realloc() noexcept {
#if STRUCTIO_OWN_MALLOC
  return in_charge() && libuv_is_shared;
#else
  return false;
#endif
}

#if STRUCTIO_OWN_MALLOC
namespace failing_malloc {
namespace {

/// True when the allocation that is about to be made is to fail.
bool due() noexcept {
  if (!armed) return false;
  ++made;
  return fails_at > 0 && (made == fails_at || (for_ever && made > fails_at));
}

/// libuv ends the process when its table of watchers cannot grow, so what it reallocates is spared.
/// Built into the program it cannot be told from the rest: then nobody's is refused.
bool is_libuv(void* caller) noexcept {
  Dl_info from;
  if (!libuv_is_shared || dladdr(caller, &from) == 0 || !from.dli_fname) return true;
  return std::strstr(from.dli_fname, "libuv") != nullptr;
}

}  // namespace
}  // namespace failing_malloc

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);

void* malloc(std::size_t size) {
  if (failing_malloc::due()) return errno = ENOMEM, nullptr;
  void* block = __libc_malloc(size);
  failing_malloc::living += block != nullptr;
  return block;
}
void* calloc(std::size_t count, std::size_t size) {
  if (failing_malloc::due()) return errno = ENOMEM, nullptr;
  void* block = __libc_calloc(count, size);
  failing_malloc::living += block != nullptr;
  return block;
}
void* realloc(void* block, std::size_t size) {
  if (failing_malloc::due() && !failing_malloc::is_libuv(__builtin_return_address(0))) {
    return errno = ENOMEM, nullptr;
  }
  void* moved = __libc_realloc(block, size);
  if (!block) failing_malloc::living += moved != nullptr;
  return moved;
}
void* memalign(std::size_t alignment, std::size_t size) {
  if (failing_malloc::due()) return errno = ENOMEM, nullptr;
  void* block = __libc_memalign(alignment, size);
  failing_malloc::living += block != nullptr;
  return block;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  void* block = memalign(alignment, size);
  if (!block) return ENOMEM;
  *out = block;
  return 0;
}
void free(void* block) {
  if (block) --failing_malloc::living;
  __libc_free(block);
}
}
#endif
