/* Worker threads from C: values, failures, calls back, leaving a thread alone, posts without
 * memory. */
#include <structio/structio_testing.h>
#include <structio/structio_thread.h>

#include "check.h"

struct work {
  int input;
  int output;
  structio_task_id host;
};

static int in_host(void* arg) {
  struct work* w = arg;
  CHECK(structio_task_current() == w->host);
  CHECK(structio_checkpoint() == 0);
  return w->input * 2;
}

static int job(void* arg) {
  struct work* w = arg;
  CHECK(structio_in_task() == 0);
  CHECK(structio_in_thread_job() == 1);
  CHECK(structio_thread_check_cancelled() == 0);
  w->output = structio_thread_call(in_host, w);
  return 0;
}

static int failing(void* arg) {
  structio_failure* why = NULL;
  (void)arg;
  CHECK(structio_failure_new_status(-42, "from a thread", &why) == 0);
  return structio_failure_raise(why);
}

static int drops = 0;

static void count_drop(void* arg) {
  (void)arg;
  ++drops;
}

static int nothing(void* arg) {
  (void)arg;
  return 0;
}

static int acquire(void* limiter, const void* borrower) {
  CHECK(borrower != NULL);
  ++*(int*)limiter;
  return 0;
}

static int release(void* limiter, const void* borrower) {
  CHECK(borrower != NULL);
  --*(int*)limiter;
  return 0;
}

static void options_of_every_kind(void) {
  structio_thread_options options = STRUCTIO_THREAD_OPTIONS_INIT;
  structio_thread_tokens tokens;
  structio_limiter limiter;
  int borrowed = 0;
  options.drop = count_drop;
  options.name = "reader";
  options.abandon_on_cancel = 1;
  CHECK(structio_run_in_thread(nothing, NULL, &options) == 0);
  CHECK(drops == 1);
  memset(&tokens, 0, sizeof tokens);
  tokens.struct_size = sizeof tokens;
  tokens.limiter = &borrowed;
  tokens.acquire_on_behalf = acquire;
  tokens.release_on_behalf = release;
  options.tokens = &tokens;
  CHECK(structio_run_in_thread(nothing, NULL, &options) == 0);
  CHECK(borrowed == 0);
  CHECK(structio_limiter_init(&limiter, 1) == 0);
  options.limiter = &limiter;
  CHECK(structio_run_in_thread(nothing, NULL, &options) == STRUCTIO_EINVALID); /* not both */
  options.tokens = NULL;
  CHECK(structio_run_in_thread(nothing, NULL, &options) == 0);
  CHECK(structio_limiter_destroy(&limiter) == 0);
  CHECK(drops == 4);
  options.struct_size = offsetof(structio_thread_options, name); /* of an older header */
  CHECK(structio_run_in_thread(nothing, NULL, &options) == STRUCTIO_EINVALID); /* limiter is gone */
  memset(&options, 0, sizeof options);
  CHECK(structio_run_in_thread(nothing, NULL, &options) == STRUCTIO_EINVALID);
  CHECK(says("struct_size"));
}

static int posted = 0;

static int count_post(void* arg) {
  (void)arg;
  ++posted;
  return 0;
}

static void posts(void) {
  structio_portal* portal = NULL;
  structio_post post;
  CHECK(structio_portal_new(&portal) == 0);
  CHECK(structio_post_init(&post, portal, count_post, NULL) == 0);
  CHECK(structio_portal_free(portal) == 0);
  CHECK(structio_post_send(&post) == 1);
  CHECK(structio_post_send(&post) == 0);
  CHECK(structio_wait_all_tasks_blocked(0) == 0);
  CHECK(posted == 1);
  CHECK(structio_post_destroy(&post) == 0);
}

static int program(void* arg) {
  struct work w;
  structio_failure* why;
  (void)arg;
  w.input = 21;
  w.output = 0;
  w.host = structio_task_current();
  CHECK(structio_run_in_thread(job, &w, NULL) == 0);
  CHECK(w.output == 42);
  CHECK(structio_run_in_thread(failing, NULL, NULL) == -42);
  why = structio_failure_take();
  CHECK(strcmp(structio_failure_message(why), "from a thread") == 0);
  CHECK(structio_failure_free(why) == 0);
  CHECK(structio_default_thread_limiter() != NULL);
  CHECK(structio_limiter_total(structio_default_thread_limiter()) == 40);
  CHECK(structio_wait_all_threads_completed() == 0);
  CHECK(structio_threads_active() == 0);
  options_of_every_kind();
  posts();
  return 0;
}

int main(void) {
  CHECK(structio_run(program, NULL, NULL) == 0);
  CHECK(structio_thread_call(nothing, NULL) == STRUCTIO_EMISUSE);
  CHECK(structio_start_thread_soon(nothing, NULL, NULL, "last") == 0);
  return checks_result();
}
