/* Channels and broadcasts: a pipeline of three tasks, items that own memory, the end of it all. */
#include <stdlib.h>
#include <structio/structio_channel.h>

#include "check.h"

struct stage {
  structio_receiver* in;
  structio_sender* out;
  int64_t sum;
  int items;
};

static const structio_item_type numbers = {sizeof(structio_item_type), sizeof(int64_t), NULL, NULL,
                                           NULL};

static int produce(void* arg) {
  struct stage* s = arg;
  int64_t i;
  int status = 0;
  for (i = 1; i <= 1000 && status == 0; ++i) {
    int64_t item = i;
    status = structio_sender_send(s->out, &item);
  }
  structio_sender_free(s->out);
  return status;
}

static int square(void* arg) {
  struct stage* s = arg;
  int64_t batch[16];
  int64_t got, i;
  int status = 0;
  while (status == 0 && (got = structio_receiver_receive_batch(s->in, batch, 16)) > 0) {
    for (i = 0; i < got && status == 0; ++i) {
      batch[i] *= batch[i];
      status = structio_sender_send(s->out, &batch[i]);
    }
  }
  structio_receiver_free(s->in);
  structio_sender_free(s->out);
  return status;
}

static int add(void* arg) {
  struct stage* s = arg;
  int64_t item;
  int status;
  while ((status = structio_receiver_receive(s->in, &item)) == 0) {
    s->sum += item;
    ++s->items;
  }
  structio_receiver_free(s->in);
  return status == STRUCTIO_EEND ? 0 : status;
}

static void pipeline(int64_t capacity) {
  structio_nursery n;
  struct stage first = {0}, second = {0}, third = {0};
  CHECK(structio_channel_new(&numbers, capacity, &first.out, &second.in) == 0);
  CHECK(structio_channel_new(&numbers, capacity, &second.out, &third.in) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, produce, &first) == 0);
  CHECK(structio_nursery_start_soon(&n, square, &second) == 0);
  CHECK(structio_nursery_start_soon(&n, add, &third) == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  CHECK(third.items == 1000);
  CHECK(third.sum == INT64_C(333833500));
}

static int living_words = 0;

static void destroy_words(void* item) {
  char** words = item;
  free(*words);
  --living_words;
}

static int copy_words(void* to, const void* from) {
  char* const* words = from;
  char* made = malloc(strlen(*words) + 1);
  if (made == NULL) return STRUCTIO_ENOMEM;
  strcpy(made, *words);
  *(char**)to = made;
  ++living_words;
  return 0;
}

static char* make_words(const char* text) {
  char* made = NULL;
  CHECK(copy_words(&made, &text) == 0);
  return made;
}

static const structio_item_type words_type = {sizeof(structio_item_type), sizeof(char*), NULL,
                                              destroy_words, copy_words};

static void owned_items(void) {
  structio_sender *tx, *clone;
  structio_receiver* rx;
  structio_channel_statistics s = {0};
  char *one = make_words("one"), *two = make_words("two"), *got = NULL;
  CHECK(structio_channel_new(&words_type, 1, &tx, &rx) == 0);
  CHECK(structio_sender_clone(tx, &clone) == 0);
  CHECK(structio_sender_send(clone, &one) == 0);
  CHECK(structio_sender_try_send(tx, &two) == STRUCTIO_EWOULDBLOCK);
  CHECK(structio_receiver_try_receive(rx, &got) == 0);
  CHECK(strcmp(got, "one") == 0);
  destroy_words(&got);
  CHECK(structio_sender_try_send(tx, &two) == 0);
  s.struct_size = sizeof s;
  CHECK(structio_receiver_get_statistics(rx, &s) == 0);
  CHECK(s.buffer_used == 1 && s.open_senders == 2 && s.peak_buffer_used == 1);
  CHECK(structio_sender_close(tx) == 0);
  CHECK(structio_sender_free(tx) == 0);
  CHECK(structio_receiver_free(rx) == 0); /* "two" goes with it */
  CHECK(living_words == 0);
  CHECK(structio_sender_send(clone, &two) == STRUCTIO_EBROKEN);
  CHECK(structio_sender_free(clone) == 0);
}

static void broadcasts(void) {
  structio_broadcast* b;
  structio_subscription *quick, *slow;
  structio_broadcast_statistics s = {0};
  uint64_t missed = 0;
  char name[2] = "a";
  char* got = NULL;
  CHECK(structio_broadcast_new(&words_type, 2, STRUCTIO_LAG_DROP_OLDEST, &b) == 0);
  CHECK(structio_broadcast_subscribe(b, &quick) == 0);
  CHECK(structio_broadcast_subscribe(b, &slow) == 0);
  for (; name[0] < 'e'; ++name[0]) {
    char* item = make_words(name);
    CHECK(structio_broadcast_send(b, &item) == 0);
    CHECK(structio_subscription_receive(quick, &got, &missed) == 0);
    CHECK(got[0] == name[0] && missed == 0);
    destroy_words(&got);
  }
  CHECK(structio_subscription_try_receive(slow, &got, &missed) == 0);
  CHECK(got[0] == 'c' && missed == 2);
  destroy_words(&got);
  s.struct_size = sizeof s;
  CHECK(structio_broadcast_get_statistics(b, &s) == 0);
  CHECK(s.subscriptions == 2 && s.dropped == 2 && s.buffer_used == 1);
  CHECK(structio_broadcast_close(b) == 0);
  CHECK(structio_subscription_receive(quick, &got, NULL) == STRUCTIO_EEND);
  CHECK(structio_subscription_free(quick) == 0);
  CHECK(structio_subscription_free(slow) == 0);
  CHECK(structio_broadcast_free(b) == 0);
  CHECK(living_words == 0);
}

static int program(void* arg) {
  (void)arg;
  pipeline(0);
  pipeline(7);
  pipeline(STRUCTIO_UNLIMITED);
  owned_items();
  broadcasts();
  return 0;
}

int main(void) {
  CHECK(run_at_once(program, NULL) == 0);
  return checks_result();
}
