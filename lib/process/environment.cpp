// Names are compared up to '='; the lists are short.
#include "process/environment.hpp"

#include <cstdlib>
#include <cstring>

#include "base/memory.hpp"

extern char** environ;

namespace structio::rt::process {
namespace {

std::size_t length_of(const char* const* list) noexcept {
  std::size_t entries = 0;
  while (list && list[entries]) ++entries;
  return entries;
}

bool same_name(const char* one, const char* other) noexcept {
  const std::size_t size = std::strcspn(one, "=");
  return std::strcspn(other, "=") == size && std::memcmp(one, other, size) == 0;
}

bool is_named_in(const char* entry, const char* const* list) noexcept {
  for (; list && *list; ++list) {
    if (same_name(entry, *list)) return true;
  }
  return false;
}

}  // namespace

bool environment::make(const char* const* base, const char* const* changes) noexcept {
  if (!base) base = environ;
  const std::size_t most = length_of(base) + length_of(changes) + 1;
  const char** to = list_ = base::make_array<const char*>(most);
  if (!to) return false;
  for (; base && *base; ++base) {
    if (!is_named_in(*base, changes)) *to++ = *base;
  }
  for (; changes && *changes; ++changes) {
    if (std::strchr(*changes, '=') && !is_named_in(*changes, changes + 1)) *to++ = *changes;
  }
  *to = nullptr;
  return true;
}

const char* search_path() noexcept {
  const char* path = std::getenv("PATH");
  return path ? path : "/bin:/usr/bin";
}

}  // namespace structio::rt::process
