//! Bad usage: each is answered with an error and a message.

const std = @import("std");
const structio = @import("structio");
const expect = std.testing.expect;
const expectError = std.testing.expectError;

fn nothing() void {}

test "outside of a run" {
    try expectError(error.NotATask, structio.checkpoint());
    try expectError(error.NotATask, structio.sleep(1));
    try expectError(error.NotATask, structio.listenTcp(.{}));
    try expectError(error.NotATask, structio.connectTcp("127.0.0.1", 1));
    try expectError(error.NotATask, structio.Channel(u8).init(1));
    try expectError(error.NotATask, structio.runInThread(nothing, .{}));
    try expectError(error.NotATask, structio.moveOnAfter(1, nothing, .{}));
    try expect(structio.lastMessage().len > 0);
    var nursery: structio.Nursery = undefined;
    try expectError(error.NotATask, nursery.open(.{}));
    var event: structio.Event = undefined;
    event.init();
    defer event.deinit();
    try expectError(error.NotATask, event.wait());
    try expect(structio.takeFailure() == null);
}

fn bad() !void {
    try expectError(error.Misuse, structio.run(nothing, .{}));
    try expectError(error.InvalidArgument, structio.sleep(-1));

    // A nursery that has ended takes nobody in, and cannot be closed again.
    var nursery: structio.Nursery = undefined;
    try nursery.open(.{});
    try nursery.close({});
    try expectError(error.Closed, nursery.spawn(nothing, .{}));
    try expectError(error.Misuse, nursery.close({}));

    // A scope is good for one block.
    var scope: structio.CancelScope = undefined;
    try scope.init(.{});
    try scope.enter();
    try expectError(error.Misuse, scope.enter());
    try scope.leave({});
    try expectError(error.Misuse, scope.run(nothing, .{}));
    try expectError(error.InvalidArgument, scope.init(.{ .deadline = .{ .after = -1 } }));
    scope.deinit();

    // Sizes of stacks are looked at.
    try nursery.open(.{});
    try expectError(
        error.InvalidArgument,
        nursery.spawnWith(.{ .stack_size = 1 << 60 }, nothing, .{}),
    );
    try expectError(
        error.InvalidArgument,
        nursery.spawnWith(.{ .stack_size = 128 << 10 }, large, .{@splat(0)}),
    );
    try nursery.close({});
}

fn large(bytes: [200_000]u8) void {
    std.mem.doNotOptimizeAway(bytes);
}

test "inside of a run" {
    try structio.runWith(.{ .stack_size = 8 << 20 }, bad, .{});
}

fn stale() !void {
    const channel = try structio.Channel(u8).init(1);
    channel.deinit();
    try expectError(error.Stale, channel.sender.send(1));
    try expectError(error.Stale, channel.receiver.receive());
    const listener = try structio.listenTcp(.{ .host = "127.0.0.1" });
    listener.deinit();
    try expectError(error.Stale, listener.accept());
    try expectError(error.Stale, listener.address());
    listener.deinit();
}

test "handles that were freed" {
    try structio.run(stale, .{});
}
