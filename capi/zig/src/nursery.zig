//! Nurseries: the only place where tasks live.

const std = @import("std");
const c = @import("c.zig");
const call = @import("call.zig");
const errors = @import("errors.zig");
const failures = @import("failure.zig");
const ScopeOptions = @import("scope.zig").ScopeOptions;
const Error = errors.Error;

/// Options of a task; all of them have defaults.
pub const TaskOptions = struct {
    /// Copied; null: as the starter's.
    name: ?[:0]const u8 = null,
    /// Bytes, guard included; 0: the run's default.
    stack_size: usize = 0,
};

/// Opens a nursery, runs `f(&nursery, args...)` as its body, and returns when that and every child
/// have ended. When the body or a child fails, the others are cancelled, and the error is
/// `error.Group`: `takeFailure` then gives what failed.
pub fn withNursery(
    comptime f: anytype,
    args: call.RestArgs(f, *Nursery),
) Error!void {
    return withNurseryOptions(.{}, f, args);
}

/// The same with options for the nursery's own scope.
pub fn withNurseryOptions(
    options: ScopeOptions,
    comptime f: anytype,
    args: call.RestArgs(f, *Nursery),
) Error!void {
    call.requireNoResult(f);
    var nursery: Nursery = undefined;
    try nursery.open(options);
    return nursery.closeWith(call.status(call.callWith(f, &nursery, args)));
}

/// Where tasks live. Must not move while it is open.
pub const Nursery = struct {
    storage: c.structio_nursery,

    /// Opens by hand; `close` must follow in the same task whatever happens. `withNursery` sees to
    /// that.
    pub fn open(self: *Nursery, options: ScopeOptions) Error!void {
        const raw = options.raw();
        try errors.done(c.structio_nursery_open_with(&self.storage, &raw));
    }

    /// Ends the body with what it came to, waits for every child and reports, as `withNursery`.
    pub fn close(self: *Nursery, result: anyerror!void) Error!void {
        return self.closeWith(call.status(result));
    }

    fn closeWith(self: *Nursery, status: c_int) Error!void {
        try errors.done(c.structio_nursery_close(&self.storage, status, null));
    }

    /// Starts `f(args...)` as a child. It does not run before the caller's next checkpoint. The
    /// arguments are copied to its own stack; what they point to must be declared before the
    /// nursery is opened. `f` returns void or !void.
    pub fn spawn(self: *Nursery, comptime f: anytype, args: call.Args(f)) Error!void {
        return self.spawnWith(.{}, f, args);
    }

    /// The same with options.
    pub fn spawnWith(
        self: *Nursery,
        options: TaskOptions,
        comptime f: anytype,
        args: call.Args(f),
    ) Error!void {
        const Task = call.Callable(f);
        const raw = Task.options(options.name, options.stack_size);
        const source = @constCast(&args);
        try errors.done(c.structio_nursery_spawn(&self.storage, &raw, Task.body, source));
    }

    /// Starts a child that is cancelled once the body and every ordinary child have ended.
    pub fn startService(
        self: *Nursery,
        options: TaskOptions,
        comptime f: anytype,
        args: call.Args(f),
    ) Error!void {
        const Task = call.Callable(f);
        const raw = Task.options(options.name, options.stack_size);
        const source = @constCast(&args);
        try errors.done(c.structio_nursery_start_service(&self.storage, &raw, Task.body, source));
    }

    /// Starts a child and gives a handle to it, yours to `deinit`.
    pub fn spawnTask(
        self: *Nursery,
        options: TaskOptions,
        comptime f: anytype,
        args: call.Args(f),
    ) Error!TaskHandle {
        const Task = call.Callable(f);
        const raw = Task.options(options.name, options.stack_size);
        const source = @constCast(&args);
        var handle: ?*c.structio_task = null;
        try errors.done(
            c.structio_nursery_start_task(&self.storage, &raw, Task.body, source, &handle),
        );
        return .{ .handle = handle.? };
    }

    /// Starts `f(status, args...)`, waits until it calls `status.started(value)` and returns that
    /// value. Until then it runs in the caller's scopes, and its error is the caller's own.
    pub fn start(
        self: *Nursery,
        comptime T: type,
        comptime f: anytype,
        args: call.RestArgs(f, *TaskStatus(T)),
    ) (call.Errors(f) || Error)!T {
        call.requireNoResult(f);
        const Starting = call.Starting(f, TaskStatus(T));
        const raw = Starting.Task.options(null, 0);
        var slot: T = undefined;
        var err: ?call.Errors(f) = null;
        var source: Starting = .{ .status = .{ .slot = &slot, .place = null }, .rest = args, .err = &err };
        const body = Starting.Task.body;
        const outcome = c.structio_nursery_start(&self.storage, &raw, body, &source, null);
        if (outcome >= 0) return slot;
        return err orelse errors.fromCode(outcome);
    }

    /// Cancels everything in it, the body included. Any task of the run.
    pub fn cancel(self: *Nursery) void {
        _ = c.structio_scope_cancel(c.structio_nursery_scope(&self.storage), null);
    }

    /// The same with a reason, which is copied.
    pub fn cancelBecause(self: *Nursery, reason: [:0]const u8) void {
        _ = c.structio_scope_cancel(c.structio_nursery_scope(&self.storage), reason.ptr);
    }

    /// Asks everything in it to end: see `CancelScope.stop`.
    pub fn stop(self: *Nursery, grace: i64) Error!void {
        const scope = c.structio_nursery_scope(&self.storage);
        try errors.done(c.structio_scope_stop(scope, grace, null));
    }

    /// Whether it was cancelled, by a call, its deadline or a failure.
    pub fn cancelCalled(self: *Nursery) bool {
        return c.structio_scope_cancel_called(c.structio_nursery_scope(&self.storage)) == 1;
    }
};

/// What a task that was begun by `Nursery.start` reports with that it is ready. Good where it is
/// only: a copy of it answers `error.Misuse`, since it would not know what was reported elsewhere.
pub fn TaskStatus(comptime T: type) type {
    return struct {
        slot: ?*T,
        /// Where this one is, if somebody waits, or has.
        place: ?*const Self,

        const Self = @This();

        /// For a call of the same function that nobody waits for: `started` does nothing.
        pub const nobody: Self = .{ .slot = null, .place = null };

        /// Hands `value` to the starter and moves the task to its nursery. `error.Misuse` the
        /// second time, and for a copy.
        pub fn started(self: *Self, value: T) Error!void {
            // The task may be one that somebody else has started, and is not ready yet.
            const place = self.place orelse return;
            if (place != self) return error.Misuse;
            // The starter's frame, where the value goes, is there until the first call only.
            if (self.slot) |slot| slot.* = value;
            self.slot = null;
            try errors.done(c.structio_started(null));
        }
    };
}

/// A handle to a task. It does not let the task outlive its nursery; a failure is the nursery's as
/// well.
pub const TaskHandle = struct {
    handle: *c.structio_task,

    /// Waits until the task has ended, and returns the error with which it has. Checkpoint.
    pub fn join(self: TaskHandle) anyerror!void {
        var failure: ?*c.structio_failure = null;
        const status = c.structio_task_join(self.handle, &failure);
        if (status >= 0) return;
        const why: failures.Failure = .{ .handle = failure orelse return errors.fromCode(status) };
        defer why.deinit();
        return why.err();
    }

    /// Cancels that task alone.
    pub fn cancel(self: TaskHandle) void {
        _ = c.structio_task_cancel(self.handle, null);
    }

    /// Whether it has ended.
    pub fn done(self: TaskHandle) bool {
        return c.structio_task_done(self.handle) == 1;
    }

    /// Forgets the handle; the task goes on.
    pub fn deinit(self: TaskHandle) void {
        _ = c.structio_task_free(self.handle);
    }
};
