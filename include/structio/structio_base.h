/* Export macros, version, error texts, time: what every other part of the C ABI stands on.
 * Included by structio.h; the rules that hold for every function stand there. */
#ifndef STRUCTIO_BASE_H
#define STRUCTIO_BASE_H

#include <stddef.h>
#include <stdint.h>

#include "structio_errors.h"

#if defined(_WIN32) && !defined(STRUCTIO_STATIC)
#ifdef STRUCTIO_BUILDING
#define STRUCTIO_API __declspec(dllexport)
#else
#define STRUCTIO_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define STRUCTIO_API __attribute__((visibility("default")))
#else
#define STRUCTIO_API
#endif

#define STRUCTIO_VERSION_MAJOR 0
#define STRUCTIO_VERSION_MINOR 1
#define STRUCTIO_VERSION_PATCH 0
#define STRUCTIO_VERSION                                                       \
  ((uint32_t)((STRUCTIO_VERSION_MAJOR << 16) | (STRUCTIO_VERSION_MINOR << 8) | \
              STRUCTIO_VERSION_PATCH))

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the library in use, in the form of STRUCTIO_VERSION. Any thread. */
STRUCTIO_API uint32_t structio_version(void);

/* --- errors ---------------------------------------------------------------------------------- */

/* Text of a status code, ours or the operating system's. Never NULL; static. Any thread. */
STRUCTIO_API const char* structio_strerror(int code);

/* Name of a status code, such as "STRUCTIO_ECANCELLED" or "ECONNRESET". Never NULL; static. Any
 * thread. */
STRUCTIO_API const char* structio_err_name(int code);

/* What exactly was wrong with the last call that failed on this thread: the call, the rule and the
 * remedy, as one line. Never NULL; empty when nothing has failed yet. Valid until the next call
 * that fails on this thread. Any thread. */
STRUCTIO_API const char* structio_last_message(void);

/* --- time ------------------------------------------------------------------------------------ */

/* Durations and moments are int64_t nanoseconds. Moments count on the run's own monotonic clock,
 * whose zero means nothing: never compare moments of two runs. */
#define STRUCTIO_FOREVER INT64_MAX
#define STRUCTIO_MICROSECONDS(n) ((int64_t)(n)*1000)
#define STRUCTIO_MILLISECONDS(n) ((int64_t)(n)*1000000)
#define STRUCTIO_SECONDS(n) ((int64_t)(n)*1000000000)

/* The same as functions, for languages without the preprocessor; these saturate. Any thread. */
STRUCTIO_API int64_t structio_microseconds(int64_t n);
STRUCTIO_API int64_t structio_milliseconds(int64_t n);
STRUCTIO_API int64_t structio_seconds(int64_t n);

/* --- shared by several parts ----------------------------------------------------------------- */

/* A task's body. 0 or more: it ended well. Negative: it failed with that code; see
 * structio_failure_raise for more than a code. Must not let an exception of any language escape. */
typedef int (*structio_task_fn)(void* arg);

/* Destroys a value that was handed over. Must not throw, nor block: what may returns
 * STRUCTIO_ENOTASK. It runs within the call that lets go of the value, whoever makes that: not
 * always the task that has handed it over. */
typedef void (*structio_drop_fn)(void* value);

/* Names a task: the id of a task that has ended is not that of another until 2^32 tasks have used
 * the same stack, or the process has begun 255 more runs. 0 is no task. */
typedef uint64_t structio_task_id;

/* Block storage: opaque, made by the caller, wherever he likes, never copied or moved once in use.
 */
typedef struct structio_scope {
  uint64_t opaque[24];
} structio_scope;

typedef struct structio_nursery {
  uint64_t opaque[56];
} structio_nursery;

typedef struct structio_lot {
  uint64_t opaque[12];
} structio_lot;

typedef struct structio_waiter {
  uint64_t opaque[4];
} structio_waiter;

typedef struct structio_local_token {
  uint64_t opaque[8];
} structio_local_token;

/* Handles: opaque, made by the library. A handle that was freed is noticed (STRUCTIO_ESTALE). */
typedef struct structio_failure structio_failure;
typedef struct structio_task structio_task;
typedef struct structio_portal structio_portal;
typedef struct structio_cancel_token structio_cancel_token;
typedef struct structio_listener structio_listener;
typedef struct structio_stream structio_stream;
typedef struct structio_clock structio_clock;
typedef struct structio_process structio_process;

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_BASE_H */
