/* structio: structured concurrency on fibers. The whole C ABI; this header is its manual.
 *
 *     static int child(void *arg) {
 *       (void)arg;
 *       return structio_sleep(STRUCTIO_SECONDS(1));      cancelled? just return the code
 *     }
 *     static int program(void *arg) {
 *       structio_nursery n;
 *       int status = structio_nursery_open(&n);
 *       if (status == 0) status = structio_nursery_start_soon(&n, child, arg);
 *       return structio_nursery_close(&n, status, NULL); waits for every child, whatever happened
 *     }
 *     int main(void) { return structio_run(program, NULL, NULL); }
 *
 * THE RULES OF THE HOUSE
 *
 *  1. One runtime, one thread. structio_run turns the calling thread into a runtime until its
 *     main task ends. Tasks are fibers of that thread and never leave it, so thread-locals, locks
 *     and libraries that dislike threads work as in any single-threaded program. More cores: more
 *     threads, a runtime in each.
 *  2. Every task lives in a nursery, and a nursery's block ends only when all its tasks have.
 *     What a child borrows from its parent must be declared before the nursery is opened. What a
 *     function of yours leaves open, a task's or one that a call calls, is closed behind it, and it
 *     has failed with STRUCTIO_EMISUSE.
 *  3. A call that can wait is a CHECKPOINT: there, and only there, other tasks run and
 *     cancellation arrives. A checkpoint checks for cancellation whether or not it had to wait. It
 *     gives way to other tasks when it waits, and otherwise at least once in `budget` calls.
 *  4. Cancellation is level-triggered: once a scope is cancelled every checkpoint inside it
 *     returns STRUCTIO_ECANCELLED, again and again, until the scope is left. Free what you hold
 *     and return it.
 *  5. A call that returned STRUCTIO_ECANCELLED did nothing, unless its comment says otherwise
 *     (structio_op_info tells it as data). When completion and cancellation race, completion wins.
 *  6. Calls return 0 or a count on success and a negative code on failure. NULL, the wrong state,
 *     the wrong task or thread, a closed or stale object: each is answered with a code, and
 *     structio_last_message says what was wrong and how to do it right.
 *  7. No buffer of yours is touched after the call that took it has returned.
 *  8. Unless a comment says otherwise, a function must be called from a task of the runtime that
 *     the object belongs to; anywhere else it returns STRUCTIO_ENOTASK, in another runtime
 *     STRUCTIO_EMISUSE. "Any task or hook" includes callbacks that run outside of tasks (abort
 *     functions, portal callbacks), which must not block. "Any thread" may be in a run or not, and
 *     several may call at once. "A question" changes nothing and needs no task: any thread may ask
 *     it, as long as no other uses the object meanwhile.
 *  9. Option structs begin with struct_size = sizeof(the struct); all else zero means default.
 *     NULL for an options pointer means all defaults. STRUCTIO_..._INIT is no more than that:
 *     struct_size and zeros.
 * 10. Inside a run, on its worker threads, and where a portal to it is used, do not fork without
 *     exec: the child has no thread that would answer. Do not leave a task by longjmp.
 * 11. errno is not preserved across a checkpoint.
 * 12. A handle that a function gives out by a parameter is yours: free it, whatever became of it,
 *     by the function of its kind that ends in _free. When the call fails it is NULL. Pointers and
 *     texts that a function returns, or puts into a struct, are the library's: valid as long as the
 *     object that was asked. What you pass in stays yours. Comments name the exceptions.
 *
 * Each function's comment says what it does, then: Checkpoint (or not; not mentioned: not), and for
 * these: Cancelled: what has happened (not mentioned: rule 5); Threads (not mentioned: rule 8);
 * ownership (not mentioned: rule 12); Errors beyond those that go without saying: STRUCTIO_EINVALID
 * for NULL and nonsense, STRUCTIO_ENOTASK and, for what belongs to another run, STRUCTIO_EMISUSE,
 * STRUCTIO_ESTALE for a handle that was freed. In the main task, whatever may return
 * STRUCTIO_ECANCELLED may return STRUCTIO_EINTERRUPTED (see structio_run) with the same meaning.
 */
#ifndef STRUCTIO_H
#define STRUCTIO_H

#include "structio_base.h"          /* versions, errors, time */
#include "structio_buffered.h"      /* lines, frames, exactly n bytes of any stream */
#include "structio_channel.h"       /* channels, broadcasts */
#include "structio_combine.h"       /* all, race, first success, loops with a limit */
#include "structio_copy.h"          /* from stream to stream */
#include "structio_custom_stream.h" /* streams of one's own */
#include "structio_directory.h"     /* folders, names, what paths lead to */
#include "structio_failure.h"       /* why a task failed */
#include "structio_file.h"          /* files, whole or piece by piece */
#include "structio_hooks.h"         /* log lines, memory: the host's own */
#include "structio_net.h"           /* TCP streams, listeners, serve */
#include "structio_nursery.h"       /* nurseries, start, task handles, services, system tasks */
#include "structio_pipe.h"          /* pipes, terminals, descriptors as streams */
#include "structio_process.h"       /* child processes */
#include "structio_readiness.h"     /* waiting for descriptors */
#include "structio_remote.h"        /* into a channel from other threads and runs */
#include "structio_resolve.h"       /* names, addresses, resolvers and connectors of one's own */
#include "structio_run.h"           /* run, tasks, checkpoints, sleep, locals */
#include "structio_scope.h"         /* cancel scopes, deadlines, stop, reasons, cancel tokens */
#include "structio_select.h"        /* the first of several things */
#include "structio_signal.h"        /* receiving signals of the process */
#include "structio_socket.h"        /* options of sockets */
#include "structio_steps.h"         /* what can wait, as data; tasks of stackless coroutines */
#include "structio_sync.h"          /* event, mutex, semaphore, condition, capacity limiter */
#include "structio_thread.h"        /* worker threads, and calls from them into the run */
#include "structio_tls.h"           /* TLS over any stream */
#include "structio_udp.h"           /* datagrams: UDP, Unix */
#include "structio_unix.h"          /* Unix sockets, passing descriptors */
#include "structio_wait.h"          /* park and wake, parking lots, portals */
#include "structio_watch.h"         /* changes of files that others make */

#endif /* STRUCTIO_H */
