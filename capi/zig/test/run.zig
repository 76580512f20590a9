//! Running, sleeping, errors of the main task.

const std = @import("std");
const structio = @import("structio");
const support = @import("support.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

fn add(a: i32, b: i32) !i32 {
    try structio.checkpoint();
    return a + b;
}

fn plain(seen: *bool) void {
    seen.* = structio.inRun();
}

test "run returns what the main task returned" {
    try expectEqual(5, try structio.run(add, .{ 2, 3 }));
    try expect(!structio.inRun());
    var seen = false;
    try structio.run(plain, .{&seen});
    try expect(seen);
}

fn failing() error{Dropped}!void {
    return error.Dropped;
}

test "run returns the very error of the main task" {
    try expectError(error.Dropped, structio.run(failing, .{}));
    var failure: ?structio.Failure = null;
    const result = structio.runWith(.{ .failure = &failure }, failing, .{});
    try expectError(error.Dropped, result);
    defer failure.?.deinit();
    try expectEqual(structio.Failure.Kind.payload, failure.?.kind());
    try expectEqual(error.Dropped, failure.?.err());
    try std.testing.expectEqualStrings("error.Dropped", failure.?.message());
    try std.testing.expectEqualStrings("main", failure.?.taskName().?);
}

fn sleeps(start: i64) !void {
    try structio.sleep(structio.seconds(3600));
    try expectEqual(start + structio.seconds(3600), structio.now());
    try structio.sleepUntil(start + structio.seconds(7200));
    try expectEqual(start + structio.seconds(7200), structio.now());
}

test "time is the clock's" {
    var clock = try structio.testing.VirtualClock.init(.{ .start = 17 });
    defer clock.deinit();
    try structio.runWith(.{ .clock = &clock }, sleeps, .{17});
    try expectEqual(17 + structio.seconds(7200), try clock.now());
    try expectEqual(structio.forever, structio.seconds(structio.forever));
}

fn names() !void {
    const me = structio.currentTask().?;
    try std.testing.expectEqualStrings("first", structio.taskName(me).?);
    try structio.setTaskName("second");
    try std.testing.expectEqualStrings("second", structio.taskName(me).?);
}

test "tasks have names" {
    try structio.runWith(.{ .name = "first" }, names, .{});
    try expectEqual(null, structio.currentTask());
}

fn forEver() !void {
    try structio.sleepForever();
}

test "a deadlock and an interrupt end the run" {
    try expectError(error.Deadlock, structio.run(waitForNobody, .{}));
    try expectError(error.Interrupted, structio.run(interrupted, .{}));
}

fn waitForNobody() !void {
    var event: structio.Event = undefined;
    event.init();
    defer event.deinit();
    try event.wait();
}

fn interrupted() !void {
    try structio.testing.injectInterrupt();
    try forEver();
}

fn count(counts: *[3]u64) !void {
    const before = try structio.testing.checkpointCounts();
    try structio.checkpoint();
    const between = try structio.testing.checkpointCounts();
    try structio.checkpointIfCancelled();
    try structio.cancelShieldedCheckpoint();
    const after = try structio.testing.checkpointCounts();
    counts[0] = between.cancel_points - before.cancel_points;
    counts[1] = between.schedule_points - before.schedule_points;
    counts[2] = after.schedule_points - between.schedule_points;
}

test "a checkpoint is one" {
    var counts: [3]u64 = undefined;
    try structio.run(count, .{&counts});
    try expectEqual([3]u64{ 1, 1, 1 }, counts);
}
