/* Pipes, terminals, and any other descriptor that moves bytes, as streams. Part of structio.h. */
#ifndef STRUCTIO_PIPE_H
#define STRUCTIO_PIPE_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A pipe of the system: what is sent on `writing` is received from `reading`. Each goes one way.
 * Errors: UV_EMFILE, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_pipe_open(structio_stream** reading, structio_stream** writing);

/* Makes a descriptor a stream: the end of a pipe or FIFO, a connected socket, a terminal, a device.
 * What it can do follows from what it is: a descriptor that is only read from cannot be sent on,
 * and sockets alone can end one direction. On success the stream owns the descriptor, which it
 * makes non-blocking; closing makes it blocking again, if it was, and then closes it (0, 1 and 2
 * stay open). The controlling end of a pseudo terminal ends when nobody has the other one open; on
 * Linux all that was sent there is received first. The other way round that does not hold: when the
 * controlling end is closed, the system drops what has not been read behind it.
 * Others who share the open file, such as the shell's other programs at a terminal, see it
 * non-blocking meanwhile; terminals are opened once more where that is possible, so that they do
 * not. On failure it is as it was, and yours. Errors: UV_EBADF, UV_EPERM (files, and what else
 * never has to be waited for: read and write those as files), STRUCTIO_EINVALID (negative),
 * UV_EINVAL (a socket that is not connected or moves datagrams), UV_EEXIST (it is a stream of this
 * run already), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_stream_from_descriptor(int64_t descriptor, structio_stream** out);

/* The size of a terminal in characters. Either may be NULL. Errors: STRUCTIO_EMISUSE (no terminal),
 * STRUCTIO_ECLOSED. */
STRUCTIO_API int structio_terminal_size(structio_stream* stream, int32_t* columns, int32_t* rows);

/* Raw mode (not 0): every key at once, none with a meaning of its own, no echo. 0: as it was.
 * Closing the stream goes back as well. Errors: as above. */
STRUCTIO_API int structio_terminal_set_raw(structio_stream* stream, int on);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_PIPE_H */
