/* What is fixed about structs and constants, against the compiler's opinion; and a header that does
 * not belong to the library. */
#include <stddef.h>

#include "check.h"

static void compare(const char* what, long long is, const char* expected) {
  char text[24];
  snprintf(text, sizeof text, "%lld", is);
  if (strcmp(text, expected) == 0) return;
  ++failed_checks;
  fprintf(stderr, "%s is %s and was %s: see docs/abi.md\n", what, text, expected);
}

static void layout(void) {
#define SIZE(since, type, value) compare("sizeof " #type, (long long)sizeof(type), #value);
#define FIELD(since, type, field, value) \
  compare(#type "." #field, (long long)offsetof(type, field), #value);
#define VALUE(since, name, value) compare(#name, (long long)(name), #value);
#include "../../capi/layout.txt"
  compare("sizeof an enumeration", sizeof(enum structio_interrupt_mode), "4");
}

static int never(void* arg) {
  (void)arg;
  CHECK(0);
  return 0;
}

static int once(void* arg) {
  ++*(int*)arg;
  return 0;
}

static void versions(void) {
  structio_run_options options = {.struct_size = sizeof options};
  int times = 0;
  CHECK(structio_version() == STRUCTIO_VERSION);
  options.version = STRUCTIO_VERSION;
  CHECK(structio_run(once, &times, &options) == 0);
  options.version = 0; /* not checked */
  CHECK(structio_run(once, &times, &options) == 0);
  options.version = STRUCTIO_VERSION + 1; /* a later one of the same ABI */
  CHECK(structio_run(once, &times, &options) == 0);
  options.version = STRUCTIO_VERSION + (UINT32_C(7) << 8); /* so is this, though it is 0.x */
  CHECK(structio_run(once, &times, &options) == 0);
  options.version = ((uint32_t)STRUCTIO_VERSION_MAJOR << 16) | 1; /* and one that is older */
  CHECK(structio_run(once, &times, &options) == 0);
  CHECK(times == 5);
  options.version = STRUCTIO_VERSION + ((uint32_t)1 << 16);
  CHECK(structio_run(never, NULL, &options) == STRUCTIO_EVERSION);
  CHECK(says("structio_run: the header is of version 1.") && says("the library of 0."));
}

/* A program that was compiled when the struct was shorter, or will be when it is longer. */
static void option_structs(void) {
  struct {
    structio_run_options known;
    uint64_t unknown[8];
  } longer = {.known = {.struct_size = sizeof longer}};
  structio_run_options options = {.struct_size = offsetof(structio_run_options, seed)};
  int times = 0;
  memset(&options.seed, 0xff, sizeof options - offsetof(structio_run_options, seed));
  CHECK(structio_run(once, &times, &options) == 0);
  memset(longer.unknown, 0xff, sizeof longer.unknown);
  CHECK(structio_run(once, &times, &longer.known) == 0);
  CHECK(times == 2);
  options.struct_size = sizeof(size_t) - 1;
  CHECK(structio_run(never, NULL, &options) == STRUCTIO_EINVALID);
  CHECK(says("struct_size"));
}

int main(void) {
  if (sizeof(void*) == 8) layout();
  versions();
  option_structs();
  return checks_result();
}
