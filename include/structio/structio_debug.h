/* Looking inside a run: statistics, the tree of tasks and scopes, backtraces. This part of the ABI
 * may still change between releases. */
#ifndef STRUCTIO_DEBUG_H
#define STRUCTIO_DEBUG_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_statistics {
  size_t struct_size;
  uint64_t tasks_living;    /* main, system and ordinary tasks */
  uint64_t tasks_runnable;  /* ready to run, the calling one not counted */
  uint64_t tasks_spawned;   /* since the run began */
  int64_t to_next_deadline; /* negative when overdue, STRUCTIO_FOREVER when there is none */
  uint64_t posted;          /* portal callbacks that wait to be run */
  uint64_t io_pending;      /* operations that the kernel may complete */
  uint64_t stacks_in_use;
  uint64_t stacks_warm;        /* free, with memory behind them */
  uint64_t stack_bytes_mapped; /* virtual */
  uint64_t switches;           /* switches of tasks since the run began */
  uint64_t polls;              /* turns of the event loop */
  uint64_t waiting_readable; /* tasks in structio_wait_readable, or in a select with such a case */
  uint64_t waiting_writable;
  uint64_t stacks_unguarded; /* without a guard below them, since the system has no more mappings */
} structio_statistics;

/* The state of the run. Any task or hook. */
STRUCTIO_API int structio_get_statistics(structio_statistics* statistics);

/* The tree. */

/* Every task with what it waits for, its nurseries and its scopes with their deadlines, as indented
 * text. Returns the length that the whole text has; always terminated when size > 0. Any task or
 * hook. */
STRUCTIO_API int64_t structio_debug_tree(char* text, size_t size);

/* The same as JSON. Any task or hook. */
STRUCTIO_API int64_t structio_debug_tree_json(char* text, size_t size);

/* The main task. 0 outside of a run. Any thread. */
STRUCTIO_API structio_task_id structio_debug_root_task(void);

/* The nursery that a task lives in; the one it will move to when it calls structio_started. NULL
 * for the main task, a system task, a task that has ended. Valid until its block ends. Any task or
 * hook. */
STRUCTIO_API structio_nursery* structio_debug_parent_nursery(structio_task_id task);
STRUCTIO_API structio_nursery* structio_debug_eventual_parent_nursery(structio_task_id task);

/* The task that opened a nursery, also when it has ended; 0 when this is no nursery. A question. */
STRUCTIO_API structio_task_id structio_debug_parent_task(const structio_nursery* nursery);

/* Children of a nursery, open nurseries of a task from the outermost inwards: writes at most
 * `capacity` and returns how many there are. Any task or hook. */
STRUCTIO_API int64_t structio_debug_children(const structio_nursery* nursery, structio_task_id* ids,
                                             size_t capacity);
STRUCTIO_API int64_t structio_debug_nurseries(structio_task_id task, structio_nursery** nurseries,
                                              size_t capacity);

/* What a waiting task waits for ("sleep", "mutex held by 'writer'"), NULL when it does not wait.
 * Valid until the next call of this function, or the task's next step. Any task or hook. */
STRUCTIO_API const char* structio_debug_waiting_for(structio_task_id task);

/* Return addresses of a task's stack, innermost first: writes at most `capacity`, returns how many
 * were written; 0 for a task that has ended or not begun. Any task or hook. */
STRUCTIO_API int64_t structio_debug_backtrace(structio_task_id task, void** addresses,
                                              size_t capacity);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_DEBUG_H */
