//! Running a main task, and what any task can ask or do on its own.

const std = @import("std");
const c = @import("c.zig");
const call = @import("call.zig");
const errors = @import("errors.zig");
const Failure = @import("failure.zig").Failure;
const VirtualClock = @import("testing.zig").VirtualClock;
const Error = errors.Error;

/// What a run does about SIGINT (Ctrl-C).
pub const InterruptMode = enum(u32) {
    /// Handled in the process's main thread when SIGINT has its default disposition.
    auto = c.STRUCTIO_INTERRUPT_AUTO,
    /// Never touched.
    ignore = c.STRUCTIO_INTERRUPT_IGNORE,
    /// Handled whatever was there; restored at the end.
    handle = c.STRUCTIO_INTERRUPT_HANDLE,
};

/// Options of a run; all of them have defaults.
pub const RunOptions = struct {
    /// Name of the main task; null: "main".
    name: ?[:0]const u8 = null,
    /// Checkpoints a task may pass without giving way; 0: 32, or 1 on a virtual clock.
    budget: u32 = 0,
    /// Not 0: each batch of ready tasks is shuffled, repeatably.
    seed: u64 = 0,
    /// Default of tasks in bytes, guard included; 0: 256 KiB of address space.
    stack_size: usize = 0,
    /// What is done about Ctrl-C.
    interrupt: InterruptMode = .auto,
    /// Tell which task has overflowed its stack. Takes SIGSEGV and SIGBUS for the time of the run.
    overflow_report: bool = true,
    /// End with `error.Deadlock` when no task can ever be woken again.
    deadlock_check: bool = true,
    /// Null: the system's time.
    clock: ?*VirtualClock = null,
    /// Receives why the run failed, or null; yours to `deinit`.
    failure: ?*?Failure = null,
};

/// Runs `f(args...)` as the main task, with everything that it starts, on the calling thread;
/// returns what it returned once all of it has ended, or why the run failed otherwise
/// (`error.Deadlock`, `error.Internal`, `error.Interrupted`, `error.Misuse` inside a run).
pub fn run(comptime f: anytype, args: call.Args(f)) call.Result(f) {
    return runWith(.{}, f, args);
}

/// The same with options.
pub fn runWith(options: RunOptions, comptime f: anytype, args: call.Args(f)) call.Result(f) {
    var failure: ?*c.structio_failure = null;
    const raw: c.structio_run_options = .{
        .budget = options.budget,
        .seed = options.seed,
        .name = if (options.name) |name| name.ptr else null,
        .stack_size = options.stack_size,
        .interrupt = @intFromEnum(options.interrupt),
        .no_overflow_report = @intFromBool(!options.overflow_report),
        .no_deadlock_check = @intFromBool(!options.deadlock_check),
        .clock = if (options.clock) |clock| clock.handle else null,
        .failure = if (options.failure != null) &failure else null,
    };
    var frame: call.Frame(f) = .{ .args = args };
    const outcome = c.structio_run(@TypeOf(frame).body, &frame, &raw);
    if (options.failure) |out| {
        out.* = if (failure) |handle| .{ .handle = handle } else null;
    }
    return frame.finish(outcome);
}

/// Whether the calling thread is inside a run.
pub fn inRun() bool {
    return c.structio_in_run() != 0;
}

/// Lets every other ready task run, then looks for cancellation.
pub fn checkpoint() Error!void {
    try errors.done(c.structio_checkpoint());
}

/// Looks for cancellation without giving way.
pub fn checkpointIfCancelled() Error!void {
    try errors.done(c.structio_checkpoint_if_cancelled());
}

/// Gives way without looking for cancellation.
pub fn cancelShieldedCheckpoint() Error!void {
    try errors.done(c.structio_cancel_shielded_checkpoint());
}

/// A moment or duration without an end.
pub const forever: i64 = c.STRUCTIO_FOREVER;

/// Microseconds as a duration: all durations are nanoseconds. Saturates.
pub fn microseconds(n: i64) i64 {
    return n *| std.time.ns_per_us;
}

/// Milliseconds as a duration. Saturates.
pub fn milliseconds(n: i64) i64 {
    return n *| std.time.ns_per_ms;
}

/// Seconds as a duration. Saturates.
pub fn seconds(n: i64) i64 {
    return n *| std.time.ns_per_s;
}

/// The run's clock in nanoseconds; its zero means nothing. 0 outside of a run.
pub fn now() i64 {
    return c.structio_now();
}

/// Waits; never returns early. Checkpoint.
pub fn sleep(duration: i64) Error!void {
    try errors.done(c.structio_sleep(duration));
}

/// Waits until a moment of the run's clock. Checkpoint.
pub fn sleepUntil(moment: i64) Error!void {
    try errors.done(c.structio_sleep_until(moment));
}

/// Waits until cancelled. Checkpoint.
pub fn sleepForever() Error!noreturn {
    try errors.done(c.structio_sleep_forever());
    unreachable;
}

/// Names a task.
pub const TaskId = c.structio_task_id;

/// The calling task; null outside of a task.
pub fn currentTask() ?TaskId {
    const id = c.structio_task_current();
    return if (id == 0) null else id;
}

/// Name of a living task of this run: valid until it ends.
pub fn taskName(task: TaskId) ?[:0]const u8 {
    return std.mem.span(c.structio_task_name(task) orelse return null);
}

/// Renames the calling task; the name is copied.
pub fn setTaskName(name: [:0]const u8) Error!void {
    try errors.done(c.structio_task_set_name(name.ptr));
}
