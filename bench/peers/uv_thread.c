/* libuv's `thread_call` (uv_queue_work) and `thread_wake` (uv_async_send with a queue of one's own,
 * which is what a program has to bring itself, since sends are coalesced). */
#include <pthread.h>
#include <uv.h>

#include "bench.h"

static int64_t left;

static void work(uv_work_t* request) {
  (void)request;
}

static void after(uv_work_t* request, int status) {
  (void)status;
  if (--left > 0) uv_queue_work(request->loop, request, work, after);
}

static void calls(uv_loop_t* loop, int64_t n) {
  uv_work_t request;
  left = n;
  uv_queue_work(loop, &request, work, after);
  uv_run(loop, UV_RUN_DEFAULT);
}

struct message {
  struct message* next;
};

static uv_async_t async;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct message* first;
static int64_t wanted;
static int64_t arrived;

static void on_messages(uv_async_t* handle) {
  struct message* m;
  pthread_mutex_lock(&lock);
  m = first;
  first = NULL;
  pthread_mutex_unlock(&lock);
  while (m != NULL) {
    struct message* next = m->next;
    free(m);
    m = next;
    ++arrived;
  }
  if (arrived == wanted) uv_close((uv_handle_t*)handle, NULL);
}

static void* send_all(void* arg) {
  int64_t i;
  (void)arg;
  for (i = 0; i < wanted; ++i) {
    struct message* m = malloc(sizeof *m);
    if (m == NULL) abort();
    pthread_mutex_lock(&lock);
    m->next = first;
    first = m;
    pthread_mutex_unlock(&lock);
    uv_async_send(&async);
  }
  return NULL;
}

int main(int argc, char** argv) {
  uv_loop_t loop;
  int64_t begin;
  int64_t n;
  bench_pin(argc, argv);
  if (uv_loop_init(&loop) != 0) return 1;
  if (strcmp(bench_text_option(argc, argv, "--workload", "thread_call"), "thread_wake") == 0) {
    pthread_t sender;
    n = wanted = bench_option(argc, argv, "--n", 1000000);
    uv_async_init(&loop, &async, on_messages);
    begin = bench_wall_now();
    pthread_create(&sender, NULL, send_all, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    bench_report("thread_wake", "libuv", (double)(bench_wall_now() - begin) / (double)n / 1000,
                 "us", n);
    pthread_join(sender, NULL);
    return 0;
  }
  n = bench_option(argc, argv, "--n", 100000);
  calls(&loop, 1000);
  begin = bench_wall_now();
  calls(&loop, n);
  bench_report("thread_call", "libuv", (double)(bench_wall_now() - begin) / (double)n / 1000, "us",
               n);
  return 0;
}
