/* Files: opened, read and written by worker threads, so that a slow disk holds nobody up; and whole
 * files at once. Folders and what else a path can lead to: structio_directory.h. Part of
 * structio.h.
 *
 * Always true: each call below that is a checkpoint borrows a token of the run's limiter for files,
 * and has a thread do the work. While it waits for the token a cancellation ends it at once, and
 * nothing has happened. Once the thread works the call waits for it: what was done is reported, and
 * the next checkpoint reports the cancellation. So no buffer is touched after the call, and a call
 * that says STRUCTIO_ECANCELLED has done nothing.
 *
 * Paths are what the system takes (UTF-8 where it takes anything else); a relative one counts from
 * the process's current folder, which the library never changes. Each call may fail with the
 * system's codes (UV_ENOENT, UV_EACCES, ...), whose message names call and path, and as
 * structio_run_in_thread (UV_EAGAIN, STRUCTIO_ENOMEM). */
#ifndef STRUCTIO_FILE_H
#define STRUCTIO_FILE_H

#include "structio_base.h"
#include "structio_stream.h"
#include "structio_sync.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_file structio_file;

/* The run's limiter for work on files, with 40 tokens unless that is changed: its own, so that
 * files and other threads never keep each other out. Valid until the run ends. NULL with a message
 * outside of a run, and when there is no memory for it. Any task or hook. */
STRUCTIO_API structio_limiter* structio_default_file_limiter(void);

/* Frees what the library has handed out as memory of the caller's: structio_file_read_all,
 * structio_path_real and their like. NULL is allowed. Any thread. */
STRUCTIO_API void structio_memory_free(void* memory);

/* --- opening -----------------------------------------------------------------------------------
 */

/* How a file is opened; any of them together. */
enum structio_open_flag {
  STRUCTIO_OPEN_READ = 1, /* the only one when neither READ, WRITE nor APPEND is given */
  STRUCTIO_OPEN_WRITE = 2,
  STRUCTIO_OPEN_APPEND = 4,     /* writes go to the end, wherever that is then */
  STRUCTIO_OPEN_CREATE = 8,     /* makes the file where there is none */
  STRUCTIO_OPEN_EXCLUSIVE = 16, /* with CREATE: UV_EEXIST where there is one, or a link */
  STRUCTIO_OPEN_TRUNCATE = 32   /* forgets what was in it */
};

typedef struct structio_file_open_options {
  size_t struct_size;
  uint32_t flags;       /* of enum structio_open_flag */
  uint32_t permissions; /* of a file that is made, less the process's umask; 0: 0666 */
  /* Not 0: a cancelled open is left alone with its thread, which closes what it has opened in the
   * end, and keeps its token until then; for FIFOs and disks that may never answer. A file that it
   * was to make or to truncate may then be made or truncated after all. */
  uint32_t abandon_on_cancel;
  uint32_t reserved;
} structio_file_open_options;

/* Opens a file; not inherited by other programs. Checkpoint. Cancelled: nothing was opened.
 * Errors: STRUCTIO_ECANCELLED, UV_ENOENT, UV_EACCES, UV_EEXIST, UV_EISDIR, UV_EMFILE,
 * STRUCTIO_EINVALID (flags that contradict each other). */
STRUCTIO_API int structio_file_open(const char* path, const structio_file_open_options* options,
                                    structio_file** out);

/* Makes a descriptor that the caller has opened a file of this library, which closes it in the end.
 * Its mode is not looked at. Any task or hook. Errors: UV_EBADF, STRUCTIO_ENOMEM (it stays the
 * caller's). */
STRUCTIO_API int structio_file_adopt(int64_t descriptor, structio_file** out);

/* The reverse: the descriptor is the caller's, and the file is closed without closing it; the
 * handle is to be freed. Any task or hook. Errors: STRUCTIO_ECLOSED, STRUCTIO_EBUSY (a call is
 * under way). */
STRUCTIO_API int structio_file_detach(structio_file* file, int64_t* descriptor);

/* The descriptor, for what this library has no function for. Do not close it. Any task
 * or hook. Errors: STRUCTIO_ECLOSED. */
STRUCTIO_API int structio_file_descriptor(structio_file* file, int64_t* descriptor);

/* --- reading and writing ------------------------------------------------------------------------
 *
 * Each is a checkpoint; cancelled: nothing was read or written. Errors: STRUCTIO_ECANCELLED,
 * STRUCTIO_ECLOSED, STRUCTIO_ESTALE, UV_EBADF (the file was not opened for that), the system's.
 * Those that take an offset may be called by any number of tasks at once. */

/* Reads at most `size` bytes at `offset`. Returns how many: fewer only where the file ends (or the
 * system reads no more at once), 0 at its end. Checkpoint. */
STRUCTIO_API int64_t structio_file_read_at(structio_file* file, void* buffer, size_t size,
                                           int64_t offset);

/* Writes at `offset` (Linux: at the end, if the file appends). Returns how many bytes were
 * written: all, or fewer when something came in between (the disk is full, a limit, a
 * cancellation); the next call then says what. Checkpoint. */
STRUCTIO_API int64_t structio_file_write_at(structio_file* file, const void* data, size_t size,
                                            int64_t offset);

/* The same at the file's own position, which moves on. Of structio_file_read, _write and _seek one
 * task at a time; the second is told STRUCTIO_EBUSY. Checkpoint. */
STRUCTIO_API int64_t structio_file_read(structio_file* file, void* buffer, size_t size);
STRUCTIO_API int64_t structio_file_write(structio_file* file, const void* data, size_t size);

/* What an offset counts from. */
enum structio_seek_from { STRUCTIO_SEEK_BEGIN = 0, STRUCTIO_SEEK_HERE = 1, STRUCTIO_SEEK_END = 2 };

/* Moves the position by enum structio_seek_from; returns it. Checkpoint. Errors: UV_ESPIPE (a pipe
 * has none), UV_EINVAL (it would be negative). */
STRUCTIO_API int64_t structio_file_seek(structio_file* file, int64_t offset, int from);

/* --- the file itself ----------------------------------------------------------------------------
 *
 * Checkpoints like those above. */

/* How many bytes are in it. Checkpoint. */
STRUCTIO_API int64_t structio_file_size(structio_file* file);

/* Cuts the file, or extends it with zeros. Checkpoint. */
STRUCTIO_API int structio_file_truncate(structio_file* file, int64_t size);

/* Returns when what was written is on the disk; `data_only` not 0: without what reading it back
 * does not need. Checkpoint. */
STRUCTIO_API int structio_file_sync(structio_file* file, int data_only);

enum structio_lock { STRUCTIO_UNLOCK = 0, STRUCTIO_LOCK_SHARED = 1, STRUCTIO_LOCK_EXCLUSIVE = 2 };

/* By enum structio_lock: takes or gives back the advisory lock on the whole file, which belongs to
 * this opening of it and ends with that. Never waits for it: STRUCTIO_EWOULDBLOCK when another
 * opening has it. Checkpoint. */
STRUCTIO_API int structio_file_try_lock(structio_file* file, int lock);

/* Kinds of what a path leads to. */
enum structio_file_type {
  STRUCTIO_FILE_UNKNOWN = 0,
  STRUCTIO_FILE_REGULAR = 1,
  STRUCTIO_FILE_DIRECTORY = 2,
  STRUCTIO_FILE_SYMLINK = 3,
  STRUCTIO_FILE_FIFO = 4,
  STRUCTIO_FILE_SOCKET = 5,
  STRUCTIO_FILE_CHARACTER = 6, /* a terminal, /dev/null */
  STRUCTIO_FILE_BLOCK = 7
};

typedef struct structio_file_info {
  size_t struct_size;
  uint32_t type;        /* enum structio_file_type */
  uint32_t permissions; /* the twelve bits of chmod */
  uint64_t size;        /* in bytes */
  uint64_t allocated;   /* bytes on the disk */
  uint64_t device;      /* with inode: the same file or not */
  uint64_t inode;
  uint64_t links; /* names that it has */
  uint32_t user;  /* who owns it */
  uint32_t group;
  int64_t accessed; /* nanoseconds since 1970 (UTC); of reading */
  int64_t modified; /* of what is in it */
  int64_t changed;  /* of that, or of what is told here */
} structio_file_info;

/* What the system knows of it. Checkpoint. */
STRUCTIO_API int structio_file_get_info(structio_file* file, structio_file_info* info);

/* --- closing ------------------------------------------------------------------------------------
 */

/* Closes: later calls, and those that wait for a thread, get STRUCTIO_ECLOSED; those under way on
 * threads come to their end before, and are waited for. Idempotent. The handle stays valid until
 * freed. Checkpoint that also closes when cancelled, and then reports that. Errors:
 * STRUCTIO_ECANCELLED (it is closed all the same), STRUCTIO_ESTALE; the system's, which tells of
 * writing that has failed late: it is closed then. */
STRUCTIO_API int structio_file_close(structio_file* file);

/* Frees the handle and closes, without a thread, when neither calls nor streams use the file any
 * more; NULL is allowed. Errors: STRUCTIO_ESTALE, STRUCTIO_EMISUSE (another run's). Any task or
 * hook, or any thread after the run. */
STRUCTIO_API int structio_file_free(structio_file* file);

/* A stream over the file: receives from its position and sends to it, each as structio_file_read
 * and _write do; of a file that is open one way only the other way fails. Closing either closes
 * both; who frees one leaves the file to the other. A receive or a send that is under way is waited
 * for whatever happens: pipes and terminals want other streams. Any task or hook. Errors:
 * STRUCTIO_ECLOSED, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_file_stream(structio_file* file, structio_stream** out);

/* --- whole files --------------------------------------------------------------------------------
 */

/* Reads a whole file into memory, which the caller frees by structio_memory_free; behind it stands
 * a zero that `size` does not count. `limit` 0: as much as there is. Checkpoint; cancelled, also in
 * the midst of reading: nothing is left. Errors: STRUCTIO_ECANCELLED, STRUCTIO_ELIMIT (there is
 * more than `limit`), STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_file_read_all(const char* path, size_t limit, void** data, size_t* size);

/* What structio_file_write_all does with a file that is there. */
enum structio_write_mode {
  STRUCTIO_WRITE_REPLACE = 0, /* what was in the file, at one stroke */
  STRUCTIO_WRITE_NEW = 1,     /* UV_EEXIST where there is one */
  STRUCTIO_WRITE_APPEND = 2   /* to what is in it */
};

typedef struct structio_file_write_options {
  size_t struct_size;
  uint32_t mode;        /* enum structio_write_mode */
  uint32_t permissions; /* of a file that is made, less the process's umask; 0: 0666 */
  uint32_t no_sync;     /* not 0: does not wait for the disk; a crash may leave an empty file */
  uint32_t reserved;
} structio_file_write_options;

/* Writes a whole file. But for appending it is written beside, under another name, and then takes
 * its place: others see the old or the new content, never a part, and so it is after a crash. Where
 * a symbolic link stands what it leads to is replaced, or made. Permissions stay what they were,
 * and the owner where the system allows that; other names of the old file keep the old content.
 * When it fails or is cancelled, also in the midst of writing, everything is as it was; only an
 * append that fails may have written a part. Checkpoint. Errors: STRUCTIO_ECANCELLED, UV_ENOSPC,
 * UV_EEXIST. */
STRUCTIO_API int structio_file_write_all(const char* path, const void* data, size_t size,
                                         const structio_file_write_options* options);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_FILE_H */
