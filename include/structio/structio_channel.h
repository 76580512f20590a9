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
 * The functions must not let an exception escape. They run within calls on the channel or the
 * broadcast, in a task or a hook, for whoever makes that call; `destroy` also within the call that
 * closes or frees the last receiver, on whatever thread that is after the run. What may block
 * returns STRUCTIO_ENOTASK; what does not wait may be called (unlocking a mutex that the calling
 * task owns, releasing a token of its own). `move` and `copy` must not use the channel or the
 * broadcast itself, nor must `destroy` use the broadcast; but handles of it may be freed: those of
 * a broadcast are closed when the outer call is about to return. */
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
 * A channel belongs to the run it was made in; other runs get STRUCTIO_EMISUSE, threads that are in
 * no run STRUCTIO_ENOTASK (use a portal or structio_remote_sender). When the run has ended only
 * freeing is left: other calls return STRUCTIO_ECLOSED inside another run, STRUCTIO_ENOTASK outside
 * of any. */

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
  int64_t waiting_senders;   /* waits: a select with two such cases counts twice */
  int64_t waiting_receivers; /* waits */
  int64_t peak_buffer_used;  /* the most that were in the buffer at once */
} structio_channel_statistics;

/* The state of the channel; the same from either end, closed or not. Any task or hook. */
STRUCTIO_API int structio_sender_get_statistics(const structio_sender* tx,
                                                structio_channel_statistics* out);
STRUCTIO_API int structio_receiver_get_statistics(const structio_receiver* rx,
                                                  structio_channel_statistics* out);

/* --- broadcasts ---------------------------------------------------------------------------------
 *
 * Every item goes to every subscription that existed when it was sent, in the order of sending.
 * Items wait in one ring of `capacity`; each subscription gets a copy, the last one the item
 * itself. What happens when a subscription is behind by the capacity is the broadcast's policy. As
 * with channels, a broadcast belongs to its run. */

/* What a send does to a subscription that is behind by the capacity. */
enum structio_lag {
  STRUCTIO_LAG_WAIT = 0,        /* sending waits for the slowest subscription */
  STRUCTIO_LAG_DROP_OLDEST = 1, /* it misses the oldest item, and is told how many it has missed */
  STRUCTIO_LAG_DISCONNECT = 2   /* it gets nothing any more but STRUCTIO_EBROKEN */
};

/* Makes a broadcast without subscriptions. `capacity`: at least 1, or STRUCTIO_UNLIMITED; `lag`:
 * one of the above. Any task or hook. Errors: STRUCTIO_EINVALID (also: a type with `move` or
 * `destroy` but without `copy`), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_broadcast_new(const structio_item_type* type, int64_t capacity,
                                        uint32_t lag, structio_broadcast** out);

/* Sends one item to all, which moves it out of the caller's memory; without any subscription it is
 * destroyed. Checkpoint; waits only by STRUCTIO_LAG_WAIT. Cancelled: not sent. Errors:
 * STRUCTIO_ECANCELLED, STRUCTIO_ECLOSED, STRUCTIO_ENOMEM, STRUCTIO_EMISUSE (another run's; called
 * by a function of the item), STRUCTIO_ESTALE. */
STRUCTIO_API int structio_broadcast_send(structio_broadcast* broadcast, void* item);

/* The same without waiting. Any task or hook. Errors: STRUCTIO_EWOULDBLOCK as well. */
STRUCTIO_API int structio_broadcast_try_send(structio_broadcast* broadcast, void* item);

/* A subscription to all that is sent from now on; as many as you like. It outlives the broadcast's
 * handle. Any task or hook. Errors: STRUCTIO_ECLOSED, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_broadcast_subscribe(structio_broadcast* broadcast,
                                              structio_subscription** out);

/* Nothing more is sent: who waits to send gets STRUCTIO_ECLOSED, subscriptions get what there is
 * and then STRUCTIO_EEND. Idempotent; never waits. Any task or hook. */
STRUCTIO_API int structio_broadcast_close(structio_broadcast* broadcast);

/* Closes and frees the handle; NULL is allowed. Threads: as structio_sender_free. */
STRUCTIO_API int structio_broadcast_free(structio_broadcast* broadcast);

/* Receives the next item into raw memory; waits for one. `missed`, if not NULL, becomes how many
 * items were dropped just before this one. Checkpoint. Cancelled: nothing was received. One task at
 * a time. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBUSY, STRUCTIO_ECLOSED (this subscription),
 * STRUCTIO_EEND (the broadcast is closed, and all is received), STRUCTIO_EBROKEN (it was too slow
 * and has been disconnected), STRUCTIO_EMISUSE, STRUCTIO_ESTALE; what the item's copy function
 * returned (the item is still to be received). */
STRUCTIO_API int structio_subscription_receive(structio_subscription* subscription, void* slot,
                                               uint64_t* missed);

/* The same without waiting. Any task or hook. Errors: STRUCTIO_EWOULDBLOCK as well. */
STRUCTIO_API int structio_subscription_try_receive(structio_subscription* subscription, void* slot,
                                                   uint64_t* missed);

/* Closes: a task that waits here gets STRUCTIO_ECLOSED; later calls too. Idempotent; never waits.
 * Any task or hook. */
STRUCTIO_API int structio_subscription_close(structio_subscription* subscription);

/* Closes and frees the handle; NULL is allowed. Threads: as structio_sender_free. */
STRUCTIO_API int structio_subscription_free(structio_subscription* subscription);

typedef struct structio_broadcast_statistics {
  size_t struct_size;
  int64_t buffer_used;       /* items that somebody has yet to receive */
  int64_t capacity;          /* as it was made */
  int64_t subscriptions;     /* neither closed nor disconnected */
  int64_t waiting_senders;   /* tasks */
  int64_t waiting_receivers; /* tasks */
  int64_t peak_buffer_used;  /* the most that were in the buffer at once */
  int64_t dropped;           /* items that some subscription has missed */
  int64_t disconnected;      /* subscriptions */
} structio_broadcast_statistics;

/* The state of the broadcast, closed or not. Any task or hook. */
STRUCTIO_API int structio_broadcast_get_statistics(const structio_broadcast* broadcast,
                                                   structio_broadcast_statistics* out);

typedef struct structio_subscription_statistics {
  size_t struct_size;
  int64_t behind; /* items that it has yet to receive */
  int64_t missed; /* items that were dropped before it received them, in all */
} structio_subscription_statistics;

/* The state of the subscription. Any task or hook. */
STRUCTIO_API int structio_subscription_get_statistics(const structio_subscription* subscription,
                                                      structio_subscription_statistics* out);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_CHANNEL_H */
