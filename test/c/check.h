/* What the C programs share: a check that says where it failed, and a program's result. Each
 * program is C99 and sees nothing but the public headers. */
#ifndef STRUCTIO_TEST_CHECK_H
#define STRUCTIO_TEST_CHECK_H

#include <stdio.h>
#include <string.h>
#include <structio/structio.h>
#include <structio/structio_debug.h>
#include <structio/structio_testing.h>

static int failed_checks = 0;

#define CHECK(condition) \
  ((condition) ? (void)0 : (void)(++failed_checks, complain(__FILE__, __LINE__, #condition)))

static void complain(const char* file, int line, const char* condition) {
  fprintf(stderr, "%s:%d: failed: %s (last message: %s)\n", file, line, condition,
          structio_last_message());
}

static int checks_result(void) {
  return failed_checks == 0 ? 0 : 1;
}

/* Runs `fn` on a virtual clock that jumps as soon as everybody waits. */
static inline int run_at_once(structio_task_fn fn, void* arg) {
  structio_clock* clock = NULL;
  structio_run_options options = {.struct_size = sizeof options};
  int status;
  CHECK(structio_virtual_clock_new(NULL, &clock) == 0);
  options.clock = clock;
  status = structio_run(fn, arg, &options);
  CHECK(structio_virtual_clock_free(clock) == 0);
  return status;
}

/* True when the last message has `words`. */
static inline int says(const char* words) {
  return strstr(structio_last_message(), words) != NULL;
}

#endif /* STRUCTIO_TEST_CHECK_H */
