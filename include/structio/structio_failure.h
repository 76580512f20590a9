/* Failures: why a task failed. A status code, a value of the program's own (an exception of C++, of
 * Python, an error of Rust), "cancelled" with its reason, or a group of failures. Part of
 * structio.h.
 *
 * A failure is counted by references, and may be handed to other threads. What others have a
 * reference to never changes: what is added on the way out, the task's name and "while" lines, then
 * goes to a copy, with a handle of its own, of which payload, message and members are the same.
 * Texts and members that a function returns are borrowed: valid as long as the failure. */
#ifndef STRUCTIO_FAILURE_H
#define STRUCTIO_FAILURE_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum structio_failure_kind {
  STRUCTIO_FAILURE_STATUS = 1,
  STRUCTIO_FAILURE_PAYLOAD = 2,
  STRUCTIO_FAILURE_CANCELLED = 3,
  STRUCTIO_FAILURE_GROUP = 4
};

/* What kind of value a payload is. One constant object a language binding; outlives every payload.
 */
typedef struct structio_payload_type {
  size_t struct_size;
  const char* name; /* such as "c++ exception" */
  const void*
      runtime; /* tells apart two copies of the same binding that cannot read each other's */
  structio_drop_fn drop;
  /* Writes a one-line description, terminated when size > 0. May be NULL. Must not throw. */
  void (*describe)(const void* value, char* text, size_t size);
} structio_payload_type;

/* A status with a message (copied; NULL: the code's own text). Errors: STRUCTIO_EINVALID (code >=
 * 0), STRUCTIO_ENOMEM. Any thread. */
STRUCTIO_API int structio_failure_new_status(int code, const char* message, structio_failure** out);

/* A failure that owns `value` and drops it with `type->drop`. On error the value is still yours.
 * Errors: STRUCTIO_ENOMEM. Any thread. */
STRUCTIO_API int structio_failure_new_payload(const structio_payload_type* type, void* value,
                                              structio_failure** out);

/* A group. References to the members move into it (on error they are still yours). Errors:
 * STRUCTIO_ENOMEM. Any thread. */
STRUCTIO_API int structio_failure_new_group(structio_failure* const* members, size_t count,
                                            structio_failure** out);

/* The calling task's cancellation as a failure, with its reason. Errors: STRUCTIO_EMISUSE (it is
 * not cancelled), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_failure_new_cancelled(structio_failure** out);

/* One more reference, which is yours to free; returns the same failure, or NULL when it is not one.
 * Any thread. */
STRUCTIO_API structio_failure* structio_failure_retain(structio_failure* failure);

/* Gives one reference back; NULL is allowed. Any thread. */
STRUCTIO_API int structio_failure_free(structio_failure* failure);

/* 1 when both are the same failure, whatever was added to either on its way out, else 0. Any
 * thread.
 */
STRUCTIO_API int structio_failure_same(const structio_failure* one, const structio_failure* other);

/* Kind (enum structio_failure_kind), code, and text of one failure. The code of a payload is
 * STRUCTIO_EPAYLOAD, of a group STRUCTIO_EGROUP, of a cancellation STRUCTIO_ECANCELLED. The message
 * is never NULL. Any thread. */
STRUCTIO_API int structio_failure_get_kind(const structio_failure* failure);
STRUCTIO_API int structio_failure_code(const structio_failure* failure);
STRUCTIO_API const char* structio_failure_message(const structio_failure* failure);

/* Name of the task that failed; NULL when it did not come from a task. Any thread. */
STRUCTIO_API const char* structio_failure_task_name(const structio_failure* failure);

/* The payload's value and type, or NULL. Any thread. */
STRUCTIO_API void* structio_failure_payload(const structio_failure* failure,
                                            const structio_payload_type** type);

/* Source (enum structio_cancel_source) of a cancellation, 0 for other kinds; the name of the task
 * that caused it and its reason may be NULL. Any thread. */
STRUCTIO_API int structio_failure_cancel_source(const structio_failure* failure,
                                                const char** reason, const char** task_name);

/* Members of a group; 0 and NULL for other kinds. Any thread. */
STRUCTIO_API size_t structio_failure_count(const structio_failure* failure);
STRUCTIO_API structio_failure* structio_failure_member(const structio_failure* failure,
                                                       size_t index);

/* Adds "while doing X" on the way out (copied); the line added last is the outermost. `*failure` is
 * a reference of yours: when others have one as well it is given back, and `*failure` becomes yours
 * to a copy with the line. Errors: STRUCTIO_ENOMEM (nothing has changed). Any thread. */
STRUCTIO_API int structio_failure_add_while(structio_failure** failure, const char* doing);

/* How many such lines it has, and one of them, the innermost first; NULL: there are not so many.
 * Any thread. */
STRUCTIO_API size_t structio_failure_while_count(const structio_failure* failure);
STRUCTIO_API const char* structio_failure_while(const structio_failure* failure, size_t index);

/* Takes a failure apart: what `match` answers 1 for goes to *matched, all else to *rest, groups
 * keep their nesting, empty groups vanish. The reference to `failure` is consumed; either result
 * may be NULL. `match` sees leaves only, and must not block. Errors: STRUCTIO_ENOMEM (then nothing
 * was consumed). Any thread. */
typedef int (*structio_failure_match_fn)(const structio_failure* leaf, void* arg);
STRUCTIO_API int structio_failure_split(structio_failure* failure, structio_failure_match_fn match,
                                        void* arg, structio_failure** matched,
                                        structio_failure** rest);

/* The whole tree as text, one failure a line, with its "while" lines. Returns the length that the
 * whole text has; always terminated when size > 0. Any thread. */
STRUCTIO_API int64_t structio_failure_describe(const structio_failure* failure, char* text,
                                               size_t size);

/* --- failing with more than a code ------------------------------------------------------------ */

/* Puts `failure` in flight in the calling task, or on a worker thread in its job, and returns its
 * code, which the caller then returns in his turn: `return structio_failure_raise(f);`. The task's
 * end, a nursery's or a scope's end to which that code is given takes it along. The reference moves
 * to the task; one that was in flight before and was not taken along is dropped. Any thread; where
 * nothing can be in flight the reference is dropped. */
STRUCTIO_API int structio_failure_raise(structio_failure* failure);

/* Takes what is in flight out of the calling task or job (handled, or to be looked at); the
 * reference is yours. NULL when nothing is, and outside of tasks and jobs. */
STRUCTIO_API structio_failure* structio_failure_take(void);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_FAILURE_H */
