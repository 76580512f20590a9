// The limiter, the job, the message.
#include "fs/work.hpp"

#include <cstdio>

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

/// Tokens that are given back at once when what they were for is not to be done any more.
struct guarded_tokens {
  thread::token_source inner;
  entrance at;

  thread::token_source source() noexcept {
    return {[](void* self, const void* borrower) {
              auto& of = *static_cast<guarded_tokens*>(self);
              int code = of.inner.acquire(of.inner.self, borrower);
              if (code < 0) return code;
              code = of.at.pass(of.at.self);
              if (code < 0) of.inner.release(of.inner.self, borrower);
              return code;
            },
            [](void* self, const void* borrower) {
              auto& of = *static_cast<guarded_tokens*>(self);
              return of.inner.release(of.inner.self, borrower);
            },
            this, true};
  }
};

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

int work_failed(const char* call, const char* path, std::int64_t code) noexcept {
  const int own = static_cast<int>(code);
  if (base::last_code() != own || !*base::last_message()) return failed(call, path, code);
  if (own == STRUCTIO_ECANCELLED || own == STRUCTIO_EINTERRUPTED) return own;
  char why[300];
  std::snprintf(why, sizeof why, "%s", base::last_message());
  return base::fail(own, "%s: %s", call, why);
}

void no_message(std::int64_t code) noexcept {
  base::fail(static_cast<int>(code), "%s", "");
}

int in_thread(runtime& rt, int (*fn)(void*), void* arg, const entrance& at) noexcept {
  thread::job_request request{};
  request.fn = fn;
  request.arg = arg;
  if (const int code = default_tokens(rt, request.tokens)) return code;
  guarded_tokens guarded{request.tokens, at};
  if (at.pass) request.tokens = guarded.source();
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
