/* Loads the library while running and finds its functions by name, as a binding of another language
 * does; then runs program.c with them, lets go of the library, and does it all again. Usage:
 * late LIBRARY. */
#include <dlfcn.h>
#include <string.h>
#include <structio/structio.h>

#define FUNCTIONS(X)              \
  X(structio_listener_address)    \
  X(structio_listener_free)       \
  X(structio_nursery_close)       \
  X(structio_nursery_open)        \
  X(structio_nursery_scope)       \
  X(structio_nursery_start_soon)  \
  X(structio_run)                 \
  X(structio_run_in_thread)       \
  X(structio_scope_cancel)        \
  X(structio_serve)               \
  X(structio_stream_free)         \
  X(structio_stream_receive_some) \
  X(structio_stream_send_all)     \
  X(structio_strerror)            \
  X(structio_tcp_connect)         \
  X(structio_tcp_listen)

#define DECLARE(name) __typeof__(&name) found_##name;
static struct { FUNCTIONS(DECLARE) } api;

static void* load(const char* path) {
  void* function;
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return NULL;
#define FIND(name)                  \
  function = dlsym(library, #name); \
  if (!function) return NULL;       \
  memcpy(&api.found_##name, &function, sizeof function);
  FUNCTIONS(FIND)
  return library;
}

#define structio_listener_address api.found_structio_listener_address
#define structio_listener_free api.found_structio_listener_free
#define structio_nursery_close api.found_structio_nursery_close
#define structio_nursery_open api.found_structio_nursery_open
#define structio_nursery_scope api.found_structio_nursery_scope
#define structio_nursery_start_soon api.found_structio_nursery_start_soon
#define structio_run api.found_structio_run
#define structio_run_in_thread api.found_structio_run_in_thread
#define structio_scope_cancel api.found_structio_scope_cancel
#define structio_serve api.found_structio_serve
#define structio_stream_free api.found_structio_stream_free
#define structio_stream_receive_some api.found_structio_stream_receive_some
#define structio_stream_send_all api.found_structio_stream_send_all
#define structio_strerror api.found_structio_strerror
#define structio_tcp_connect api.found_structio_tcp_connect
#define structio_tcp_listen api.found_structio_tcp_listen
#define main program_main
#include "program.c"
#undef main

static int nothing(void* arg) {
  (void)arg;
  return 0;
}

/* Leaves a worker thread behind, which will be idle for a while. */
static int work_in_thread(void* arg) {
  (void)arg;
  return structio_run_in_thread(nothing, NULL, NULL);
}

static int once(const char* path) {
  void* library = load(path);
  int status;
  if (!library) {
    printf("%s\n", dlerror());
    return 1;
  }
  status = program_main();
  if (status == 0) status = structio_run(work_in_thread, NULL, NULL);
  if (dlclose(library) != 0) return 1;
  memset(&api, 0, sizeof api);
  return status;
}

/* Whether the library is still there after a dlclose: idle workers need its code. */
static int stays(const char* path) {
#ifdef __linux__
  void* library = load(path);
  if (!library || dlclose(library) != 0) return 0;
  return dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL;
#else
  (void)path;
  return 1;
#endif
}

int main(int argc, char** argv) {
  if (argc != 2 || !stays(argv[1]) || once(argv[1]) != 0 || once(argv[1]) != 0) return 1;
  puts("structio works when loaded late");
  return 0;
}
