/* Reading in units: so many bytes, up to a delimiter, a line, a frame with its length in front;
 * over any stream. Part of structio.h. What is read ahead of what was asked for stays in a buffer,
 * so that the stream itself should be received from through it only.
 *
 * Always true: a call that fails, or is cancelled, has consumed nothing: what has come stays in the
 * buffer, and the next call finds it. What is pointed to by `data` is valid until the next call on
 * the same buffer. One task at a time: a second one is told STRUCTIO_EBUSY. */
#ifndef STRUCTIO_BUFFERED_H
#define STRUCTIO_BUFFERED_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_buffered structio_buffered;

typedef struct structio_buffered_options {
  size_t struct_size;
  size_t limit;         /* of bytes before a delimiter; 0: 65536 */
  uint32_t owns_stream; /* not 0: freeing the buffer frees the stream */
  uint32_t reserved;
} structio_buffered_options;

/* Makes a buffer over a stream, which has to stay as long as the buffer reads, unless it is owned.
 * Errors: STRUCTIO_ESTALE, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_buffered_new(structio_stream* stream,
                                       const structio_buffered_options* options,
                                       structio_buffered** out);

/* Frees the buffer and what was read ahead; a call under way on it ends with STRUCTIO_ECLOSED. NULL
 * is allowed. Any task or hook, or any thread after
 * the run. */
STRUCTIO_API int structio_buffered_free(structio_buffered* buffered);

/* Each of these is a checkpoint and returns 1 when it has what it was asked for, 0 at the end of
 * the stream with nothing before it, or a code: STRUCTIO_ECANCELLED, STRUCTIO_EINCOMPLETE (the
 * stream ended in the middle; what there is can still be received), STRUCTIO_ELIMIT,
 * STRUCTIO_ENOMEM, STRUCTIO_ECLOSED (also once the stream was taken out), those of receiving. */

/* Exactly `size` bytes, which are copied to `buffer`. Checkpoint. */
STRUCTIO_API int structio_buffered_receive_exactly(structio_buffered* buffered, void* buffer,
                                                   size_t size);

/* The same without a copy. Checkpoint. */
STRUCTIO_API int structio_buffered_take_exactly(structio_buffered* buffered, size_t size,
                                                const void** data);

/* What comes before a delimiter (at least 1 byte long), which is consumed as well and not part of
 * it. STRUCTIO_ELIMIT: there is none within the limit. Checkpoint. */
STRUCTIO_API int structio_buffered_receive_until(structio_buffered* buffered, const void* delimiter,
                                                 size_t delimiter_size, const void** data,
                                                 size_t* size);

/* A line without its end, which is LF or CR LF; the last one may have none. Checkpoint. */
STRUCTIO_API int structio_buffered_receive_line(structio_buffered* buffered, const void** data,
                                                size_t* size);

/* How a frame's length is written in front of it. */
typedef struct structio_frame_options {
  size_t struct_size;
  uint32_t length_size;   /* 1, 2, 4 or 8 bytes; 0: 4 */
  uint32_t little_endian; /* 0: the most significant byte comes first */
  size_t limit;           /* of a frame's own bytes; 0: 16 MiB */
} structio_frame_options;

/* A frame. STRUCTIO_ELIMIT: it says to be longer than the limit. Checkpoint. */
STRUCTIO_API int structio_buffered_receive_frame(structio_buffered* buffered,
                                                 const structio_frame_options* options,
                                                 const void** data, size_t* size);

/* Waits until `size` bytes are there, and consumes none: *got tells how many there are, fewer than
 * `size` only at the end. Checkpoint. */
STRUCTIO_API int structio_buffered_peek(structio_buffered* buffered, size_t size, const void** data,
                                        size_t* got);

/* As structio_stream_receive_some: what was read ahead comes first. Checkpoint. */
STRUCTIO_API int64_t structio_buffered_receive_some(structio_buffered* buffered, void* buffer,
                                                    size_t size);

/* Puts bytes in front of what is there. Errors: STRUCTIO_EBUSY, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_buffered_unread(structio_buffered* buffered, const void* data,
                                          size_t size);

/* How many bytes were read ahead. Errors: STRUCTIO_ESTALE. */
STRUCTIO_API int64_t structio_buffered_available(structio_buffered* buffered);

/* Takes the stream out: it is the caller's, and the buffer has only what was read ahead, which
 * receive_some still hands out. Errors: STRUCTIO_EBUSY, STRUCTIO_ECLOSED (taken out before, or
 * freed). */
STRUCTIO_API int structio_buffered_detach(structio_buffered* buffered, structio_stream** out);

/* Sends a frame: its length, and its bytes. Checkpoint. As structio_stream_send_vectored; and
 * STRUCTIO_ELIMIT (longer than the limit, or than its length can tell). */
STRUCTIO_API int structio_stream_send_frame(structio_stream* stream,
                                            const structio_frame_options* options, const void* data,
                                            size_t size);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_BUFFERED_H */
