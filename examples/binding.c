/* What a binding for another language is made of, in C: an "interpreter" whose coroutines have no
 * stack of their own, driven by steps, and whose exceptions pass through nurseries as they are.
 *
 *     binding             two coroutines sleep, one of them raises, and the main one catches that
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <structio/structio.h>

/* --- the language's exceptions as failures ------------------------------------------------------
 */

struct exception {
  int references; /* the language counts them itself */
  char text[80];
};

static void exception_drop(void* value) {
  struct exception* e = value;
  if (--e->references == 0) free(e);
}

static void exception_describe(const void* value, char* text, size_t size) {
  const struct exception* e = value;
  if (size > 0) snprintf(text, size, "ToyError: %s", e->text);
}

/* One object for the whole binding; `runtime` tells it from a second copy of the same binding. */
static const structio_payload_type exception_type = {sizeof(structio_payload_type), "toy exception",
                                                     &exception_type, exception_drop,
                                                     exception_describe};

/* The task is about to end with this exception: what its last step gives as its result. */
static int raise_exception(struct exception* e) {
  structio_failure* failure = NULL;
  int status = structio_failure_new_payload(&exception_type, e, &failure);
  if (status < 0) return status; /* out of memory; the exception is still ours */
  return structio_failure_raise(failure);
}

/* The language's object behind a failure, or NULL when it is somebody else's. */
static struct exception* exception_of(const structio_failure* failure) {
  const structio_payload_type* type = NULL;
  void* value = structio_failure_payload(failure, &type);
  return value && type->runtime == &exception_type ? value : NULL;
}

/* --- awaiting: a call asked for by name ---------------------------------------------------------
 */

static int await_call(structio_call* call, const char* name, uint64_t first, uint64_t second) {
  structio_op_info info = {0};
  info.struct_size = sizeof info;
  if (structio_op_find(name, &info) < 0) abort(); /* a binding looks them up once */
  call->op = info.index;
  call->arguments[0] = first;
  call->arguments[1] = second;
  return STRUCTIO_STEP_CALL;
}

static uint64_t pointer(void* p) {
  return (uint64_t)(uintptr_t)p;
}

/* --- two coroutines, as a compiler would make them ----------------------------------------------
 */

struct child {
  int line;
  int raises;
};

/* async def child(raises): await sleep(0.01); if raises: raise ToyError("no such page") */
static int child_step(void* state, structio_call* call) {
  struct child* self = state;
  switch (self->line++) {
    case 0: return await_call(call, "structio_sleep", (uint64_t)STRUCTIO_MILLISECONDS(10), 0);
    default: break;
  }
  if (call->result == 0 && self->raises) { /* not cancelled */
    struct exception* e = calloc(1, sizeof *e);
    if (!e) abort();
    e->references = 1;
    strcpy(e->text, "no such page");
    call->result = raise_exception(e);
  }
  return STRUCTIO_STEP_DONE; /* with call->result: the code of the failure that is in flight */
}

struct parent {
  int line;
  structio_nursery nursery; /* at a place that does not move */
  struct child children[2];
  structio_steps steps[2];
  structio_failure* failure;
  int caught;
};

/* async with open_nursery() as n: n.start_soon(child, True); n.start_soon(child, False) */
static int parent_step(void* state, structio_call* call) {
  struct parent* self = state;
  int status = 0;
  size_t i;
  if (self->line++ == 0) {
    status = structio_nursery_open(&self->nursery); /* does not wait: may be called right here */
    for (i = 0; i < 2 && status == 0; ++i) {
      self->children[i].raises = i == 0;
      self->steps[i].struct_size = sizeof self->steps[i];
      self->steps[i].step = child_step;
      self->steps[i].state = &self->children[i];
      status = structio_nursery_start_soon(&self->nursery, structio_drive, &self->steps[i]);
    }
    call->arguments[2] = pointer(&self->failure);
    return await_call(call, "structio_nursery_close", pointer(&self->nursery),
                      (uint64_t)(int64_t)status);
  }
  for (i = 0; i < structio_failure_count(self->failure); ++i) { /* except* ToyError as e: */
    struct exception* e = exception_of(structio_failure_member(self->failure, i));
    if (e) printf("caught: %s\n", e->text);
    self->caught += e != NULL;
  }
  structio_failure_free(self->failure);
  call->result = 0;
  return STRUCTIO_STEP_DONE;
}

int main(void) {
  static struct parent self;
  structio_steps main_task = {sizeof main_task, parent_step, &self};
  structio_run_options options = {0};
  options.struct_size = sizeof options;
  options.version = STRUCTIO_VERSION; /* a library of another version is refused */
  if (structio_run(structio_drive, &main_task, &options) != 0) {
    fprintf(stderr, "%s\n", structio_last_message());
    return 1;
  }
  return self.caught == 1 ? 0 : 1;
}
