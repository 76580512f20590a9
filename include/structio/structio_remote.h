/* Channels between runs, and from plain threads into a run. Part of structio.h. */
#ifndef STRUCTIO_REMOTE_H
#define STRUCTIO_REMOTE_H

#include "structio_base.h"
#include "structio_channel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A sender of a channel for everybody who is not in the channel's run. */
typedef struct structio_remote_sender structio_remote_sender;

/* Makes one, an end of its own, from a sender of the calling run. As long as it exists the run
 * takes into account that something may be sent. Any task or hook of that run. Errors:
 * STRUCTIO_ECLOSED (that sender is closed), STRUCTIO_EMISUSE (another run's), STRUCTIO_ESTALE,
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_remote_sender_new(structio_sender* tx, structio_remote_sender** out);

/* Sends one item, as structio_sender_send does, and waits until it is in the buffer or a receiver
 * has it: a plain thread blocks, a task (of another run or of the channel's own) waits. Items of
 * one thread or task arrive in order. On any failure the item is still the sender's, untouched. In
 * a task it is a checkpoint; one that is cancelled on the way is asked back, and the call ends with
 * whichever came first. The item's functions run on the thread of the channel's run. Any thread,
 * several at once; no hooks. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED, STRUCTIO_EBROKEN
 * (no receiver is left), STRUCTIO_ERUNFINISHED (that run is ending, has ended, or is the parent's
 * of a forked child), STRUCTIO_ENOMEM, STRUCTIO_ESTALE. */
STRUCTIO_API int structio_remote_sender_send(structio_remote_sender* remote, void* item);

/* Closes this end, soon, and frees the handle; NULL is allowed. Any thread, but not while another
 * one is in a call with this handle. Errors: STRUCTIO_ESTALE (freed before). */
STRUCTIO_API int structio_remote_sender_free(structio_remote_sender* remote);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_REMOTE_H */
