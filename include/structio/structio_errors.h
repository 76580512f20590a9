/* The codes that structio adds to the operating system's: one list, expanded wherever codes, names
 * or texts are needed. Included by structio.h; never needs to be included by hand.
 *
 * Codes of the operating system are libuv's UV_E* values (on POSIX: the negated errno). The range
 * from -20001 downwards is ours. A value is never used again for another meaning. */
#ifndef STRUCTIO_ERRORS_H
#define STRUCTIO_ERRORS_H

#define STRUCTIO_ERROR_MAP(X)                                                               \
  X(CANCELLED, -20001, "cancelled: a cancel scope around this call was cancelled")          \
  X(INVALID, -20002, "invalid argument")                                                    \
  X(MISUSE, -20003, "the call is not allowed in this state")                                \
  X(NOTASK, -20004, "called from outside a task of a running runtime")                      \
  X(CLOSED, -20005, "the object has been closed on this side")                              \
  X(BROKEN, -20006, "the other side or the owner of the object is gone")                    \
  X(BUSY, -20007, "another task is already doing this on the object")                       \
  X(WOULDBLOCK, -20008, "the call would have to wait")                                      \
  X(END, -20009, "end of channel: every sender is closed and the buffer is drained")        \
  X(TOOSLOW, -20010, "the deadline passed before the block ended")                          \
  X(NOMEM, -20011, "out of memory")                                                         \
  X(STALE, -20012, "the handle is stale, foreign or not of this kind")                      \
  X(RUNFINISHED, -20013, "the run has ended")                                               \
  X(DEADLOCK, -20014, "deadlock: no task can ever be woken again")                          \
  X(INTERRUPTED, -20015, "interrupted: the user asked the program to end (Ctrl-C)")         \
  X(INTERNAL, -20016, "internal error: the runtime or a system task failed")                \
  X(GROUP, -20017, "one or more tasks failed; the failure holds each of them")              \
  X(PAYLOAD, -20018, "a failure of the program's own kind (an exception, a foreign error)") \
  X(VERSION, -20019, "the header and the library do not belong together")                   \
  X(LIMIT, -20020, "a limit of this library or of the system has been reached")             \
  X(UNSUPPORTED, -20021, "not supported on this platform or in this build")                 \
  X(ABSENT, -20022, "no value is set")                                                      \
  X(INCOMPLETE, -20023, "the stream ended in the middle of what was expected")              \
  X(PROCESS, -20024, "a program that was run ended with a failure")

enum structio_error {
#define STRUCTIO_ERROR_ENUM(name, value, text) STRUCTIO_E##name = value,
  STRUCTIO_ERROR_MAP(STRUCTIO_ERROR_ENUM)
#undef STRUCTIO_ERROR_ENUM
      STRUCTIO_OK = 0
};

#endif /* STRUCTIO_ERRORS_H */
