// Paths and folders as tasks use them: each as its function in structio_directory.h, by a thread.
#pragma once

#include <structio/structio_directory.h>

#include <cstdint>

#include "fs/file.hpp"
#include "fs/os_path.hpp"
#include "fs/work.hpp"

namespace structio::rt::fs {

/// What a folder was found to hold. It belongs to no run.
struct entries {
  void* handle = nullptr;
  bytes names;  ///< see os::list
  std::size_t count = 0;
  std::size_t at = 0;
};

/// For what is one call to the system: runs fn() by a thread; `path` is for the message.
template <class Fn>
std::int64_t on_path(runtime& rt, const char* call, const char* path, Fn fn) noexcept {
  const std::int64_t result = work(rt, [&]() noexcept -> std::int64_t { return fn(); });
  return result < 0 ? work_failed(call, path, result) : result;
}

int exists(runtime& rt, const char* path) noexcept;
int list(runtime& rt, const char* path, entries*& out) noexcept;
int glob(runtime& rt, const char* pattern, entries*& out) noexcept;
/// The next entry; false behind the last.
bool next(entries& from, const char*& name, std::uint32_t& type) noexcept;
void free(entries& e) noexcept;

int temporary_file(runtime& rt, const char* folder, const char* prefix, file*& out,
                   bytes& path) noexcept;
int temporary_directory(runtime& rt, const char* folder, const char* prefix, bytes& path) noexcept;

}  // namespace structio::rt::fs
