/* Tasks of languages whose coroutines have no stack (Python's `async def`, Rust's Future), or whose
 * interpreter must not have its frames moved between stacks; and the functions that can wait, as
 * data, so that a binding can be made from it. Part of structio.h.
 *
 *     static int step(void *state, structio_call *call) {
 *       struct greeter *g = state;
 *       if (g->line++ == 0) {                             first: sleep for a second
 *         call->op = op_sleep;                            its index, from structio_op_find
 *         call->arguments[0] = (uint64_t)STRUCTIO_SECONDS(1);
 *         return STRUCTIO_STEP_CALL;
 *       }
 *       return STRUCTIO_STEP_DONE;                        ends with what the call returned
 *     }
 *     structio_steps steps = { sizeof steps, step, &greeter };
 *     structio_nursery_start_soon(&nursery, structio_drive, &steps); */
#ifndef STRUCTIO_STEPS_H
#define STRUCTIO_STEPS_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- the functions that can wait, as data ----------------------------------------------------- */

/* What a function has done when it returns STRUCTIO_ECANCELLED. */
enum structio_effect {
  STRUCTIO_EFFECT_NONE = 0,    /* not a cancel point */
  STRUCTIO_EFFECT_NOTHING = 1, /* cancelled: nothing has happened */
  STRUCTIO_EFFECT_PREFIX = 2,  /* cancelled: a part may have happened */
  STRUCTIO_EFFECT_CLOSED = 3,  /* cancelled: the object is closed */
  STRUCTIO_EFFECT_BODY = 4     /* what the function that it calls has done */
};

typedef struct structio_op_info {
  size_t struct_size;
  const char* name;    /* of the function */
  uint32_t checkpoint; /* 1: it is one */
  uint32_t effect;     /* enum structio_effect */
  uint32_t index;      /* for structio_call.op; may differ between versions of the library */
  uint32_t arguments;  /* how many it takes */
  /* Its result and its arguments, a letter each: "i(pqQ)". i int, w uint16_t, u uint32_t,
   * q int64_t, Q uint64_t, p pointer, d double; size_t is the one of its width. */
  const char* signature;
} structio_op_info;

/* Fills in the entry with this index: 0, or STRUCTIO_EABSENT behind the last. Any thread. */
STRUCTIO_API int structio_op_at(size_t index, structio_op_info* info);

/* Fills in the entry of a function: 0, or STRUCTIO_EABSENT: it never waits, or there is no such
 * function. Any thread. */
STRUCTIO_API int structio_op_find(const char* name, structio_op_info* info);

/* --- tasks by steps --------------------------------------------------------------------------- */

#define STRUCTIO_CALL_ARGUMENTS 8

/* A function of the binding's own that may wait: runs on the task's stack, as any task's code. */
typedef int64_t (*structio_call_fn)(const uint64_t* arguments);

/* What a step asks for, and is told. */
typedef struct structio_call {
  size_t struct_size; /* filled in by the library */
  int64_t result;     /* in: what the last call returned, 0 at the first step */
  uint32_t op;        /* out: which function of the table above shall be called ... */
  uint32_t reserved;
  structio_call_fn fn; /* out: ... unless this is not NULL: then this one is. NULL before a step */
  /* Out: its arguments in order. Integers by value (negative ones sign-extended), pointers as
   * integers, doubles by their bits. What they point to must live until the next step. */
  uint64_t arguments[STRUCTIO_CALL_ARGUMENTS];
} structio_call;

/* What a step answers. Anything else ends the task with STRUCTIO_EINVALID. */
enum structio_step {
  /* The task ends with call->result, as if its function had returned it: at most INT_MAX. */
  STRUCTIO_STEP_DONE = 0,
  STRUCTIO_STEP_CALL = 1 /* make the call, then step again with its result */
};

/* Takes the task one step further. Runs in the task (its scopes, its locals, its failure in
 * flight: structio_failure_take, structio_failure_raise), but on the thread's own stack, where no
 * other task's frames are, and never while the task waits. So whatever never waits may be called:
 * nurseries and scopes opened, scopes left (but for those that a nursery stands open in), tasks
 * started, events set. What may wait is refused with STRUCTIO_ENOTASK: answer STRUCTIO_STEP_CALL
 * instead. No exception of any language may escape. */
typedef int (*structio_step_fn)(void* state, structio_call* call);

typedef struct structio_steps {
  size_t struct_size;
  structio_step_fn step;
  void* state;
} structio_steps;

/* A task's body (a structio_task_fn) whose argument is a structio_steps*, copied when the task
 * begins (its state must live until the last step): for structio_run, structio_nursery_start_soon,
 * structio_portal_call and whatever else takes a task's function. Steps until one answers
 * STRUCTIO_STEP_DONE, and returns its result. Every step is made, cancelled or not: the coroutine
 * itself finds out, and ends. The stack needs room for what the library does only: see stack_size
 * of structio_task_options; 64 KiB do. Errors: STRUCTIO_EINVALID (NULL; an answer that is none),
 * STRUCTIO_ENOTASK (also in a step: there is nothing to suspend). A call of no function of the
 * table has the result STRUCTIO_EINVALID. */
STRUCTIO_API int structio_drive(void* steps);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_STEPS_H */
