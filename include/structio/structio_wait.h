/* How anything waits, for those who build their own primitives; parking lots; and portals, through
 * which other threads reach a run. Part of structio.h. */
#ifndef STRUCTIO_WAIT_H
#define STRUCTIO_WAIT_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- park and wake ---------------------------------------------------------------------------- */

/* What an abort function answers. */
enum structio_abort {
  STRUCTIO_ABORT_DONE = 1, /* undone: the wait ends now, with STRUCTIO_ECANCELLED */
  STRUCTIO_ABORT_LATER = 2 /* cannot be undone: somebody will wake the task, wait on */
};

/* Called at most once a wait, within the call that cancels, or before the task sleeps when it is
 * cancelled already. Runs outside of the task: it must not block. Anything but the two answers
 * above ends the run with STRUCTIO_EINTERNAL. */
typedef int (*structio_abort_fn)(void* arg);

/* Makes `waiter` name the calling task's next wait. Give it (by address) to whoever shall wake the
 * task, then park. */
STRUCTIO_API int structio_waiter_init(structio_waiter* waiter);

/* Sleeps until structio_wake(waiter, result), and returns that result; or is aborted. `what` says
 * in dumps what the task waits for: a literal, not copied. `abort_fn` NULL: may be undone at any
 * time. Returns at once when the waiter was woken before. Checkpoint. Errors: STRUCTIO_ECANCELLED,
 * STRUCTIO_EINTERRUPTED, STRUCTIO_EMISUSE (another task's waiter; used before). */
STRUCTIO_API int64_t structio_park(structio_waiter* waiter, const char* what,
                                   structio_abort_fn abort_fn, void* arg);

/* Makes the wait end with `result`. The first of wake and abort decides; 1 when this call did, 0
 * when it came too late, which is harmless as long as the storage of the waiter lives. Any task or
 * hook. */
STRUCTIO_API int structio_wake(structio_waiter* waiter, int64_t result);

/* --- parking lots ------------------------------------------------------------------------------
 */

#define STRUCTIO_ALL SIZE_MAX

/* A FIFO queue of waiting tasks with no state of its own: the base of every primitive. No run is
 * needed. Any thread, as long as nobody else uses the lot. */
STRUCTIO_API int structio_lot_init(structio_lot* lot);

/* Errors: STRUCTIO_EMISUSE (tasks are parked here). Any thread, as long as nobody else uses the
 * lot; one that others broke, or are to break, in its run. */
STRUCTIO_API int structio_lot_destroy(structio_lot* lot);

/* Waits in the queue. Checkpoint. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBROKEN (the lot is
 * broken). */
STRUCTIO_API int structio_lot_park(structio_lot* lot);

/* Wakes the first `count` tasks; returns how many there were. Any task or hook. */
STRUCTIO_API int64_t structio_lot_unpark(structio_lot* lot, size_t count);

/* Moves the first `count` waiting tasks to the end of another lot, without waking them; returns how
 * many there were. Errors: STRUCTIO_EBROKEN (the other lot is broken). Any task or hook. */
STRUCTIO_API int64_t structio_lot_repark(structio_lot* lot, structio_lot* to, size_t count);

/* How many tasks are parked. A question. */
STRUCTIO_API int64_t structio_lot_waiting(const structio_lot* lot);

/* Breaks the lot on behalf of `breaker` (0: the calling task): all who are parked here, and all who
 * ever will, get STRUCTIO_EBROKEN. Errors: STRUCTIO_ENOMEM (broken all the same, by nobody known).
 * Any task or hook; for 0 a task. */
STRUCTIO_API int structio_lot_break(structio_lot* lot, structio_task_id breaker);

/* Makes the end of `task` break the lot; may be said several times, and has to be taken back as
 * often. Errors: STRUCTIO_EBROKEN (the task has ended: the lot is broken now), STRUCTIO_EMISUSE
 * (take back what was not said), STRUCTIO_ENOMEM. Any task or hook. */
STRUCTIO_API int structio_lot_add_breaker(structio_lot* lot, structio_task_id task);
STRUCTIO_API int structio_lot_remove_breaker(structio_lot* lot, structio_task_id task);

/* On whose behalf the lot was broken, in order, repeats included: writes at most `capacity` ids and
 * returns how many there are. 0: the lot is whole. A question. */
STRUCTIO_API int64_t structio_lot_broken_by(const structio_lot* lot, structio_task_id* ids,
                                            size_t capacity);

/* --- portals ------------------------------------------------------------------------------------
 */

/* A callback that runs inside the run but outside of tasks: it must not block, and may start tasks,
 * wake them, cancel scopes. 0 or more: fine. Negative: the main task is cancelled and the run ends
 * with STRUCTIO_EINTERNAL. */
typedef int (*structio_post_fn)(void* arg);

/* A handle through which other threads reach this run. As long as one exists the run takes into
 * account that somebody may call: no deadlock is reported. Any task or hook. Errors:
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_portal_new(structio_portal** out);

/* Queues fn(arg): all of one thread's calls run in order, in the next pass of the run, never inside
 * this call. What was accepted is run, even if the main task ends meanwhile. Any thread. Errors:
 * STRUCTIO_ERUNFINISHED (the run has ended, or is the parent's of a forked child), STRUCTIO_ESTALE,
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_portal_post(structio_portal* portal, structio_post_fn fn, void* arg);

/* The same, unless the same fn and arg are queued by this function and have not begun. Any thread.
 */
STRUCTIO_API int structio_portal_post_once(structio_portal* portal, structio_post_fn fn, void* arg);

/* A call that is made ready once, so that posting it needs no memory: also from signal handlers.
 * The storage is the caller's and must not move. As long as it is initialised the run takes into
 * account that somebody may post, as with a portal. */
typedef struct structio_post {
  uint64_t opaque[10];
} structio_post;

/* Any thread, not signal handlers. Errors: STRUCTIO_ESTALE. */
STRUCTIO_API int structio_post_init(structio_post* post, structio_portal* portal,
                                    structio_post_fn fn, void* arg);

/* Queues the call, unless it is queued already and has not begun: 1 when this did, 0 when it was.
 * Either way the call is made once after this, unless the post is destroyed before, and finds what
 * was written before this. Any thread, and signal handlers; errno stays as it is. Errors:
 * STRUCTIO_EINVALID (not initialised), STRUCTIO_ERUNFINISHED (the run takes nothing more; it may
 * still make calls that were queued before; so too in a forked child). */
STRUCTIO_API int structio_post_send(structio_post* post);

/* Ends it; a call that is queued is not made any more. Threads: that of its run, or any once
 * structio_run has returned; nobody may send it meanwhile or later: take signal handlers away
 * before. Errors: STRUCTIO_EMISUSE (another thread while the run lasts). */
STRUCTIO_API int structio_post_destroy(structio_post* post);

/* Runs fn(arg) in a system task of the run, blocks the calling thread until it has returned, and
 * returns its status; `failure` (may be NULL) receives why it failed, yours to free. The function
 * may wait; it is cancelled when the main task ends. Any thread that is outside of a run. Errors:
 * what the function returned, STRUCTIO_ECANCELLED (in a job of structio_run_in_thread, whose own
 * task is not cancelled, STRUCTIO_ERUNFINISHED instead, with that beneath), STRUCTIO_EMISUSE
 * (inside a run, this one or another: it would block it), STRUCTIO_ERUNFINISHED (the run is ending,
 * has ended, or is the parent's of a forked child: fn was not called), STRUCTIO_ENOMEM,
 * STRUCTIO_ESTALE. */
STRUCTIO_API int structio_portal_call(structio_portal* portal, structio_task_fn fn, void* arg,
                                      structio_failure** failure);

/* Any thread, but not while another one is in a call with this handle. NULL is allowed. Errors:
 * STRUCTIO_ESTALE (freed before). */
STRUCTIO_API int structio_portal_free(structio_portal* portal);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_WAIT_H */
