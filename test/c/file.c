/* Files, folders and watches from C: what is written is read, every argument that is wrong is
 * refused with a code and a message, nothing is left behind. */
#include "check.h"

static char folder[512];
static char path[600];
static char other[600];

static const char* in_folder(char* buffer, const char* name) {
  snprintf(buffer, 600, "%s/%s", folder, name);
  return buffer;
}

static void open_files(void) {
  structio_file_open_options options = {.struct_size = sizeof options};
  structio_file_info info = {.struct_size = sizeof info};
  structio_file* file = NULL;
  structio_stream* stream = NULL;
  int64_t descriptor = -1;
  char buffer[16];
  options.flags = STRUCTIO_OPEN_READ | STRUCTIO_OPEN_WRITE | STRUCTIO_OPEN_CREATE;
  CHECK(structio_file_open(in_folder(path, "a"), &options, &file) == 0);
  CHECK(structio_file_write(file, "hello", 5) == 5);
  CHECK(structio_file_write_at(file, "J", 1, 0) == 1);
  CHECK(structio_file_seek(file, 1, STRUCTIO_SEEK_BEGIN) == 1);
  CHECK(structio_file_read(file, buffer, sizeof buffer) == 4);
  CHECK(memcmp(buffer, "ello", 4) == 0);
  CHECK(structio_file_read_at(file, buffer, 2, 0) == 2);
  CHECK(memcmp(buffer, "Je", 2) == 0);
  CHECK(structio_file_size(file) == 5);
  CHECK(structio_file_truncate(file, 2) == 0);
  CHECK(structio_file_sync(file, 0) == 0);
  CHECK(structio_file_sync(file, 1) == 0);
  CHECK(structio_file_get_info(file, &info) == 0);
  CHECK(info.size == 2 && info.type == STRUCTIO_FILE_REGULAR);
  CHECK(structio_file_try_lock(file, STRUCTIO_LOCK_EXCLUSIVE) == 0);
  CHECK(structio_file_try_lock(file, STRUCTIO_UNLOCK) == 0);
  CHECK(structio_file_descriptor(file, &descriptor) == 0 && descriptor > 2);
  CHECK(structio_file_stream(file, &stream) == 0);
  CHECK(structio_stream_send_all(stream, "x", 1) == 0);
  CHECK(structio_stream_free(stream) == 0);
  CHECK(structio_file_detach(file, &descriptor) == 0);
  CHECK(structio_file_free(file) == 0);
  CHECK(structio_file_adopt(descriptor, &file) == 0);
  CHECK(structio_file_close(file) == 0);
  CHECK(structio_file_free(file) == 0);
  CHECK(structio_file_close(file) == STRUCTIO_ESTALE);
  CHECK(structio_file_free(file) == STRUCTIO_ESTALE);
  CHECK(structio_file_free(NULL) == 0);
}

static void whole_files(void) {
  structio_file_write_options options = {.struct_size = sizeof options};
  void* data = NULL;
  size_t size = 7;
  CHECK(structio_file_write_all(path, "text", 4, NULL) == 0);
  options.mode = STRUCTIO_WRITE_APPEND;
  options.no_sync = 1;
  CHECK(structio_file_write_all(path, "+", 1, &options) == 0);
  CHECK(structio_file_read_all(path, 0, &data, &size) == 0);
  CHECK(size == 5 && strcmp(data, "text+") == 0);
  structio_memory_free(data);
  structio_memory_free(NULL);
  CHECK(structio_file_read_all(path, 4, &data, &size) == STRUCTIO_ELIMIT);
  CHECK(data == NULL && size == 0);
  CHECK(says("structio_file_read_all") && says("limit"));
}

static void folders(void) {
  structio_directory_entries* entries = NULL;
  structio_directory_entry entry = {.struct_size = sizeof entry};
  structio_file_info info = {.struct_size = sizeof info};
  structio_file* file = NULL;
  char* text = NULL;
  CHECK(structio_directory_make(in_folder(other, "d/e"), 0, 1) == 0);
  CHECK(structio_path_copy_file(path, in_folder(other, "d/copy"), 0) == 5);
  CHECK(structio_path_rename(other, path) == 0);
  CHECK(structio_path_exists(other) == 0);
  CHECK(structio_path_link(path, other) == 0);
  CHECK(structio_path_remove(other) == 0);
  CHECK(structio_path_symlink("../a", other) == 0);
  CHECK(structio_path_read_link(other, &text) == 0 && strcmp(text, "../a") == 0);
  structio_memory_free(text);
  CHECK(structio_path_real(other, &text) == 0 && strstr(text, "/a") != NULL);
  structio_memory_free(text);
  CHECK(structio_path_get_info(other, 0, &info) == 0 && info.type == STRUCTIO_FILE_SYMLINK);
  CHECK(structio_path_get_info(other, 1, &info) == 0 && info.type == STRUCTIO_FILE_REGULAR);
  CHECK(structio_path_set_permissions(path, 0600) == 0);
  CHECK(structio_path_set_times(path, 1, STRUCTIO_TIME_KEEP) == 0);
  CHECK(structio_directory_list(in_folder(other, "d"), &entries) == 0);
  CHECK(structio_directory_entries_count(entries) == 2);
  while (structio_directory_entries_next(entries, &entry) == 1) {
    const int is_folder = strcmp(entry.name, "e") == 0;
    CHECK(entry.type == (is_folder ? STRUCTIO_FILE_DIRECTORY : STRUCTIO_FILE_SYMLINK));
  }
  CHECK(structio_directory_entries_next(entries, &entry) == 0);
  CHECK(structio_directory_entries_free(entries) == 0);
  CHECK(structio_directory_entries_free(entries) == STRUCTIO_ESTALE);
  CHECK(structio_directory_entries_next(entries, &entry) == STRUCTIO_ESTALE);
  CHECK(structio_directory_entries_count(entries) == STRUCTIO_ESTALE);
  CHECK(structio_directory_entries_free(NULL) == 0);
  CHECK(structio_path_glob(in_folder(other, "d/*"), &entries) == 0);
  CHECK(structio_directory_entries_next(entries, &entry) == 1 && entry.name[0] == '/');
  CHECK(structio_directory_entries_free(entries) == 0);
  CHECK(structio_path_current(&text) == 0 && text[0] == '/');
  structio_memory_free(text);
  CHECK(structio_path_home(&text) == 0);
  structio_memory_free(text);
  CHECK(structio_temporary_file_open(folder, NULL, &file, &text) == 0);
  CHECK(structio_path_remove(text) == 0);
  structio_memory_free(text);
  CHECK(structio_file_free(file) == 0);
}

static void watches(void) {
  structio_watch_options options = {.struct_size = sizeof options};
  structio_watch_event event = {.struct_size = sizeof event};
  structio_watch* watch = NULL;
  options.capacity = 4;
  CHECK(structio_watch_open(folder, &options, &watch) == 0);
  CHECK(structio_directory_make(in_folder(other, "seen"), 0700, 0) == 0);
  CHECK(structio_watch_next(watch, &event) == 0);
  CHECK(strcmp(event.name, "seen") == 0 && event.kinds == STRUCTIO_WATCH_NAMES);
  CHECK(structio_watch_close(watch) == 0);
  CHECK(structio_watch_next(watch, &event) == STRUCTIO_ECLOSED);
  CHECK(structio_watch_free(watch) == 0);
  CHECK(structio_watch_free(watch) == STRUCTIO_ESTALE);
  CHECK(structio_watch_free(NULL) == 0);
}

static void bad_files(void) {
  structio_file_open_options options = {.struct_size = sizeof options};
  structio_file_write_options write = {.struct_size = sizeof write};
  structio_file_info info = {.struct_size = 1};
  structio_file* file = NULL;
  structio_stream* stream = NULL;
  void* data = NULL;
  size_t size = 0;
  char buffer[4];
  CHECK(structio_file_open(NULL, NULL, &file) == STRUCTIO_EINVALID && says("path"));
  CHECK(structio_file_open(path, NULL, NULL) == STRUCTIO_EINVALID && says("out"));
  options.flags = 1u << 20;
  CHECK(structio_file_open(path, &options, &file) == STRUCTIO_EINVALID && says("flags"));
  options.flags = STRUCTIO_OPEN_WRITE;
  options.permissions = 1u << 20;
  CHECK(structio_file_open(path, &options, &file) == STRUCTIO_EINVALID && says("permissions"));
  options.struct_size = 0;
  CHECK(structio_file_open(path, &options, &file) == STRUCTIO_EINVALID && says("struct_size"));
  CHECK(file == NULL);
  CHECK(structio_file_open(path, NULL, &file) == 0);
  CHECK(structio_file_read(file, NULL, 1) == STRUCTIO_EINVALID);
  CHECK(structio_file_read_at(file, buffer, 1, -1) == STRUCTIO_EINVALID && says("offset"));
  CHECK(structio_file_write(file, NULL, 1) == STRUCTIO_EINVALID);
  CHECK(structio_file_write_at(file, "x", 1, -1) == STRUCTIO_EINVALID);
  CHECK(structio_file_seek(file, 0, 3) == STRUCTIO_EINVALID);
  CHECK(structio_file_truncate(file, -1) == STRUCTIO_EINVALID);
  CHECK(structio_file_get_info(file, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_file_get_info(file, &info) == STRUCTIO_EINVALID);
  CHECK(structio_file_descriptor(file, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_file_detach(file, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_file_stream(file, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_file_stream(NULL, &stream) == STRUCTIO_EINVALID);
  CHECK(structio_file_size((structio_file*)folder) == STRUCTIO_ESTALE);
  CHECK(structio_stream_close((structio_stream*)file) == STRUCTIO_ESTALE);
  CHECK(structio_file_adopt(0, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_file_free(file) == 0);
  CHECK(structio_file_read_all(NULL, 0, &data, &size) == STRUCTIO_EINVALID);
  CHECK(structio_file_read_all(path, 0, NULL, &size) == STRUCTIO_EINVALID);
  CHECK(structio_file_read_all(path, 0, &data, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_file_write_all(NULL, "", 0, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_file_write_all(path, NULL, 1, NULL) == STRUCTIO_EINVALID);
  write.mode = 9;
  CHECK(structio_file_write_all(path, "", 0, &write) == STRUCTIO_EINVALID && says("mode"));
}

static void bad_paths(void) {
  structio_directory_entries* entries = NULL;
  structio_directory_entry entry = {.struct_size = 0};
  structio_file_info info = {.struct_size = sizeof info};
  structio_watch_options watched = {.struct_size = 1};
  structio_watch_event event = {.struct_size = sizeof event};
  structio_watch* watch = NULL;
  structio_file* file = NULL;
  char* text = NULL;
  CHECK(structio_directory_make(NULL, 0, 0) == STRUCTIO_EINVALID);
  CHECK(structio_directory_list(NULL, &entries) == STRUCTIO_EINVALID);
  CHECK(structio_directory_list(folder, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_glob(NULL, &entries) == STRUCTIO_EINVALID);
  CHECK(structio_path_glob("*", NULL) == STRUCTIO_EINVALID);
  CHECK(structio_directory_entries_next(NULL, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_directory_entries_next(NULL, &entry) == STRUCTIO_EINVALID);
  CHECK(structio_directory_entries_count(NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_exists(NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_remove(NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_remove_all(NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_rename(NULL, path) == STRUCTIO_EINVALID);
  CHECK(structio_path_rename(path, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_copy_file(path, NULL, 0) == STRUCTIO_EINVALID);
  CHECK(structio_path_link(NULL, path) == STRUCTIO_EINVALID);
  CHECK(structio_path_symlink(path, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_get_info(NULL, 0, &info) == STRUCTIO_EINVALID);
  CHECK(structio_path_get_info(path, 0, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_set_permissions(NULL, 0) == STRUCTIO_EINVALID);
  CHECK(structio_path_set_times(NULL, 0, 0) == STRUCTIO_EINVALID);
  CHECK(structio_path_read_link(NULL, &text) == STRUCTIO_EINVALID);
  CHECK(structio_path_read_link(path, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_real(path, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_current(NULL) == STRUCTIO_EINVALID);
  CHECK(structio_path_home(NULL) == STRUCTIO_EINVALID);
  CHECK(structio_temporary_file_open(NULL, NULL, NULL, &text) == STRUCTIO_EINVALID);
  CHECK(structio_temporary_file_open(NULL, NULL, &file, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_temporary_file_open(NULL, "a/b", &file, &text) == STRUCTIO_EINVALID);
  CHECK(structio_temporary_directory_make(NULL, NULL, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_temporary_directory_make(NULL, "/", &text) == STRUCTIO_EINVALID);
  CHECK(structio_watch_open(NULL, NULL, &watch) == STRUCTIO_EINVALID);
  CHECK(structio_watch_open(folder, NULL, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_watch_open(folder, &watched, &watch) == STRUCTIO_EINVALID);
  CHECK(structio_watch_next(NULL, &event) == STRUCTIO_EINVALID);
  CHECK(structio_watch_next(NULL, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_watch_close(NULL) == STRUCTIO_EINVALID);
  CHECK(text == NULL && file == NULL && watch == NULL && entries == NULL);
}

static void outside_of_a_run(void) {
  structio_file* file = NULL;
  structio_watch* watch = NULL;
  char* text = NULL;
  CHECK(structio_file_open(path, NULL, &file) == STRUCTIO_ENOTASK && says("structio_file_open"));
  CHECK(structio_file_adopt(1, &file) == STRUCTIO_ENOTASK);
  CHECK(structio_file_write_all(path, "", 0, NULL) == STRUCTIO_ENOTASK);
  CHECK(structio_path_exists(path) == STRUCTIO_ENOTASK);
  CHECK(structio_path_remove_all(path) == STRUCTIO_ENOTASK);
  CHECK(structio_path_current(&text) == STRUCTIO_ENOTASK);
  CHECK(structio_temporary_directory_make(NULL, NULL, &text) == STRUCTIO_ENOTASK);
  CHECK(structio_watch_open(path, NULL, &watch) == STRUCTIO_ENOTASK);
  CHECK(structio_default_file_limiter() == NULL);
}

static int program(void* arg) {
  char* made = NULL;
  (void)arg;
  CHECK(structio_limiter_total(structio_default_file_limiter()) == 40);
  CHECK(structio_default_file_limiter() != structio_default_thread_limiter());
  CHECK(structio_temporary_directory_make(NULL, "structio-c", &made) == 0);
  snprintf(folder, sizeof folder, "%s", made);
  structio_memory_free(made);
  open_files();
  whole_files();
  bad_files();
  bad_paths();
  folders();
  watches();
  CHECK(structio_path_remove_all(folder) == 6);
  CHECK(structio_path_exists(folder) == 0);
  return 0;
}

int main(void) {
  outside_of_a_run();
  CHECK(structio_run(program, NULL, NULL) == 0);
  outside_of_a_run();
  return checks_result();
}
