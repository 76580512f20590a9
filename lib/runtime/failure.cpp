// Making, counting and taking apart failures. Describing them is in failure_text.cpp.
#include "runtime/failure.hpp"

#include <cstdlib>
#include <cstring>
#include <mutex>

#include "base/fork_hook.hpp"
#include "base/handle_table.hpp"
#include "base/memory.hpp"
#include "base/message.hpp"
#include "base/status.hpp"
#include "reactor/uv_reactor.hpp"
#include "runtime/cancel.hpp"
#include "runtime/dropping.hpp"
#include "runtime/reason.hpp"
#include "runtime/runtime.hpp"
#include "runtime/task.hpp"

namespace structio::rt {
namespace {

// Instead of what guards a local static: a child might wait for that.
std::mutex no_memory_mutex;
base::fork_lock<no_memory_mutex> no_memory_at_fork(base::fork_rank::no_memory);

failure* make(failure_kind kind, int code) noexcept {
  auto* f = base::make<failure>();
  if (!f) return nullptr;
  f->handle = base::handle_make(base::handle_kind::failure, f);
  if (!f->handle) {
    base::destroy(f);
    return nullptr;
  }
  f->kind = kind;
  f->code = code;
  return f;
}

// Frees one failure, and hands on the members that nobody else holds by a list, since groups may be
// nested deeper than a fiber's stack could follow.
failure* free_one(failure* f, failure* list) noexcept {
  base::handle_drop(base::handle_kind::failure, f->handle);
  while (while_line* line = f->first_while) {
    f->first_while = line->next;
    base::release(line);
  }
  if (failure* lender = f->lender) {
    base::destroy(f);
    if (lender->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return list;
    lender->next_doomed = list;
    return lender;
  }
  if (f->kind == failure_kind::payload && f->type->drop) call_drop(f->type->drop, f->value);
  for (std::size_t i = 0; i < f->count; ++i) {
    failure* member = f->members[i];
    if (member->immortal) continue;
    if (member->references.fetch_sub(1, std::memory_order_acq_rel) != 1) continue;
    member->next_doomed = list;
    list = member;
  }
  base::release(f->members);
  reason_release(f->why);
  base::release(f->message);
  base::destroy(f);
  return list;
}

void destroy(failure* f) noexcept {
  failure* list = free_one(f, nullptr);
  while (list) {
    failure* next = list;
    list = free_one(next, next->next_doomed);
  }
}

while_line* make_line(const char* doing) noexcept {
  const std::size_t length = std::strlen(doing) + 1;
  auto* line = static_cast<while_line*>(base::allocate(sizeof(while_line) + length));
  if (!line) return nullptr;
  line->next = nullptr;
  std::memcpy(line + 1, doing, length);
  return line;
}

void append(failure& f, while_line* line) noexcept {
  *f.last_while = line;
  f.last_while = &line->next;
}

/// A failure of its own handle, name and "while" lines; the rest is lent. Null: memory is out.
failure* copy_of(failure& f) noexcept {
  failure* copy = make(f.kind, f.code);
  if (!copy) return nullptr;
  copy->lender = failure_retain(f.lender ? f.lender : &f);
  copy->has_cancelled = f.has_cancelled;
  std::memcpy(copy->task_name, f.task_name, sizeof copy->task_name);
  copy->type = f.type;
  copy->value = f.value;
  copy->why = f.why;
  copy->members = f.members;
  copy->count = f.count;
  copy->message = f.message;
  for (const while_line* of = f.first_while; of; of = of->next) {
    while_line* line = make_line(of->text());
    if (!line) {
      failure_release(copy);
      return nullptr;
    }
    append(*copy, line);
  }
  return copy;
}

/// Makes the reference `f` one to a failure that nobody else has. False: memory is out.
bool make_own(failure*& f) noexcept {
  if (f->references.load(std::memory_order_acquire) == 1) return true;
  failure* copy = copy_of(*f);
  if (!copy) return false;
  failure_release(f);
  f = copy;
  return true;
}

}  // namespace

failure* failure_status(int code, const char* message) noexcept {
  failure* f = make(failure_kind::status, code);
  if (f && message && !(f->message = base::copy_text(message))) {
    failure_release(f);
    return nullptr;
  }
  return f;
}

failure* failure_payload(const payload_type& type, void* value) noexcept {
  failure* f = make(failure_kind::payload, STRUCTIO_EPAYLOAD);
  if (!f) return nullptr;
  f->type = &type;
  f->value = value;
  char text[300] = "a failure without a description";
  if (type.describe) {
    const confinement here(current_runtime(), confined::waiting);
    type.describe(value, text, sizeof text);
  }
  f->message = base::copy_text(text);  // without it the payload is still whole
  return f;
}

failure* failure_cancelled(reason* why) noexcept {
  failure* f = make(failure_kind::cancelled, STRUCTIO_ECANCELLED);
  if (f) f->why = reason_retain(why);
  if (f) f->has_cancelled = true;
  return f;
}

failure* failure_group(failure* const* members, std::size_t count) noexcept {
  failure* f = make(failure_kind::group, STRUCTIO_EGROUP);
  if (!f) return nullptr;
  f->members = static_cast<failure**>(base::allocate((count ? count : 1) * sizeof(failure*)));
  if (!f->members) {
    failure_release(f);
    return nullptr;
  }
  if (count) std::memcpy(f->members, members, count * sizeof(failure*));
  f->count = count;
  for (std::size_t i = 0; i < count; ++i) f->has_cancelled |= members[i]->has_cancelled;
  return f;
}

bool failure_set_cause(failure& f, failure* cause) noexcept {
  f.members = static_cast<failure**>(base::allocate(sizeof(failure*)));
  if (!f.members) return false;
  f.members[0] = cause;
  f.count = 1;
  return true;
}

failure* failure_no_memory() noexcept {
  static constinit failure kept;
  const std::lock_guard lock(no_memory_mutex);
  if (!kept.immortal) {
    kept.immortal = true;
    kept.code = STRUCTIO_ENOMEM;
    kept.handle = base::handle_make(base::handle_kind::failure, &kept);
  }
  return &kept;
}

failure* failure_of(runtime&, const task& t, int code, failure* in_flight) noexcept {
  failure* f = nullptr;
  if (in_flight && in_flight->code == code) {
    f = in_flight;
  } else {
    failure_release(in_flight);
    if (code == STRUCTIO_ECANCELLED && t.cancel_in_flight) {
      f = failure_cancelled(t.innermost->why);
    } else {
      f = failure_status(code, base::last_code() == code ? base::last_message() : nullptr);
    }
  }
  if (!f) return failure_no_memory();
  // Without memory for a copy the name is what can be spared.
  if (!f->immortal && f->task_name[0] == 0 && make_own(f)) {
    std::memcpy(f->task_name, t.name, sizeof f->task_name);
  }
  return f;
}

void failure_let_go(failure& f) noexcept {
  if (f.immortal) return;
  if (f.references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(&f);
}

int failure_add_while(failure*& f, const char* doing) noexcept {
  if (f->immortal) return 0;
  while_line* line = make_line(doing);
  if (!line) return STRUCTIO_ENOMEM;
  if (!make_own(f)) {
    base::release(line);
    return STRUCTIO_ENOMEM;
  }
  append(*f, line);
  return 0;
}

}  // namespace structio::rt
