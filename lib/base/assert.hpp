// Assertions on what callers inside the library must ensure. On in debug and test builds
// (STRUCTIO_ASSERTIONS=1), gone in release builds. What *users* must ensure is never asserted: it
// is checked always and answered with a status.
#pragma once

#ifndef STRUCTIO_ASSERTIONS
#ifdef NDEBUG
#define STRUCTIO_ASSERTIONS 0
#else
#define STRUCTIO_ASSERTIONS 1
#endif
#endif

namespace structio::base {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace structio::base

#if STRUCTIO_ASSERTIONS
#define STRUCTIO_ASSERT(expression) \
  ((expression) ? (void)0 : ::structio::base::assertion_failed(#expression, __FILE__, __LINE__))
#else
#define STRUCTIO_ASSERT(expression) ((void)sizeof((expression) ? 1 : 0))
#endif
