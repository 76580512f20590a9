// Failures as text: one line, and the whole tree with its "while" lines.
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "base/status.hpp"
#include "reactor/uv_reactor.hpp"
#include "runtime/failure.hpp"
#include "runtime/reason.hpp"

namespace structio::rt {
namespace {

// Appends to a buffer that may be too small, counting what would have been written.
class writer {
 public:
  writer(char* text, std::size_t size) noexcept : text_(text), size_(size) {
    if (size_) text_[0] = 0;
  }

  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) noexcept {
    va_list args;
    va_start(args, format);
    const std::size_t left = length_ < size_ ? size_ - length_ : 0;
    const int wanted = std::vsnprintf(left ? text_ + length_ : nullptr, left, format, args);
    va_end(args);
    if (wanted > 0) length_ += static_cast<std::size_t>(wanted);
  }

  std::size_t length() const noexcept { return length_; }

 private:
  char* text_;
  std::size_t size_;
  std::size_t length_ = 0;
};

const char* code_text(int code) noexcept {
  const char* own = base::own_error_text(code);
  return own ? own : reactor::os_error_text(code);
}

constexpr int deepest = 100;

void describe_into(writer& out, const failure& f, int depth) noexcept {
  if (depth > deepest) {
    out.add("%*s...\n", depth * 2, "");
    return;
  }
  if (f.kind == failure_kind::group) {  // its members follow
    out.add("%*s%zu task%s failed", depth * 2, "", f.count, f.count == 1 ? "" : "s");
  } else {
    char line[400];
    failure_one_line(f, line, sizeof line);
    out.add("%*s%s", depth * 2, "", line);
  }
  if (f.task_name[0]) out.add(" (task '%s')", f.task_name);
  out.add("\n");
  for (const while_line* w = f.first_while; w; w = w->next) {
    out.add("%*swhile %s\n", depth * 2 + 4, "", w->text());
  }
  for (std::size_t i = 0; i < f.count; ++i) describe_into(out, *f.members[i], depth + 1);
}

}  // namespace

void failure_one_line(const failure& f, char* text, std::size_t size) noexcept {
  switch (f.kind) {
    case failure_kind::cancelled:
      if (f.why) {
        reason_describe(*f.why, text, size);
      } else {
        std::snprintf(text, size, "cancelled");
      }
      return;
    case failure_kind::group: {
      // Whoever prints this line alone shall learn something: the first leaf's line belongs to it.
      const failure* leaf = &f;
      while (leaf->kind == failure_kind::group && leaf->count > 0) leaf = leaf->members[0];
      char line[300] = "";
      if (leaf->kind != failure_kind::group) failure_one_line(*leaf, line, sizeof line);
      std::snprintf(text, size,
                    f.count == 1 ? "%zu task failed: %s" : "%zu tasks failed, first: %s", f.count,
                    line);
      return;
    }
    case failure_kind::payload:
      std::snprintf(text, size, "%s", f.message ? f.message : f.type->name);
      return;
    case failure_kind::status:
      std::snprintf(text, size, "%s", f.message ? f.message : code_text(f.code));
      return;
  }
}

std::size_t failure_describe(const failure& f, char* text, std::size_t size) noexcept {
  writer out(text, size);
  describe_into(out, f, 0);
  return out.length();
}

}  // namespace structio::rt
