/* Testing one's own programs: virtual time, waiting until everybody waits, faults. This part of the
 * ABI may still change between releases. */
#ifndef STRUCTIO_TESTING_H
#define STRUCTIO_TESTING_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_virtual_clock_options {
  size_t struct_size;
  int64_t start; /* first reading */
  /* After this much real time with every task waiting, the clock jumps to the next deadline. 0: at
   * once. Negative: never by itself. */
  int64_t autojump;
} structio_virtual_clock_options;

/* A clock that stands still unless it is made to jump. Give it to structio_run in its options (one
 * run at a time); the budget is then 1 unless it is set. Any thread. */
STRUCTIO_API int structio_virtual_clock_new(const structio_virtual_clock_options* options,
                                            structio_clock** out);

/* Moves it forward by `duration` at once. Errors: STRUCTIO_EINVALID (negative), STRUCTIO_ESTALE.
 * The thread of the run that uses it, or any when none does. */
STRUCTIO_API int structio_virtual_clock_jump(structio_clock* clock, int64_t duration);

/* Changes the autojump threshold; takes effect at once. */
STRUCTIO_API int structio_virtual_clock_set_autojump(structio_clock* clock, int64_t threshold);

/* Its reading. */
STRUCTIO_API int structio_virtual_clock_now(structio_clock* clock, int64_t* moment);

/* Errors: STRUCTIO_EMISUSE (a run uses it). */
STRUCTIO_API int structio_virtual_clock_free(structio_clock* clock);

/* Waits until every other task of the run has been waiting, with nothing ready and no I/O there,
 * for `cushion` of real time (0: at once). Of several such waits the one with the least cushion is
 * woken first. Comes before a jump of the clock. Checkpoint. Errors: STRUCTIO_ECANCELLED. */
STRUCTIO_API int structio_wait_all_tasks_blocked(int64_t cushion);

/* How often the calling task has been at a cancel point and has given way: what lies between two
 * readings says whether the code in between was a checkpoint. */
STRUCTIO_API int structio_checkpoint_counts(uint64_t* cancel_points, uint64_t* schedule_points);

/* How many threads work for this run now, abandoned ones included. Any task or hook. */
STRUCTIO_API int64_t structio_threads_active(void);

/* Waits until no thread works for this run. Checkpoint. Errors: STRUCTIO_ECANCELLED,
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_wait_all_threads_completed(void);

/* How many worker threads the process has, and how many of them are idle. Any thread. */
STRUCTIO_API int structio_thread_cache_counts(uint64_t* alive, uint64_t* idle);

/* How long an idle worker waits before it ends; negative: ten seconds, as usual. Any thread. */
STRUCTIO_API int structio_thread_cache_set_idle_timeout(int64_t duration);

/* The next `count` jobs of the process are refused with UV_EAGAIN, as if the system had no thread
 * for them. Any thread. */
STRUCTIO_API int structio_inject_thread_refusals(uint32_t count);

/* Makes the run believe that its own state is broken: it ends with STRUCTIO_EINTERNAL. */
STRUCTIO_API int structio_inject_internal_error(void);

/* Delivers an interrupt to the run as Ctrl-C would. */
STRUCTIO_API int structio_inject_interrupt(void);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_TESTING_H */
