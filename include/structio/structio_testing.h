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
  double rate; /* virtual seconds for a real one; 0: it stands still unless it is made to jump */
} structio_virtual_clock_options;

/* A clock that stands still unless it is made to jump, or runs at a rate of its own. Give it to
 * structio_run in its options (one run at a time); the budget is then 1 unless it is set. Errors:
 * STRUCTIO_EINVALID (start is the end of time; see structio_virtual_clock_set_rate),
 * STRUCTIO_ENOMEM. Any thread. */
STRUCTIO_API int structio_virtual_clock_new(const structio_virtual_clock_options* options,
                                            structio_clock** out);

/* Moves it forward by `duration` at once. Errors: STRUCTIO_EINVALID (negative, or to the end of
 * time), STRUCTIO_ESTALE, STRUCTIO_ENOTASK (a run on another thread uses it). Threads: that of the
 * run that uses it, or any when none does. */
STRUCTIO_API int structio_virtual_clock_jump(structio_clock* clock, int64_t duration);

/* Changes the autojump threshold; takes effect at once. Errors: STRUCTIO_ESTALE, STRUCTIO_ENOTASK.
 * Threads: as structio_virtual_clock_jump. */
STRUCTIO_API int structio_virtual_clock_set_autojump(structio_clock* clock, int64_t threshold);

/* From now on the clock moves by `rate` virtual seconds in each real one; its present reading
 * stays. 0: it stands still. A rate that is not 0 also makes the run wait for deadlines as long as
 * they then take in real time; a clock that jumps by itself still jumps over such waits. Errors:
 * STRUCTIO_EINVALID (negative, not a number, beyond 1e6), STRUCTIO_ESTALE. Threads: as
 * structio_virtual_clock_jump. */
STRUCTIO_API int structio_virtual_clock_set_rate(structio_clock* clock, double rate);

/* Its reading. Errors: STRUCTIO_EINVALID (moment is NULL), STRUCTIO_ESTALE, STRUCTIO_ENOTASK.
 * Threads: as structio_virtual_clock_jump. */
STRUCTIO_API int structio_virtual_clock_now(structio_clock* clock, int64_t* moment);

/* NULL is allowed. Errors: STRUCTIO_EMISUSE (a run uses it), STRUCTIO_ESTALE (freed before). Any
 * thread. */
STRUCTIO_API int structio_virtual_clock_free(structio_clock* clock);

/* Waits until every other task of the run has been waiting, with nothing ready and no I/O there,
 * for `cushion` of real time (0: at once). Of several such waits the one with the least cushion is
 * woken first. Comes before a jump of the clock. Checkpoint. Errors: STRUCTIO_ECANCELLED. */
STRUCTIO_API int structio_wait_all_tasks_blocked(int64_t cushion);

/* A sequence of numbered steps, which tasks take in the order of the numbers. */
typedef struct structio_sequencer {
  uint64_t opaque[12];
} structio_sequencer;

/* No run is needed. Any thread, as long as nobody else uses the sequencer. */
STRUCTIO_API int structio_sequencer_init(structio_sequencer* sequencer);

/* Errors: STRUCTIO_EMISUSE (a task is in a step, or waits for its own). Any thread, as long as
 * nobody else uses the sequencer. */
STRUCTIO_API int structio_sequencer_destroy(structio_sequencer* sequencer);

/* Waits until the steps 0 to `position` - 1 are over, runs fn(arg) (NULL: nothing) as step
 * `position` in the calling task, and returns what it returned; the step is over however it ended.
 * When the wait is cancelled (not the function: its step is then over) the order cannot be kept any
 * more: the whole sequence is broken, for all who wait and all who come. A step within a step of
 * the same sequence waits for ever. Checkpoint. Errors: STRUCTIO_ECANCELLED (nothing was run, and
 * the sequence is broken), STRUCTIO_EBROKEN, STRUCTIO_EMISUSE (this step was taken, or is waited
 * for, before; another run is in the sequence), what `fn` returned. */
STRUCTIO_API int structio_sequencer_step(structio_sequencer* sequencer, uint64_t position,
                                         structio_task_fn fn, void* arg);

/* How often the calling task has been at a cancel point and at a schedule point: what lies between
 * two readings says whether the code in between was a checkpoint. A call that may go on because the
 * run's budget lets it counts as one that has given way. */
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

/* Makes the run believe that its own state is broken: it ends with STRUCTIO_EINTERNAL. Any task or
 * hook. */
STRUCTIO_API int structio_inject_internal_error(void);

/* Delivers an interrupt to the run as Ctrl-C would. Any task or hook. */
STRUCTIO_API int structio_inject_interrupt(void);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_TESTING_H */
