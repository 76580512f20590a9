//! Failures: why tasks failed. A Zig error without a code of its own travels as a payload that
//! keeps its name and, where error tracing is on, where it came from.

const std = @import("std");
const builtin = @import("builtin");
const c = @import("c.zig");
const errors = @import("errors.zig");

/// What a payload of this binding points to.
const Carried = struct {
    err: anyerror,
    trace_length: usize,
    addresses: [if (builtin.have_error_return_tracing) 16 else 0]usize,
};

/// Numbers of errors differ between two Zig programs in one process: each reads its own only.
var runtime_tag: u8 = 0;

const payload_type: c.structio_payload_type = .{
    .name = "zig error",
    .runtime = &runtime_tag,
    .drop = drop,
    .describe = describe,
};

fn drop(value: ?*anyopaque) callconv(.c) void {
    const carried: *Carried = @ptrCast(@alignCast(value.?));
    std.heap.c_allocator.destroy(carried);
}

fn describe(value: ?*const anyopaque, text: ?[*]u8, size: usize) callconv(.c) void {
    const carried: *const Carried = @ptrCast(@alignCast(value.?));
    if (size == 0) return;
    var writer: std.Io.Writer = .fixed(text.?[0 .. size - 1]);
    // What does not fit is cut.
    writer.print("error.{s}", .{@errorName(carried.err)}) catch {};
    text.?[writer.end] = 0;
}

/// The status with which a task, a nursery's or a scope's body ends that returned `err`. An error
/// that is a code is that code, and what the library has put in flight beside it stays. Any other
/// goes into flight as a payload.
pub fn statusOf(err: anyerror, trace: ?*const std.builtin.StackTrace) c_int {
    if (errors.codeOf(err)) |code| return code;
    if (c.structio_failure_take()) |handle| {
        // The same error on its way out through several blocks is one failure.
        if ((Failure{ .handle = handle }).err() == err) return c.structio_failure_raise(handle);
        _ = c.structio_failure_free(handle);
    }
    const nomem = comptime errors.codeOf(error.OutOfMemory).?;
    const carried = std.heap.c_allocator.create(Carried) catch return nomem;
    carried.* = .{ .err = err, .trace_length = 0, .addresses = undefined };
    if (trace) |t| {
        const length = @min(t.index, t.instruction_addresses.len, carried.addresses.len);
        @memcpy(carried.addresses[0..length], t.instruction_addresses[0..length]);
        carried.trace_length = length;
    }
    var handle: ?*c.structio_failure = null;
    const status = c.structio_failure_new_payload(&payload_type, carried, &handle);
    if (status < 0) {
        std.heap.c_allocator.destroy(carried);
        return status;
    }
    return c.structio_failure_raise(handle);
}

/// The failure that is in flight in the calling task: after `error.Group`, what failed. Yours to
/// `deinit`; null when there is none.
pub fn takeFailure() ?Failure {
    return .{ .handle = c.structio_failure_take() orelse return null };
}

/// The error that `code` stands for, where a payload of this binding that is in flight is looked
/// into; it stays in flight.
pub fn errorInFlight(code: c_int) anyerror {
    const err = errors.fromCode(code);
    if (err != error.Payload) return err;
    const failure = takeFailure() orelse return err;
    const inner = failure.err();
    _ = c.structio_failure_raise(failure.handle);
    return inner;
}

/// Why a task failed: an error, a cancellation, or a group of failures. Counted by references, may
/// be handed to other threads.
pub const Failure = struct {
    handle: *c.structio_failure,

    /// What a failure is.
    pub const Kind = enum { status, payload, cancelled, group };

    /// Gives the reference back. Not for a failure that `member` returned.
    pub fn deinit(self: Failure) void {
        _ = c.structio_failure_free(self.handle);
    }

    /// One more reference, to be given back as well.
    pub fn retain(self: Failure) Failure {
        return .{ .handle = c.structio_failure_retain(self.handle).? };
    }

    /// What it is.
    pub fn kind(self: Failure) Kind {
        return switch (c.structio_failure_get_kind(self.handle)) {
            c.STRUCTIO_FAILURE_PAYLOAD => .payload,
            c.STRUCTIO_FAILURE_CANCELLED => .cancelled,
            c.STRUCTIO_FAILURE_GROUP => .group,
            else => .status,
        };
    }

    /// The very error that a Zig task returned; `error.Group` for a group; `error.Payload` for a
    /// failure of another language.
    pub fn err(self: Failure) anyerror {
        if (self.carriedHere()) |carried| return carried.err;
        return errors.fromCode(c.structio_failure_code(self.handle));
    }

    /// Where the error came from; null without error tracing, for errors that are codes, and for
    /// failures of other kinds. Valid as long as the failure.
    pub fn errorReturnTrace(self: Failure) ?std.builtin.StackTrace {
        const carried = self.carriedHere() orelse return null;
        if (carried.trace_length == 0) return null;
        return .{
            .index = carried.trace_length,
            .instruction_addresses = carried.addresses[0..carried.trace_length],
        };
    }

    /// The code in the C ABI.
    pub fn code(self: Failure) c_int {
        return c.structio_failure_code(self.handle);
    }

    /// One line about it. Valid as long as the failure.
    pub fn message(self: Failure) [:0]const u8 {
        return std.mem.span(c.structio_failure_message(self.handle));
    }

    /// The task that failed; null when it did not come from a task.
    pub fn taskName(self: Failure) ?[:0]const u8 {
        return std.mem.span(c.structio_failure_task_name(self.handle) orelse return null);
    }

    /// How many members a group has; 0 for other kinds.
    pub fn count(self: Failure) usize {
        return c.structio_failure_count(self.handle);
    }

    /// A member of a group, borrowed: valid as long as the group. `index` is less than `count`.
    pub fn member(self: Failure, index: usize) Failure {
        return .{ .handle = c.structio_failure_member(self.handle, index).? };
    }

    /// Whether this, or anything in the group at any depth, is `wanted`.
    pub fn contains(self: Failure, wanted: anyerror) bool {
        const allocator = std.heap.c_allocator;
        // Groups may be nested deeper than a task's stack could follow.
        var left: std.ArrayList(Failure) = .empty;
        defer left.deinit(allocator);
        var next: ?Failure = self;
        while (next) |failure| : (next = left.pop()) {
            const members = failure.count();
            if (members == 0 and failure.err() == wanted) return true;
            for (0..members) |i| {
                const inner = failure.member(i);
                left.append(allocator, inner) catch if (inner.contains(wanted)) return true;
            }
        }
        return false;
    }

    /// Puts the failure in flight again, for who wants to let it pass after all: return the error
    /// that comes back. A reference of its own goes along; yours stays yours.
    pub fn raise(self: Failure) anyerror {
        const error_here = self.err();
        _ = c.structio_failure_raise(self.retain().handle);
        return error_here;
    }

    /// Adds a line "while doing X", which is copied. Where others have the same failure `self`
    /// becomes a copy, and theirs stays as it is.
    pub fn addWhile(self: *Failure, doing: [:0]const u8) errors.Error!void {
        var handle: ?*c.structio_failure = self.handle;
        defer self.handle = handle.?;
        try errors.done(c.structio_failure_add_while(&handle, doing));
    }

    /// Writes the whole tree, one failure a line: for `{f}`.
    pub fn format(self: Failure, writer: *std.Io.Writer) std.Io.Writer.Error!void {
        var near: [1024]u8 = undefined;
        const length: usize =
            @intCast(@max(0, c.structio_failure_describe(self.handle, &near, near.len)));
        if (length < near.len) return writer.writeAll(near[0..length]);
        const far = std.heap.c_allocator.alloc(u8, length + 1) catch
            return writer.writeAll(near[0 .. near.len - 1]);
        defer std.heap.c_allocator.free(far);
        _ = c.structio_failure_describe(self.handle, far.ptr, far.len);
        try writer.writeAll(far[0..length]);
    }

    fn carriedHere(self: Failure) ?*Carried {
        var kind_of: ?*const c.structio_payload_type = null;
        const value = c.structio_failure_payload(self.handle, &kind_of) orelse return null;
        const found = kind_of orelse return null;
        if (found.runtime != payload_type.runtime) return null;
        return @ptrCast(@alignCast(value));
    }
};
