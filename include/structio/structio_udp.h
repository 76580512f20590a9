/* Datagram sockets: UDP and Unix. Part of structio.h. */
#ifndef STRUCTIO_UDP_H
#define STRUCTIO_UDP_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_datagram structio_datagram;

/* A parsed address of any kind; opaque. All zero: none. */
typedef struct structio_address {
  uint64_t storage[16];
  uint32_t size;
  uint32_t reserved;
} structio_address;

/* Parses a numeric IPv4 or IPv6 address (a zone after % is allowed). Any thread. Errors:
 * STRUCTIO_EINVALID (it is none). */
STRUCTIO_API int structio_address_parse(const char* host, uint16_t port, structio_address* out);

/* The address of a Unix socket: a path, or "@name" for Linux's abstract ones. Any thread. Errors:
 * UV_ENAMETOOLONG, UV_ENOTSUP (abstract, elsewhere), UV_EINVAL (empty). */
STRUCTIO_API int structio_address_from_path(const char* path, structio_address* out);

/* Writes host and port; of a Unix address the path (empty: the socket has no name) and port 0.
 * Always terminated when size > 0; 109 bytes hold any. `host` and `port` may be NULL. Any thread.
 */
STRUCTIO_API int structio_address_format(const structio_address* address, char* host, size_t size,
                                         uint16_t* port);

typedef struct structio_udp_options {
  size_t struct_size;
  const char* host; /* numeric, to bind to; NULL: every IPv4 address */
  uint16_t port;    /* 0: the system chooses */
  uint8_t reuse_address;
  uint8_t reuse_port;
  uint8_t ipv6_only; /* not 0: an IPv6 socket refuses IPv4 */
  uint8_t broadcast; /* not 0: may send to broadcast addresses */
} structio_udp_options;

/* A UDP socket, bound. Errors: UV_EADDRINUSE, UV_EADDRNOTAVAIL, UV_EACCES, UV_EMFILE,
 * STRUCTIO_EINVALID (host is no address), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_udp_open(const structio_udp_options* options, structio_datagram** out);

/* A UDP socket that sends to this peer and receives from it only; `options` say what it is bound
 * to before (NULL: the system chooses). Does not wait. Errors: as above, UV_ENETUNREACH. */
STRUCTIO_API int structio_udp_connect(const char* host, uint16_t port,
                                      const structio_udp_options* options, structio_datagram** out);

typedef struct structio_unix_datagram_options {
  size_t struct_size;
  const char* path; /* to bind to, "@name": abstract; NULL: no name. Closing removes the file */
  const char* peer; /* to connect to; NULL: nobody */
} structio_unix_datagram_options;

/* A Unix datagram socket. Errors: UV_EADDRINUSE (the path exists), UV_ENOENT, UV_ECONNREFUSED,
 * UV_EACCES, UV_EMFILE, those of structio_address_from_path, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_unix_datagram_open(const structio_unix_datagram_options* options,
                                             structio_datagram** out);

/* Sends one datagram, to the peer of a connected socket or to an address. Waits while the system's
 * buffer is full. Checkpoint. Cancelled: nothing was sent. One sending task at a time. Errors:
 * STRUCTIO_ECANCELLED, STRUCTIO_EBUSY, STRUCTIO_ECLOSED, STRUCTIO_ESTALE, UV_EMSGSIZE,
 * UV_EDESTADDRREQ, UV_ECONNREFUSED (an earlier one was refused: nothing was sent), the system's. */
STRUCTIO_API int structio_datagram_send(structio_datagram* socket, const void* data, size_t size);
STRUCTIO_API int structio_datagram_send_to(structio_datagram* socket, const void* data, size_t size,
                                           const structio_address* to);

/* Waits for a datagram and returns how much of it is in `data` (0 for an empty one). What does not
 * fit is lost: `truncated` is then not 0. `from` and `truncated` may be NULL. Checkpoint.
 * Cancelled: none was taken. One receiving task at a time. Errors: as for sending;
 * UV_ECONNREFUSED: nobody listens at the peer of a connected socket. */
STRUCTIO_API int64_t structio_datagram_receive(structio_datagram* socket, void* data, size_t size,
                                               structio_address* from, uint32_t* truncated);

/* One datagram of a batch. Receiving fills in `received`, `truncated` and, unless it is NULL,
 * `*address`; sending goes to `*address`, or to the peer when that is NULL. */
typedef struct structio_packet {
  void* data;
  size_t size;
  size_t received;
  structio_address* address;
  uint32_t truncated;
  uint32_t reserved;
} structio_packet;

/* Waits for the first datagram and takes the others that are there, up to `count` and to 32;
 * returns how many. Otherwise as structio_datagram_receive. Checkpoint. */
STRUCTIO_API int64_t structio_datagram_receive_many(structio_datagram* socket,
                                                    structio_packet* packets, size_t count);

/* Sends what can be sent without waiting, up to 32, but one at least; returns how many: go on with
 * the rest. An error is that of the first. Otherwise as structio_datagram_send. Checkpoint. */
STRUCTIO_API int64_t structio_datagram_send_many(structio_datagram* socket,
                                                 const structio_packet* packets, size_t count);

/* Closes: whoever waits here gets STRUCTIO_ECLOSED; later calls too. Idempotent. The handle stays
 * valid until freed. Never waits; not a checkpoint. */
STRUCTIO_API int structio_datagram_close(structio_datagram* socket);

/* Closes and frees the handle; NULL is allowed. Any task or hook, or any thread after the run. */
STRUCTIO_API int structio_datagram_free(structio_datagram* socket);

/* Addresses of both ends. Errors: STRUCTIO_ECLOSED, UV_ENOTCONN. */
STRUCTIO_API int structio_datagram_local_address(structio_datagram* socket, structio_address* out);
STRUCTIO_API int structio_datagram_peer_address(structio_datagram* socket, structio_address* out);

/* The descriptor, for structio_socket.h. Do not read, write or close it. Errors: STRUCTIO_ECLOSED.
 */
STRUCTIO_API int structio_datagram_descriptor(structio_datagram* socket, int64_t* descriptor);

/* Multicast. The interface is a name ("eth0") or NULL for the system's choice. Errors:
 * STRUCTIO_ECLOSED, the system's; UV_ENODEV: no such interface. */
STRUCTIO_API int structio_datagram_join(structio_datagram* socket, const structio_address* group,
                                        const char* interface_name);
STRUCTIO_API int structio_datagram_leave(structio_datagram* socket, const structio_address* group,
                                         const char* interface_name);

/* Whether what is sent to a group also comes back to this machine (as it does by default), how far
 * it goes (TTL, hop limit), by which interface. Errors: as above. */
STRUCTIO_API int structio_datagram_multicast_loop(structio_datagram* socket, int on);
STRUCTIO_API int structio_datagram_multicast_hops(structio_datagram* socket, int hops);
STRUCTIO_API int structio_datagram_multicast_interface(structio_datagram* socket,
                                                       const char* interface_name);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_UDP_H */
