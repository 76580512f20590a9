/* Loads the library while running, as a binding of another language does, twice in a row. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef int (*task_fn)(void* arg);
typedef int (*run_fn)(task_fn fn, void* arg, const void* options);
typedef int (*sleep_fn)(int64_t duration);

static sleep_fn late_sleep;

static int program(void* arg) {
  *(int*)arg += 1;
  return late_sleep(1000000);
}

static int once(const char* path, int* runs) {
  run_fn run;
  int status;
  void* function;
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    printf("%s\n", dlerror());
    return 1;
  }
  function = dlsym(library, "structio_run");
  memcpy(&run, &function, sizeof(run));
  function = dlsym(library, "structio_sleep");
  memcpy(&late_sleep, &function, sizeof(late_sleep));
  status = run(program, runs, NULL);
  if (dlclose(library) != 0) status = 1;
  return status;
}

int main(int argc, char** argv) {
  int runs = 0;
  if (argc != 2 || once(argv[1], &runs) != 0 || once(argv[1], &runs) != 0 || runs != 2) {
    printf("%d runs\n", runs);
    return 1;
  }
  puts("structio works when loaded late");
  return 0;
}
