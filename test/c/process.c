/* Child processes through the C ABI: what a C program writes, and what it is refused. */
#include <signal.h>
#include <string.h>

#include "check.h"

static const char* const cat[] = {"cat", NULL};
static const char* const sleeper[] = {"sleep", "1000", NULL};

static structio_process_options program(const char* const* argv) {
  structio_process_options options = STRUCTIO_PROCESS_OPTIONS_INIT;
  options.argv = argv;
  return options;
}

static int dialogue(void* arg) {
  structio_process_options options = program(cat);
  structio_process_ending ending = {sizeof ending, 0, 0, 0, 0};
  structio_process* child = NULL;
  structio_stream *in, *out;
  char text[16];
  int64_t pid = 0;
  (void)arg;
  options.in.kind = options.out.kind = STRUCTIO_STDIO_PIPE;
  CHECK(structio_process_spawn(&options, &child) == 0);
  CHECK(structio_process_pid(child, &pid) == 0 && pid > 0);
  in = structio_process_stdin(child);
  out = structio_process_stdout(child);
  CHECK(in && out);
  CHECK(structio_process_stderr(child) == NULL && says("is no pipe"));
  CHECK(structio_process_detach(child, 2, &out) == STRUCTIO_EABSENT && out == NULL);
  CHECK(structio_process_detach(child, 3, &out) == STRUCTIO_EINVALID);
  CHECK(structio_process_detach(child, -1, &out) == STRUCTIO_EINVALID);
  CHECK(structio_process_detach(child, 1, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_process_detach(NULL, 1, &out) == STRUCTIO_EINVALID);
  CHECK(structio_process_detach(child, 1, &out) == 0);
  CHECK(structio_process_stdout(child) == NULL && says("is no pipe"));
  CHECK(structio_stream_send_all(in, "hello", 5) == 0);
  CHECK(structio_stream_receive_some(out, text, sizeof text) == 5);
  CHECK(memcmp(text, "hello", 5) == 0);
  CHECK(structio_process_poll(child, &ending) == 0);
  structio_stream_free(in);
  CHECK(structio_process_stdin(child) == NULL && says("freed"));
  CHECK(structio_stream_receive_some(out, text, sizeof text) == 0);
  CHECK(structio_process_wait(child, &ending) == 0);
  CHECK(ending.exit_status == 0 && ending.signal == 0 && !ending.unknown);
  CHECK(structio_process_poll(child, &ending) == 1);
  CHECK(structio_process_kill(child, SIGTERM) == 0);
  structio_process_free(child);
  CHECK(structio_process_wait(child, &ending) == STRUCTIO_ESTALE);
  CHECK(structio_process_poll(child, NULL) == STRUCTIO_ESTALE);
  structio_process_free(child); /* noticed, and nothing */
  CHECK(structio_stream_free(out) == 0);

  CHECK(structio_process_spawn_shell("exit 3", NULL, &child) == 0);
  CHECK(structio_process_wait(child, &ending) == 0 && ending.exit_status == 3);
  structio_process_free(child);
  options = program(sleeper);
  CHECK(structio_process_spawn(&options, &child) == 0);
  CHECK(structio_process_terminate(child) == 1);
  CHECK(structio_process_wait(child, &ending) == 0 && ending.signal == SIGTERM);
  structio_process_free(child);
  return 0;
}

static int whole(void* arg) {
  structio_process_options child = program(cat);
  structio_run_process_options options = STRUCTIO_RUN_PROCESS_OPTIONS_INIT;
  structio_process_result result = STRUCTIO_PROCESS_RESULT_INIT;
  structio_process_result other = STRUCTIO_PROCESS_RESULT_INIT;
  (void)arg;
  options.process = &child;
  options.input = "text";
  options.input_size = 4;
  options.capture_out = 1;
  CHECK(structio_run_process(&options, &result) == 0);
  CHECK(result.out_size == 4 && strcmp(result.out, "text") == 0);
  CHECK(result.err == NULL && result.exit_status == 0);
  structio_process_result_free(&result);
  CHECK(result.out == NULL && result.struct_size == sizeof result);
  CHECK(structio_run_process(&options, NULL) == 0);

  /* A failure of the child's is in the result as well. */
  options.process = NULL;
  options.input = NULL;
  options.input_size = 0;
  options.capture_err = options.check = 1;
  CHECK(structio_run_shell("echo out; echo why >&2; exit 9", &options, &result) ==
        STRUCTIO_EPROCESS);
  CHECK(says("status 9: why"));
  CHECK(result.exit_status == 9 && strcmp(result.out, "out\n") == 0);
  CHECK(strcmp(result.err, "why\n") == 0);
  structio_process_result_free(&result);

  options.process = &child;
  options.capture_err = options.capture_out = 0;
  options.input = "row";
  options.input_size = 3;
  {
    structio_run_process_options second = STRUCTIO_RUN_PROCESS_OPTIONS_INIT;
    second.process = &child;
    second.capture_out = 1;
    CHECK(structio_run_pipeline(&options, &second, &result, &other) == 0);
    CHECK(other.out_size == 3 && strcmp(other.out, "row") == 0);
    structio_process_result_free(&other);
    CHECK(structio_run_pipeline(&second, &options, NULL, NULL) == STRUCTIO_EINVALID);
    CHECK(structio_run_pipeline(&options, NULL, NULL, NULL) == STRUCTIO_EINVALID);
    second.announce = 1;
    CHECK(structio_run_pipeline(&options, &second, NULL, NULL) == STRUCTIO_EINVALID);
  }
  return 0;
}

static int announced(void* arg) {
  const structio_run_process_options* options = arg;
  return structio_run_process(options, NULL);
}

static int started(void* arg) {
  structio_process_options child = program(cat);
  structio_run_process_options options = STRUCTIO_RUN_PROCESS_OPTIONS_INIT;
  structio_process_ending ending = {sizeof ending, 0, 0, 0, 0};
  structio_nursery n;
  void* value = NULL;
  structio_process* p;
  int status;
  (void)arg;
  child.in.kind = STRUCTIO_STDIO_PIPE;
  options.process = &child;
  options.announce = 1;
  status = structio_nursery_open(&n);
  CHECK(status == 0);
  CHECK(structio_nursery_start(&n, NULL, announced, &options, &value) == 0);
  p = value;
  CHECK(structio_process_poll(p, NULL) == 0);
  structio_stream_free(structio_process_stdin(p));
  CHECK(structio_process_wait(p, &ending) == 0 && ending.exit_status == 0);
  CHECK(structio_nursery_close(&n, 0, NULL) == 0);
  structio_process_free(p);
  return 0;
}

static int refused_options(void* arg) {
  static const char* const none[] = {NULL};
  static const char* const empty[] = {"", NULL};
  structio_process_options options = program(cat);
  structio_run_process_options run = STRUCTIO_RUN_PROCESS_OPTIONS_INIT;
  structio_process_result result = STRUCTIO_PROCESS_RESULT_INIT;
  structio_process* child = NULL;
  (void)arg;
  CHECK(structio_process_spawn(&options, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_process_spawn(NULL, &child) == STRUCTIO_EINVALID);
  options.struct_size = 3;
  CHECK(structio_process_spawn(&options, &child) == STRUCTIO_EINVALID && says("struct_size"));
  options = program(none);
  CHECK(structio_process_spawn(&options, &child) == STRUCTIO_EINVALID && says("argv"));
  options = program(empty);
  CHECK(structio_process_spawn(&options, &child) == STRUCTIO_EINVALID && says("empty"));
  options = program(cat);
  CHECK(structio_process_spawn_shell("true", &options, &child) == STRUCTIO_EINVALID);
  CHECK(structio_process_spawn_shell(NULL, NULL, &child) == STRUCTIO_EINVALID);
  options.in.kind = 99;
  CHECK(structio_process_spawn(&options, &child) == STRUCTIO_EINVALID && says("kind of in"));
  options.in.kind = STRUCTIO_STDIO_STDOUT;
  CHECK(structio_process_spawn(&options, &child) == STRUCTIO_EINVALID && says("only err"));
  options.in.kind = STRUCTIO_STDIO_DESCRIPTOR;
  options.in.descriptor = -1;
  CHECK(structio_process_spawn(&options, &child) == STRUCTIO_EINVALID);
  options.in.descriptor = INT64_MAX;
  CHECK(structio_process_spawn(&options, &child) == STRUCTIO_EINVALID);
  options.in.kind = STRUCTIO_STDIO_READ_FILE;
  CHECK(structio_process_spawn(&options, &child) == STRUCTIO_EINVALID && says("path"));
  CHECK(child == NULL);
  CHECK(structio_run_process(NULL, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_run_process(&run, NULL) == STRUCTIO_EINVALID && says("process"));
  options = program(cat);
  run.process = &options;
  run.input_size = 1;
  CHECK(structio_run_process(&run, NULL) == STRUCTIO_EINVALID && says("input"));
  run.input_size = 0;
  run.grace = -1;
  CHECK(structio_run_process(&run, NULL) == STRUCTIO_EINVALID && says("grace"));
  run.grace = 0;
  result.struct_size = 8;
  CHECK(structio_run_process(&run, &result) == STRUCTIO_EINVALID && says("struct_size"));
  CHECK(structio_process_wait(NULL, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_process_kill(NULL, 1) == STRUCTIO_EINVALID);
  CHECK(structio_process_pid(NULL, NULL) == STRUCTIO_EINVALID);
  CHECK(structio_process_stdin((structio_process*)&options) == NULL);
  CHECK(structio_process_poll((structio_process*)&options, NULL) == STRUCTIO_ESTALE);
  structio_process_free(NULL);
  structio_process_result_free(NULL);
  return 0;
}

static structio_process* outlived;

static int leave_one(void* arg) {
  structio_process_options options = program(sleeper);
  (void)arg;
  return structio_process_spawn(&options, &outlived);
}

int main(void) {
  structio_process_options options = program(cat);
  structio_process_ending ending = {sizeof ending, 0, 0, 0, 0};
  structio_process* child = NULL;
  CHECK(structio_process_spawn(&options, &child) == STRUCTIO_ENOTASK);
  CHECK(structio_run(dialogue, NULL, NULL) == 0);
  CHECK(structio_run(whole, NULL, NULL) == 0);
  CHECK(structio_run(started, NULL, NULL) == 0);
  CHECK(structio_run(refused_options, NULL, NULL) == 0);
  CHECK(structio_run(leave_one, NULL, NULL) == 0);
  CHECK(structio_process_poll(outlived, &ending) == 1 && ending.unknown);
  CHECK(structio_process_wait(outlived, NULL) < 0);
  CHECK(structio_process_terminate(outlived) < 0);
  structio_process_free(outlived);
  return checks_result();
}
