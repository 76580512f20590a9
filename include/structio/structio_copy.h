/* Moving bytes from stream to stream. Part of structio.h. */
#ifndef STRUCTIO_COPY_H
#define STRUCTIO_COPY_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_copy_options {
  size_t struct_size;
  size_t buffer_size; /* for each direction; 0: 65536 */
  uint64_t limit;     /* bytes in each direction, then it ends; 0: none */
} structio_copy_options;

/* Sends on `to` what is received from `from`, until that ends or the limit is reached. *moved (may
 * be NULL) tells how many bytes, also when it fails. Checkpoint. Cancelled: a part has moved, and a
 * part of what was received last may have been lost. Errors: those of receiving and of sending,
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_stream_copy(structio_stream* from, structio_stream* to,
                                      const structio_copy_options* options, uint64_t* moved);

/* Copies both ways at once. Where one direction ends, that is passed on by ending the sending of
 * the other stream, where it can be ended alone; the other direction goes on. Returns when both
 * have ended. The streams are not closed. The failure of one direction cancels the other.
 * Checkpoint, cancelled, errors: as structio_stream_copy. */
STRUCTIO_API int structio_stream_proxy(structio_stream* a, structio_stream* b,
                                       const structio_copy_options* options, uint64_t* a_to_b,
                                       uint64_t* b_to_a);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_COPY_H */
