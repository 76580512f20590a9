/* Unix sockets: listening, connecting, and sending descriptors to other processes. Part of
 * structio.h. Connections are streams (structio_stream.h) that can end one direction alone;
 * listeners are accepted from, served, closed and freed as in structio_net.h.
 *
 * A path that begins with '@' is a name in Linux's abstract space: no file stands for it, and it
 * goes with the socket ("./@name" is a file). Paths are at most 103 bytes long. Where the system
 * has no Unix sockets: STRUCTIO_EUNSUPPORTED or UV_ENOTSUP. */
#ifndef STRUCTIO_UNIX_H
#define STRUCTIO_UNIX_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_unix_listen_options {
  size_t struct_size;
  const char* path;
  int32_t backlog;      /* 0: the system's maximum */
  uint32_t permissions; /* of the file, such as 0600; 0: as the process's mask has it */
  /* not 0: when the file is a socket at which nobody listens any more, it is replaced; a file of
   * another kind, or one with a listener, never is */
  uint32_t replace_stale;
  uint32_t reserved;
} structio_unix_listen_options;

/* Listens. Nobody can connect before the file has its permissions. Closing the listener removes the
 * file, if it still is the one that was made. Errors: UV_EADDRINUSE (the file is there), UV_EACCES,
 * UV_ENOENT (of the folder), UV_ENAMETOOLONG, UV_EMFILE, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_unix_listen(const structio_unix_listen_options* options,
                                      structio_listener** out);

/* Connects. Where the listener's queue is full it tries again after 1 ms and longer pauses, up to
 * 50 ms: put it under a deadline. Checkpoint. Cancelled: nothing has happened. Errors:
 * STRUCTIO_ECANCELLED, UV_ENOENT, UV_ECONNREFUSED (nobody listens), UV_EACCES, UV_ENAMETOOLONG,
 * UV_EMFILE, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_unix_connect(const char* path, structio_stream** out);

/* Two streams that are connected to each other. Errors: UV_EMFILE, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_unix_pair(structio_stream** one, structio_stream** other);

typedef struct structio_unix_credentials {
  size_t struct_size;
  int64_t process; /* -1: the system does not tell */
  uint32_t user;
  uint32_t group;
} structio_unix_credentials;

/* Who is at the other end, as the system knew it when the connection was made. Errors:
 * STRUCTIO_EMISUSE (no Unix socket), STRUCTIO_ECLOSED, UV_ENOTSUP. */
STRUCTIO_API int structio_unix_peer(structio_stream* stream, structio_unix_credentials* out);

/* Sends `size` bytes (at least 1) and with the first of them copies of `count` descriptors (at most
 * 253), which stay yours: they may be closed once this has returned. Sends all, as
 * structio_stream_send_all. Checkpoint. Cancelled: a prefix may have been sent, and with its first
 * byte the descriptors. Counts as sending. Errors: as for sending, and STRUCTIO_EINVALID (size is
 * 0; too many), STRUCTIO_EMISUSE (no Unix socket), UV_EBADF (one is no descriptor: nothing was
 * sent). */
STRUCTIO_API int structio_unix_send_descriptors(structio_stream* stream, const void* data,
                                                size_t size, const int64_t* descriptors,
                                                size_t count);

/* Where descriptors are received. */
typedef struct structio_descriptors {
  size_t struct_size;
  int64_t* array;
  size_t capacity;
  size_t count;  /* out: so many came; they are yours, and closed on exec */
  uint32_t lost; /* out, not 0: more came, which did not fit or for which the process had no
                  * descriptors left; they have been closed */
  uint32_t reserved;
} structio_descriptors;

/* Receives as structio_stream_receive_some does, and descriptors that came with the bytes. (The
 * latter would close them unseen.) Descriptors end what one call receives: those of two sends never
 * come at once. Checkpoint. Cancelled: nothing was taken. Counts as receiving. Errors: as for
 * receiving, and STRUCTIO_EMISUSE (no Unix socket). */
STRUCTIO_API int64_t structio_unix_receive_descriptors(structio_stream* stream, void* buffer,
                                                       size_t size, structio_descriptors* out);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_UNIX_H */
