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

/* Takes a line: `level` as above, `text` a line or several, without a newline at the end,
 * valid for the call only. It is called
 * by whatever thread logs, several at once, and on the stack of whatever task: it must not block
 * for long, throw, or call structio. */
typedef void (*structio_log_fn)(uint32_t level, const char* text, void* arg);

/* From now on lines of `level` and more go to fn(level, text, arg) instead of stderr; NULL restores
 * stderr. When the call returns, no other thread is in the sink that was there before, nor will be,
 * so what its `arg` points to may go. Errors: STRUCTIO_EINVALID (no such level), STRUCTIO_EMISUSE
 * (called by a sink; nothing was changed). Any thread. */
STRUCTIO_API int structio_set_log(structio_log_fn fn, void* arg, uint32_t level);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_HOOKS_H */
