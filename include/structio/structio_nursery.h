/* Nurseries: the only place where tasks live. Part of structio.h.
 *
 * A nursery's block ends when its body and every child have ended. If the body or any child fails,
 * the nursery's scope is cancelled, all are awaited, and what failed is reported together, as a
 * group, even when it was only one. */
#ifndef STRUCTIO_NURSERY_H
#define STRUCTIO_NURSERY_H

#include "structio_base.h"
#include "structio_scope.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_task_options {
  size_t struct_size;
  const char* name;  /* copied; NULL: as the starter's, so that a dump tells who started it */
  size_t stack_size; /* bytes, guard included; 0: the run's default */
  /* For languages whose callables are values: when storage_size is not 0 that much memory, aligned
   * for any object, is set aside on the task's own stack, storage_init(storage, arg) moves the
   * callable there within the starting call (it must not block: what may returns STRUCTIO_ENOTASK),
   * and the task's function gets the storage in place of arg. The function destroys it. At most
   * half the stack. */
  size_t storage_size;
  void (*storage_init)(void* storage, void* arg);
} structio_task_options;

#define STRUCTIO_TASK_OPTIONS_INIT \
  { sizeof(structio_task_options), NULL, 0, 0, NULL }

/* Opens a nursery: the calling task is in its body until it closes it. Not a checkpoint. Errors:
 * STRUCTIO_EMISUSE (it is open), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_nursery_open(structio_nursery* nursery);

/* The same, with options for the nursery's own scope, as structio_scope_init takes them. */
STRUCTIO_API int structio_nursery_open_with(structio_nursery* nursery,
                                            const structio_scope_options* options);

/* Ends the body with its status (0 or more: fine; negative: it failed), waits for every child, and
 * reports: 0; STRUCTIO_ECANCELLED when nothing failed but an enclosing scope is cancelled;
 * STRUCTIO_EGROUP when the body or children failed. `failure` is in and out: what belongs to the
 * body's status goes in (or NULL), the group comes out and is the caller's. When the pointer itself
 * is NULL, both are the failure that the task has in flight. The wait cannot be cancelled; what it
 * waits for can. A schedule point (within the budget when there is nobody to
 * wait for), but no cancel point. Errors of its own:
 * STRUCTIO_EMISUSE (not open, another task's, something inside is still open; a call that stands
 * inside, and has called you, has not returned: then nothing was closed),
 * STRUCTIO_EINTERRUPTED inside the group (main task only). */
STRUCTIO_API int structio_nursery_close(structio_nursery* nursery, int status,
                                        structio_failure** failure);

/* The nursery's own scope: for cancel, stop, deadline, shield. It is entered and left with the
 * nursery. Valid as long as the storage. NULL when this is no nursery. A question. */
STRUCTIO_API structio_scope* structio_nursery_scope(structio_nursery* nursery);

/* Starts fn(arg) as a child. It does not run before the caller's next checkpoint; it inherits the
 * caller's task-locals and the nursery's scopes. Any task of the run may do so, until the nursery
 * has ended, even after its body has. Errors: STRUCTIO_ECLOSED (ended), STRUCTIO_ENOMEM. Any task
 * or hook. */
STRUCTIO_API int structio_nursery_start_soon(structio_nursery* nursery, structio_task_fn fn,
                                             void* arg);

/* The same with options. Errors: also STRUCTIO_EINVALID (sizes out of range). Any task or hook. */
STRUCTIO_API int structio_nursery_spawn(structio_nursery* nursery,
                                        const structio_task_options* options, structio_task_fn fn,
                                        void* arg);

/* Starts fn(arg) and waits until it calls structio_started(value), which ends up in *value (may be
 * NULL). Until then it runs in the caller's scopes and its failure is the caller's own: returned
 * bare (the failure in flight), not in a group. A schedule point; its
 * wait ends only with the child, to whom cancellation is left: a child that is ready without having
 * looked for it makes the call succeed.
 * Errors: STRUCTIO_ECLOSED, STRUCTIO_ENOMEM, STRUCTIO_EMISUSE (it ended without calling started),
 * STRUCTIO_ECANCELLED, the child's own code. */
STRUCTIO_API int structio_nursery_start(structio_nursery* nursery,
                                        const structio_task_options* options, structio_task_fn fn,
                                        void* arg, void** value);

/* Tells the starter that the calling task is ready, and moves the task to its nursery; what `value`
 * points to is for the two of them to agree on. Does nothing
 * in a task that was not begun by structio_nursery_start, or when the starter's scopes are
 * cancelled. Errors: STRUCTIO_EMISUSE (called before). */
STRUCTIO_API int structio_started(void* value);

/* Starts a child that is cancelled once the body and every ordinary child have ended. Errors: as
 * for structio_nursery_spawn. Any task or hook. */
STRUCTIO_API int structio_nursery_start_service(structio_nursery* nursery,
                                                const structio_task_options* options,
                                                structio_task_fn fn, void* arg);

/* --- task handles ----------------------------------------------------------------------------- */

/* Starts a child and gives a handle to it. The handle keeps no stack alive and does not let the
 * task outlive its nursery; a failure still is the nursery's as well. Errors: as for
 * structio_nursery_spawn. Any task or hook. */
STRUCTIO_API int structio_nursery_start_task(structio_nursery* nursery,
                                             const structio_task_options* options,
                                             structio_task_fn fn, void* arg,
                                             structio_task** handle);

/* Waits for the task and returns what its function returned (STRUCTIO_ECANCELLED when it was
 * cancelled by structio_task_cancel or otherwise). `failure` (may be NULL) receives a reference to
 * why it failed, or NULL. May be called by several tasks, and again. Checkpoint. Errors:
 * STRUCTIO_EMISUSE (a task waiting for itself), STRUCTIO_ESTALE. */
STRUCTIO_API int structio_task_join(structio_task* task, structio_failure** failure);

/* Cancels that task alone. Once it has ended: nothing happens. Any task or hook of the run. */
STRUCTIO_API int structio_task_cancel(structio_task* task, const char* reason);

/* 1 when it has ended, else 0. A question. */
STRUCTIO_API int structio_task_done(structio_task* task);

/* Its id. A question. */
STRUCTIO_API int structio_task_get_id(structio_task* task, structio_task_id* id);

/* Forgets the handle; the task goes on. Any thread once the run has ended, else a task or hook of
 * it. */
STRUCTIO_API int structio_task_free(structio_task* task);

/* --- system tasks ----------------------------------------------------------------------------- */

/* Starts a task that belongs to the run itself: outside of every nursery and scope, with the
 * task-locals that the run began with, cancelled when the main task has ended. If it fails the run
 * fails, with STRUCTIO_EINTERNAL. Errors: STRUCTIO_ECLOSED (the run is ending), STRUCTIO_ENOMEM.
 * Any task or hook. */
STRUCTIO_API int structio_start_system_task(const structio_task_options* options,
                                            structio_task_fn fn, void* arg);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_NURSERY_H */
