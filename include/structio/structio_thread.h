/* Threads in both directions: a task has a worker thread do what would block the run, and the
 * thread calls back. How threads that the run has not started reach it is in structio_wait.h
 * (portals). Part of structio.h.
 *
 *     static int hash_file(void *arg) { ... }                        runs on a worker thread
 *     ...
 *     int status = structio_run_in_thread(hash_file, &work, NULL);   other tasks run meanwhile
 *
 * Workers are cached for the whole process: the one that became idle last is taken first, one that
 * was idle for ten seconds ends. They block all signals but SIGSEGV and its like and SIGPROF, which
 * programs that a job starts inherit: have it set their mask. They never keep the process alive. On
 * a worker thread there is no task: what may block there is what blocks a thread, and calls of a
 * run are made through structio_thread_call. */
#ifndef STRUCTIO_THREAD_H
#define STRUCTIO_THREAD_H

#include "structio_base.h"
#include "structio_sync.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A limiter of one's own: these two functions are all that is ever asked of it. `borrower` is the
 * same in both and no other thread's meanwhile. acquire is called in the calling task, and may
 * wait; 0, or a code, and then nothing is borrowed. release is called in the task, or for an
 * abandoned thread in a hook, where it must not block. Either may have a failure in flight. */
typedef struct structio_thread_tokens {
  size_t struct_size;
  void* limiter;
  int (*acquire_on_behalf)(void* limiter, const void* borrower);
  int (*release_on_behalf)(void* limiter, const void* borrower);
} structio_thread_tokens;

typedef struct structio_thread_options {
  size_t struct_size;
  /* How many threads may work at once; NULL: the run's own, see
   * structio_default_thread_limiter. Borrowed until the thread has ended; so it
   * has to outlive abandoned threads, or the main task. What an abandoned thread
   * has when the main task ends it has until the run has ended: then it is free. */
  structio_limiter* limiter;
  /* Instead of `limiter`; copied. Never released for a thread that was abandoned and ends later
   * than the main task. */
  const structio_thread_tokens* tokens;
  const char* name; /* of the thread; copied; NULL: the calling task's */
  /* Not NULL: called on `arg` exactly once for each call, whatever it returns: on the worker thread
   * as soon as fn has returned, or within the call when fn is never run. */
  structio_drop_fn drop;
  uint32_t abandon_on_cancel; /* not 0: see structio_run_in_thread */
  uint32_t reserved;
} structio_thread_options;

#define STRUCTIO_THREAD_OPTIONS_INIT \
  { sizeof(structio_thread_options), NULL, NULL, NULL, NULL, 0, 0 }

/* Runs fn(arg) on a worker thread and returns its status, when it has ended; a failure that it
 * raised is then in flight in the calling task. The function sees the task's locals: it has the
 * same values, which the thread and the run may then use at once; what it sets does not come back.
 * Of an abandoned thread a value may be dropped on the thread, even after the run.
 *
 * When the task is cancelled meanwhile, the call still waits for the thread and returns what came
 * of it; the next checkpoint reports the cancellation, and the thread can ask for it by
 * structio_thread_check_cancelled. With abandon_on_cancel the call returns STRUCTIO_ECANCELLED (or,
 * at Ctrl-C, STRUCTIO_EINTERRUPTED) at once and the thread goes on alone, keeping its token until
 * it ends; it may outlive the run. (When a host language ends it by pthread_exit, as CPython does
 * at its own end, it stays where it is until the process has ended.) Then `arg` must not lie in the
 * caller's frame: let `drop` free it.
 *
 * Checkpoint; cancelled before, it starts no thread. Errors: STRUCTIO_ECANCELLED,
 * STRUCTIO_EINTERRUPTED, what the function returned, what the limiter answered, STRUCTIO_ENOMEM,
 * UV_EAGAIN (the system has no thread). */
STRUCTIO_API int structio_run_in_thread(structio_task_fn fn, void* arg,
                                        const structio_thread_options* options);

/* The run's own limiter, with 40 tokens unless that is changed; valid until the run ends. NULL with
 * a message outside of a run, and when there is no memory for it. Any task or hook. */
STRUCTIO_API structio_limiter* structio_default_thread_limiter(void);

/* --- on a worker thread ----------------------------------------------------------------------- */

/* 1 on a thread that runs the function of a structio_run_in_thread or structio_start_thread_soon,
 * where structio_failure_raise puts in flight what the job fails of; else 0. Any thread. */
STRUCTIO_API int structio_in_thread_job(void);

/* Runs fn(arg) inside the run, in the very task that waits in structio_run_in_thread: in its
 * scopes, with its locals. Blocks the thread until it has returned; returns its status, and what it
 * raised is in flight on the thread. When that task has abandoned the thread, a system task runs
 * it. If the task is cancelled the function is run all the same, and its checkpoints say so.
 * Threads: those of structio_run_in_thread only. Errors: what the function returned,
 * STRUCTIO_EMISUSE (another thread; a run inside the job), STRUCTIO_ERUNFINISHED (after
 * abandonment; in a child that the job has forked). */
STRUCTIO_API int structio_thread_call(structio_task_fn fn, void* arg);

/* 0, or STRUCTIO_ECANCELLED when the task that waits for this thread, or waited until it abandoned
 * it, is cancelled (STRUCTIO_EINTERRUPTED: the user pressed Ctrl-C). Return it: the call in the
 * task then returns it too. structio_failure_new_cancelled has the reason. Cheap. Threads: those of
 * structio_run_in_thread only. Errors: STRUCTIO_EMISUSE (another thread). */
STRUCTIO_API int structio_thread_check_cancelled(void);

/* --- without a run ---------------------------------------------------------------------------- */

/* Told on the worker thread what came of a job; `failure` is NULL when status >= 0, else it is
 * yours to free. May start the next job, which then runs on this very thread, once this function
 * has returned: do not wait for it here. It is outside of the job: structio_in_thread_job is 0,
 * structio_failure_raise is refused, and task-locals that it sets are dropped after it. Negative:
 * the result could not be delivered, which is logged. */
typedef int (*structio_deliver_fn)(void* arg, int status, structio_failure* failure);

/* Runs fn(arg), and then deliver(arg, ...) (may be NULL), on a thread of the same cache, without a
 * limit. After that nothing of the job is kept. For bridges to other libraries: nobody waits for
 * such a job, and nobody can cancel it. `name` of the thread is copied; NULL: "job". Any thread.
 * Errors: STRUCTIO_ENOMEM, UV_EAGAIN. */
STRUCTIO_API int structio_start_thread_soon(structio_task_fn fn, void* arg,
                                            structio_deliver_fn deliver, const char* name);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_THREAD_H */
