//! Cancel scopes, deadlines, shields.

const std = @import("std");
const structio = @import("structio");
const support = @import("support.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const seconds = structio.seconds;

fn answerAfter(duration: i64) !u32 {
    try structio.sleep(duration);
    return 42;
}

fn odd() error{ Odd, Cancelled }!void {
    return error.Odd;
}

fn timeouts() !void {
    const start = structio.now();
    try expectEqual(42, try structio.moveOnAfter(seconds(5), answerAfter, .{seconds(2)}));
    try expectEqual(null, try structio.moveOnAfter(seconds(5), answerAfter, .{seconds(20)}));
    try expectEqual(start + seconds(7), structio.now());
    try expectEqual(42, try structio.failAfter(seconds(5), answerAfter, .{seconds(1)}));
    try expectError(
        error.TooSlow,
        structio.failAfter(seconds(5), answerAfter, .{seconds(20)}),
    );
    try expect(std.mem.find(u8, structio.lastMessage(), "deadline") != null);
    try expectError(error.Odd, structio.moveOnAfter(seconds(5), odd, .{}));
    try expectError(error.Odd, structio.failAfter(seconds(5), odd, .{}));
    try expectError(error.InvalidArgument, structio.moveOnAfter(-1, odd, .{}));
    const cut = try structio.moveOnAfter(seconds(5), structio.sleepForever, .{});
    try expect(cut == null);
}

test "deadlines cut blocks" {
    try support.runOnVirtualClock(timeouts, .{});
}

fn cancelLater(scope: *structio.CancelScope) !void {
    try structio.sleep(seconds(1));
    scope.cancelBecause("enough");
}

fn scopeOf(nursery: *structio.Nursery) !void {
    var scope: structio.CancelScope = undefined;
    try scope.init(.{});
    try nursery.spawn(cancelLater, .{&scope});
    try expectEqual(null, try scope.run(reasoned, .{}));
    try expect(scope.cancelCalled() and scope.cancelledCaught());

    var unharmed: structio.CancelScope = undefined;
    try unharmed.init(.{ .deadline = .{ .at = structio.now() + seconds(9) } });
    try expectEqual(structio.now() + seconds(9), try unharmed.deadline());
    try expectEqual(42, try unharmed.run(answerAfter, .{seconds(1)}));
    try expect(!unharmed.cancelCalled() and !unharmed.cancelledCaught());
}

fn reasoned() !void {
    structio.sleepForever() catch |err| {
        var buffer: [128]u8 = undefined;
        const reason = structio.cancelReason(&buffer).?;
        try expect(std.mem.find(u8, reason, "enough") != null);
        // Level-triggered: again and again.
        try expectError(error.Cancelled, structio.checkpoint());
        return err;
    };
}

fn cancelling() !void {
    try structio.withNursery(scopeOf, .{});
    var buffer: [16]u8 = undefined;
    try expectEqual(null, structio.cancelReason(&buffer));
}

test "a scope absorbs its own cancellation only" {
    try support.runOnVirtualClock(cancelling, .{});
}

fn byHand() !void {
    var scope: structio.CancelScope = undefined;
    try scope.init(.{ .deadline = .{ .after = seconds(1) } });
    try scope.enter();
    try expectEqual(structio.now() + seconds(1), structio.currentDeadline());
    try scope.setDeadline(structio.now() + seconds(3));
    try scope.leave(structio.sleepForever());
    try expect(scope.cancelledCaught());
    try expectEqual(structio.forever, structio.currentDeadline());

    var other: structio.CancelScope = undefined;
    try other.init(.{});
    try other.enter();
    try expectError(error.Odd, other.leave(odd()));
}

test "a scope by hand" {
    try support.runOnVirtualClock(byHand, .{});
}

fn cleanUp(done: *bool) !void {
    try structio.sleep(seconds(10));
    done.* = true;
}

fn shielded(done: *bool) !void {
    structio.sleepForever() catch |err| {
        var shield: structio.CancelScope = undefined;
        try shield.init(.{ .shield = true, .deadline = .{ .after = seconds(30) } });
        _ = try shield.run(cleanUp, .{done});
        return err;
    };
}

fn shields(done: *bool) !void {
    try expectEqual(null, try structio.moveOnAfter(seconds(1), shielded, .{done}));
}

test "a shield holds cancellation off" {
    var done = false;
    try support.runOnVirtualClock(shields, .{&done});
    try expect(done);
}

fn untilStopped(rounds: *u32) !void {
    while (!structio.stopRequested()) : (rounds.* += 1) try structio.sleep(seconds(1));
}

fn stopAfter(nursery: *structio.Nursery, rounds: *u32) !void {
    try nursery.spawn(untilStopped, .{rounds});
    try structio.sleep(seconds(3) + 1);
    try nursery.stop(seconds(60));
}

fn stopping(rounds: *u32) !void {
    try structio.withNursery(stopAfter, .{rounds});
}

test "a stop is polite" {
    var rounds: u32 = 0;
    try support.runOnVirtualClock(stopping, .{&rounds});
    try expectEqual(4, rounds);
}

fn neverReturns() !void {
    try expect(try structio.moveOnAfter(1, structio.sleepForever, .{}) == null);
    try expectError(error.TooSlow, structio.failAfter(1, structio.sleepForever, .{}));
    var scope: structio.CancelScope = undefined;
    try scope.init(.{ .deadline = .{ .after = 1 } });
    try expect(try scope.run(structio.sleepForever, .{}) == null);
    try structio.withNursery(spawnsSleeper, .{});
}

fn spawnsSleeper(nursery: *structio.Nursery) !void {
    try nursery.startService(.{}, structio.sleepForever, .{});
    try nursery.spawn(structio.sleepForever, .{});
    nursery.cancel();
}

test "functions that never return" {
    try support.runOnVirtualClock(neverReturns, .{});
}
