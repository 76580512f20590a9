// Watching paths: a slot of the reactor's that tells, and what it has told until a task takes it.
#pragma once

#include <structio/structio_watch.h>

#include <cstddef>
#include <cstdint>

#include "fs/os_file.hpp"
#include "reactor/uv_watch.hpp"
#include "runtime/run_object.hpp"

namespace structio::rt::fs {

struct watch : run_object, reactor::watch_listener {
  reactor::watch_slot* slot = nullptr;  ///< null once closed
  void* handle = nullptr;
  std::uint32_t references = 1;
  bool waiting = false;   ///< a task is in next()
  bool lost = false;      ///< events, behind those that are kept
  int failed = 0;         ///< behind all: nothing more will come
  std::size_t count = 0;  ///< of events that are kept
  std::size_t capacity = 0;
  std::size_t first = 0;  ///< where the first of them begins
  std::size_t last = 0;   ///< and the last
  bytes kept;             ///< for each its kinds, its name, a zero
  bytes told;             ///< the name that was handed out
};

/// Each as its function in structio_watch.h.
int watch_open(runtime& rt, const char* path, bool recursive, std::size_t capacity,
               watch*& out) noexcept;
int next(runtime& rt, watch& w, const char*& name, std::uint32_t& kinds) noexcept;
void shut(watch& w) noexcept;
void free(watch& w) noexcept;

}  // namespace structio::rt::fs
