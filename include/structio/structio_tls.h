/* TLS (1.2 and 1.3, by OpenSSL 3) over any byte stream. Part of structio.h. A TLS stream is a
 * structio_stream: all calls of structio_stream.h work on it, but one direction cannot be ended
 * alone. In a build without OpenSSL every function here answers STRUCTIO_EUNSUPPORTED.
 *
 * A client verifies the server's certificate against the system's authorities and the name or
 * address that it was given, unless it is told otherwise in words that cannot be overlooked. The
 * peer's wish to negotiate anew is refused. */
#ifndef STRUCTIO_TLS_H
#define STRUCTIO_TLS_H

#include "structio_net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What connections have in common. Never changes; may be used by any thread and several runs. */
typedef struct structio_tls_context structio_tls_context;

/* What a server asks of its clients. */
enum structio_tls_client_certificates {
  STRUCTIO_TLS_CLIENT_CERTIFICATES_NONE = 0,
  STRUCTIO_TLS_CLIENT_CERTIFICATES_REQUEST = 1, /* one that is shown has to be good */
  STRUCTIO_TLS_CLIENT_CERTIFICATES_REQUIRE = 2
};

enum structio_tls_version {
  STRUCTIO_TLS_VERSION_DEFAULT = 0,
  STRUCTIO_TLS_VERSION_1_2 = 0x0303,
  STRUCTIO_TLS_VERSION_1_3 = 0x0304
};

/* Texts in PEM: from memory, or else from a file, which is read at once. The first certificate is
 * one's own, the others are those in between it and the authority. A key that is not given is
 * looked for behind the certificates. */
typedef struct structio_tls_context_options {
  size_t struct_size;
  uint32_t server; /* not 0: for the server's side */
  uint32_t client_certificates;
  uint32_t oldest_version; /* default: 1.2 */
  uint32_t newest_version;
  const void* trusted_pem; /* authorities beside the system's; of a server: for its clients */
  size_t trusted_pem_size;
  const char* trusted_file;
  const void* certificates_pem;
  size_t certificates_pem_size;
  const char* certificates_file;
  const void* key_pem;
  size_t key_pem_size;
  const char* key_file;
  const char* protocols;         /* of ALPN, the most wanted first: "h2,http/1.1"; NULL: none */
  uint32_t without_system_roots; /* not 0: trust only trusted_pem and trusted_file */
  uint32_t without_resumption;   /* not 0: every handshake is a whole one */
  uint32_t dangerously_skip_verification; /* not 0: ANYBODY may be at the other end */
  uint32_t reserved;
} structio_tls_context_options;

/* Makes a context. A server's needs a certificate for any handshake to succeed. Reads files without
 * giving way. Any thread. Errors: STRUCTIO_EINVALID (a text or file cannot be used: the message
 * says which and why), STRUCTIO_ENOMEM, STRUCTIO_EUNSUPPORTED. */
STRUCTIO_API int structio_tls_context_new(const structio_tls_context_options* options,
                                          structio_tls_context** out);

/* Ends the handle; streams go on using the context. NULL is allowed. Any thread. Errors:
 * STRUCTIO_ESTALE. */
STRUCTIO_API int structio_tls_context_free(structio_tls_context* context);

typedef struct structio_tls_stream_options {
  size_t struct_size;
  /* Of a client: the name or numeric address that the certificate has to be for (in its list of
   * alternative names: its subject is none), and the key under which sessions are kept. May be NULL
   * only where verification is skipped. */
  const char* server_name;
  /* not 0: as is common with HTTPS, closing sends no close message and none is expected. What an
   * attacker may have cut off then looks like an end. */
  uint32_t https_compatible;
  uint32_t reserved;
} structio_tls_stream_options;

/* Makes a TLS stream over `transport`, which is the stream's when this returns 0: closed and freed
 * with it. The handshake is performed by the first call that needs it, or explicitly. Closing sends
 * TLS's close message (performing the handshake first, if there was none) as long as nothing else
 * is being sent, and does not wait for the peer's; put it under a deadline where the peer may be
 * stuck, or free the stream, which sends nothing. A send that was cancelled breaks the sending, a
 * handshake that was cancelled the stream. The peer's end without a close message is
 * STRUCTIO_EBROKEN with a message that says "truncated". Errors: STRUCTIO_EMISUSE (the context is
 * of the other side; the transport goes one way), STRUCTIO_EBUSY (a task uses the transport),
 * STRUCTIO_ECLOSED, STRUCTIO_EINVALID (no server's name, or what cannot be one: longer than 255
 * characters, or with a dot before it), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_tls_client(structio_tls_context* context, structio_stream* transport,
                                     const structio_tls_stream_options* options,
                                     structio_stream** out);
STRUCTIO_API int structio_tls_server(structio_tls_context* context, structio_stream* transport,
                                     const structio_tls_stream_options* options,
                                     structio_stream** out);

/* Performs the handshake, or waits for the task that does; nothing when it is done. Checkpoint.
 * Cancelled: the task that performs it leaves the stream good for nothing but closing; one that
 * waits does not. Errors: STRUCTIO_ECANCELLED, STRUCTIO_EBROKEN (the message says why: a
 * certificate that was refused with OpenSSL's reason, an alert of the peer's), what the transport
 * failed with, STRUCTIO_ECLOSED, STRUCTIO_EMISUSE (no TLS stream). */
STRUCTIO_API int structio_tls_do_handshake(structio_stream* stream);

/* Another context, before the handshake has begun. Errors: STRUCTIO_EMISUSE (too late; it is of the
 * other side), STRUCTIO_ECLOSED, STRUCTIO_EINVALID (it verifies, and there is no server's name). */
STRUCTIO_API int structio_tls_set_context(structio_stream* stream, structio_tls_context* context);

/* The stream underneath: to be asked, not to be used or freed. Errors: STRUCTIO_ECLOSED (it was
 * taken back). */
STRUCTIO_API int structio_tls_transport(structio_stream* stream, structio_stream** out);

/* What was agreed on; texts that do not fit are cut. */
typedef struct structio_tls_info {
  size_t struct_size;
  char version[16]; /* "TLSv1.3" */
  char cipher[64];
  char protocol[256];    /* of ALPN; empty: none */
  char server_name[256]; /* that the client asked for; empty: none */
  uint32_t resumed;      /* not 0: a session of before was taken up again */
  uint32_t reserved;
} structio_tls_info;

/* Errors: STRUCTIO_EMISUSE (before the handshake), STRUCTIO_EBROKEN (it failed). Any task or hook.
 */
STRUCTIO_API int structio_tls_get_info(structio_stream* stream, structio_tls_info* out);

/* The peer's certificate as DER. Returns its size; where that is more than `size`, nothing was
 * written. Errors: STRUCTIO_EABSENT (it has shown none), and as above. */
STRUCTIO_API int64_t structio_tls_peer_certificate(structio_stream* stream, void* der, size_t size);

/* Its subject in one line ("CN = example.org"), cut to fit and always terminated. Returns its
 * length. Errors: as above. */
STRUCTIO_API int64_t structio_tls_peer_subject(structio_stream* stream, char* text, size_t size);

/* Ends TLS, not the transport: exchanges close messages, after which `*transport` is yours again
 * and the TLS stream is closed (free it). `*rest_size` of `size` bytes that came behind the peer's
 * end are written to `rest`, which may be NULL when size is 0. Receive to the end first, or let the
 * peer begin: data of the peer's that is on its way breaks the stream. Checkpoint. Counts as
 * sending and receiving. Cancelled: our close message may have been sent; may be called again if it
 * was not in the middle of that. Errors: STRUCTIO_ECANCELLED, STRUCTIO_ELIMIT (the rest needs
 * *rest_size bytes: call again), STRUCTIO_EBROKEN, STRUCTIO_EBUSY, STRUCTIO_ECLOSED,
 * STRUCTIO_EMISUSE. */
STRUCTIO_API int structio_tls_unwrap(structio_stream* stream, structio_stream** transport,
                                     void* rest, size_t size, size_t* rest_size);

typedef struct structio_tls_serve_options {
  size_t struct_size;
  int64_t handshake_timeout;    /* 0: 30 seconds; STRUCTIO_FOREVER: none */
  uint32_t handler_owns_stream; /* not 0: the handler frees the stream, now or later */
  uint32_t https_compatible;
  const structio_serve_options* serving; /* NULL: the defaults of structio_serve */
} structio_tls_serve_options;

/* As structio_serve, with a TLS stream for the handler, whose handshake is done: by the
 * connection's own task, so that slow ones hold up nobody (but among max_connections a connection
 * counts from its acceptance on). Handshakes that fail or take too long are logged (debug) and
 * their connections dropped: that is no failure of a handler. When the handler returns the stream
 * is freed without a close message: a handler that wants to be believed closes it. Checkpoint.
 * Errors: as structio_serve, and STRUCTIO_EMISUSE (a client's context). */
STRUCTIO_API int structio_tls_serve(structio_listener* listener, structio_tls_context* context,
                                    structio_serve_fn handler, void* arg,
                                    const structio_tls_serve_options* options);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_TLS_H */
