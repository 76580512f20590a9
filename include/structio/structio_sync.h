/* Synchronisation among the tasks of a run: event, mutex, semaphore, condition, capacity limiter;
 * and the guard against two users at once. Part of structio.h.
 *
 * Each is block storage, made by init and ended by destroy. It needs no run by itself: it belongs
 * to the run whose task first uses it, for as long as anybody waits for it or holds it. To use it
 * from another run meanwhile is STRUCTIO_EMISUSE: go through a portal; from a thread without a run
 * it is STRUCTIO_ENOTASK. What a run's tasks have not given back when it ends comes back with it:
 * tokens are free again, also those of threads that it abandoned, and a mutex is broken.
 *
 * All queues are first come, first served. What is handed over belongs to who has waited longest
 * from that moment on: nobody who comes later is faster. Without competition no call here gives the
 * processor away (but once in `budget` calls), and none but the limiter's ever needs memory.
 *
 * destroy is refused with STRUCTIO_EMISUSE, and changes nothing, as long as anybody waits or holds.
 * discard ends the object in any state: for destructors and other places that cannot be refused.
 * Those who wait get STRUCTIO_EBROKEN. init, destroy, discard and the questions (is_set, locked,
 * value, total, get_statistics, borrowers): any thread, as long as nobody else uses the object;
 * discard and destroy of one that is in use: in its run only. */
#ifndef STRUCTIO_SYNC_H
#define STRUCTIO_SYNC_H

#include "structio_base.h"
#include "structio_wait.h" /* STRUCTIO_ALL */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_event {
  uint64_t opaque[12];
} structio_event;

typedef struct structio_mutex {
  uint64_t opaque[24];
} structio_mutex;

typedef struct structio_semaphore {
  uint64_t opaque[14];
} structio_semaphore;

typedef struct structio_condition {
  uint64_t opaque[16];
} structio_condition;

typedef struct structio_limiter {
  uint64_t opaque[44];
} structio_limiter;

typedef struct structio_resource_guard {
  uint64_t opaque[6];
} structio_resource_guard;

/* A number without a bound. */
#define STRUCTIO_UNLIMITED INT64_MAX

/* --- events -------------------------------------------------------------------------------------
 */

/* Something that happens once. There is no way back: for the next time, use another event. */
STRUCTIO_API int structio_event_init(structio_event* event);

/* Errors: STRUCTIO_EMISUSE (tasks wait). */
STRUCTIO_API int structio_event_destroy(structio_event* event);
STRUCTIO_API int structio_event_discard(structio_event* event);

/* Wakes all who wait; who comes later does not wait. Again: nothing. Any task or hook. */
STRUCTIO_API int structio_event_set(structio_event* event);

/* 1 when it has been set, else 0. */
STRUCTIO_API int structio_event_is_set(const structio_event* event);

/* Waits until it has been set. Checkpoint. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBROKEN
 * (discarded). */
STRUCTIO_API int structio_event_wait(structio_event* event);

typedef struct structio_event_statistics {
  size_t struct_size;
  uint64_t waiting; /* waits: a select with two such cases counts twice */
} structio_event_statistics;

/* Its state now. */
STRUCTIO_API int structio_event_get_statistics(const structio_event* event,
                                               structio_event_statistics* statistics);

/* --- mutexes ------------------------------------------------------------------------------------
 */

/* Mutual exclusion among tasks. Not recursive; unlocked by the task that locked it. unlock hands it
 * over to who has waited longest.
 *
 * When a task ends with the mutex locked, the mutex breaks: those who wait, and all who ever will,
 * get STRUCTIO_EBROKEN, and the message names the task. What it protects may be half changed; if
 * you can put that right, destroy the mutex and init it again. */
STRUCTIO_API int structio_mutex_init(structio_mutex* mutex);

/* Errors: STRUCTIO_EMISUSE (it is locked, or tasks wait for it or in a condition of it). */
STRUCTIO_API int structio_mutex_destroy(structio_mutex* mutex);
STRUCTIO_API int structio_mutex_discard(structio_mutex* mutex);

/* Waits until the mutex is the calling task's. Checkpoint. Errors: STRUCTIO_ECANCELLED,
 * STRUCTIO_EBROKEN (an owner has ended; discarded), STRUCTIO_EMISUSE (the task has it already). */
STRUCTIO_API int structio_mutex_lock(structio_mutex* mutex);

/* The same without waiting. Not a checkpoint. Errors: STRUCTIO_EWOULDBLOCK (another task has it),
 * STRUCTIO_EBROKEN, STRUCTIO_EMISUSE (the calling task has it). */
STRUCTIO_API int structio_mutex_try_lock(structio_mutex* mutex);

/* Not a checkpoint. Errors: STRUCTIO_EMISUSE (the calling task does not have it), STRUCTIO_EBROKEN
 * (nobody has it any more: it broke while the task waited in a condition). */
STRUCTIO_API int structio_mutex_unlock(structio_mutex* mutex);

/* 1 when a task has it, else 0. */
STRUCTIO_API int structio_mutex_locked(const structio_mutex* mutex);

typedef struct structio_mutex_statistics {
  size_t struct_size;
  structio_task_id owner; /* 0: none. Of a broken mutex: the task whose end broke it */
  uint64_t waiting;       /* tasks; those in conditions are not counted */
  uint32_t locked;        /* 1: a living task has it */
  uint32_t broken;        /* 1: it broke */
} structio_mutex_statistics;

/* Its state now. */
STRUCTIO_API int structio_mutex_get_statistics(const structio_mutex* mutex,
                                               structio_mutex_statistics* statistics);

/* --- semaphores ---------------------------------------------------------------------------------
 */

/* `initial` units to begin with, never more than `max` (STRUCTIO_UNLIMITED: no bound). Who has how
 * many is not kept: see the limiter for that. */
STRUCTIO_API int structio_semaphore_init(structio_semaphore* semaphore, int64_t initial,
                                         int64_t max);

/* Errors: STRUCTIO_EMISUSE (tasks wait). */
STRUCTIO_API int structio_semaphore_destroy(structio_semaphore* semaphore);
STRUCTIO_API int structio_semaphore_discard(structio_semaphore* semaphore);

/* Takes a unit, when there is one. Checkpoint. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBROKEN
 * (discarded). */
STRUCTIO_API int structio_semaphore_acquire(structio_semaphore* semaphore);

/* The same without waiting. Not a checkpoint. Any task or hook. Errors: STRUCTIO_EWOULDBLOCK. */
STRUCTIO_API int structio_semaphore_try_acquire(structio_semaphore* semaphore);

/* Hands a unit to who has waited longest, or puts it back. Any task or hook. Errors:
 * STRUCTIO_EINVALID (`max` are there: nothing has changed). */
STRUCTIO_API int structio_semaphore_release(structio_semaphore* semaphore);

/* Units that are there. */
STRUCTIO_API int64_t structio_semaphore_value(const structio_semaphore* semaphore);

typedef struct structio_semaphore_statistics {
  size_t struct_size;
  int64_t value;
  int64_t max;
  uint64_t waiting; /* tasks */
} structio_semaphore_statistics;

/* Its state now. */
STRUCTIO_API int structio_semaphore_get_statistics(const structio_semaphore* semaphore,
                                                   structio_semaphore_statistics* statistics);

/* --- conditions ---------------------------------------------------------------------------------
 */

/* For waiting until something that `mutex` protects has changed. The mutex must outlive all waits;
 * several conditions may share one. */
STRUCTIO_API int structio_condition_init(structio_condition* condition, structio_mutex* mutex);

/* Errors: STRUCTIO_EMISUSE (tasks wait). */
STRUCTIO_API int structio_condition_destroy(structio_condition* condition);
STRUCTIO_API int structio_condition_discard(structio_condition* condition);

/* Gives the mutex up and waits for a notification; has the mutex again when it returns, whatever it
 * returns, unless the mutex broke. Look again at what you wait for: others may have been faster
 * than you at the mutex. A notification is never lost: who has been notified and is cancelled while
 * waiting for the mutex returns 0 all the same, and who is cancelled first is not counted by
 * notify. Checkpoint. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBROKEN (the mutex broke, and nobody
 * has it; or the condition was discarded), STRUCTIO_EMISUSE (the task does not have the mutex). */
STRUCTIO_API int structio_condition_wait(structio_condition* condition);

/* Moves the first `count` waiting tasks (STRUCTIO_ALL) to the mutex' queue; they go on one after
 * the other as they get it. Returns how many there were. The task must have the mutex, and keeps
 * it. Not a checkpoint. Errors: STRUCTIO_EMISUSE (it does not have the mutex), STRUCTIO_EBROKEN. */
STRUCTIO_API int64_t structio_condition_notify(structio_condition* condition, size_t count);

typedef struct structio_condition_statistics {
  size_t struct_size;
  uint64_t waiting; /* tasks that have not been notified */
} structio_condition_statistics;

/* Its state now. */
STRUCTIO_API int structio_condition_get_statistics(const structio_condition* condition,
                                                   structio_condition_statistics* statistics);

/* --- capacity limiters --------------------------------------------------------------------------
 */

/* `total` tokens, 0 included, STRUCTIO_UNLIMITED allowed; each borrower has one at most, and only a
 * borrower gives one back. A task borrows for itself, or on behalf of an object: any pointer, which
 * is compared and never looked at. The two are different borrowers even if it is one task that
 * acts. A token that a task keeps when it ends stays borrowed. */
STRUCTIO_API int structio_limiter_init(structio_limiter* limiter, int64_t total);

/* Errors: STRUCTIO_EMISUSE (tokens are borrowed, or tasks wait). */
STRUCTIO_API int structio_limiter_destroy(structio_limiter* limiter);
STRUCTIO_API int structio_limiter_discard(structio_limiter* limiter);

/* Borrows a token for the calling task. Checkpoint. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBROKEN
 * (discarded), STRUCTIO_EMISUSE (has one already), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_limiter_acquire(structio_limiter* limiter);

/* The same without waiting. Not a checkpoint. Errors: STRUCTIO_EWOULDBLOCK, STRUCTIO_EMISUSE,
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_limiter_try_acquire(structio_limiter* limiter);

/* Gives back the calling task's own token: to who has waited longest, unless more are borrowed than
 * there are. Not a checkpoint. Errors: STRUCTIO_EMISUSE (it has none). */
STRUCTIO_API int structio_limiter_release(structio_limiter* limiter);

/* The three on behalf of an object. Acquiring is a checkpoint; a second one that waits for the same
 * borrower is refused as well (STRUCTIO_EMISUSE). The other two: any task or hook. */
STRUCTIO_API int structio_limiter_acquire_on_behalf(structio_limiter* limiter,
                                                    const void* borrower);
STRUCTIO_API int structio_limiter_try_acquire_on_behalf(structio_limiter* limiter,
                                                        const void* borrower);
STRUCTIO_API int structio_limiter_release_on_behalf(structio_limiter* limiter,
                                                    const void* borrower);

/* How many tokens there are. Raising lets in who waits, at once; lowering takes nothing away, and
 * nobody is let in until enough have come back. set_total: any task or hook. Errors:
 * STRUCTIO_EINVALID (negative: nothing has changed). */
STRUCTIO_API int64_t structio_limiter_total(const structio_limiter* limiter);
STRUCTIO_API int structio_limiter_set_total(structio_limiter* limiter, int64_t total);

typedef struct structio_limiter_statistics {
  size_t struct_size;
  int64_t total;
  int64_t borrowed;
  int64_t available; /* total - borrowed, which may be negative; STRUCTIO_UNLIMITED stays so */
  uint64_t waiting;  /* tasks */
} structio_limiter_statistics;

/* Its state now. */
STRUCTIO_API int structio_limiter_get_statistics(const structio_limiter* limiter,
                                                 structio_limiter_statistics* statistics);

/* Who has a token: a task (object is NULL) or an object (task is 0). */
typedef struct structio_borrower {
  structio_task_id task;
  const void* object;
} structio_borrower;

/* All who have one, in no order: writes at most `capacity` and returns how many there are. */
STRUCTIO_API int64_t structio_limiter_borrowers(const structio_limiter* limiter,
                                                structio_borrower* borrowers, size_t capacity);

/* --- resource guards ----------------------------------------------------------------------------
 */

/* For what only one task may do at a time where a second one is a mistake, not somebody to queue:
 * two readers of a stream of your own, say. It belongs to no run, never waits and needs no memory;
 * any thread may use it and the functions below, one at a time. `conflict` is what the second one
 * is told, such as "another task is reading from this stream": not copied, it must live as long as
 * the guard. */
STRUCTIO_API int structio_resource_guard_init(structio_resource_guard* guard, const char* conflict);

/* Errors: STRUCTIO_EMISUSE (somebody is inside). discard ends it all the same. */
STRUCTIO_API int structio_resource_guard_destroy(structio_resource_guard* guard);
STRUCTIO_API int structio_resource_guard_discard(structio_resource_guard* guard);

/* Goes inside. Not a checkpoint. Any thread. Errors: STRUCTIO_EBUSY (somebody is inside, be it the
 * same task; structio_last_message is `conflict`). */
STRUCTIO_API int structio_resource_guard_enter(structio_resource_guard* guard);

/* Comes out; another than who went in may do it. Any thread. Errors: STRUCTIO_EMISUSE (nobody is
 * inside). */
STRUCTIO_API int structio_resource_guard_leave(structio_resource_guard* guard);

/* 1 when somebody is inside, else 0. A question. */
STRUCTIO_API int structio_resource_guard_entered(const structio_resource_guard* guard);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_SYNC_H */
