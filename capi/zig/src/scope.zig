//! Cancel scopes: blocks of code that can be cancelled, by a call or a deadline.

const std = @import("std");
const c = @import("c.zig");
const call = @import("call.zig");
const errors = @import("errors.zig");
const Error = errors.Error;

/// When a scope cancels by itself.
pub const Deadline = union(enum) {
    /// Never.
    none,
    /// So many nanoseconds after it was entered.
    after: i64,
    /// At this moment of the run's clock.
    at: i64,
};

/// Options of a scope, also of a nursery's own.
pub const ScopeOptions = struct {
    /// When it cancels by itself.
    deadline: Deadline = .none,
    /// Cancellation from outside is not seen inside.
    shield: bool = false,
    /// A stop around it cancels it at once, without the grace.
    ends_on_stop: bool = false,
    /// Ctrl-C waits until the scope has been left: for clean-up.
    hold_interrupt: bool = false,

    /// The same for the C ABI.
    pub fn raw(self: ScopeOptions) c.structio_scope_options {
        return .{
            .deadline = switch (self.deadline) {
                .none => 0,
                .after, .at => |time| time,
            },
            .deadline_kind = switch (self.deadline) {
                .none => c.STRUCTIO_DEADLINE_NONE,
                .after => c.STRUCTIO_DEADLINE_RELATIVE,
                .at => c.STRUCTIO_DEADLINE_ABSOLUTE,
            },
            .shield = @intFromBool(self.shield),
            .ends_on_stop = @intFromBool(self.ends_on_stop),
            .hold_interrupt = @intFromBool(self.hold_interrupt),
        };
    }
};

/// A cancel scope, good for a single block. It must not move once it is initialised:
///
///     var scope: structio.CancelScope = undefined;
///     try scope.init(.{ .deadline = .{ .after = structio.seconds(5) } });
///     const answer = try scope.run(ask, .{stream}) orelse return error.NoAnswer;
pub const CancelScope = struct {
    storage: c.structio_scope,

    /// Makes the memory a scope. No run is needed.
    pub fn init(self: *CancelScope, options: ScopeOptions) Error!void {
        const raw = options.raw();
        try errors.done(c.structio_scope_init(&self.storage, &raw));
    }

    /// Only needed for a scope that is never entered.
    pub fn deinit(self: *CancelScope) void {
        _ = c.structio_scope_destroy(&self.storage);
    }

    /// Runs `f(args...)` inside: what it returned, or null when this scope's cancellation ended it.
    pub fn run(self: *CancelScope, comptime f: anytype, args: call.Args(f)) call.MaybeResult(f) {
        try errors.done(c.structio_scope_enter(&self.storage));
        var frame: call.Frame(f) = .{ .args = args };
        const status = @TypeOf(frame).body(&frame);
        return frame.finishOrNull(c.structio_scope_leave(&self.storage, status, null));
    }

    /// Enters by hand; `leave` must follow in the same task whatever happens.
    pub fn enter(self: *CancelScope) Error!void {
        try errors.done(c.structio_scope_enter(&self.storage));
    }

    /// Leaves with what the block ended with, nothing or an error; an error that is this scope's
    /// cancellation ends here.
    pub fn leave(
        self: *CancelScope,
        result: anytype,
    ) (call.ErrorsOf(@TypeOf(result)) || Error)!void {
        const status = call.status(result);
        const left = c.structio_scope_leave(&self.storage, status, null);
        if (left >= 0) return;
        if (left != status) return errors.fromCode(left);
        switch (@typeInfo(@TypeOf(result))) {
            .error_union => if (result) |_| unreachable else |err| return err,
            else => unreachable,
        }
    }

    /// Cancels everything inside. Idempotent. Any task of the run.
    pub fn cancel(self: *CancelScope) void {
        _ = c.structio_scope_cancel(&self.storage, null);
    }

    /// The same with a reason, which is copied.
    pub fn cancelBecause(self: *CancelScope, reason: [:0]const u8) void {
        _ = c.structio_scope_cancel(&self.storage, reason.ptr);
    }

    /// Asks politely: `stopRequested` is true inside, and what is left after `grace` is cancelled.
    pub fn stop(self: *CancelScope, grace: i64) Error!void {
        try errors.done(c.structio_scope_stop(&self.storage, grace, null));
    }

    /// While the task is inside, the signal stops it with `grace`; the same signal once more
    /// cancels what is left at once.
    pub fn stopOnSignal(self: *CancelScope, signal: std.posix.SIG, grace: i64) Error!void {
        const number: c_int = @intCast(@intFromEnum(signal));
        try errors.done(c.structio_scope_stop_on_signal(&self.storage, number, grace));
    }

    /// Changes the deadline, a moment of the run's clock or `forever`; takes effect at once.
    pub fn setDeadline(self: *CancelScope, moment: i64) Error!void {
        try errors.done(c.structio_scope_set_deadline(&self.storage, moment));
    }

    /// The deadline as a moment; `forever` for none. `error.Misuse` for one that is relative while
    /// the scope has not been entered.
    pub fn deadline(self: *const CancelScope) Error!i64 {
        var moment: i64 = undefined;
        try errors.done(c.structio_scope_deadline(&self.storage, &moment));
        return moment;
    }

    /// Raises or lowers the shield; takes effect at once.
    pub fn setShield(self: *CancelScope, on: bool) Error!void {
        try errors.done(c.structio_scope_set_shield(&self.storage, @intFromBool(on)));
    }

    /// Whether it was cancelled, by a call or by its own deadline.
    pub fn cancelCalled(self: *CancelScope) bool {
        return c.structio_scope_cancel_called(&self.storage) == 1;
    }

    /// Whether it absorbed a cancellation at its end.
    pub fn cancelledCaught(self: *const CancelScope) bool {
        return c.structio_scope_cancelled_caught(&self.storage) == 1;
    }
};

/// Runs `f(args...)` with a deadline: what it returned, or null when the deadline cut it.
pub fn moveOnAfter(
    duration: i64,
    comptime f: anytype,
    args: call.Args(f),
) call.MaybeResult(f) {
    var frame: call.Frame(f) = .{ .args = args };
    return frame.finishOrNull(
        c.structio_move_on_after(duration, @TypeOf(frame).body, &frame, null),
    );
}

/// The same, but a deadline that cut it is `error.TooSlow`.
pub fn failAfter(duration: i64, comptime f: anytype, args: call.Args(f)) call.Result(f) {
    var frame: call.Frame(f) = .{ .args = args };
    return frame.finish(c.structio_fail_after(duration, @TypeOf(frame).body, &frame));
}

/// Why the calling task is cancelled, as one line; null when it is not.
pub fn cancelReason(buffer: []u8) ?[]const u8 {
    const length = c.structio_cancel_describe(buffer.ptr, buffer.len);
    if (length <= 0) return null;
    return buffer[0..@min(@as(usize, @intCast(length)), buffer.len -| 1)];
}

/// Whether a stop was asked for around the calling task.
pub fn stopRequested() bool {
    return c.structio_stop_requested() == 1;
}

/// The earliest deadline that the calling task is under: `forever` for none, the least i64 when it
/// is cancelled already.
pub fn currentDeadline() i64 {
    return c.structio_current_deadline();
}
