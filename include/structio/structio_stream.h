/* Byte streams: what every stream can do, whatever moves its bytes (TCP; in tests memory). Part of
 * structio_net.h and so of structio.h.
 *
 * Always true: one task at a time receives, and one at a time sends, waits to send or ends the
 * sending; the second is told STRUCTIO_EBUSY. Closed here is STRUCTIO_ECLOSED; the other end gone
 * is STRUCTIO_EBROKEN for who sends, and the end of the stream for who receives, or
 * STRUCTIO_EBROKEN where bytes may have been lost. */
#ifndef STRUCTIO_STREAM_H
#define STRUCTIO_STREAM_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Waits until at least one byte is there and takes at most `size`, which must not be 0 (SIZE_MAX:
 * whatever is there, so the buffer has to hold whatever there may be). Returns how many, 0 at the
 * end of the stream. Checkpoint. Cancelled: nothing was taken. One receiving task at a time.
 * Errors: STRUCTIO_ECANCELLED, STRUCTIO_EINVALID (size is 0), STRUCTIO_EBUSY, STRUCTIO_ECLOSED,
 * STRUCTIO_ESTALE, STRUCTIO_EMISUSE (the stream only sends), STRUCTIO_EBROKEN (the connection was
 * reset; the message has the system's code). */
STRUCTIO_API int64_t structio_stream_receive_some(structio_stream* stream, void* buffer,
                                                  size_t size);

/* Sends everything. Checkpoint. Cancelled: a prefix may have been sent; the stream is then good for
 * nothing but closing, unless the peer can tell. One sending task at a time.
 * Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBUSY, STRUCTIO_ECLOSED (also after
 * structio_stream_send_eof), STRUCTIO_ESTALE, STRUCTIO_EMISUSE (the stream only receives),
 * STRUCTIO_EBROKEN, STRUCTIO_ENOMEM (streams in memory: nothing was sent). */
STRUCTIO_API int structio_stream_send_all(structio_stream* stream, const void* data, size_t size);

typedef struct structio_piece {
  const void* data;
  size_t size;
} structio_piece;

/* Sends several pieces as if they were one, where the system can with one call. Checkpoint.
 * Cancelled, errors: as structio_stream_send_all. */
STRUCTIO_API int structio_stream_send_vectored(structio_stream* stream,
                                               const structio_piece* pieces, size_t count);

/* Waits until structio_stream_send_all might not have to wait: a chance to decide late what to
 * send. It may return early, and it may return when the other end has gone. Checkpoint. Cancelled:
 * nothing has happened. Counts as sending. Errors: as for sending. */
STRUCTIO_API int structio_stream_wait_send_might_not_block(structio_stream* stream);

/* Ends our direction: the peer sees the end of the stream; receiving goes on. Idempotent.
 * Checkpoint; waits only behind what a send that was cancelled has left under way. Cancelled:
 * nothing has ended. Errors: as for sending, and STRUCTIO_EMISUSE where one direction cannot be
 * ended alone: streams that go one way, which are closed instead. */
STRUCTIO_API int structio_stream_send_eof(structio_stream* stream);

/* Closes: whoever waits here gets STRUCTIO_ECLOSED; later calls too. Idempotent. The handle stays
 * valid until freed. Checkpoint that also closes when cancelled. Errors: STRUCTIO_ECANCELLED (it is
 * closed all the same), STRUCTIO_ESTALE. */
STRUCTIO_API int structio_stream_close(structio_stream* stream);

/* Closes at once (no checkpoint) and frees the handle; NULL is allowed. Errors: STRUCTIO_ESTALE
 * (freed before), STRUCTIO_EMISUSE (it is of another run). Any task or hook, or any thread after
 * the run. */
STRUCTIO_API int structio_stream_free(structio_stream* stream);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_STREAM_H */
