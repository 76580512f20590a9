/* Streams for tests: in memory, taken and fed by hand or in pairs, and in lockstep, without any
 * buffer. Each is a structio_stream like any other. To be included by itself; may still change
 * between releases.
 *
 * Setting hooks, putting, pumping and try_get_data never wait. */
#ifndef STRUCTIO_TESTING_STREAM_H
#define STRUCTIO_TESTING_STREAM_H

#include "structio_base.h"
#include "structio_stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Functions that a memory stream calls; each may be NULL. All but on_close run in the task that
 * called, and may block; a negative answer is what that call returns. Every call that is allowed in
 * a task is allowed in them; the hooks may be replaced, and the stream closed or freed, while one
 * of them runs. */
typedef struct structio_memory_stream_hooks {
  size_t struct_size;
  structio_task_fn after_send;      /* what was sent can be taken already */
  structio_task_fn might_not_block; /* in structio_stream_wait_send_might_not_block */
  structio_task_fn before_receive;
  /* At every structio_stream_close, and when it is freed without one; not for what a run closes
   * when it ends. Must not block; the answer is ignored. Closing the stream in it does not call it
   * again.
   */
  structio_task_fn on_close;
  void* arg;
  /* Called once with arg, when the hooks have been replaced or the stream was freed and none of
   * them runs any more; must not block. */
  structio_drop_fn drop;
} structio_memory_stream_hooks;

/* A stream that is sent on: what is sent can be taken by structio_memory_stream_get_data. Errors:
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_memory_send_stream_new(structio_stream** out);

/* A stream that is received from: what is received is put in by hand. Errors: STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_memory_receive_stream_new(structio_stream** out);

/* Sets all hooks anew; NULL: none. When it fails, `drop` is not called. Errors: STRUCTIO_EMISUSE
 * (no memory stream), STRUCTIO_EINVALID (struct_size), STRUCTIO_ENOMEM. Any task or hook. */
STRUCTIO_API int structio_memory_stream_set_hooks(structio_stream* stream,
                                                  const structio_memory_stream_hooks* hooks);

/* Waits until something was sent and takes at most `size`; 0 when the sending has ended and nothing
 * is left. Checkpoint. One task at a time. Errors: STRUCTIO_ECANCELLED (nothing was taken),
 * STRUCTIO_EBUSY, STRUCTIO_EINVALID (size is 0), STRUCTIO_EMISUSE (the stream only receives). */
STRUCTIO_API int64_t structio_memory_stream_get_data(structio_stream* stream, void* buffer,
                                                     size_t size);

/* The same without waiting. Errors: STRUCTIO_EWOULDBLOCK (nothing there yet), STRUCTIO_EINVALID,
 * STRUCTIO_EMISUSE. Any task or hook. */
STRUCTIO_API int64_t structio_memory_stream_try_get_data(structio_stream* stream, void* buffer,
                                                         size_t size);

/* Makes bytes, or the end, arrive; a second end is ignored. Errors: STRUCTIO_ECLOSED (closed; for
 * bytes also: the end was put before), STRUCTIO_ENOMEM (bytes; none was put), STRUCTIO_EMISUSE (it
 * only sends). Any task or hook. */
STRUCTIO_API int structio_memory_stream_put_data(structio_stream* stream, const void* data,
                                                 size_t size);
STRUCTIO_API int structio_memory_stream_put_eof(structio_stream* stream);

/* Moves at most `most` bytes of what was sent on `from` to what is received on `to`, and the end
 * behind the last of them. 1 when there was anything to move, 0 when not. Errors:
 * STRUCTIO_EBROKEN (`to` is closed, or its end was put by hand: the bytes stay where they are),
 * STRUCTIO_ENOMEM (likewise), STRUCTIO_EMISUSE (`to` only sends). Any task or hook. */
STRUCTIO_API int structio_memory_stream_pump(structio_stream* from, structio_stream* to,
                                             size_t most);

/* Connects and disconnects: as long as `on`, each send and the end on `from` are pumped to the
 * other end of its pair by themselves; what was sent while it was off arrives when it is switched
 * on. Errors: STRUCTIO_EMISUSE (not of a pair, or closed), STRUCTIO_ENOMEM. Any task or hook. */
STRUCTIO_API int structio_memory_stream_set_pumping(structio_stream* from, int on);

/* Connected streams of unlimited room: `send` to `receive`, or both ways (then each end can end its
 * direction alone). Errors: STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_memory_stream_one_way_pair(structio_stream** send,
                                                     structio_stream** receive);
STRUCTIO_API int structio_memory_stream_pair(structio_stream** a, structio_stream** b);

/* Connected streams without any room: a send ends when all of it was received. Errors:
 * STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_lockstep_stream_one_way_pair(structio_stream** send,
                                                       structio_stream** receive);
STRUCTIO_API int structio_lockstep_stream_pair(structio_stream** a, structio_stream** b);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_TESTING_STREAM_H */
