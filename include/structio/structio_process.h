/* Child processes: starting programs, talking to them through pipes, waiting for their end. Part of
 * structio.h.
 *
 *     const char *const argv[] = {"sort", "-u", NULL};
 *     structio_process_options child = STRUCTIO_PROCESS_OPTIONS_INIT;
 *     child.argv = argv;
 *     structio_run_process_options options = STRUCTIO_RUN_PROCESS_OPTIONS_INIT;
 *     options.process = &child;
 *     options.capture_out = 1;
 *     structio_process_result result = STRUCTIO_PROCESS_RESULT_INIT;
 *     int status = structio_run_process(&options, &result);
 *
 * A child never outlives its run: one that lives when its object is freed, or when the run ends, is
 * killed. Each is reaped, and no other child of the program is ever waited for. It begins with all
 * signals unblocked and at their default. SIGCHLD is not used: the program may do with it what it
 * likes; only if it ignores it, or reaps children that are not its own, their status is unknown. */
#ifndef STRUCTIO_PROCESS_H
#define STRUCTIO_PROCESS_H

#include "structio_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a child gets as its standard input, output or error. */
enum structio_stdio_kind {
  STRUCTIO_STDIO_DEFAULT = 0,     /* inherited; the input of structio_run_process: nothing */
  STRUCTIO_STDIO_INHERIT = 1,     /* the program's own */
  STRUCTIO_STDIO_NULL = 2,        /* an empty input; an output that goes nowhere */
  STRUCTIO_STDIO_PIPE = 3,        /* see structio_process_stdin */
  STRUCTIO_STDIO_DESCRIPTOR = 4,  /* `descriptor`, which stays yours */
  STRUCTIO_STDIO_READ_FILE = 5,   /* `path`, to read from */
  STRUCTIO_STDIO_WRITE_FILE = 6,  /* `path`, made or emptied */
  STRUCTIO_STDIO_APPEND_FILE = 7, /* `path`, made or written to at its end */
  STRUCTIO_STDIO_STDOUT = 8       /* of the error output: the same as the output */
};

typedef struct structio_stdio {
  uint32_t kind;
  uint32_t reserved;
  int64_t descriptor;
  const char* path; /* relative to the folder of this program, not of the child */
} structio_stdio;

/* All that is pointed to is copied. */
typedef struct structio_process_options {
  size_t struct_size;
  /* The program and its arguments, ended by NULL. A name without a slash is looked up in the PATH
   * of this program; one with a slash is relative to the child's folder. */
  const char* const* argv;
  const char* const* env; /* "NAME=value", ended by NULL; NULL: this program's, as it is now */
  /* beside these: "NAME=value" is set, "NAME" is taken away; ended by NULL; may be NULL */
  const char* const* extra_env;
  const char* cwd; /* the child's folder; NULL: this program's */
  structio_stdio in;
  structio_stdio out;
  structio_stdio err;
  /* not 0: the child leads a process group of its own, to which signals of the terminal do not go;
   * signals that this library sends go to all of the group */
  uint32_t new_group;
  uint32_t new_session; /* not 0: as well, and it has no terminal */
  /* descriptors, from 3 on, that the child has under the same numbers; the others it has not, as
   * far as they are closed on exec */
  const int64_t* inherit;
  size_t inherit_count;
} structio_process_options;

#define STRUCTIO_PROCESS_OPTIONS_INIT                                                           \
  {                                                                                             \
    sizeof(structio_process_options), NULL, NULL, NULL, NULL, {0, 0, 0, NULL}, {0, 0, 0, NULL}, \
        {0, 0, 0, NULL}, 0, 0, NULL, 0                                                          \
  }

typedef struct structio_process_ending {
  size_t struct_size;
  int32_t exit_status;  /* 0 when it was killed by a signal */
  int32_t signal;       /* 0: it exited by itself */
  uint32_t core_dumped; /* not 0: after the signal */
  uint32_t unknown;     /* not 0: it has ended, but somebody else was told how; exit_status is 0 */
} structio_process_ending;

/* Starts a program, on a worker thread, since that may have to wait for a disk. Checkpoint.
 * Cancelled: there is no child, and there will be none. But what the options name as a file may
 * have been made or emptied, and a program that was being started in that moment may have run for
 * a short time, until it was killed; until then copies of the descriptors that it was to get are
 * open (structio_wait_all_threads_completed waits for that). Errors: STRUCTIO_ECANCELLED,
 * STRUCTIO_EINVALID (options), UV_ENOENT, UV_EACCES (no such program, folder or file, or not
 * allowed; the message says which), UV_EBADF, UV_EMFILE, UV_EAGAIN (too many processes or threads),
 * UV_E2BIG, STRUCTIO_ENOMEM. */
STRUCTIO_API int structio_process_spawn(const structio_process_options* options,
                                        structio_process** out);

/* The same for `command` as /bin/sh understands it; argv has to be NULL. Never build a command of
 * text that comes from elsewhere: that is what argv is for. Checkpoint. */
STRUCTIO_API int structio_process_spawn_shell(const char* command,
                                              const structio_process_options* options,
                                              structio_process** out);

/* Kills a child that lives, which is then reaped in the background, closes the pipes and ends the
 * handle; who waits gets STRUCTIO_ECLOSED. NULL is allowed. Any task or hook, or any
 * thread after the run. Errors: STRUCTIO_ESTALE, STRUCTIO_EMISUSE (another run's). */
STRUCTIO_API int structio_process_free(structio_process* process);

/* Waits until the child has ended; at once when it has before. Any number of tasks may wait. `out`
 * may be NULL. Checkpoint. Cancelled: nothing has happened, the child goes on. Errors:
 * STRUCTIO_ECANCELLED, STRUCTIO_ECLOSED (freed meanwhile; the run is over), STRUCTIO_ENOMEM,
 * UV_EAGAIN (no thread, where the system needs one for this). */
STRUCTIO_API int structio_process_wait(structio_process* process, structio_process_ending* out);

/* 1 and how it ended, or 0: it lives. `out` may be NULL. Any task or hook, or any thread after the
 * run. */
STRUCTIO_API int structio_process_poll(structio_process* process, structio_process_ending* out);

/* The system's number of the child, also when it has ended. A question. */
STRUCTIO_API int structio_process_pid(structio_process* process, int64_t* out);

/* Sends a signal: 1; 0: the child has ended, and nothing was sent. Errors: UV_EINVAL (no signal),
 * UV_EPERM, STRUCTIO_ECLOSED. Any task or hook. */
STRUCTIO_API int structio_process_kill(structio_process* process, int signum);

/* Sends SIGTERM, in the same way. Any task or hook. */
STRUCTIO_API int structio_process_terminate(structio_process* process);

/* Our end of a pipe to the child: its input can be sent to (closing it is the end for the child),
 * the others can be received from. The stream is the process's, which frees it; you may free it
 * earlier. NULL, with a message: no pipe was asked for, or it was freed. Any task or hook. */
STRUCTIO_API structio_stream* structio_process_stdin(structio_process* process);
STRUCTIO_API structio_stream* structio_process_stdout(structio_process* process);
STRUCTIO_API structio_stream* structio_process_stderr(structio_process* process);

/* Takes our end of a pipe from the process: the stream is yours, and may outlive it. `number` is 0,
 * 1 or 2. What a call captures, or feeds, must not be taken from it. Errors: STRUCTIO_EABSENT (no
 * pipe, or it was freed or taken before), STRUCTIO_EINVALID (number), STRUCTIO_ESTALE. Any task or
 * hook. */
STRUCTIO_API int structio_process_detach(structio_process* process, int32_t number,
                                         structio_stream** out);

/* --- from start to end ------------------------------------------------------------------------ */

/* How to make a child end when its call is cancelled: called in a task of its own, shielded from
 * that cancellation. It may wait; it is cancelled when the child has ended. */
typedef int (*structio_deliver_cancel_fn)(void* arg, structio_process* process);

typedef struct structio_run_process_options {
  size_t struct_size;
  const structio_process_options* process;
  const void* input; /* what the child reads; one that stops reading is no error */
  size_t input_size;
  uint32_t capture_out; /* not 0: into the result */
  uint32_t capture_err;
  uint32_t check;       /* not 0: a failure of the child is one of the call */
  uint32_t announce;    /* not 0: see structio_run_process */
  size_t capture_limit; /* bytes of each output; more: STRUCTIO_ELIMIT. 0: without limit */
  int64_t grace;        /* between the two signals of a cancelled call; 0: 5 s */
  structio_deliver_cancel_fn deliver_cancel; /* NULL: SIGTERM, and after the grace SIGKILL */
  void* deliver_cancel_arg;
} structio_run_process_options;

#define STRUCTIO_RUN_PROCESS_OPTIONS_INIT \
  { sizeof(structio_run_process_options), NULL, NULL, 0, 0, 0, 0, 0, 0, 0, NULL, NULL }

typedef struct structio_process_result {
  size_t struct_size;
  int32_t exit_status; /* as in structio_process_ending */
  int32_t signal;
  uint32_t core_dumped;
  uint32_t unknown;
  char* out; /* what was captured, with a 0 behind it; NULL: nothing was to be captured */
  size_t out_size;
  char* err;
  size_t err_size;
} structio_process_result;

#define STRUCTIO_PROCESS_RESULT_INIT \
  { sizeof(structio_process_result), 0, 0, 0, 0, NULL, 0, NULL, 0 }

/* Runs a program from its start to its end: feeds it, captures what it writes, waits until it has
 * ended and its outputs are at their end. The input, where none is given, is empty; the outputs are
 * the program's own, unless they are captured. `result` is filled in when the child has ended,
 * whatever the call returns, and is then yours to free; it may be NULL.
 *
 * With `announce` the call is one for a task that was begun by structio_nursery_start: its value is
 * the structio_process*, as soon as the child runs, which the starter then frees. Only so the
 * process may have pipes.
 *
 * Checkpoint. Cancelled: asks the child to end, with SIGTERM and after the grace with SIGKILL, and
 * returns when it is gone. Errors: STRUCTIO_ECANCELLED, those of structio_process_spawn,
 * STRUCTIO_EPROCESS (check: it exited with another status than 0, or was killed by a signal; the
 * message has the end of its error output), STRUCTIO_ELIMIT, STRUCTIO_EINVALID (a pipe without
 * announce; capturing what goes elsewhere). Whatever else fails: the child is made to end first,
 * and several failures come as a group. */
STRUCTIO_API int structio_run_process(const structio_run_process_options* options,
                                      structio_process_result* result);

/* The same for `command` as /bin/sh understands it; argv has to be NULL. Checkpoint. */
STRUCTIO_API int structio_run_shell(const char* command,
                                    const structio_run_process_options* options,
                                    structio_process_result* result);

/* Two programs at once, the second of which reads through a pipe what the first writes. Each has
 * its own options and result; the output of the first and the input of the second must be left at
 * their default. With `check`, which is looked at when both have ended, the second's failure goes
 * before the first's, and that SIGPIPE kills the first, when nobody reads any more, is none.
 * Checkpoint. Cancelled, or when one cannot be started: both are made to end. Errors: as for
 * structio_run_process. */
STRUCTIO_API int structio_run_pipeline(const structio_run_process_options* first,
                                       const structio_run_process_options* second,
                                       structio_process_result* first_result,
                                       structio_process_result* second_result);

/* Frees what was captured, and zeroes all but struct_size. NULL is allowed. Any thread. */
STRUCTIO_API void structio_process_result_free(structio_process_result* result);

#ifdef __cplusplus
}
#endif

#endif /* STRUCTIO_PROCESS_H */
