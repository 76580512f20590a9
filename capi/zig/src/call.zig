//! Zig functions and tuples of arguments as the callbacks that the C ABI takes.

const std = @import("std");
const c = @import("c.zig");
const errors = @import("errors.zig");
const failures = @import("failure.zig");

/// What `f` returns when it does not fail.
pub fn Payload(comptime f: anytype) type {
    return PayloadOf(Return(f));
}

/// The errors that `f` may return; empty when it cannot fail.
pub fn Errors(comptime f: anytype) type {
    return ErrorsOf(Return(f));
}

/// `E` of `E!T`; empty for any other type.
pub fn ErrorsOf(comptime R: type) type {
    return switch (@typeInfo(R)) {
        .error_union => |u| u.error_set,
        else => error{},
    };
}

/// What a call of `f` through structio returns.
pub fn Result(comptime f: anytype) type {
    return (Errors(f) || errors.Error)!Payload(f);
}

/// The same for a block that may end before `f` has: null then.
pub fn MaybeResult(comptime f: anytype) type {
    return (Errors(f) || errors.Error)!?Payload(f);
}

/// `T` of `E!T`, or the type itself.
pub fn PayloadOf(comptime R: type) type {
    return switch (@typeInfo(R)) {
        .error_union => |u| u.payload,
        else => R,
    };
}

fn Return(comptime f: anytype) type {
    return @typeInfo(@TypeOf(f)).@"fn".return_type orelse
        @compileError("a function with a generic result cannot be called by structio");
}

/// The arguments of `f` as a tuple.
pub fn Args(comptime f: anytype) type {
    return std.meta.ArgsTuple(@TypeOf(f));
}

/// The arguments behind the first, which structio fills in.
pub fn RestArgs(comptime f: anytype, comptime First: type) type {
    const params = @typeInfo(@TypeOf(f)).@"fn".params;
    if (params.len == 0 or params[0].type != First)
        @compileError("the function's first parameter must be a " ++ @typeName(First));
    const rest = params[1..];
    var types: [rest.len]type = undefined;
    for (rest, 0..) |param, i| types[i] = param.type.?;
    return @Tuple(&types);
}

/// Calls `f` with `first` before the other arguments.
pub fn callWith(
    comptime f: anytype,
    first: anytype,
    rest: RestArgs(f, @TypeOf(first)),
) Return(f) {
    var all: Args(f) = undefined;
    all[0] = first;
    inline for (rest, 0..) |value, i| all[i + 1] = value;
    return @call(.auto, f, all);
}

/// A task's function must not return anything: nobody would get it.
pub fn requireNoResult(comptime f: anytype) void {
    const P = Payload(f);
    if (P != void and P != noreturn)
        @compileError("a task returns void or !void; hand results over by pointers or channels");
}

/// Makes a status of what a body returned. Inline, for the trace is that of the caller.
pub inline fn status(result: anytype) c_int {
    switch (@typeInfo(@TypeOf(result))) {
        .error_union => if (result) |_| return 0 else |err| {
            return failures.statusOf(err, @errorReturnTrace());
        },
        else => return 0,
    }
}

/// A call whose arguments and result stay in the frame of whoever makes it and waits for it.
pub fn Frame(comptime f: anytype) type {
    return struct {
        args: Args(f),
        result: Return(f) = undefined,
        status: c_int = 0,
        ended: bool = false,

        const Self = @This();

        /// The callback; its argument is the frame.
        pub fn body(arg: ?*anyopaque) callconv(.c) c_int {
            const self: *Self = @ptrCast(@alignCast(arg.?));
            return self.call();
        }

        fn call(self: *Self) c_int {
            self.result = @call(.auto, f, self.args);
            self.status = status(self.result);
            self.ended = true;
            return self.status;
        }

        /// What the call came to, whose C function returned `outcome`: the function's own result
        /// and error, unless that is not what was reported.
        pub fn finish(self: *Self, outcome: c_int) Result(f) {
            if (self.ended and (outcome >= 0 or outcome == self.status)) return self.result;
            return errors.fromCode(outcome);
        }

        /// The same for a block that may be cut short, and then returned 0.
        pub fn finishOrNull(self: *Self, outcome: c_int) MaybeResult(f) {
            if (outcome >= 0 and (!self.ended or self.status < 0)) return null;
            return try self.finish(outcome);
        }
    };
}

/// A task's callable: the arguments of `f`, which are copied to the task's own stack.
pub fn Callable(comptime f: anytype) type {
    requireNoResult(f);
    return Stored(Args(f), struct {
        fn call(args: *Args(f)) c_int {
            return status(@call(.auto, f, args.*));
        }
    }.call);
}

/// A value that is copied to the stack of the task that `call` is the body of.
pub fn Stored(comptime T: type, comptime call: fn (*T) c_int) type {
    if (@alignOf(T) > 16) @compileError("a task's arguments are aligned to 16 bytes at most");
    return struct {
        /// Options of a task that begins with a copy of such a value.
        pub fn options(name: ?[:0]const u8, stack_size: usize) c.structio_task_options {
            return .{
                .name = if (name) |n| n.ptr else null,
                .stack_size = stack_size,
                .storage_size = @sizeOf(T),
                .storage_init = copy,
            };
        }

        fn copy(storage: ?*anyopaque, arg: ?*anyopaque) callconv(.c) void {
            const to: *T = @ptrCast(@alignCast(storage.?));
            const from: *const T = @ptrCast(@alignCast(arg.?));
            to.* = from.*;
        }

        /// The task's function.
        pub fn body(storage: ?*anyopaque) callconv(.c) c_int {
            if (@sizeOf(T) == 0) {
                var nothing: T = undefined;
                return call(&nothing);
            }
            return call(@ptrCast(@alignCast(storage.?)));
        }
    };
}

/// What a task begins with that is started by somebody who waits until it is ready.
pub fn Starting(comptime f: anytype, comptime Status: type) type {
    return struct {
        status: Status,
        rest: RestArgs(f, *Status),
        /// In the starter's frame: there as long as the status has a slot.
        err: *?Errors(f),

        const Self = @This();

        /// The task.
        pub const Task = Stored(Self, Self.call);

        fn call(self: *Self) c_int {
            self.status.place = &self.status; // it has been moved here
            const result = callWith(f, &self.status, self.rest);
            if (@typeInfo(@TypeOf(result)) == .error_union and self.status.slot != null) {
                if (result) |_| {} else |err| self.err.* = err;
            }
            return status(result);
        }
    };
}
