/* Failures: codes with words, values of one's own, groups, what was being done. */
#include "check.h"

#include <stdlib.h>

static int dropped = 0;

static void drop_number(void* value) {
  ++dropped;
  free(value);
}

static void describe_number(const void* value, char* text, size_t size) {
  snprintf(text, size, "number %d", *(const int*)value);
}

static const structio_payload_type number_type = {sizeof number_type, "number", "test/c",
                                                  drop_number, describe_number};

static int raise_number(void* arg) {
  int* value = malloc(sizeof *value);
  structio_failure* failure = NULL;
  if (!value) return STRUCTIO_ENOMEM;
  *value = *(const int*)arg;
  if (structio_failure_new_payload(&number_type, value, &failure) != 0) {
    free(value);
    return STRUCTIO_ENOMEM;
  }
  return structio_failure_raise(failure);
}

static int raise_words(void* arg) {
  structio_failure* failure = NULL;
  int status = structio_failure_new_status(-5, arg, &failure);
  CHECK(status == 0);
  CHECK(structio_failure_add_while(&failure, "reading the map") == 0);
  return structio_failure_raise(failure);
}

static int is_number(const structio_failure* leaf, void* arg) {
  (void)arg;
  return structio_failure_get_kind(leaf) == STRUCTIO_FAILURE_PAYLOAD;
}

static void look_at(structio_failure* group) {
  structio_failure *matched = NULL, *rest = NULL;
  const structio_payload_type* type = NULL;
  char text[512];
  CHECK(structio_failure_get_kind(group) == STRUCTIO_FAILURE_GROUP);
  CHECK(structio_failure_code(group) == STRUCTIO_EGROUP);
  CHECK(structio_failure_count(group) == 2);
  CHECK(structio_failure_member(group, 2) == NULL);
  CHECK(structio_failure_describe(group, text, sizeof text) > 0);
  CHECK(strstr(text, "number 42") != NULL);
  CHECK(strstr(text, "no such place") != NULL);
  CHECK(strstr(text, "while reading the map") != NULL);
  CHECK(structio_failure_split(group, is_number, NULL, &matched, &rest) == 0);
  CHECK(structio_failure_count(matched) == 1 && structio_failure_count(rest) == 1);
  {
    const int* value = structio_failure_payload(structio_failure_member(matched, 0), &type);
    CHECK(value != NULL && *value == 42);
    CHECK(type == &number_type);
  }
  CHECK(structio_failure_code(structio_failure_member(rest, 0)) == -5);
  CHECK(structio_failure_while_count(structio_failure_member(rest, 0)) == 1);
  CHECK(structio_failure_free(matched) == 0);
  CHECK(dropped == 1);
  CHECK(structio_failure_free(rest) == 0);
}

/* Two have the same failure: what one adds the other does not see. */
static void shared_ones(void) {
  structio_failure *mine = NULL, *theirs, *copy, *alone;
  const structio_payload_type* type = NULL;
  int* value = malloc(sizeof *value);
  char text[200];
  const int before = dropped;
  CHECK(value != NULL);
  *value = 7;
  CHECK(structio_failure_new_payload(&number_type, value, &mine) == 0);
  alone = mine;
  CHECK(structio_failure_add_while(&mine, "counting") == 0 && mine == alone);
  theirs = structio_failure_retain(mine);
  CHECK(structio_failure_add_while(&mine, "adding up") == 0 && mine != theirs);
  CHECK(structio_failure_while_count(mine) == 2 && structio_failure_while_count(theirs) == 1);
  CHECK(strcmp(structio_failure_while(mine, 0), "counting") == 0);
  CHECK(strcmp(structio_failure_while(mine, 1), "adding up") == 0);
  CHECK(structio_failure_payload(mine, &type) == value && type == &number_type);
  CHECK(structio_failure_message(mine) == structio_failure_message(theirs));
  CHECK(structio_failure_same(mine, theirs) == 1 && structio_failure_same(theirs, mine) == 1);
  copy = structio_failure_retain(mine);
  CHECK(structio_failure_add_while(&copy, "telling") == 0); /* a copy of a copy */
  CHECK(structio_failure_free(theirs) == 0);
  CHECK(structio_failure_free(mine) == 0);
  CHECK(structio_failure_payload(copy, NULL) == value && dropped == before);
  CHECK(structio_failure_describe(copy, text, sizeof text) > 0 && strstr(text, "number 7") != NULL);
  CHECK(structio_failure_free(copy) == 0 && dropped == before + 1);
  CHECK(structio_failure_add_while(NULL, "x") == STRUCTIO_EINVALID);
  CHECK(structio_failure_same(NULL, NULL) == STRUCTIO_EINVALID);

  mine = NULL;
  CHECK(structio_failure_new_status(-5, "inside", &alone) == 0);
  CHECK(structio_failure_new_group(&alone, 1, &mine) == 0);
  theirs = structio_failure_retain(mine);
  CHECK(structio_failure_add_while(&mine, "gathering") == 0);
  CHECK(structio_failure_free(theirs) == 0);
  CHECK(structio_failure_same(mine, alone) == 0);
  CHECK(structio_failure_count(mine) == 1 && structio_failure_member(mine, 0) == alone);
  CHECK(structio_failure_free(mine) == 0);
}

static int raise_kept(void* arg) {
  return structio_failure_raise(structio_failure_retain(arg));
}

/* The task's name is added for who asks the nursery, and not to what somebody has kept. */
static void named(void) {
  structio_failure *kept = NULL, *group = NULL;
  structio_task_options options = {sizeof options, "keeper", 0, 0, NULL};
  structio_nursery n;
  CHECK(structio_failure_new_status(-5, "kept", &kept) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_spawn(&n, &options, raise_kept, kept) == 0);
  CHECK(structio_nursery_close(&n, 0, &group) == STRUCTIO_EGROUP);
  CHECK(structio_failure_task_name(kept) == NULL);
  CHECK(strcmp(structio_failure_task_name(structio_failure_member(group, 0)), "keeper") == 0);
  CHECK(structio_failure_free(kept) == 0);
  CHECK(strcmp(structio_failure_message(structio_failure_member(group, 0)), "kept") == 0);
  CHECK(structio_failure_free(group) == 0);
}

/* What the body learnt of a child, and passes on with a line of its own, is one failure. */
static void passed_on(void) {
  structio_failure *kept = NULL, *why = NULL;
  structio_task* child = NULL;
  structio_nursery n;
  CHECK(structio_failure_new_status(-5, "once", &kept) == 0);
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_task(&n, NULL, raise_kept, kept, &child) == 0);
  CHECK(structio_cancel_shielded_checkpoint() == 0);
  CHECK(structio_failure_free(kept) == 0);
  while (structio_task_done(child) == 0) CHECK(structio_cancel_shielded_checkpoint() == 0);
  {
    structio_scope shield;
    structio_scope_options options = STRUCTIO_SCOPE_OPTIONS_INIT;
    options.shield = 1;
    CHECK(structio_scope_init(&shield, &options) == 0 && structio_scope_enter(&shield) == 0);
    CHECK(structio_task_join(child, &why) == -5);
    CHECK(structio_scope_leave(&shield, 0, NULL) == 0);
  }
  CHECK(structio_failure_add_while(&why, "joining") == 0);
  CHECK(structio_nursery_close(&n, -5, &why) == STRUCTIO_EGROUP);
  CHECK(structio_failure_count(why) == 1);
  CHECK(structio_failure_while_count(structio_failure_member(why, 0)) == 1);
  CHECK(structio_failure_free(why) == 0);
  CHECK(structio_task_free(child) == 0);
}

static int program(void* arg) {
  structio_nursery n;
  structio_failure* failure = NULL;
  int number = 42, status;
  char words[] = "no such place";
  (void)arg;
  named();
  passed_on();
  CHECK(structio_nursery_open(&n) == 0);
  CHECK(structio_nursery_start_soon(&n, raise_number, &number) == 0);
  CHECK(structio_nursery_start_soon(&n, raise_words, words) == 0);
  CHECK(structio_nursery_close(&n, 0, &failure) == STRUCTIO_EGROUP);
  look_at(failure);
  status = raise_number(&number);
  CHECK(status == STRUCTIO_EPAYLOAD);
  failure = structio_failure_take();
  CHECK(failure != NULL && structio_failure_take() == NULL);
  CHECK(structio_failure_free(failure) == 0);
  CHECK(dropped == 2);
  return raise_words(words);
}

int main(void) {
  structio_failure* failure = NULL;
  structio_run_options options = {.struct_size = sizeof options};
  options.failure = &failure;
  CHECK(structio_run(program, NULL, &options) == -5);
  CHECK(says("no such place"));
  CHECK(strcmp(structio_failure_message(failure), "no such place") == 0);
  CHECK(structio_failure_free(failure) == 0);
  CHECK(structio_failure_free(failure) == STRUCTIO_ESTALE);
  CHECK(structio_failure_new_status(1, NULL, &failure) == STRUCTIO_EINVALID);
  CHECK(strcmp(structio_err_name(STRUCTIO_EGROUP), "STRUCTIO_EGROUP") == 0);
  CHECK(structio_strerror(-12345678) != NULL);
  shared_ones();
  return checks_result();
}
