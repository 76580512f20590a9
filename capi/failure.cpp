// Failures as the C ABI shows them.
#include "runtime/failure.hpp"
#include "base/memory.hpp"

#include <utility>

#include "check.hpp"
#include "reactor/uv_reactor.hpp"
#include "runtime/reason.hpp"
#include "thread/worker.hpp"

using namespace structio;
using namespace structio::capi;

static_assert(sizeof(rt::payload_type) == sizeof(structio_payload_type));

namespace {

rt::failure* failure_in(const structio_failure* f, const char* call) noexcept {
  return handle<rt::failure>(base::handle_kind::failure, f, call);
}

structio_failure* out_of(rt::failure* f) noexcept {
  return f ? static_cast<structio_failure*>(f->handle) : nullptr;
}

int made(rt::failure* f, structio_failure** out, const char* call) noexcept {
  *out = out_of(f);
  return f ? 0 : fail(STRUCTIO_ENOMEM, "%s: no memory", call);
}

// Where what is in flight stands for the caller: its task, the job of its thread, or nowhere. In an
// abort function the current task is the one that cancels, whom this does not concern.
rt::failure** slot_here() noexcept {
  rt::runtime* r = rt::current_runtime();
  if (r) {
    const bool own = r->current && r->confined_to <= rt::confined::stepping;
    return own ? &r->current->in_flight : nullptr;
  }
  rt::thread::job_context* job = rt::thread::current_job();
  return job ? &job->in_flight : nullptr;
}

}  // namespace

int structio_failure_new_status(int code, const char* message, structio_failure** out) {
  constexpr const char* call = "structio_failure_new_status";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (code >= 0) return fail(STRUCTIO_EINVALID, "%s: a failure's code is negative", call);
  return made(rt::failure_status(code, message), out, call);
}

int structio_failure_new_payload(const structio_payload_type* type, void* value,
                                 structio_failure** out) {
  constexpr const char* call = "structio_failure_new_payload";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!type) return null_argument(call, "type");
  if (type->struct_size < sizeof *type || !type->name) {
    return fail(STRUCTIO_EINVALID, "%s: the type needs its struct_size and a name", call);
  }
  return made(rt::failure_payload(*reinterpret_cast<const rt::payload_type*>(type), value), out,
              call);
}

int structio_failure_new_group(structio_failure* const* members, size_t count,
                               structio_failure** out) {
  constexpr const char* call = "structio_failure_new_group";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  if (!members && count > 0) return null_argument(call, "members");
  for (size_t i = 0; i < count; ++i) {
    if (!failure_in(members[i], call)) return refused();
  }
  auto* list = base::make_array<rt::failure*>(count ? count : 1);
  if (!list) return fail(STRUCTIO_ENOMEM, "%s: no memory", call);
  for (size_t i = 0; i < count; ++i) list[i] = failure_in(members[i], call);
  const int code = made(rt::failure_group(list, count), out, call);
  base::release(list);
  return code;
}

int structio_failure_new_cancelled(structio_failure** out) {
  constexpr const char* call = "structio_failure_new_cancelled";
  if (!out) return null_argument(call, "out");
  *out = nullptr;
  const rt::thread::job_context* job = rt::current_runtime() ? nullptr : rt::thread::current_job();
  if (job && job->of_run) {
    rt::reason* why = rt::thread::job_cancel_reason(*job->of_run);
    if (why) return made(rt::failure_cancelled(why), out, call);
    return fail(STRUCTIO_EMISUSE, "%s: the task of this thread is not cancelled", call);
  }
  rt::runtime* r = in_body(call);
  if (!r) return refused();
  const rt::scope& s = *r->current->innermost;
  if (!s.cancelled) return fail(STRUCTIO_EMISUSE, "%s: the task is not cancelled", call);
  return made(rt::failure_cancelled(s.why), out, call);
}

structio_failure* structio_failure_retain(structio_failure* failure) {
  rt::failure* f = failure_in(failure, "structio_failure_retain");
  return f ? out_of(rt::failure_retain(f)) : nullptr;
}

int structio_failure_free(structio_failure* failure) {
  if (!failure) return 0;
  rt::failure* f = failure_in(failure, "structio_failure_free");
  if (!f) return refused();
  rt::failure_release(f);
  return 0;
}

int structio_failure_same(const structio_failure* one, const structio_failure* other) {
  constexpr const char* call = "structio_failure_same";
  const rt::failure* a = failure_in(one, call);
  const rt::failure* b = a ? failure_in(other, call) : nullptr;
  return b ? rt::failure_same(*a, *b) : refused();
}

int structio_failure_get_kind(const structio_failure* failure) {
  const rt::failure* f = failure_in(failure, "structio_failure_get_kind");
  return f ? static_cast<int>(f->kind) : refused();
}

int structio_failure_code(const structio_failure* failure) {
  const rt::failure* f = failure_in(failure, "structio_failure_code");
  return f ? f->code : refused();
}

const char* structio_failure_message(const structio_failure* failure) {
  const rt::failure* f = failure_in(failure, "structio_failure_message");
  if (!f) return "not a failure";
  if (f->message) return f->message;
  if (f->kind == rt::failure_kind::cancelled && f->why) return rt::reason_line(*f->why);
  const char* own = base::own_error_text(f->code);
  return own ? own : reactor::os_error_text(f->code);
}

const char* structio_failure_task_name(const structio_failure* failure) {
  const rt::failure* f = failure_in(failure, "structio_failure_task_name");
  return f && f->task_name[0] ? f->task_name : nullptr;
}

void* structio_failure_payload(const structio_failure* failure,
                               const structio_payload_type** type) {
  const rt::failure* f = failure_in(failure, "structio_failure_payload");
  const bool is_payload = f && f->kind == rt::failure_kind::payload;
  if (type) {
    *type = is_payload ? reinterpret_cast<const structio_payload_type*>(f->type) : nullptr;
  }
  return is_payload ? f->value : nullptr;
}

int structio_failure_cancel_source(const structio_failure* failure, const char** reason,
                                   const char** task_name) {
  if (reason) *reason = nullptr;
  if (task_name) *task_name = nullptr;
  const rt::failure* f = failure_in(failure, "structio_failure_cancel_source");
  if (!f) return refused();
  if (!f->why) return STRUCTIO_SOURCE_NONE;
  if (reason) *reason = f->why->text;
  if (task_name && f->why->task_name[0]) *task_name = f->why->task_name;
  return static_cast<int>(f->why->source);
}

size_t structio_failure_count(const structio_failure* failure) {
  const rt::failure* f = failure_in(failure, "structio_failure_count");
  return f ? f->count : 0;
}

structio_failure* structio_failure_member(const structio_failure* failure, size_t index) {
  constexpr const char* call = "structio_failure_member";
  const rt::failure* f = failure_in(failure, call);
  if (f && index < f->count) return out_of(f->members[index]);
  if (f) fail(STRUCTIO_EINVALID, "%s: there is no member %zu", call, index);
  return nullptr;
}

int structio_failure_add_while(structio_failure** failure, const char* doing) {
  constexpr const char* call = "structio_failure_add_while";
  if (!failure) return null_argument(call, "failure");
  rt::failure* f = failure_in(*failure, call);
  if (!f) return refused();
  if (!doing) return null_argument(call, "doing");
  const int code = rt::failure_add_while(f, doing);
  *failure = out_of(f);
  return code == 0 ? 0 : fail(code, "%s: no memory", call);
}

size_t structio_failure_while_count(const structio_failure* failure) {
  const rt::failure* f = failure_in(failure, "structio_failure_while_count");
  size_t count = 0;
  for (const rt::while_line* w = f ? f->first_while : nullptr; w; w = w->next) ++count;
  return count;
}

const char* structio_failure_while(const structio_failure* failure, size_t index) {
  const rt::failure* f = failure_in(failure, "structio_failure_while");
  for (const rt::while_line* w = f ? f->first_while : nullptr; w; w = w->next) {
    if (index-- == 0) return w->text();
  }
  return nullptr;
}

int structio_failure_split(structio_failure* failure, structio_failure_match_fn match, void* arg,
                           structio_failure** matched, structio_failure** rest) {
  constexpr const char* call = "structio_failure_split";
  if (matched) *matched = nullptr;
  if (rest) *rest = nullptr;
  if (!match) return null_argument(call, "match");
  rt::failure* f = failure_in(failure, call);
  if (!f) return refused();
  struct closure {
    structio_failure_match_fn match;
    void* arg;
  } user{match, arg};
  rt::failure* hit = nullptr;
  rt::failure* other = nullptr;
  const rt::confinement here(rt::current_runtime(), rt::confined::waiting);
  const int code = rt::failure_split(
      f,
      [](const rt::failure& leaf, void* given) {
        const auto& c = *static_cast<const closure*>(given);
        return c.match(static_cast<const structio_failure*>(leaf.handle), c.arg) != 0;
      },
      &user, hit, other);
  if (code != 0) return fail(code, "%s: no memory", call);
  if (matched) {
    *matched = out_of(hit);
  } else {
    rt::failure_release(hit);
  }
  if (rest) {
    *rest = out_of(other);
  } else {
    rt::failure_release(other);
  }
  return 0;
}

int64_t structio_failure_describe(const structio_failure* failure, char* text, size_t size) {
  constexpr const char* call = "structio_failure_describe";
  const rt::failure* f = failure_in(failure, call);
  if (!f) return refused();
  if (!text && size > 0) return null_argument(call, "text");
  return static_cast<std::int64_t>(rt::failure_describe(*f, text, size));
}

int structio_failure_raise(structio_failure* failure) {
  constexpr const char* call = "structio_failure_raise";
  rt::failure* f = failure_in(failure, call);
  if (!f) return refused();
  const int code = f->code;
  rt::runtime* r = rt::current_runtime();
  rt::failure** slot = slot_here();
  if (r && !slot && r->in_hook) slot = &r->hook_failure;
  if (!slot) {  // nobody will ever take it from here
    rt::failure_release(f);
    return code;
  }
  rt::failure_release(*slot);
  *slot = f;
  if (f->kind == rt::failure_kind::cancelled) rt::failure_drop(*slot);  // its reason is the scope's
  return code;
}

structio_failure* structio_failure_take(void) {
  rt::failure** slot = slot_here();
  if (slot) return out_of(std::exchange(*slot, nullptr));
  in_body("structio_failure_take");  // for its message
  return nullptr;
}
