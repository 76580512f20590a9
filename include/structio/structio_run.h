/* Running a main task, and what any task can ask or do on its own. Part of structio.h. */
#ifndef STRUCTIO_RUN_H
#define STRUCTIO_RUN_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a run does about SIGINT (Ctrl-C). */
enum structio_interrupt_mode {
  /* Handled when this is the process's main thread and SIGINT has its default disposition. */
  STRUCTIO_INTERRUPT_AUTO = 0,
  STRUCTIO_INTERRUPT_IGNORE = 1, /* never touched */
  STRUCTIO_INTERRUPT_HANDLE = 2  /* handled whatever was there; restored at the end */
};

/* Told of an interrupt, as a hook (rule 8): 0: dealt with; else it is delivered to the main task.
 */
typedef int (*structio_interrupt_fn)(void* arg);

/* Task hooks, for a host that keeps a state for each thread of execution (an interpreter): `enter`
 * is called when a task begins to run, `leave` when it stops, each on the stack of that task and on
 * the thread of the run. A task that starts is entered before its function is called; one that
 * waits or gives way is left, and entered again before its call returns; one that has ended, with
 * its task-locals dropped, is left for the last time with `ended` = 1, and its id names nothing
 * any more. A checkpoint that goes on at once tells nothing. The two alternate: between them, while
 * the run is outside of tasks (the event loop, abort functions of deadlines, portal callbacks), no
 * task is entered. A task that a run gives up (see STRUCTIO_EDEADLOCK) is not told of again. Hooks
 * must not block, throw or leave by longjmp; they may call what is for "any task or hook" or "any
 * thread", and structio_task_stack before the task has ended. */
typedef void (*structio_task_enter_fn)(structio_task_id task, void* arg);
typedef void (*structio_task_leave_fn)(structio_task_id task, int ended, void* arg);

typedef struct structio_run_options {
  size_t struct_size;
  uint32_t version; /* STRUCTIO_VERSION; its first number has to be the library's. 0: not checked */
  uint32_t
      budget; /* checkpoints a task may pass without giving way; 0: 32, or 1 on a virtual clock */
  uint64_t seed;     /* not 0: each batch of ready tasks is shuffled, repeatably */
  const char* name;  /* of the main task; copied; NULL: "main" */
  size_t stack_size; /* default of tasks in bytes, guard included; 0: 256 KiB, virtual */
  /* A C++ program passes abi::__cxa_get_globals here, so that its exceptions survive a switch of
   * tasks even when the library carries another C++ runtime. The C++ face does so by itself. */
  void* (*cxa_get_globals)(void);
  uint32_t interrupt;          /* enum structio_interrupt_mode */
  uint32_t no_overflow_report; /* not 0: leave SIGSEGV, SIGBUS and the alternate stack alone */
  uint32_t no_deadlock_check;  /* not 0: a run in which nothing can ever happen waits for ever */
  uint32_t reserved;
  structio_clock* clock;      /* NULL: the system's; see structio_testing.h. Borrowed. */
  structio_failure** failure; /* not NULL: receives why the run failed; yours to free */
  /* For interpreters, whose own handler of SIGINT only sets a flag. Not NULL: when SIGINT is
   * handled the handler that was there before is called as well, each time and within the signal;
   * and what the run is interrupted by is told to this function, which decides. */
  structio_interrupt_fn on_interrupt;
  void* on_interrupt_arg;
  structio_task_enter_fn task_enter; /* NULL: none; the same for task_leave */
  structio_task_leave_fn task_leave;
  void* task_hooks_arg;
} structio_run_options;

/* Runs fn(arg) as the main task, with everything that it starts, on the calling thread; returns
 * when all of it has ended. Returns what fn returned, or why the run failed. When fn fails, its
 * code is returned as it is, its failure is in options->failure, and structio_last_message
 * describes it. Errors: STRUCTIO_EMISUSE (inside a run), STRUCTIO_EVERSION, STRUCTIO_ENOMEM,
 * STRUCTIO_EDEADLOCK (the failure's text has the tree of who waits for what),
 * STRUCTIO_EINTERRUPTED, STRUCTIO_EINTERNAL (a system task or a portal callback failed), UV_EMFILE
 * and other codes of the system. Threads: any that is not inside a run. While the run lasts SIGPIPE
 * is blocked on its thread; threads and programs that are started meanwhile inherit that. Standard
 * descriptors (0, 1, 2) that are closed are opened on /dev/null, closed on exec, and stay open. */
STRUCTIO_API int structio_run(structio_task_fn fn, void* arg, const structio_run_options* options);

/* 1 when the calling thread is inside a run (in a task or in a hook), else 0. Any thread. */
STRUCTIO_API int structio_in_run(void);

/* 1 when called from a task, where calls may block (abort functions included), else 0. Any thread.
 */
STRUCTIO_API int structio_in_task(void);

/* Registers one more C++ runtime whose exception state is kept for each task: for a plug-in that
 * came with its own. Idempotent. Errors: STRUCTIO_ELIMIT (more than 4). */
STRUCTIO_API int structio_add_cxa_get_globals(void* (*getter)(void));

/* --- checkpoints ----------------------------------------------------------------------------- */

/* Lets every other ready task run, then looks for cancellation. Always gives way, whatever the
 * budget. Checkpoint. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED (main task only). */
STRUCTIO_API int structio_checkpoint(void);

/* The cancel half alone: returns STRUCTIO_ECANCELLED when cancelled, else 0 without giving way. */
STRUCTIO_API int structio_checkpoint_if_cancelled(void);

/* The schedule half alone: gives way and returns 0 even when cancelled. */
STRUCTIO_API int structio_cancel_shielded_checkpoint(void);

/* --- time ------------------------------------------------------------------------------------ */

/* The run's clock, or 0 with a message outside of a run. Any task or hook. */
STRUCTIO_API int64_t structio_now(void);

/* Waits; never returns early. A duration of 0 is a checkpoint, STRUCTIO_FOREVER waits until
 * cancelled. Checkpoint. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EINVALID (negative),
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_sleep(int64_t duration);

/* Waits until a moment of the run's clock; one that has passed is a checkpoint. Checkpoint. Errors:
 * STRUCTIO_ECANCELLED, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_sleep_until(int64_t moment);

/* Waits until cancelled, and returns STRUCTIO_ECANCELLED; never 0. Checkpoint. */
STRUCTIO_API int structio_sleep_forever(void);

/* --- the current task ------------------------------------------------------------------------ */

/* The calling task, or 0 outside of a task. Any thread. */
STRUCTIO_API structio_task_id structio_task_current(void);

/* Name of a living task of this run: valid until it ends. NULL when there is none with this id. Any
 * task or hook. */
STRUCTIO_API const char* structio_task_name(structio_task_id task);

/* Renames the calling task; the name is copied. Errors: STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_task_set_name(const char* name);

/* Bounds of the calling task's stack, for interpreters that insist on knowing them. In task hooks
 * too. Borrowed: the memory is the task's. */
STRUCTIO_API int structio_task_stack(void** low, void** high);

/* --- task-locals and run-locals -------------------------------------------------------------- */

/* A task-local is named by the address of any object that lives as long as it is used. A task
 * starts with what its starter had at that moment; later changes on either side are not seen by the
 * other. Outside of a run the functions work on the thread: a run's main task starts with that. */

/* Sets `key` for the calling task; `drop` (may be NULL) is called on the value once nobody can see
 * it any more: tasks that are started later, and their jobs on threads, have the value itself, not
 * a copy, so the last of them drops it, a job on its thread. `token` (may be NULL) remembers what
 * was there before. Errors: STRUCTIO_ENOMEM (then nothing was changed and the value is still
 * yours). Any thread. */
STRUCTIO_API int structio_local_set(const void* key, void* value, structio_drop_fn drop,
                                    structio_local_token* token);

/* Reads `key`. Errors: STRUCTIO_EABSENT (not set). Any thread. */
STRUCTIO_API int structio_local_get(const void* key, void** value);

/* Goes back to what was there before the set that filled `token`. Errors: STRUCTIO_EINVALID (used
 * before, another key, another task). Any thread. */
STRUCTIO_API int structio_local_reset(const void* key, structio_local_token* token);

/* Forgets a token that will not be used for a reset; harmless after one, and for NULL. Threads:
 * that of the set. */
STRUCTIO_API int structio_local_token_free(structio_local_token* token);

/* The same for values that all tasks of the run share, and that end with it. Any task or hook. */
STRUCTIO_API int structio_run_local_set(const void* key, void* value, structio_drop_fn drop,
                                        structio_local_token* token);
STRUCTIO_API int structio_run_local_get(const void* key, void** value);
STRUCTIO_API int structio_run_local_reset(const void* key, structio_local_token* token);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_RUN_H */
