// Making and telling reasons.
#include "runtime/reason.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/memory.hpp"
#include "runtime/runtime.hpp"

namespace structio::rt {
namespace {

constexpr const char* source_texts[] = {"nothing",   "explicit", "deadline", "nursery",
                                        "interrupt", "stop",     "shutdown", "misnesting"};

// Shared by all runs of the process, so it is made before anybody can see it.
reason* wordless(cancel_source source) noexcept {
  struct all {
    reason kept[std::size(source_texts)];
    constexpr all() noexcept {
      for (std::size_t i = 0; i < std::size(kept); ++i) {
        kept[i].source = static_cast<cancel_source>(i);
        kept[i].immortal = true;
      }
    }
  };
  static constinit all reasons;
  return &reasons.kept[static_cast<int>(source)];
}

}  // namespace

const char* source_text(cancel_source source) noexcept {
  return source_texts[static_cast<int>(source)];
}

reason* reason_make(cancel_source source, const task* by, const char* text) noexcept {
  if (!by && !text) return wordless(source);  // most deadlines: nothing to allocate for
  const std::size_t length = text ? std::strlen(text) + 1 : 0;
  void* memory = base::allocate(sizeof(reason) + length);
  if (!memory) return wordless(source);
  auto* r = new (memory) reason;
  r->source = source;
  if (by) {
    r->task_id = by->id();
    std::memcpy(r->task_name, by->name, sizeof r->task_name);
  }
  if (text) {
    char* copy = reinterpret_cast<char*>(r + 1);
    std::memcpy(copy, text, length);
    r->text = copy;
  }
  return r;
}

void reason_let_go(reason& r) noexcept {
  if (r.immortal) return;
  if (r.references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    base::release(r.line.load(std::memory_order_relaxed));
    r.~reason();
    base::release(&r);
  }
}

int reason_describe(const reason& r, char* text, unsigned long size) noexcept {
  return std::snprintf(text, size, "cancelled due to %s%s%s%s%s%s", source_text(r.source),
                       r.text ? ": " : "", r.text ? r.text : "",
                       r.task_name[0] ? " (from task '" : "", r.task_name,
                       r.task_name[0] ? "')" : "");
}

const char* reason_line(const reason& r) noexcept {
  char* line = r.line.load(std::memory_order_acquire);
  if (line) return line;
  const auto size = static_cast<std::size_t>(reason_describe(r, nullptr, 0)) + 1;
  auto* made = static_cast<char*>(base::allocate(size));
  if (!made) return "cancelled";
  reason_describe(r, made, size);
  if (r.line.compare_exchange_strong(line, made, std::memory_order_acq_rel)) return made;
  base::release(made);  // another thread was quicker
  return line;
}

}  // namespace structio::rt
