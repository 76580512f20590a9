/* Folders, and what else is done with paths: names, links, permissions, times. All of it by worker
 * threads, under the rules of structio_file.h. Part of structio.h.
 *
 * Each function that takes a path is a checkpoint. Cancelled: nothing has happened, unless its
 * comment says otherwise. Errors: STRUCTIO_ECANCELLED and the system's. */
#ifndef STRUCTIO_DIRECTORY_H
#define STRUCTIO_DIRECTORY_H

#include "structio_base.h"
#include "structio_file.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct structio_directory_entries structio_directory_entries;

/* --- folders -----------------------------------------------------------------------------------
 */

/* Makes a folder; `permissions` 0: 0777, less the process's umask. `parents` not 0: and those
 * above it, and it is no error when it is there already; what fails then may have made some.
 * Checkpoint. */
STRUCTIO_API int structio_directory_make(const char* path, uint32_t permissions, int parents);

/* Reads a whole folder, without "." and "..", in the system's order. Free the handle.
 * Checkpoint. */
STRUCTIO_API int structio_directory_list(const char* path, structio_directory_entries** out);

/* The paths that match a pattern of the shell (`*`, `?`, `[a-z]`), in order, as entries whose
 * names are whole paths and whose type is not told. None is no error. Checkpoint. */
STRUCTIO_API int structio_path_glob(const char* pattern, structio_directory_entries** out);

typedef struct structio_directory_entry {
  size_t struct_size;
  const char* name; /* valid until the entries are freed */
  uint32_t type; /* enum structio_file_type; STRUCTIO_FILE_UNKNOWN where the system did not say */
  uint32_t reserved;
} structio_directory_entry;

/* The next entry: 1, or 0 behind the last. No checkpoint. Any thread, one at a time. Errors:
 * STRUCTIO_ESTALE. */
STRUCTIO_API int structio_directory_entries_next(structio_directory_entries* entries,
                                                 structio_directory_entry* entry);

/* How many there are in all, or a negative code. No checkpoint. Any thread. */
STRUCTIO_API int64_t structio_directory_entries_count(structio_directory_entries* entries);

/* Frees the entries, and their names. NULL is allowed. Errors: STRUCTIO_ESTALE. Any thread. */
STRUCTIO_API int structio_directory_entries_free(structio_directory_entries* entries);

/* --- names -------------------------------------------------------------------------------------
 */

/* 1 when the path leads to something, else 0: a link that leads nowhere is nothing. Also 0 where a
 * part of the path is no folder. Checkpoint. */
STRUCTIO_API int structio_path_exists(const char* path);

/* Removes a file, a link or an empty folder. Checkpoint. */
STRUCTIO_API int structio_path_remove(const char* path);

/* Removes whatever is there, a folder with all that is in it; links are removed, not followed.
 * Returns how many things were removed: 0 when there was none. Cancelled, or failed: a part may be
 * gone. Checkpoint. */
STRUCTIO_API int64_t structio_path_remove_all(const char* path);

/* Renames, within one file system; a file or an empty folder that is there is replaced.
 * Checkpoint. Errors: UV_EXDEV (another file system), UV_ENOTEMPTY. */
STRUCTIO_API int structio_path_rename(const char* from, const char* to);

/* Copies a regular file with its permissions; `replace` not 0: over one that is there, which is
 * exchanged at one stroke. Returns how many bytes. Cancelled, also in the midst of it: there is no
 * copy. Checkpoint. Errors: UV_EEXIST. */
STRUCTIO_API int64_t structio_path_copy_file(const char* from, const char* to, int replace);

/* Gives a file one more name. Checkpoint. */
STRUCTIO_API int structio_path_link(const char* existing, const char* name);

/* Makes a symbolic link with this text, which is not looked at. Checkpoint. */
STRUCTIO_API int structio_path_symlink(const char* text, const char* name);

/* --- what is there -----------------------------------------------------------------------------
 */

/* Tells of what the path leads to; `follow` 0: of the link itself, where it is one. Checkpoint. */
STRUCTIO_API int structio_path_get_info(const char* path, int follow, structio_file_info* info);

/* The twelve bits of chmod. Checkpoint. */
STRUCTIO_API int structio_path_set_permissions(const char* path, uint32_t permissions);

#define STRUCTIO_TIME_NOW INT64_MAX
#define STRUCTIO_TIME_KEEP INT64_MIN

/* Times in nanoseconds since 1970 (UTC), or STRUCTIO_TIME_NOW, or STRUCTIO_TIME_KEEP.
 * Checkpoint. */
STRUCTIO_API int structio_path_set_times(const char* path, int64_t accessed, int64_t modified);

/* Paths as memory that the caller frees by structio_memory_free: the text of a symbolic link; the
 * path without links and dots; the process's current folder; that of the user. Checkpoint. */
STRUCTIO_API int structio_path_read_link(const char* path, char** text);
STRUCTIO_API int structio_path_real(const char* path, char** real);
STRUCTIO_API int structio_path_current(char** path);
STRUCTIO_API int structio_path_home(char** path);

/* --- for a while -------------------------------------------------------------------------------
 */

/* A file with a name that nobody else has, open for reading and writing, which only the user may
 * do. `folder` NULL: $TMPDIR, or the system's. `prefix` NULL: "tmp". `path` as above; the caller
 * removes it. Checkpoint. */
STRUCTIO_API int structio_temporary_file_open(const char* folder, const char* prefix,
                                              structio_file** out, char** path);

/* A folder of that kind. Checkpoint. */
STRUCTIO_API int structio_temporary_directory_make(const char* folder, const char* prefix,
                                                   char** path);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_DIRECTORY_H */
