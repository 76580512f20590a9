/* TCP: connecting, listeners, serving; and what each function does when it is cancelled, as data.
 * Part of structio.h. What a connection can do as a byte stream stands in structio_stream.h. */
#ifndef STRUCTIO_NET_H
#define STRUCTIO_NET_H

#include "structio_base.h"
#include "structio_stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- listeners ----------------------------------------------------------------------------------
 */

typedef struct structio_tcp_listen_options {
  size_t struct_size;
  const char* host;   /* a numeric IPv4 or IPv6 address; NULL: every IPv4 address */
  uint16_t port;      /* 0: the system chooses; see structio_listener_address */
  uint8_t reuse_port; /* not 0: several listeners may share the port */
  uint8_t ipv6_only;  /* not 0: an IPv6 listener refuses IPv4 */
  int32_t backlog;    /* 0: the system's maximum */
} structio_tcp_listen_options;

/* Listens. Errors: UV_EADDRINUSE, UV_EADDRNOTAVAIL, UV_EACCES, UV_EMFILE, STRUCTIO_EINVALID (host
 * is no address), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_tcp_listen(const structio_tcp_listen_options* options,
                                     structio_listener** out);

/* Listens on every address of a host, each with a listener of its own; host may be a name
 * (structio_resolve.h), NULL: every address of this machine, IPv4 and IPv6. IPv6 listeners refuse
 * IPv4, which has its own. Port 0: the system chooses one that all of them get. Families that the
 * system is without are passed over. Fills in at most `capacity` listeners; *count tells how many.
 * Checkpoint, since names are looked up. Cancelled: nothing has happened. On failure none is left.
 * Errors: STRUCTIO_ECANCELLED, as for structio_tcp_listen and structio_resolve; STRUCTIO_ELIMIT
 * (more addresses than capacity). */
STRUCTIO_API int structio_tcp_listen_all(const structio_tcp_listen_options* options,
                                         structio_listener** listeners, size_t capacity,
                                         size_t* count);

/* Waits for a connection. Checkpoint. Cancelled: no connection was taken. One task at a time.
 * Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBUSY, STRUCTIO_ECLOSED, STRUCTIO_ESTALE; UV_EMFILE,
 * UV_ENFILE, UV_ENOBUFS, UV_ENOMEM (the connection stays in the system's queue: free descriptors
 * and call again). */
STRUCTIO_API int structio_listener_accept(structio_listener* listener, structio_stream** out);

/* Address it listens on, as text (always terminated when size > 0; 46 bytes hold any) and port.
 * Both may be NULL. Errors: STRUCTIO_ECLOSED. */
STRUCTIO_API int structio_listener_address(structio_listener* listener, char* host, size_t size,
                                           uint16_t* port);

/* The descriptor (a SOCKET on Windows), for its options. Do not accept from it or close it. Errors:
 * STRUCTIO_ECLOSED. */
STRUCTIO_API int structio_listener_descriptor(structio_listener* listener, int64_t* descriptor);

/* Closes: whoever waits here gets STRUCTIO_ECLOSED; later calls too. Idempotent. The handle stays
 * valid until freed. Checkpoint that also closes when cancelled. Errors: STRUCTIO_ECANCELLED (it is
 * closed all the same). */
STRUCTIO_API int structio_listener_close(structio_listener* listener);

/* Closes at once and frees the handle; NULL is allowed. Any task or hook, or any thread after the
 * run. */
STRUCTIO_API int structio_listener_free(structio_listener* listener);

/* --- connections -------------------------------------------------------------------------------
 */

typedef struct structio_tcp_connect_options {
  size_t struct_size;
  const char* host; /* a name or a numeric IPv4 or IPv6 address; NULL: 127.0.0.1 */
  uint16_t port;
  /* how long an attempt at one address of a name is waited for before the next begins beside it, in
   * ns; 0: 250 ms; STRUCTIO_FOREVER: until it has failed */
  int64_t attempt_delay;
  const char* local_host; /* a numeric address to connect from; NULL: the system chooses */
} structio_tcp_connect_options;

/* Connects; Nagle's algorithm is off. A name that has several addresses is tried by Happy Eyeballs
 * (RFC 8305, with one look-up for both families): attempts begin one after the other, the second of
 * them in the second address family, each a delay after the one before or as soon as that has
 * failed; the first to succeed wins, the others are cancelled and closed. When all have failed, the
 * code is that of the first failure and the message names all of them, which are also the cause of
 * the failure in flight. Checkpoint. Cancelled: whatever was opened is closed again. Errors:
 * STRUCTIO_ECANCELLED, UV_ECONNREFUSED, UV_ETIMEDOUT, UV_ENETUNREACH, UV_EADDRNOTAVAIL
 * (local_host), UV_EMFILE, as for structio_resolve, STRUCTIO_EINVALID (an empty host; local_host is
 * no address; a negative delay), STRUCTIO_ENOMEM.
 */
STRUCTIO_API int structio_tcp_connect(const structio_tcp_connect_options* options,
                                      structio_stream** out);

/* Addresses of both ends, as for structio_listener_address; the peer is known also when it has
 * gone. Errors: STRUCTIO_ECLOSED, STRUCTIO_EMISUSE (no TCP connection). */
STRUCTIO_API int structio_stream_local_address(structio_stream* stream, char* host, size_t size,
                                               uint16_t* port);
STRUCTIO_API int structio_stream_peer_address(structio_stream* stream, char* host, size_t size,
                                              uint16_t* port);

/* Nagle's algorithm off (not 0, the default here) or on. Errors: as above. */
STRUCTIO_API int structio_stream_set_nodelay(structio_stream* stream, int on);

/* The descriptor (a SOCKET on Windows), for options this library has no function for. Do not read,
 * write or close it. Errors: STRUCTIO_ECLOSED, STRUCTIO_EMISUSE (a stream without one). */
STRUCTIO_API int structio_stream_descriptor(structio_stream* stream, int64_t* descriptor);

/* Serving. */

/* Serves one connection. The stream is closed and freed when it returns. A negative result fails
 * the nursery of the handlers, and so the server. */
typedef int (*structio_serve_fn)(structio_stream* stream, void* arg);

/* Told of a handler's failure: the peer as HOST:PORT, the status, and the failure, which is valid
 * during the call. 0: the server goes on; negative: it fails with that failure. In the handler's
 * task; it may wait. */
typedef int (*structio_serve_error_fn)(const char* peer, int status, structio_failure* why,
                                       void* arg);

typedef struct structio_serve_options {
  size_t struct_size;
  uint32_t handler_owns_stream; /* not 0: the handler frees the stream, now or later */
  uint32_t log_errors;          /* not 0: a handler's failure is logged, and ends nothing else */
  structio_nursery* handler_nursery; /* NULL: one of its own, whose end is awaited */
  uint64_t max_connections;          /* so many handlers at a time, others wait in the system's
                                      * queue; 0: no limit */
  structio_serve_error_fn on_error;  /* decides about failures of handlers; NULL: see log_errors */
  void* on_error_arg;
} structio_serve_options;

/* Accepts for ever, each connection a task "serve: PEER". When descriptors or memory run out it
 * pauses for 100 ms and goes on; nothing is lost. Its accept loop ends on stop, and it then returns
 * 0 as soon as its handlers have ended; so a stop drains a server. Checkpoint. Errors:
 * STRUCTIO_ECANCELLED, STRUCTIO_EGROUP (handlers failed), STRUCTIO_ECLOSED (the listener). */
STRUCTIO_API int structio_serve(structio_listener* listener, structio_serve_fn handler, void* arg,
                                const structio_serve_options* options);

/* The same for several listeners at once, which share the limit. The failure of one ends them all.
 * Checkpoint. Errors: as structio_serve. */
STRUCTIO_API int structio_serve_all(structio_listener* const* listeners, size_t count,
                                    structio_serve_fn handler, void* arg,
                                    const structio_serve_options* options);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_NET_H */
