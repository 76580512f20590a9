//! Worker threads for what would block the run, and calls from threads back into it.

const c = @import("c.zig");
const calls = @import("call.zig");
const errors = @import("errors.zig");
const Error = errors.Error;

/// Runs `f(args...)` on a worker thread; other tasks run meanwhile. Returns what it returned, when
/// it has ended, also when the task is cancelled meanwhile: the thread can ask for that by
/// `threadCheckCancelled`. Checkpoint; cancelled before, it starts no thread.
pub fn runInThread(comptime f: anytype, args: calls.Args(f)) calls.Result(f) {
    var frame: calls.Frame(f) = .{ .args = args };
    return frame.finish(c.structio_run_in_thread(@TypeOf(frame).body, &frame, null));
}

/// On such a thread: runs `f(args...)` inside the run, in the very task that waits for the thread,
/// and blocks the thread until it has returned. `error.Misuse` on any other thread.
pub fn callFromThread(comptime f: anytype, args: calls.Args(f)) calls.Result(f) {
    var frame: calls.Frame(f) = .{ .args = args };
    return frame.finish(c.structio_thread_call(@TypeOf(frame).body, &frame));
}

/// On such a thread: `error.Cancelled` when the task that waits for it is cancelled.
pub fn threadCheckCancelled() Error!void {
    try errors.done(c.structio_thread_check_cancelled());
}

/// Through which any thread reaches the run that it was made in. As long as one exists no deadlock
/// is reported: somebody may call.
pub const Portal = struct {
    handle: *c.structio_portal,

    /// Makes one, in a task.
    pub fn init() Error!Portal {
        var out: ?*c.structio_portal = null;
        try errors.done(c.structio_portal_new(&out));
        return .{ .handle = out.? };
    }

    /// Any thread, but not while another one is in a call with this portal.
    pub fn deinit(self: Portal) void {
        _ = c.structio_portal_free(self.handle);
    }

    /// Runs `f(args...)` in a task of the run, where it may wait, and blocks the calling thread
    /// until it has returned. Any thread that is outside of a run. `error.RunFinished`: the run is
    /// ending or has ended, and `f` was not called.
    pub fn call(self: Portal, comptime f: anytype, args: calls.Args(f)) calls.Result(f) {
        var frame: calls.Frame(f) = .{ .args = args };
        const body = @TypeOf(frame).body;
        return frame.finish(c.structio_portal_call(self.handle, body, &frame, null));
    }

    /// Queues `f(arg)` and returns; it is called inside the run but outside of tasks, so it must
    /// not wait, but may set events, send without waiting, spawn. `arg` is a pointer that is good
    /// until then. Any thread.
    pub fn post(self: Portal, comptime f: anytype, arg: anytype) Error!void {
        const Arg = @TypeOf(arg);
        const callback = struct {
            fn callback(raw: ?*anyopaque) callconv(.c) c_int {
                f(@as(Arg, @ptrCast(@alignCast(raw.?))));
                return 0;
            }
        }.callback;
        try errors.done(c.structio_portal_post(self.handle, callback, arg));
    }
};
