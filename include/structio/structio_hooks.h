/* What the host of the library takes into its own hands, for the whole process: log lines and
 * memory. Hooks of one run (switches of tasks) are in structio_run_options. Part of structio.h. */
#ifndef STRUCTIO_HOOKS_H
#define STRUCTIO_HOOKS_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- log lines ------------------------------------------------------------------------------- */

/* How much a line matters. Little is ever logged: what nobody else would be told, such as that a
 * server has dropped a connection, and deadlocks. */
enum structio_log_level {
  STRUCTIO_LOG_DEFAULT = 0, /* what the environment variable STRUCTIO_LOG says, or the build */
  STRUCTIO_LOG_DEBUG = 1,
  STRUCTIO_LOG_INFO = 2,
  STRUCTIO_LOG_WARN = 3,
  STRUCTIO_LOG_ERROR = 4,
  STRUCTIO_LOG_OFF = 5
};

/* Takes a line: `level` as above, `text` a line or several, without a newline at the end, valid for
 * the call only. It is called by whatever thread logs, several at once, and on the stack of
 * whatever task: it must not block for long, throw, or call structio. */
typedef void (*structio_log_fn)(uint32_t level, const char* text, void* arg);

/* From now on lines of `level` and more go to fn(level, text, arg) instead of stderr; NULL restores
 * stderr. When the call returns, no other thread is in the sink that was there before, nor will be,
 * so what its `arg` points to may go. Errors: STRUCTIO_EINVALID (no such level), STRUCTIO_EMISUSE
 * (called by a sink; nothing was changed). Any thread. */
STRUCTIO_API int structio_set_log(structio_log_fn fn, void* arg, uint32_t level);

/* --- memory ---------------------------------------------------------------------------------- */

/* Where the library takes its memory. The functions are called by any thread, several at once, and
 * on the stack of whatever task; they must not block for long, throw, or call structio. */
typedef struct structio_allocator {
  size_t struct_size;
  /* `size` is never 0. The block is aligned for any type of C, as malloc's; NULL: there is none. */
  void* (*allocate)(size_t size, void* arg);
  /* May be NULL: then a block is moved by the two others. Otherwise as realloc, of a block that was
   * allocated, with the size that it has now; NULL leaves it as it is. */
  void* (*reallocate)(void* block, size_t size_now, size_t size, void* arg);
  /* Never of NULL, and with the very size that was asked for. */
  void (*release)(void* block, size_t size, void* arg);
  void* arg;
  /* Not 0: libuv takes its memory here as well. That holds for all that use the same libuv in the
   * process, so nobody may have called it before; and libuv ends the process when it cannot have
   * what it needs for its tables. */
  uint32_t libuv;
  uint32_t reserved;
} structio_allocator;

/* From now on every block that the library takes from the heap comes from there, until the process
 * ends: it keeps some for the next run (handles, threads), and releases blocks of a run on other
 * threads that are still busy for it. Not among them: the stacks of tasks, which are mapped; what
 * other libraries take for themselves (OpenSSL, threads, the log on stderr). Only before anything
 * else of the library is used. When there is no memory, calls return STRUCTIO_ENOMEM and have done
 * nothing. The struct is copied. Errors: STRUCTIO_EINVALID (allocate or release is NULL),
 * STRUCTIO_EMISUSE (the library has taken memory before; nothing was changed). Any thread. */
STRUCTIO_API int structio_set_allocator(const structio_allocator* allocator);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_HOOKS_H */
