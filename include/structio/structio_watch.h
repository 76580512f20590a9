/* Watching files and folders for changes that others make. Part of structio.h.
 *
 *     structio_watch* watch = NULL;
 *     structio_watch_event event = {sizeof event};
 *     int status = structio_watch_open("/etc", NULL, &watch);
 *     while (status == 0 && (status = structio_watch_next(watch, &event)) == 0) look(event.name);
 *     structio_watch_free(watch);
 *
 * It is the system's own watching (inotify on Linux, by libuv), which tells that something has
 * happened, not always what: look at what is there now. */
#ifndef STRUCTIO_WATCH_H
#define STRUCTIO_WATCH_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_watch structio_watch;

/* What has happened. */
enum structio_watch_kind {
  STRUCTIO_WATCH_NAMES = 1,   /* something was made, removed, or renamed from or to this name */
  STRUCTIO_WATCH_CONTENT = 2, /* content, permissions or times have changed */
  STRUCTIO_WATCH_OVERFLOW = 4 /* events were lost here: look at everything */
};

typedef struct structio_watch_options {
  size_t struct_size;
  uint32_t recursive; /* not 0: folders below as well; STRUCTIO_EUNSUPPORTED where the system cannot
                         (Linux) */
  uint32_t capacity;  /* how many events wait to be taken; 0: 1024 */
} structio_watch_options;

typedef struct structio_watch_event {
  size_t struct_size;
  const char* name; /* in the folder that is watched, or of the file; "" when unknown; valid until
                       the watch's next call */
  uint32_t kinds;   /* bits of enum structio_watch_kind */
  uint32_t reserved;
} structio_watch_event;

/* Begins to watch a file or a folder (what is in it, not below that). It does not wait, but the
 * path is looked up on the calling thread. An event that is the same as the last one which nobody
 * has taken is left out. Errors: UV_ENOENT, UV_EACCES, UV_ENOSPC and UV_EMFILE (the system has no
 * more watches), STRUCTIO_EUNSUPPORTED, STRUCTIO_ENOMEM. Any task or
 * hook. */
STRUCTIO_API int structio_watch_open(const char* path, const structio_watch_options* options,
                                     structio_watch** out);

/* Waits for the next event. Checkpoint. Cancelled: none was taken. One task at a time. Errors:
 * STRUCTIO_ECANCELLED, STRUCTIO_EBUSY, STRUCTIO_ECLOSED, STRUCTIO_ESTALE; the system's, for which
 * nothing is watched any more. */
STRUCTIO_API int structio_watch_next(structio_watch* watch, structio_watch_event* event);

/* Ends the watching: whoever waits gets STRUCTIO_ECLOSED; later calls too. Idempotent. The handle
 * stays valid until freed. Checkpoint that also closes when cancelled. Errors: STRUCTIO_ECANCELLED
 * (it is closed all the same). */
STRUCTIO_API int structio_watch_close(structio_watch* watch);

/* Closes at once and frees the handle; NULL is allowed. Any task or hook, or any thread after the
 * run. */
STRUCTIO_API int structio_watch_free(structio_watch* watch);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_WATCH_H */
