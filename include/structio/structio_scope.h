/* Cancel scopes: blocks of code that can be cancelled, by a call, a token or a deadline. Part of
 * structio.h.
 *
 *     structio_scope scope;
 *     structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
 *     options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
 *     options.deadline = STRUCTIO_SECONDS(5);
 *     structio_scope_init(&scope, &options);
 *     int status = structio_scope_enter(&scope);
 *     if (status == 0) {
 *       status = work();
 *       status = structio_scope_leave(&scope, status, NULL);   0 when our deadline cut it
 *     }
 *     if (structio_scope_cancelled_caught(&scope)) ...
 *
 * A scope is good for a single block. It may be cancelled, shielded or given a deadline before it
 * is entered, by the task that enters it or any other of the run. */
#ifndef STRUCTIO_SCOPE_H
#define STRUCTIO_SCOPE_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the deadline in a scope's options means. */
enum structio_deadline_kind {
  STRUCTIO_DEADLINE_NONE = 0,
  STRUCTIO_DEADLINE_ABSOLUTE = 1, /* a moment of the run's clock */
  STRUCTIO_DEADLINE_RELATIVE = 2  /* a duration that counts from entry */
};

typedef struct structio_scope_options {
  size_t struct_size;
  int64_t deadline;        /* meaning by deadline_kind */
  uint32_t deadline_kind;  /* enum structio_deadline_kind */
  uint32_t shield;         /* not 0: cancellation from outside is not seen inside */
  uint32_t ends_on_stop;   /* not 0: a stop around it cancels it at once, without the grace */
  uint32_t hold_interrupt; /* not 0: Ctrl-C waits until the scope has been left: for clean-up */
} structio_scope_options;

#define STRUCTIO_SCOPE_OPTIONS_INIT \
  { sizeof(structio_scope_options), 0, 0, 0, 0, 0 }

/* Makes the storage a scope. No run is needed. Errors: STRUCTIO_EINVALID (negative relative
 * deadline, unknown kind). Any thread, as long as nobody else uses the scope. */
STRUCTIO_API int structio_scope_init(structio_scope* scope, const structio_scope_options* options);

/* Frees what a scope that was cancelled but never entered may hold. Harmless, and not needed, after
 * structio_scope_leave. Errors: STRUCTIO_EMISUSE (a task is inside). Any thread. */
STRUCTIO_API int structio_scope_destroy(structio_scope* scope);

/* Enters: the calling task is inside until it leaves. Errors: STRUCTIO_EMISUSE (entered before: a
 * scope is good for one block), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_scope_enter(structio_scope* scope);

/* Leaves with the status the block ended with, and returns what is left of it: 0 for
 * STRUCTIO_ECANCELLED when this is the scope that was cancelled, the status unchanged otherwise.
 * `failure` (may be NULL) is in and out: what belongs to the status, owned by the caller before and
 * after; inside a group every "cancelled" that is this scope's is removed, at every depth. NULL
 * means the failure that the task has in flight (see structio_failure_raise). Errors of its own:
 * STRUCTIO_EMISUSE (not inside; another task's; a scope or nursery inside is still open: that one
 * is then closed as far as can be; a call that stands inside, and has called you, has not returned:
 * then nothing was left), STRUCTIO_ENOTASK (in a step, with a nursery inside to be waited for). */
STRUCTIO_API int structio_scope_leave(structio_scope* scope, int status,
                                      structio_failure** failure);

/* Cancels: wakes everything inside that waits, with STRUCTIO_ECANCELLED. Idempotent: the first
 * cause stays. `reason` (may be NULL) is copied. Before entry: the first checkpoint inside fails.
 * After leaving: only remembered. Any task or hook of the run. */
STRUCTIO_API int structio_scope_cancel(structio_scope* scope, const char* reason);

/* Asks politely: structio_stop_requested() becomes true inside, scopes inside that end on stop are
 * cancelled at once, and everything left when `grace` (a duration; 0: at once, STRUCTIO_FOREVER:
 * never) is over. A second stop can only shorten the grace. Any task or hook of the run. */
STRUCTIO_API int structio_scope_stop(structio_scope* scope, int64_t grace, const char* reason);

/* While the task is inside `scope`, the signal `signum` stops it with `grace`; the same signal once
 * more cancels what is left at once. Ends with the scope; several signals may be given, one call
 * each. Any task or hook of the run. Errors: STRUCTIO_EMISUSE (nobody is inside), STRUCTIO_ENOMEM,
 * UV_EINVAL (no such signal). */
STRUCTIO_API int structio_scope_stop_on_signal(structio_scope* scope, int signum, int64_t grace);

/* What is told when a scope is cancelled: storage of the caller's, which must not move. */
typedef struct structio_scope_watch {
  uint64_t opaque[8];
} structio_scope_watch;

/* Called within the call that cancels, or outside of tasks when a deadline does; must not block. */
typedef void (*structio_cancelled_fn)(void* arg);

/* Calls fn(arg) once as soon as the scope is cancelled, by a call, a deadline or from outside; at
 * once when it is already. Not called any more once the scope is left, or the watch is removed,
 * which must happen before the storage goes away unless the scope was left before. Any task or hook
 * of the run. Errors: STRUCTIO_EMISUSE (the scope was left). */
STRUCTIO_API int structio_scope_on_cancel(structio_scope* scope, structio_scope_watch* watch,
                                          structio_cancelled_fn fn, void* arg);

/* Harmless when it was told, or its scope was left. Any task or hook of the run. */
STRUCTIO_API int structio_scope_watch_remove(structio_scope_watch* watch);

/* Deadlines can be changed at any time and take effect at once; a deadline that has passed cancels,
 * and that stays. Reading gives STRUCTIO_FOREVER when there is none. A relative deadline of a scope
 * that is not entered yet has no moment: reading the moment is then STRUCTIO_EMISUSE, and the other
 * way round for the time left of an absolute one. Errors: STRUCTIO_EINVALID (negative timeout),
 * STRUCTIO_EMISUSE, STRUCTIO_ENOMEM. Any task or hook of the run; reading is a question. */
STRUCTIO_API int structio_scope_set_deadline(structio_scope* scope, int64_t moment);
STRUCTIO_API int structio_scope_set_timeout(structio_scope* scope, int64_t duration);
STRUCTIO_API int structio_scope_deadline(const structio_scope* scope, int64_t* moment);
STRUCTIO_API int structio_scope_timeout(const structio_scope* scope, int64_t* duration);

/* A shield can be raised and lowered at any time and takes effect at once. Setting: any task or
 * hook of the run; when no task is inside, any thread, as long as nobody else uses the scope.
 * Reading it (1 or 0) is a question. */
STRUCTIO_API int structio_scope_set_shield(structio_scope* scope, int shield);
STRUCTIO_API int structio_scope_shield(const structio_scope* scope);

/* 1 when the scope was cancelled, by a call or by its own deadline (which is looked at, unless it
 * was left before; in its run only), else 0. Cancellation from outside does not count. A question.
 */
STRUCTIO_API int structio_scope_cancel_called(structio_scope* scope);

/* 1 when the scope absorbed a cancellation at its end, else 0. A question. */
STRUCTIO_API int structio_scope_cancelled_caught(const structio_scope* scope);

/* One line about the scope ("active, deadline in 2.5s, cancelled"), always terminated when size >
 * 0. Returns the length that the whole line has. A question. */
STRUCTIO_API int structio_scope_describe(structio_scope* scope, char* text, size_t size);

/* Runs fn(arg) inside a scope with a relative deadline: returns what fn returned, or 0 when the
 * deadline cut it, with *timed_out (may be NULL) set to 1. Checkpoint if fn is. Cancelled from
 * outside: what fn has done. Errors: those of fn, STRUCTIO_EINVALID (negative), STRUCTIO_EMISUSE
 * (a scope that was left open lay in memory that this call has now; fn has left one open, which is
 * closed), STRUCTIO_ENOTASK (also in a step: fn might wait), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_move_on_after(int64_t duration, structio_task_fn fn, void* arg,
                                        int* timed_out);

/* The same, but a deadline that cut it is STRUCTIO_ETOOSLOW. Checkpoint if fn is. */
STRUCTIO_API int structio_fail_after(int64_t duration, structio_task_fn fn, void* arg);

/* --- what a task sees of the scopes around it ------------------------------------------------- */

/* Who or what has cancelled. */
enum structio_cancel_source {
  STRUCTIO_SOURCE_NONE = 0,
  STRUCTIO_SOURCE_EXPLICIT = 1,  /* somebody called cancel */
  STRUCTIO_SOURCE_DEADLINE = 2,  /* a deadline passed */
  STRUCTIO_SOURCE_NURSERY = 3,   /* the body of a nursery or a sibling failed */
  STRUCTIO_SOURCE_INTERRUPT = 4, /* Ctrl-C */
  STRUCTIO_SOURCE_STOP = 5,      /* a stop: its grace is over, or the scope ends on stop */
  STRUCTIO_SOURCE_SHUTDOWN = 6,  /* the main task has ended, or the run failed */
  STRUCTIO_SOURCE_MISNESTING = 7 /* a scope around was closed in the wrong order */
};

typedef struct structio_cancel_info {
  size_t struct_size;
  uint32_t source; /* enum structio_cancel_source */
  uint32_t reserved;
  const char* reason;    /* NULL when none was given */
  const char* task_name; /* of the task that caused it, NULL when none did */
  structio_task_id task; /* the same as an id, 0 when none did */
} structio_cancel_info;

/* Why the calling task is cancelled: 1 and `info` filled in, or 0 when it is not. The texts are
 * valid until the cancelled scope is left. */
STRUCTIO_API int structio_cancel_reason(structio_cancel_info* info);

/* "cancelled due to deadline", "cancelled due to explicit: hello (from task 'main')": the same as
 * one line. Returns the length that the whole line has; 0 when the task is not cancelled. */
STRUCTIO_API int structio_cancel_describe(char* text, size_t size);

/* 1 when a stop was asked for around the calling task, else 0. */
STRUCTIO_API int structio_stop_requested(void);

/* The earliest deadline that the calling task is under: STRUCTIO_FOREVER for none, INT64_MIN when
 * it is cancelled already. */
STRUCTIO_API int64_t structio_current_deadline(void);

/* --- cancel tokens ---------------------------------------------------------------------------- */

/* A handle by which whatever thread, or a signal handler, cancels one scope, as long as the scope
 * lives; afterwards it does nothing. Before entry or after. Any task or hook of the scope's run.
 * Errors: STRUCTIO_EMISUSE (the scope was left), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_cancel_token_new(structio_scope* scope, structio_cancel_token** out);

/* Any thread, and signal handlers; errno stays as it is. Takes effect soon. Errors:
 * STRUCTIO_ESTALE, STRUCTIO_ERUNFINISHED (so too in a forked child). */
STRUCTIO_API int structio_cancel_token_cancel(structio_cancel_token* token);

/* Any thread, but not while another one is in a call with this handle; not signal handlers. NULL
 * is allowed. Errors: STRUCTIO_ESTALE (freed before). */
STRUCTIO_API int structio_cancel_token_free(structio_cancel_token* token);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_SCOPE_H */
