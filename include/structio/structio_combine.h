/* Several functions at once: all of them, the first that ends, the first that ends well, one for
 * each number of a range.
 *
 * Each function runs as a task of its own, in a nursery that the call opens and closes: when a call
 * returns, every task that it started has ended, so that `arg` may point to the caller's frame.
 * Errors are told as a nursery tells them: STRUCTIO_EGROUP, also for a single failure, with the
 * group in flight (structio_failure_take). STRUCTIO_ECANCELLED when nothing failed but a scope
 * around the caller is cancelled; a caller that is cancelled when it calls starts nothing. A task
 * that cannot be started for want of memory is a failure like any other: it is in the group. */
#ifndef STRUCTIO_COMBINE_H
#define STRUCTIO_COMBINE_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs fns[i](args[i]) for each i below `count`, and waits for all of them; a failure cancels the
 * others. `args` NULL: each gets NULL. What the functions return is dropped unless it is a failure:
 * hand values over through `args`. 0 when all have ended well. Checkpoint. Errors:
 * STRUCTIO_ECANCELLED, STRUCTIO_EGROUP, STRUCTIO_EMISUSE (somebody cancelled the scope of the
 * call's own nursery). */
STRUCTIO_API int structio_all(const structio_task_fn* fns, void* const* args, size_t count);

/* Runs them until the first has ended; the others are cancelled, and awaited. Returns what the
 * winner returned, and in *winner (may be NULL) its index, also when it failed; SIZE_MAX when
 * nobody ended but by cancellation. A winner that fails is the result of the race (in its group),
 * and so is whatever a loser failed with, even if the winner ended well: nothing is lost. A winner
 * that ended well is told even if the caller was cancelled while the losers were awaited.
 * Checkpoint. Errors: as structio_all, STRUCTIO_EINVALID (nobody to win: count is 0). */
STRUCTIO_API int structio_race(const structio_task_fn* fns, void* const* args, size_t count,
                               size_t* winner);

/* The same until the first has ended well: a function that fails is out of the race, and cancels
 * nobody. Failures are dropped when somebody succeeds, and are the result, all of them, when nobody
 * does. Checkpoint. Errors: as structio_race. */
STRUCTIO_API int structio_first_success(const structio_task_fn* fns, void* const* args,
                                        size_t count, size_t* winner);

/* Runs fn(index, arg) for each index below `count`, at most `limit` (STRUCTIO_ALL: any number) at a
 * time, begun in order. As many tasks as that are started, at most `count` (with STRUCTIO_ALL that
 * many, all of them at once): each takes the next index when it is done with one, and is at a
 * checkpoint in between. A failure has no further index
 * taken and cancels the others. 0 when all have ended well. Checkpoint. Errors: as structio_all,
 * STRUCTIO_EINVALID (limit is 0). */
STRUCTIO_API int structio_for_each_concurrent(size_t count, size_t limit,
                                              int (*fn)(size_t index, void* arg), void* arg);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_COMBINE_H */
