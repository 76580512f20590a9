/* Two copies of the library in one process, each behind a plug-in: both at once on two threads, and
 * the runs of one inside a task of the other. Usage: copies PLUGIN PLUGIN. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef int (*plugin_fn)(int (*inner)(void));

static plugin_fn first, second;

static plugin_fn load(const char* path) {
  plugin_fn run = NULL;
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  void* function = library ? dlsym(library, "plugin_run") : NULL;
  if (!function) printf("%s\n", dlerror());
  memcpy(&run, &function, sizeof run);
  return run;
}

static void* rounds(void* plugin) {
  static int failed;
  int i;
  for (i = 0; i < 20; ++i) {
    if ((*(plugin_fn*)plugin)(NULL) != 0) return &failed;
  }
  return NULL;
}

static int at_once(void) {
  pthread_t thread;
  void* theirs = NULL;
  void* mine;
  if (pthread_create(&thread, NULL, rounds, &second) != 0) return 1;
  mine = rounds(&first);
  pthread_join(thread, &theirs);
  return mine || theirs;
}

static int call_first(void) {
  return first(NULL);
}

static int call_second(void) {
  return second(NULL);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  first = load(argv[1]);
  second = load(argv[2]);
  if (!first || !second || first == second) return 1;
  if (at_once() != 0) {
    puts("two copies do not work at the same time");
    return 1;
  }
  if (first(call_second) != 0 || second(call_first) != 0) {
    puts("a copy does not work inside a task of another one");
    return 1;
  }
  puts("two copies of structio work in one process");
  return 0;
}
