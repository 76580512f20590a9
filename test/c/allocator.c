/* An allocator of the host's own: it is given back all that was taken, each block with its size;
 * and when it has none, at whatever moment, calls say so and nothing is lost. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <structio/structio_testing_stream.h>

#include "check.h"

/* By any thread: the library has some of its own. */
static size_t taken = 0;
static size_t blocks = 0;
static long fails_in = -1; /* this many allocations from now; negative: never */
static long failed = 0;
static long wrong_sizes = 0;
static char the_arg; /* its address is what the functions are given */

typedef union {
  size_t size;
  char room[16];
} head;

static int no_memory_now(void) {
  if (__atomic_load_n(&fails_in, __ATOMIC_RELAXED) < 0) return 0;
  if (__atomic_fetch_sub(&fails_in, 1, __ATOMIC_RELAXED) != 0) return 0;
  ++failed;
  return 1;
}

static void* take(size_t size, void* arg) {
  head* h;
  if (arg != &the_arg || size == 0) __atomic_fetch_add(&wrong_sizes, 1, __ATOMIC_RELAXED);
  if (no_memory_now()) return NULL;
  h = malloc(sizeof *h + size);
  if (h == NULL) return NULL;
  h->size = size;
  __atomic_fetch_add(&taken, size, __ATOMIC_RELAXED);
  __atomic_fetch_add(&blocks, 1, __ATOMIC_RELAXED);
  return h + 1;
}

static void give_back(void* block, size_t size, void* arg) {
  head* h = (head*)block - 1;
  if (arg != &the_arg || size != h->size) __atomic_fetch_add(&wrong_sizes, 1, __ATOMIC_RELAXED);
  __atomic_fetch_sub(&taken, size, __ATOMIC_RELAXED);
  __atomic_fetch_sub(&blocks, 1, __ATOMIC_RELAXED);
  free(h);
}

static void* change(void* block, size_t size_now, size_t size, void* arg) {
  head* h = (head*)block - 1;
  if (arg != &the_arg || size_now != h->size) __atomic_fetch_add(&wrong_sizes, 1, __ATOMIC_RELAXED);
  if (no_memory_now()) return NULL;
  h = realloc(h, sizeof *h + size);
  if (h == NULL) return NULL;
  h->size = size;
  __atomic_fetch_add(&taken, size - size_now, __ATOMIC_RELAXED);
  return h + 1;
}

static int nap(void* arg) {
  structio_scope scope;
  structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
  int status;
  (void)arg;
  options.deadline_kind = STRUCTIO_DEADLINE_RELATIVE;
  options.deadline = STRUCTIO_MICROSECONDS(10);
  structio_scope_init(&scope, &options);
  status = structio_scope_enter(&scope);
  if (status < 0) return status;
  status = structio_sleep_forever();
  return structio_scope_leave(&scope, status, NULL);
}

static int fails(void* arg) {
  structio_failure* why = NULL;
  int status = structio_failure_new_status(-700, "as planned", &why);
  (void)arg;
  if (status < 0) return status;
  status = structio_failure_add_while(&why, "failing");
  if (status < 0) {
    structio_failure_free(why);
    return status;
  }
  return structio_failure_raise(why);
}

static int send_many(void* arg) {
  int i, status = 0;
  for (i = 0; i < 100 && status == 0; ++i) status = structio_sender_send(arg, &i);
  structio_sender_close(arg);
  return status;
}

static int channels(structio_nursery* n, structio_sender** tx, structio_receiver** rx) {
  structio_item_type type = {.struct_size = sizeof type, .size = sizeof(int)};
  int item, status = structio_channel_new(&type, 50, tx, rx);
  if (status == 0) status = structio_nursery_start_soon(n, send_many, *tx);
  while (status == 0) status = structio_receiver_receive(*rx, &item);
  return status == STRUCTIO_EEND ? 0 : status;
}

static int lines(void) {
  structio_stream *one = NULL, *other = NULL;
  structio_buffered* buffered = NULL;
  const void* data = NULL;
  size_t size = 0;
  int status = structio_memory_stream_pair(&one, &other);
  if (status == 0) status = structio_stream_send_all(one, "a line\nanother\n", 15);
  if (status == 0) status = structio_buffered_new(other, NULL, &buffered);
  if (status == 0) status = structio_buffered_receive_until(buffered, "\n", 1, &data, &size);
  structio_buffered_free(buffered);
  structio_stream_free(one);
  structio_stream_free(other);
  return status < 0 ? status : 0;
}

static void drop(void* value) {
  (void)value;
}

static int work(void* arg) {
  static const char key = 0;
  structio_nursery n;
  structio_sender* tx = NULL;
  structio_receiver* rx = NULL;
  int i, status = structio_nursery_open(&n);
  (void)arg;
  if (status < 0) return status;
  for (i = 0; i < 5 && status == 0; ++i) status = structio_nursery_start_soon(&n, nap, NULL);
  if (status == 0) status = structio_local_set(&key, &n, drop, NULL);
  if (status == 0) status = channels(&n, &tx, &rx);
  if (status == 0) status = lines();
  if (status == 0) status = structio_nursery_start_soon(&n, fails, NULL);
  status = structio_nursery_close(&n, status, NULL);
  structio_sender_free(tx);
  structio_receiver_free(rx);
  return status;
}

static int in_thread(void* arg) {
  (void)arg;
  return 0;
}

static int more_work(void* arg) {
  void* data = NULL;
  char* name = NULL;
  size_t size = 0;
  structio_resolve_options host = {.struct_size = sizeof host};
  structio_addresses* found = NULL;
  CHECK(work(arg) == STRUCTIO_EGROUP);
  structio_failure_free(structio_failure_take());
  CHECK(structio_run_in_thread(in_thread, NULL, NULL) == 0);
  CHECK(structio_file_read_all("/proc/self/status", 1 << 20, &data, &size) == 0);
  structio_memory_free(data);
  CHECK(structio_path_real("/proc/self/cwd", &name) == 0);
  structio_memory_free(name);
  host.host = "localhost";
  CHECK(structio_resolve(&host, &found) == 0);
  structio_addresses_free(found);
  return 0;
}

static structio_allocator own_allocator(void) {
  structio_allocator a = {.struct_size = sizeof a};
  a.allocate = take;
  a.reallocate = change;
  a.release = give_back;
  a.arg = &the_arg;
  return a;
}

static void all_comes_back(void) {
  structio_allocator a = own_allocator();
  size_t kept, kept_blocks;
  a.libuv = 1;
  CHECK(structio_set_allocator(NULL) == STRUCTIO_EINVALID);
  a.release = NULL;
  CHECK(structio_set_allocator(&a) == STRUCTIO_EINVALID);
  a.release = give_back;
  CHECK(structio_set_allocator(&a) == 0);
  CHECK(structio_run(more_work, NULL, NULL) == 0);
  CHECK(taken > 0);
  kept = taken;
  kept_blocks = blocks;
  CHECK(structio_run(more_work, NULL, NULL) == 0);
  CHECK(taken == kept);
  CHECK(blocks == kept_blocks);
  CHECK(wrong_sizes == 0);
  CHECK(structio_set_allocator(&a) == STRUCTIO_EMISUSE);
  CHECK(says("taken memory before"));
}

static void is_clean(int status) {
  CHECK(status == 0 || status == STRUCTIO_EGROUP || status == STRUCTIO_ENOMEM);
}

/* The n-th allocation of a run fails, which finds what the run before it has kept. */
static void each_fails_once(int has_reallocate) {
  structio_allocator a = own_allocator();
  size_t kept;
  long n;
  if (!has_reallocate) a.reallocate = NULL;
  CHECK(structio_set_allocator(&a) == 0);
  CHECK(structio_run(work, NULL, NULL) == STRUCTIO_EGROUP);
  kept = taken;
  for (n = 0; n < 10000; ++n) {
    failed = 0;
    fails_in = n;
    is_clean(structio_run(work, NULL, NULL));
    fails_in = -1;
    CHECK(taken == kept);
    if (failed == 0) break;
    if (failed_checks) {
      fprintf(stderr, "at allocation %ld\n", n);
      return;
    }
  }
  CHECK(n > 20 && n < 10000);
  CHECK(structio_run(work, NULL, NULL) == STRUCTIO_EGROUP);
  CHECK(taken == kept);
  CHECK(wrong_sizes == 0);
}

static void with_reallocate(void) {
  each_fails_once(1);
}

static void without_reallocate(void) {
  each_fails_once(0);
}

/* The same in processes that have never used the library. */
static long unlucky = 0;

static void first_use_fails(void) {
  structio_allocator a = own_allocator();
  CHECK(structio_set_allocator(&a) == 0);
  fails_in = unlucky;
  is_clean(structio_run(work, NULL, NULL));
  fails_in = -1;
  CHECK(structio_run(work, NULL, NULL) == STRUCTIO_EGROUP);
  if (failed == 0) unlucky = -1;
}

/* Only what has never used the library can be given an allocator. Returns `unlucky` of the child,
 * as far as its exit code goes. */
static int in_child(void (*body)(void)) {
  int ending = 0;
  const pid_t child = fork();
  if (child == 0) {
    body();
    fflush(NULL);
    exit(failed_checks ? 1 : unlucky < 0 ? 2 : 0);
  }
  CHECK(child > 0 && waitpid(child, &ending, 0) == child);
  CHECK(WIFEXITED(ending) && WEXITSTATUS(ending) != 1);
  return WEXITSTATUS(ending);
}

static int valgrind(void) {
  const char* preloaded = getenv("LD_PRELOAD");
  return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

int main(void) {
  CHECK(setenv("STRUCTIO_LOG", "off", 1) == 0);
  in_child(all_comes_back);
  in_child(with_reallocate);
  in_child(without_reallocate);
  if (valgrind()) return checks_result(); /* a process takes it seconds to begin */
  while (in_child(first_use_fails) == 0 && failed_checks == 0) ++unlucky;
  CHECK(unlucky > 20);
  return checks_result();
}
