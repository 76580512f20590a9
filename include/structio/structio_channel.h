/* Channels: items from senders to receivers; and broadcasts: every item to every subscriber. Part
 * of structio.h. */
#ifndef STRUCTIO_CHANNEL_H
#define STRUCTIO_CHANNEL_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Handles. */
typedef struct structio_sender structio_sender;
typedef struct structio_receiver structio_receiver;
typedef struct structio_broadcast structio_broadcast;
typedef struct structio_subscription structio_subscription;

/* A capacity without an end. */
#ifndef STRUCTIO_UNLIMITED
#define STRUCTIO_UNLIMITED INT64_MAX
#endif

/* --- items ------------------------------------------------------------------------------------ */

/* What goes through. An item is a value of `size` bytes that lies in the caller's memory, aligned
 * as malloc does. Sending moves it out of there: on success the memory is raw again, on any failure
 * the item is still the sender's, untouched. Receiving moves it into raw memory of the caller's,
 * who destroys it some day; on any failure that memory has not been touched.
 *
 * The functions must not block, use the channel itself, or let an exception escape. They run within
 * calls on the channel, in a task or a hook; `destroy` also within the call that closes or frees
 * the last receiver, on whatever thread that is after the run. */
typedef struct structio_item_type {
  size_t struct_size;
  size_t size;                             /* at least 1 */
  void (*move)(void* to, void* from);      /* relocates: `from` is as destroyed; NULL: memcpy */
  void (*destroy)(void* item);             /* NULL: nothing */
  int (*copy)(void* to, const void* from); /* broadcasts only: 0, or a negative code when it
                                            * cannot; NULL: memcpy */
} structio_item_type;

/* --- channels -----------------------------------------------------------------------------------
 *
 * First come, first served at both ends, through a buffer: what has been sent is received in that
 * order; who waits is served in the order of waiting; what was handed to a waiter is his, and no
 * call that does not wait can take it. With capacity 0 an item goes from hand to hand: a send ends
 * when a receiver has the item.
 *
 * A channel has any number of senders and receivers, each of them a handle, and each handle may be
 * used by several tasks at once. Closing one ends the waits at that very handle. When the last
 * sender is closed, receivers get what is buffered and then STRUCTIO_EEND; when the last receiver
 * is, senders get STRUCTIO_EBROKEN, and what is buffered is destroyed.
 *
 * A channel belongs to the run it was made in; other runs and threads get STRUCTIO_EMISUSE (use a
 * portal). When the run has ended each call returns STRUCTIO_ECLOSED and only freeing is left. */

/* Makes a channel with one handle at each end. `capacity` is 0, a number of items that may wait in
 * the buffer, or STRUCTIO_UNLIMITED; memory is taken as items come, not before. Any task or hook.
 * Errors: STRUCTIO_EINVALID (negative capacity, size 0), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_channel_new(const structio_item_type* type, int64_t capacity,
                                      structio_sender** tx, structio_receiver** rx);

/* Sends one item: to the receiver that has waited longest, else into the buffer; waits while that
 * is full. Checkpoint. Cancelled: not sent. Errors: STRUCTIO_ECANCELLED, STRUCTIO_ECLOSED (this
 * sender is closed, or was while waiting), STRUCTIO_EBROKEN (no receiver is left), STRUCTIO_ENOMEM
 * (the buffer cannot grow), STRUCTIO_EMISUSE (another run's; called by the item's move function),
 * STRUCTIO_ESTALE. */
STRUCTIO_API int structio_sender_send(structio_sender* tx, void* item);

/* The same without waiting. Any task or hook. Errors: STRUCTIO_EWOULDBLOCK as well. */
STRUCTIO_API int structio_sender_try_send(structio_sender* tx, void* item);

/* Receives one item into raw memory: the first of the buffer, else that of the sender who has
 * waited longest; waits for one. Checkpoint. Cancelled: nothing was received. Errors:
 * STRUCTIO_ECANCELLED, STRUCTIO_ECLOSED (this receiver is closed, or was while waiting),
 * STRUCTIO_EEND (no sender is left, and all is received), STRUCTIO_EMISUSE, STRUCTIO_ESTALE. */
STRUCTIO_API int structio_receiver_receive(structio_receiver* rx, void* slot);

/* The same without waiting. Any task or hook. Errors: STRUCTIO_EWOULDBLOCK as well. */
STRUCTIO_API int structio_receiver_try_receive(structio_receiver* rx, void* slot);

/* Receives as many items as there are, those of waiting senders included, at most `capacity`, into
 * raw memory, one behind the other; waits for the first. What is sent between the first item and
 * the moment at which this task runs belongs to the same batch. Returns how many. Checkpoint.
 * Cancelled: nothing was received. Errors: as for one item; STRUCTIO_EINVALID (capacity 0). */
STRUCTIO_API int64_t structio_receiver_receive_batch(structio_receiver* rx, void* slots,
                                                     size_t capacity);

/* The same without waiting. Any task or hook. Errors: STRUCTIO_EWOULDBLOCK as well. */
STRUCTIO_API int64_t structio_receiver_try_receive_batch(structio_receiver* rx, void* slots,
                                                         size_t capacity);

/* One more handle of the same kind to the same channel. Any task or hook. Errors: STRUCTIO_ECLOSED
 * (this one is closed), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_sender_clone(structio_sender* tx, structio_sender** out);
STRUCTIO_API int structio_receiver_clone(structio_receiver* rx, structio_receiver** out);

/* Closes: whoever waits at this handle gets STRUCTIO_ECLOSED; later calls too. Idempotent. The
 * handle stays valid until freed. Never waits; not a checkpoint. Any task or hook. Errors:
 * STRUCTIO_EMISUSE (another run's; called by the item's move function). */
STRUCTIO_API int structio_sender_close(structio_sender* tx);
STRUCTIO_API int structio_receiver_close(structio_receiver* rx);

/* Closes and frees the handle; NULL is allowed. Any task or hook, or any thread after the run (but
 * one at a time for the handles of one channel). */
STRUCTIO_API int structio_sender_free(structio_sender* tx);
STRUCTIO_API int structio_receiver_free(structio_receiver* rx);

typedef struct structio_channel_statistics {
  size_t struct_size;
  int64_t buffer_used;       /* items in the buffer */
  int64_t capacity;          /* as it was made */
  int64_t open_senders;      /* handles that are not closed */
  int64_t open_receivers;    /* handles that are not closed */
  int64_t waiting_senders;   /* tasks */
  int64_t waiting_receivers; /* tasks */
  int64_t peak_buffer_used;  /* the most that were in the buffer at once */
} structio_channel_statistics;

/* The state of the channel; the same from either end, closed or not. Any task or hook. */
STRUCTIO_API int structio_sender_statistics(const structio_sender* tx,
                                            structio_channel_statistics* out);
STRUCTIO_API int structio_receiver_statistics(const structio_receiver* rx,
                                              structio_channel_statistics* out);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_CHANNEL_H */
