// The least scheduler that can be written by hand: bare jump_fcontext, one intrusive ready queue,
// direct jumps from task to task. No cancellation, no exception state, no I/O. One thread, one
// global. The programs limit_*.cpp measure it; its numbers are what ours are compared with.
//
// Always true: a task's record lies at the top of its own stack, so that record, saved context and
// first frames share a page; a free stack holds a looping body that waits for its next function.
#pragma once

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

namespace limit {

namespace ctx = boost::context::detail;

struct task;

/// How many tasks are still running, and who waits for them.
struct group {
  std::int64_t running = 0;
  task* waiter = nullptr;
};

struct task {
  task* next = nullptr;
  ctx::fcontext_t saved = nullptr;
  void (*fn)(void*) = nullptr;
  void* arg = nullptr;
  group* owner = nullptr;
  std::int64_t deadline = 0;
  std::size_t heap_index = 0;
  task* sibling = nullptr;
};

struct settings {
  std::size_t stack_size = 16 * 1024;
  std::size_t stacks_per_slab = 4096;
  bool guard = false;
  /// Distinct distances of the record from the top of its page, 64 bytes apart; 1: all alike, so
  /// that all records compete for the same few sets of the caches.
  std::size_t colours = 1;
  /// Make a new context for every task, as one does who knows no better; false: a free stack keeps
  /// a body that loops, which saves that and the mispredicted jumps of a first entry.
  bool fresh = true;
};

inline settings config;
inline task* current = nullptr;
inline task* ready_head = nullptr;
inline task* ready_tail = nullptr;
inline task* free_tasks = nullptr;
inline std::byte* slab_next = nullptr;
inline std::byte* slab_end = nullptr;
inline task thread_task;

inline void make_ready(task* t) {
  t->next = nullptr;
  if (ready_head == nullptr) {
    ready_head = t;
  } else {
    ready_tail->next = t;
  }
  ready_tail = t;
}

/// Whoever is resumed stores the context of the one that was left.
inline void resume(task* to) {
  task* self = current;
  current = to;
  ctx::transfer_t from = ctx::jump_fcontext(to->saved, self);
  static_cast<task*>(from.data)->saved = from.fctx;
}

inline void park() {
  task* to = ready_head;
  ready_head = to->next;
  resume(to);
}

inline void yield() {
  make_ready(current);
  park();
}

[[noreturn]] inline void body(ctx::transfer_t from) {
  static_cast<task*>(from.data)->saved = from.fctx;
  for (;;) {
    task* self = current;
    self->fn(self->arg);
    group* owner = self->owner;
    if (--owner->running == 0 && owner->waiter != nullptr) make_ready(owner->waiter);
    self->next = free_tasks;
    free_tasks = self;
    task* to = ready_head;
    ready_head = to->next;
    resume(to);
  }
}

inline void map_slab() {
  const std::size_t bytes = config.stack_size * config.stacks_per_slab;
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
  madvise(at, bytes, MADV_NOHUGEPAGE);
  slab_next = static_cast<std::byte*>(at);
  slab_end = slab_next + bytes;
}

inline task* cold_task() {
  if (slab_next == slab_end) map_slab();
  std::byte* base = slab_next;
  slab_next += config.stack_size;
  if (config.guard && madvise(base, 4096, MADV_GUARD_INSTALL) != 0) {
    std::perror("MADV_GUARD_INSTALL");
    std::exit(1);
  }
  static std::size_t colour = 0;
  const std::size_t top = config.stack_size - 64 * (colour++ % config.colours) - sizeof(task);
  task* t = new (base + top) task;
  t->saved = ctx::make_fcontext(t, top - 4096, body);
  return t;
}

inline task* spawn(group& g, void (*fn)(void*), void* arg) {
  task* t = free_tasks;
  if (t != nullptr) {
    free_tasks = t->next;
    if (config.fresh) t->saved = ctx::make_fcontext(t, config.stack_size / 2, body);
  } else {
    t = cold_task();
  }
  t->fn = fn;
  t->arg = arg;
  t->owner = &g;
  ++g.running;
  make_ready(t);
  return t;
}

inline void join(group& g) {
  if (g.running == 0) return;
  g.waiter = current;
  park();
  g.waiter = nullptr;
}

inline void begin() {
  current = &thread_task;
}

}  // namespace limit
