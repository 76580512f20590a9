//! Nurseries: children, arguments, start, services, handles, many tasks.

const std = @import("std");
const structio = @import("structio");
const support = @import("support.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

fn store(to: *u64, text: []const u8, number: u32) !void {
    try structio.checkpoint();
    to.* = text.len + number;
}

fn spawnThree(nursery: *structio.Nursery, sums: *[3]u64) !void {
    // Each child has a copy: the variable may change and go.
    for (sums, 0..) |*sum, i| {
        const number: u32 = @intCast(i);
        try nursery.spawn(store, .{ sum, "four", number });
    }
    try expectEqual(0, sums[0]);
}

fn three(sums: *[3]u64) !void {
    try structio.withNursery(spawnThree, .{sums});
    try expectEqual([3]u64{ 4, 5, 6 }, sums.*);
}

test "children have copies of their arguments and are waited for" {
    var sums = [_]u64{0} ** 3;
    try structio.run(three, .{&sums});
}

const Big = struct { bytes: [40_000]u8 };

fn sumOf(big: Big, to: *u64) void {
    for (big.bytes) |byte| to.* += byte;
}

fn spawnBig(nursery: *structio.Nursery, to: *u64) !void {
    const big: Big = .{ .bytes = @splat(2) };
    try nursery.spawnWith(.{ .name = "big", .stack_size = 1 << 20 }, sumOf, .{ big, to });
}

test "large arguments fit a stack that is large enough" {
    var sum: u64 = 0;
    try structio.run(bigArguments, .{&sum});
    try expectEqual(80_000, sum);
}

fn bigArguments(to: *u64) !void {
    try structio.withNursery(spawnBig, .{to});
}

fn nothing() void {}

fn byHand(counter: *u64) !void {
    var nursery: structio.Nursery = undefined;
    try nursery.open(.{});
    try nursery.close(spawnAll(&nursery, counter));
}

fn spawnAll(nursery: *structio.Nursery, counter: *u64) !void {
    try nursery.spawn(nothing, .{});
    for (0..10_000) |_| try nursery.spawn(countUp, .{counter});
}

fn countUp(counter: *u64) !void {
    try structio.sleep(structio.milliseconds(5));
    counter.* += 1;
}

test "ten thousand tasks" {
    var counter: u64 = 0;
    try structio.run(byHand, .{&counter});
    try expectEqual(10_000, counter);
}

fn ready(status: *structio.TaskStatus(u16), port: u16, again: *bool) !void {
    try structio.checkpoint();
    try status.started(port + 1);
    again.* = if (status.started(0)) false else |err| err == error.Misuse;
    try structio.sleepForever();
}

fn starts(nursery: *structio.Nursery, again: *bool) !void {
    try expectEqual(8081, try nursery.start(u16, ready, .{ 8080, again }));
    try structio.testing.waitAllTasksBlocked(0);
    nursery.cancel();
}

fn unready(status: *structio.TaskStatus(void), how: u8) error{ NoLuck, Cancelled }!void {
    _ = status;
    if (how == 1) return error.NoLuck;
    if (how == 2) return error.Cancelled;
}

fn startsBadly(nursery: *structio.Nursery) !void {
    try expectError(error.NoLuck, nursery.start(void, unready, .{1}));
    try expectError(error.Misuse, nursery.start(void, unready, .{0}));
}

fn startsOf(again: *bool) !void {
    try structio.withNursery(starts, .{again});
    try structio.withNursery(startsBadly, .{});
}

test "start waits until the task is ready, and has its error when it is never" {
    var again = false;
    try structio.run(startsOf, .{&again});
    try expect(again);
}

fn withHelper(status: *structio.TaskStatus(u32)) !void {
    var nobody: structio.TaskStatus(u8) = .nobody;
    try nobody.started(1);
    try nobody.started(2);
    try structio.checkpoint();
    try status.started(77);
}

fn startsWithHelper(nursery: *structio.Nursery, got: *u32) !void {
    got.* = try nursery.start(u32, withHelper, .{});
}

fn helped(got: *u32) !void {
    try structio.withNursery(startsWithHelper, .{got});
}

fn withCopy(status: *structio.TaskStatus(u32)) !void {
    var copy = status.*;
    try expectError(error.Misuse, copy.started(1));
    try status.started(78);
    copy = status.*;
    try expectError(error.Misuse, copy.started(2));
}

fn startsWithCopy(nursery: *structio.Nursery, got: *u32) !void {
    got.* = try nursery.start(u32, withCopy, .{});
}

fn copied(got: *u32) !void {
    try structio.withNursery(startsWithCopy, .{got});
}

test "a copy of a task's status is refused" {
    var got: u32 = 0;
    try structio.run(copied, .{&got});
    try expectEqual(78, got);
}

test "what is told to nobody is not told to the starter" {
    var got: u32 = 0;
    try structio.run(helped, .{&got});
    try expectEqual(77, got);
}

fn service(ended: *bool) !void {
    structio.sleepForever() catch |err| {
        ended.* = err == error.Cancelled;
        return err;
    };
}

fn withService(nursery: *structio.Nursery, ended: *bool, order: *u64) !void {
    try nursery.startService(.{ .name = "pump" }, service, .{ended});
    try nursery.spawn(countUp, .{order});
}

fn services(ended: *bool, order: *u64) !void {
    try structio.withNursery(withService, .{ ended, order });
}

test "a service ends when the others have" {
    var ended = false;
    var order: u64 = 0;
    try support.runOnVirtualClock(services, .{ &ended, &order });
    try expect(ended);
    try expectEqual(1, order);
}

fn slowly() !void {
    try structio.sleep(structio.seconds(1));
}

fn handles(nursery: *structio.Nursery) !void {
    const slow = try nursery.spawnTask(.{ .name = "slow" }, slowly, .{});
    defer slow.deinit();
    try expect(!slow.done());
    try slow.join();
    try expect(slow.done());
    const cancelled = try nursery.spawnTask(.{}, slowly, .{});
    defer cancelled.deinit();
    cancelled.cancel();
    try expectError(error.Cancelled, cancelled.join());
}

fn handlesOf() !void {
    try structio.withNursery(handles, .{});
}

test "a task can be waited for and cancelled alone" {
    try support.runOnVirtualClock(handlesOf, .{});
}

fn tree(depth: u32, leaves: *u32) !void {
    if (depth == 0) {
        leaves.* += 1;
        return structio.checkpoint();
    }
    try structio.withNursery(branches, .{ depth - 1, leaves });
}

fn branches(nursery: *structio.Nursery, depth: u32, leaves: *u32) !void {
    for (0..3) |_| try nursery.spawn(tree, .{ depth, leaves });
}

test "a function may spawn itself, with an inferred error set" {
    var leaves: u32 = 0;
    try structio.run(tree, .{ 5, &leaves });
    try expectEqual(243, leaves);
}

fn runOnThread(sum: *u64, result: *anyerror!void) void {
    result.* = structio.run(byHand, .{sum});
}

test "a run on each of several threads" {
    var sums = [_]u64{0} ** 3;
    var results: [3]anyerror!void = undefined;
    var threads: [3]std.Thread = undefined;
    for (&threads, &sums, &results) |*thread, *sum, *result|
        thread.* = try std.Thread.spawn(.{}, runOnThread, .{ sum, result });
    for (threads) |thread| thread.join();
    for (results, sums) |result, sum| {
        try result;
        try expectEqual(10_000, sum);
    }
}
