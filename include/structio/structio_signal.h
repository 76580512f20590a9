/* Receiving signals of the process in a task. Part of structio.h. To stop a server on a signal see
 * structio_scope_stop_on_signal. */
#ifndef STRUCTIO_SIGNAL_H
#define STRUCTIO_SIGNAL_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_signal_receiver structio_signal_receiver;

/* From now on the signals of this set (one at least; twice the same counts once) are received here
 * instead of doing what they did. Several receivers may be open for the same signal, in several
 * runs too: each gets it. Errors: UV_EINVAL (cannot be received; none of the set is then watched),
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_signal_open(const int* signals, size_t count,
                                      structio_signal_receiver** out);

/* Waits for the next signal. One that comes several times before it is received is received once;
 * when several are there, each has its turn. Checkpoint. Cancelled: none was taken. One task at a
 * time. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBUSY, STRUCTIO_ECLOSED, STRUCTIO_ESTALE. */
STRUCTIO_API int structio_signal_receive(structio_signal_receiver* receiver, int* signum);

/* Closes: whoever waits here gets STRUCTIO_ECLOSED; later calls too. When this was the last
 * receiver of a signal, what the process did about it before is in force again, and a signal that
 * has come and was not received is delivered to that, which may end the process. Idempotent. The
 * end of the run closes as well. */
STRUCTIO_API int structio_signal_close(structio_signal_receiver* receiver);

/* Closes and frees the handle; NULL is allowed. Any task or hook, or any thread after the run. */
STRUCTIO_API int structio_signal_free(structio_signal_receiver* receiver);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_SIGNAL_H */
