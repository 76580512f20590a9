/* Waiting for the first of several things. Part of structio.h. */
#ifndef STRUCTIO_SELECT_H
#define STRUCTIO_SELECT_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a case waits for. */
enum structio_select_kind {
  STRUCTIO_SELECT_NONE = 0,     /* nothing: a case that is switched off */
  STRUCTIO_SELECT_RECEIVE = 1,  /* from `object`, a structio_receiver, into `item`, raw memory */
  STRUCTIO_SELECT_SEND = 2,     /* `item` by `object`, a structio_sender */
  STRUCTIO_SELECT_EVENT = 3,    /* `object`, a structio_event, is set */
  STRUCTIO_SELECT_MOMENT = 4,   /* it is `moment` */
  STRUCTIO_SELECT_TIMEOUT = 5,  /* `moment` is a duration, from the call on */
  STRUCTIO_SELECT_READABLE = 6, /* as structio_wait_readable(descriptor) */
  STRUCTIO_SELECT_WRITABLE = 7,
  STRUCTIO_SELECT_END = 8 /* `object`, a structio_task, has ended; see structio_task_join */
};

/* One thing to wait for. Set all that is not named to zero; `opaque` need not be set. Each is used
 * by one call at a time, may be used again, and may be copied between calls. */
typedef struct structio_select_case {
  uint32_t kind;  /* enum structio_select_kind */
  int32_t status; /* out, of the case that was taken: 0, or how it failed */
  void* object;   /* NULL, where one is needed: the case is switched off */
  void* item;     /* NULL is refused, where one is needed */
  int64_t moment; /* STRUCTIO_FOREVER: the case is switched off */
  int32_t descriptor;
  uint32_t reserved;
  uint64_t opaque[24];
} structio_select_case;

#define STRUCTIO_SELECT_NOWAIT 1U   /* STRUCTIO_EWOULDBLOCK when nothing is ready */
#define STRUCTIO_SELECT_IN_ORDER 2U /* of several that are ready the first in the array */

typedef struct structio_select_options {
  size_t struct_size;
  uint32_t flags;
  uint32_t reserved;
} structio_select_options;

#define STRUCTIO_SELECT_OPTIONS_INIT \
  { sizeof(structio_select_options), 0, 0 }

/* Waits for the first of the cases, does that one, and returns its index; nothing has happened to
 * the others. When several are ready at once any of them is taken, each as likely as another (and
 * the same one again in a run with the same seed), unless STRUCTIO_SELECT_IN_ORDER says otherwise.
 *
 * A case that can only fail is done as well: the index is returned, its `status` is what the call
 * for that thing alone would have returned (STRUCTIO_EEND or STRUCTIO_ECLOSED of a channel, EBADF
 * of a descriptor), and structio_last_message explains it. Switch such a case off before the next
 * call, or it will be taken again. The end of a task is no failure, whatever the task returned.
 *
 * The same object may be in several cases, also both ends of one channel: a call does not send to
 * itself. But one direction of one descriptor has one waiter: STRUCTIO_EBUSY in its case. When no
 * case is left on, the call waits until it is cancelled. Nothing is allocated, no task is started;
 * the time it takes grows with the number of cases.
 *
 * Checkpoint, whatever is returned. Cancelled: nothing has been sent or received. Errors:
 * STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED, STRUCTIO_EWOULDBLOCK (STRUCTIO_SELECT_NOWAIT),
 * STRUCTIO_EINVALID (unknown kind or flag, negative timeout, storage that is no event),
 * STRUCTIO_ESTALE, STRUCTIO_EMISUSE (an object of another run; a task waiting for its own end),
 * STRUCTIO_ECLOSED (a channel whose run has ended), STRUCTIO_ENOMEM. */
STRUCTIO_API int64_t structio_select(structio_select_case* cases, size_t count,
                                     const structio_select_options* options);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_SELECT_H */
