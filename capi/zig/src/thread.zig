//! Worker threads for what would block the run, and calls from them back into it.

const c = @import("c.zig");
const call = @import("call.zig");
const errors = @import("errors.zig");
const Error = errors.Error;

/// Runs `f(args...)` on a worker thread; other tasks run meanwhile. Returns what it returned, when
/// it has ended, also when the task is cancelled meanwhile: the thread can ask for that by
/// `threadCheckCancelled`. Checkpoint; cancelled before, it starts no thread.
pub fn runInThread(comptime f: anytype, args: call.Args(f)) call.Result(f) {
    var frame: call.Frame(f) = .{ .args = args };
    return frame.finish(c.structio_run_in_thread(@TypeOf(frame).body, &frame, null));
}

/// On such a thread: runs `f(args...)` inside the run, in the very task that waits for the thread,
/// and blocks the thread until it has returned. `error.Misuse` on any other thread.
pub fn callFromThread(comptime f: anytype, args: call.Args(f)) call.Result(f) {
    var frame: call.Frame(f) = .{ .args = args };
    return frame.finish(c.structio_thread_call(@TypeOf(frame).body, &frame));
}

/// On such a thread: `error.Cancelled` when the task that waits for it is cancelled.
pub fn threadCheckCancelled() Error!void {
    try errors.done(c.structio_thread_check_cancelled());
}
