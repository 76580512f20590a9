/* Options of sockets, by descriptor: structio_stream_descriptor, structio_listener_descriptor,
 * structio_datagram_descriptor, or one of your own. Part of structio.h. None of these waits. All of
 * them: any thread. Errors: the system's (UV_EBADF, UV_ENOTSOCK, UV_ENOPROTOOPT, UV_EINVAL). */
#ifndef STRUCTIO_SOCKET_H
#define STRUCTIO_SOCKET_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Any option, by the system's numbers (SOL_SOCKET, SO_...). `*size`: the room in bytes, and then
 * how much was filled in. */
STRUCTIO_API int structio_socket_get_option(int64_t descriptor, int level, int name, void* value,
                                            size_t* size);
STRUCTIO_API int structio_socket_set_option(int64_t descriptor, int level, int name,
                                            const void* value, size_t size);

/* Whether a connection on which nothing happens is probed: after `idle`, every `interval`, and
 * given up after `count` probes without an answer. 0 for one of these: the system's default. Times
 * in nanoseconds, rounded up to seconds. */
STRUCTIO_API int structio_socket_set_keepalive(int64_t descriptor, int on, int64_t idle,
                                               int64_t interval, int count);

/* The system's buffers in bytes. It may round what is set (Linux doubles it). */
STRUCTIO_API int structio_socket_set_send_buffer(int64_t descriptor, int size);
STRUCTIO_API int structio_socket_set_receive_buffer(int64_t descriptor, int size);
STRUCTIO_API int structio_socket_send_buffer(int64_t descriptor, int* size);
STRUCTIO_API int structio_socket_receive_buffer(int64_t descriptor, int* size);

/* What closing does with data that was not sent: negative: the default, the system sends it on; 0:
 * it is thrown away and the peer sees a reset. (More than 0 would block; it is refused.) */
STRUCTIO_API int structio_socket_set_linger(int64_t descriptor, int64_t time);

/* TTL (IPv4) or hop limit (IPv6) of what is sent to single receivers. */
STRUCTIO_API int structio_socket_set_hops(int64_t descriptor, int hops);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_SOCKET_H */
