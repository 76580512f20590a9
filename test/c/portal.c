/* Other threads: calls through a portal, cancelling by a token, two runs side by side. */
#include "check.h"

#include <pthread.h>

#define THREADS 4
#define CALLS 500

struct shared {
  structio_portal* portal;
  structio_cancel_token* token;
  structio_waiter waiter;
  int calls;
  int last_of[THREADS];
  int in_order;
};

struct call {
  struct shared* all;
  int thread, number;
};

static struct call calls[THREADS][CALLS];

static int arrive(void* arg) {
  struct call* c = arg;
  struct shared* all = c->all;
  CHECK(structio_in_run() == 1 && structio_in_task() == 0);
  if (c->number != all->last_of[c->thread] + 1) all->in_order = 0;
  all->last_of[c->thread] = c->number;
  if (++all->calls == THREADS * CALLS) structio_wake(&all->waiter, 0);
  return 0;
}

static void* post_all(void* arg) {
  struct call* mine = arg;
  int i;
  for (i = 0; i < CALLS; ++i)
    CHECK(structio_portal_post(mine[i].all->portal, arrive, &mine[i]) == 0);
  return NULL;
}

static void* cancel(void* arg) {
  CHECK(structio_cancel_token_cancel(((struct shared*)arg)->token) == 0);
  return NULL;
}

static int cancelled_by_thread(void* arg) {
  struct shared* all = arg;
  structio_scope scope;
  pthread_t thread;
  int status;
  CHECK(structio_scope_init(&scope, NULL) == 0);
  CHECK(structio_cancel_token_new(&scope, &all->token) == 0);
  CHECK(structio_scope_enter(&scope) == 0);
  CHECK(pthread_create(&thread, NULL, cancel, all) == 0);
  status = structio_scope_leave(&scope, structio_sleep_forever(), NULL);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(structio_cancel_token_cancel(all->token) == 0); /* the scope is gone: nothing happens */
  CHECK(structio_cancel_token_free(all->token) == 0);
  return status;
}

static int program(void* arg) {
  struct shared* all = arg;
  pthread_t threads[THREADS];
  int t, i;
  CHECK(structio_portal_new(&all->portal) == 0);
  CHECK(structio_waiter_init(&all->waiter) == 0);
  for (t = 0; t < THREADS; ++t) {
    for (i = 0; i < CALLS; ++i) {
      calls[t][i].all = all;
      calls[t][i].thread = t;
      calls[t][i].number = i + 1;
    }
    CHECK(pthread_create(&threads[t], NULL, post_all, calls[t]) == 0);
  }
  CHECK(structio_park(&all->waiter, "other threads", NULL, NULL) == 0);
  for (t = 0; t < THREADS; ++t) CHECK(pthread_join(threads[t], NULL) == 0);
  return cancelled_by_thread(all);
}

static int sleep_a_little(void* arg) {
  (void)arg;
  return structio_sleep(STRUCTIO_MILLISECONDS(1));
}

static void* other_run(void* arg) {
  *(int*)arg = structio_run(sleep_a_little, NULL, NULL);
  return NULL;
}

int main(void) {
  struct shared all;
  pthread_t thread;
  int status = 1;
  memset(&all, 0, sizeof all);
  all.in_order = 1;
  CHECK(pthread_create(&thread, NULL, other_run, &status) == 0);
  CHECK(structio_run(program, &all, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(status == 0);
  CHECK(all.calls == THREADS * CALLS);
  CHECK(all.in_order == 1);
  CHECK(structio_portal_post(all.portal, arrive, NULL) == STRUCTIO_ERUNFINISHED);
  CHECK(structio_portal_free(all.portal) == 0);
  CHECK(structio_portal_post(all.portal, arrive, NULL) == STRUCTIO_ESTALE);
  return checks_result();
}
