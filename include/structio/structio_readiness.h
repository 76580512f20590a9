/* Waiting for descriptors of your own, or of a library of somebody else's. Part of structio.h. */
#ifndef STRUCTIO_READINESS_H
#define STRUCTIO_READINESS_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Waits until reading from, or writing to, a descriptor would not block; an error or a hang-up of
 * the descriptor counts as both. One task at a time may wait for each direction. The descriptor is
 * left as it is: make it non-blocking, since what is ready may be taken by somebody else before
 * you. What is never not ready, such as a file on disk, is ready at once. Checkpoint. Cancelled:
 * nothing has happened to the descriptor.
 *
 * Say structio_notify_closing before you close a descriptor that may be waited for. A wait for one
 * that was closed without a word may go on; it can be cancelled, and ends with STRUCTIO_ECLOSED
 * when somebody waits for the number anew.
 *
 * Errors: STRUCTIO_ECANCELLED, STRUCTIO_EINTERRUPTED, STRUCTIO_EBUSY (another task waits for the
 * same direction), STRUCTIO_ECLOSED (closed meanwhile), STRUCTIO_ENOMEM, STRUCTIO_EUNSUPPORTED, the
 * system's (EBADF: not an open descriptor; EMFILE: none left for the run to wait with). */
STRUCTIO_API int structio_wait_readable(int descriptor);
STRUCTIO_API int structio_wait_writable(int descriptor);

/* Says that a descriptor is about to be closed: whoever waits for it in this run gets
 * STRUCTIO_ECLOSED; other runs have to be told by themselves. Close it before the next checkpoint.
 * A number for which nobody waits is fine. Any task or hook. Errors: EBADF (negative). */
STRUCTIO_API int structio_notify_closing(int descriptor);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_READINESS_H */
