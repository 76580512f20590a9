// Whole files: read into memory, written at one stroke, copied.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fs/os_file.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt::fs {

int read_all(runtime& rt, const char* path, std::size_t limit, bytes& out) noexcept;

struct write_request {
  const char* path;
  const void* data;
  std::size_t size;
  std::uint32_t mode;
  std::uint32_t permissions;
  bool syncs;
};
int write_all(runtime& rt, const write_request& request) noexcept;

/// How many bytes.
std::int64_t copy_file(runtime& rt, const char* from, const char* to, bool replace) noexcept;

}  // namespace structio::rt::fs
