/* Names to addresses and back, and what connecting is made of: both can be replaced, for tests and
 * for resolvers of one's own. Part of structio.h. */
#ifndef STRUCTIO_RESOLVE_H
#define STRUCTIO_RESOLVE_H

#include "structio_base.h"
#include "structio_sync.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Addresses, in the order in which they are to be tried. Belongs to no run; one thread at a time.
 */
typedef struct structio_addresses structio_addresses;

enum structio_family { STRUCTIO_FAMILY_ANY = 0, STRUCTIO_FAMILY_V4 = 4, STRUCTIO_FAMILY_V6 = 6 };

typedef struct structio_resolve_options {
  size_t struct_size;
  const char* host;    /* a name or a numeric address; NULL: this machine */
  const char* service; /* a name such as "http", or a number; NULL: `port` */
  uint16_t port;
  uint8_t family;    /* enum structio_family */
  uint8_t listening; /* not 0: addresses to listen on; without a host every address */
  uint32_t reserved;
} structio_resolve_options;

/* Looks up a name. A numeric address needs no thread and is its own answer; names, of services too,
 * are looked up by the run's resolver, or else the system's, 16 at a time in worker threads
 * (structio_resolver_limiter). Checkpoint. Cancelled: at once, nothing has happened; a thread that
 * was working on it is left alone. Free `*out` with structio_addresses_free. Errors:
 * STRUCTIO_ECANCELLED, UV_EAI_NONAME and the other UV_EAI_* of the system's resolver,
 * STRUCTIO_EABSENT (the resolver found nothing), STRUCTIO_EINVALID (an address of the other
 * family), STRUCTIO_ENOMEM; what the run's resolver returned. */
STRUCTIO_API int structio_resolve(const structio_resolve_options* options,
                                  structio_addresses** out);

/* How many there are. Any thread. Errors: STRUCTIO_ESTALE. */
STRUCTIO_API int64_t structio_addresses_count(const structio_addresses* addresses);

/* One of them as text (always terminated when size > 0; 64 bytes hold any), its port and its family
 * (enum structio_family); each may be NULL. Any thread. Errors: STRUCTIO_EABSENT (there are not so
 * many), STRUCTIO_ESTALE. */
STRUCTIO_API int structio_addresses_at(const structio_addresses* addresses, size_t index,
                                       char* host, size_t size, uint16_t* port, uint32_t* family);

/* Frees the addresses. NULL is allowed. Errors: STRUCTIO_ESTALE (freed before). Any thread. */
STRUCTIO_API int structio_addresses_free(structio_addresses* addresses);

/* The name of a numeric address, and of its port; each text may be NULL, and is cut to its size.
 * Checkpoint. Cancelled: as for structio_resolve. Errors: STRUCTIO_EINVALID (`host` is no numeric
 * address), UV_EAI_*, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_resolve_name(const char* host, uint16_t port, char* name,
                                       size_t name_size, char* service, size_t service_size);

/* What looks up names for the system's resolver at once, as a limiter (structio_sync.h) that ends
 * with the run; NULL outside of a task, or when memory is out. */
STRUCTIO_API structio_limiter* structio_resolver_limiter(void);

/* Where a resolver puts what it finds. */
typedef struct structio_address_sink structio_address_sink;

/* Adds a numeric address; a port of 0 stands for the one that was asked for. Threads: within
 * the resolver that was given the sink. Errors: STRUCTIO_EINVALID (no address), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_address_sink_add(structio_address_sink* sink, const char* host,
                                           uint16_t port);

/* Looks up a name in place of the system, in the task that asks. It may wait, and is cancelled with
 * its task. It returns 0 having added what it found, in order, or a negative code, which is what
 * the caller gets. Numeric addresses are not asked for, but with the name of a service. */
typedef int (*structio_resolver_fn)(const structio_resolve_options* query,
                                    structio_address_sink* sink, void* arg);

/* Sets the run's resolver; `resolver` NULL: the system's. The former one is told where `former` and
 * `former_arg` are not NULL. Calls under way go on with the one that they began with. Errors:
 * STRUCTIO_ENOMEM. Any task or hook. */
STRUCTIO_API int structio_set_resolver(structio_resolver_fn resolver, void* arg,
                                       structio_resolver_fn* former, void** former_arg);

/* Connects to one numeric address in place of TCP, in a task: any stream will do. It may wait, and
 * is cancelled when another attempt has succeeded. */
typedef int (*structio_connector_fn)(const char* host, uint16_t port, structio_stream** out,
                                     void* arg);

/* Sets what structio_tcp_connect makes connections with, as structio_set_resolver does. Errors:
 * STRUCTIO_ENOMEM. Any task or hook. */
STRUCTIO_API int structio_set_connector(structio_connector_fn connector, void* arg,
                                        structio_connector_fn* former, void** former_arg);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_RESOLVE_H */
