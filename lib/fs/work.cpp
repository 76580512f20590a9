// The limiter, the job, the message.
#include "fs/work.hpp"

#include "base/message.hpp"
#include "reactor/uv_reactor.hpp"
#include "runtime/runtime.hpp"
#include "thread/job_context.hpp"
#include "thread/run_limiter.hpp"

namespace structio::rt::fs {
namespace {

constexpr char key = 0;

thread::run_limiter* limiter_of(runtime& rt) noexcept {
  return thread::find_or_make_limiter(rt, &key, "files");
}

}  // namespace

sync::limiter_block* default_limiter(runtime& rt) noexcept {
  thread::run_limiter* own = limiter_of(rt);
  return own ? &own->block() : nullptr;
}

int default_tokens(runtime& rt, thread::token_source& out) noexcept {
  thread::run_limiter* own = limiter_of(rt);
  if (!own) return STRUCTIO_ENOMEM;
  out = own->source();
  return 0;
}

int told() noexcept {
  const thread::job_context* here = thread::current_job();
  return here && here->of_run ? thread::job_check_cancelled(*here->of_run) : 0;
}

int failed(const char* call, const char* path, std::int64_t code) noexcept {
  const int own = static_cast<int>(code);
  if (own == STRUCTIO_ECANCELLED || own == STRUCTIO_EINTERRUPTED) return own;
  const char* text = base::own_error_text(own);
  if (!text) text = reactor::os_error_text(own);
  if (!path) return base::fail(own, "%s: %s", call, text);
  return base::fail(own, "%s: %.200s: %s", call, path, text);
}

int in_thread(runtime& rt, int (*fn)(void*), void* arg) noexcept {
  thread::job_request request{};
  request.fn = fn;
  request.arg = arg;
  if (const int code = default_tokens(rt, request.tokens)) return code;
  return thread::run_in_thread(rt, request);
}

int in_spare_thread(runtime& rt, int (*fn)(void*), void* arg) noexcept {
  thread::run_limiter* own = limiter_of(rt);
  if (!own) return STRUCTIO_ENOMEM;
  thread::job_request request{};
  request.fn = fn;
  request.arg = arg;
  request.tokens = own->spare();
  return thread::run_in_thread(rt, request);
}

}  // namespace structio::rt::fs
