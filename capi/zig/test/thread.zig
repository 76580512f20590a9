//! Worker threads, and calls from them.

const std = @import("std");
const structio = @import("structio");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

fn onThread(main: std.Thread.Id, n: u32) error{Small}!u32 {
    if (n < 10) return error.Small;
    return if (std.Thread.getCurrentId() == main) 0 else n + 1;
}

fn inTask(main: std.Thread.Id, n: u32) !u32 {
    try structio.checkpoint();
    return if (std.Thread.getCurrentId() == main) n * 2 else 0;
}

fn back(main: std.Thread.Id) !u32 {
    try structio.threadCheckCancelled();
    return structio.callFromThread(inTask, .{ main, 21 });
}

fn threads() !void {
    const main = std.Thread.getCurrentId();
    try expectEqual(33, try structio.runInThread(onThread, .{ main, 32 }));
    try expectError(error.Small, structio.runInThread(onThread, .{ main, 3 }));
    try expectEqual(42, try structio.runInThread(back, .{main}));
    try expectError(error.Misuse, structio.callFromThread(inTask, .{ main, 1 }));
    try expectError(error.Misuse, structio.threadCheckCancelled());
}

test "work in threads, and back" {
    try structio.run(threads, .{});
}

fn untilCancelled() !void {
    while (true) {
        try structio.threadCheckCancelled();
        std.Thread.yield() catch {};
    }
}

fn inCancelledScope() !void {
    try structio.runInThread(untilCancelled, .{});
}

fn cancelling() !void {
    const result = try structio.moveOnAfter(structio.milliseconds(1), inCancelledScope, .{});
    try expectEqual(null, result);
}

test "a thread learns that its task is cancelled" {
    try structio.run(cancelling, .{});
}

const Visit = struct {
    portal: structio.Portal,
    event: structio.Event,
    posted: u32,
    answers: [3]anyerror!u32,
};

fn visitor(visit: *Visit, main: std.Thread.Id) void {
    visit.answers[0] = visit.portal.call(inTask, .{ main, 4 });
    visit.answers[1] = visit.portal.call(onThread, .{ main, 4 });
    visit.portal.post(posted, visit) catch unreachable;
    visit.portal.post(posted, visit) catch unreachable;
}

fn posted(visit: *Visit) void {
    visit.posted += 1;
    if (visit.posted == 2) visit.event.set() catch unreachable;
}

fn visited(visit: *Visit) !void {
    const main = std.Thread.getCurrentId();
    visit.portal = try structio.Portal.init();
    visit.event.init();
    defer visit.event.deinit();
    const thread = try std.Thread.spawn(.{}, visitor, .{ visit, main });
    try visit.event.wait();
    try structio.runInThread(std.Thread.join, .{thread});
    try expectError(error.Misuse, visit.portal.call(inTask, .{ main, 1 }));
}

test "any thread reaches the run through a portal" {
    var visit: Visit = undefined;
    visit.posted = 0;
    try structio.run(visited, .{&visit});
    try expectEqual(8, try visit.answers[0]);
    try expectError(error.Small, visit.answers[1]);
    try expectEqual(2, visit.posted);
    try expectError(error.RunFinished, visit.portal.call(inTask, .{ 0, 1 }));
    try expectError(error.RunFinished, visit.portal.post(posted, &visit));
    visit.portal.deinit();
}
