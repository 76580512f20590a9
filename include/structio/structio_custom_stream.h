/* Streams of one's own: whatever moves bytes, as a structio_stream. Part of structio.h. */
#ifndef STRUCTIO_CUSTOM_STREAM_H
#define STRUCTIO_CUSTOM_STREAM_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the stream does. Each function runs in the task that called, may wait, and is called only
 * when nobody else receives (or sends) and the stream is open. NULL: the stream cannot do it.
 * Closing the stream cancels the function that waits, whose STRUCTIO_ECANCELLED then becomes the
 * caller's STRUCTIO_ECLOSED. */
typedef struct structio_stream_table {
  size_t struct_size;
  /* size > 0. As structio_stream_receive_some. */
  int64_t (*receive_some)(void* arg, void* buffer, size_t size);
  /* As structio_stream_send_all; size may be 0. */
  int (*send_all)(void* arg, const void* data, size_t size);
  /* NULL where there is send_all: sending never has to be waited for. */
  int (*wait_send)(void* arg);
  /* Ends our direction; called until it succeeds. */
  int (*send_eof)(void* arg);
  /* Called once, by structio_stream_close: a last word to the other end, say. It is cancelled if
   * its caller is, and the stream is closed whatever it returns. */
  int (*close)(void* arg);
  /* Called once, at the very end, maybe outside of tasks: must not wait. */
  void (*destroy)(void* arg);
} structio_stream_table;

/* Makes a stream, which owns `arg` from then on. On failure it is still the caller's. Errors:
 * STRUCTIO_EINVALID (neither receives nor sends), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_stream_new(const structio_stream_table* table, void* arg,
                                     structio_stream** out);

/* A stream made of two: sends on one, receives from the other, and owns both. Closing closes both,
 * also when the first close fails; ending the sending ends the sending half, or closes it where it
 * cannot be ended alone. On failure both are still the caller's. Errors: STRUCTIO_ESTALE,
 * STRUCTIO_EINVALID (both are the same), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_stream_staple(structio_stream* sends, structio_stream* receives,
                                        structio_stream** out);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_CUSTOM_STREAM_H */
