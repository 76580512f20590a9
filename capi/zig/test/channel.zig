//! Channels of values.

const std = @import("std");
const structio = @import("structio");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

const Point = struct { x: i32, name: []const u8 };
const Points = structio.Channel(Point);

fn produce(sender: Points.Sender, from: i32) !void {
    defer sender.deinit();
    for (0..10) |i| try sender.send(.{ .x = from + @as(i32, @intCast(i)), .name = "point" });
}

fn consume(receiver: Points.Receiver, sum: *i32) !void {
    defer receiver.deinit();
    while (try receiver.next()) |point| {
        try std.testing.expectEqualStrings("point", point.name);
        sum.* += point.x;
    }
    try expectError(error.EndOfChannel, receiver.receive());
}

fn pipeline(nursery: *structio.Nursery, capacity: i64, sum: *i32) !void {
    const channel = try Points.init(capacity);
    try nursery.spawn(produce, .{ try channel.sender.clone(), 100 });
    try nursery.spawn(produce, .{ channel.sender, 0 });
    try nursery.spawn(consume, .{ channel.receiver, sum });
}

fn pipelines() !void {
    for ([_]i64{ 0, 3, Points.unlimited }) |capacity| {
        var sum: i32 = 0;
        try structio.withNursery(pipeline, .{ capacity, &sum });
        try expectEqual(1090, sum);
    }
}

test "all that was sent is received" {
    try structio.run(pipelines, .{});
}

fn withoutWaiting() !void {
    const channel = try structio.Channel(u8).init(1);
    try expectError(error.WouldBlock, channel.receiver.tryReceive());
    try channel.sender.trySend(7);
    try expectError(error.WouldBlock, channel.sender.trySend(8));
    try expectEqual(7, try channel.receiver.tryReceive());
    const other = try channel.receiver.clone();
    channel.receiver.close();
    try expectError(error.Closed, channel.receiver.receive());
    other.deinit();
    try expectError(error.Broken, channel.sender.send(9));
    channel.sender.close();
    try expectError(error.Closed, channel.sender.send(9));
    try expectError(error.Closed, channel.sender.clone());
    channel.deinit();
    try expectError(error.InvalidArgument, structio.Channel(u8).init(-1));
}

test "ends that are closed" {
    try structio.run(withoutWaiting, .{});
}

const Owned = struct { text: []u8 };

fn free(item: *Owned) void {
    std.testing.allocator.free(item.text);
}

fn forgotten() !void {
    const channel = try structio.ChannelWith(Owned, free).init(4);
    try channel.sender.send(.{ .text = try std.testing.allocator.dupe(u8, "one") });
    try channel.sender.send(.{ .text = try std.testing.allocator.dupe(u8, "two") });
    const one = try channel.receiver.receive();
    try std.testing.expectEqualStrings("one", one.text);
    std.testing.allocator.free(one.text);
    channel.deinit();

    const signals = try structio.Channel(void).init(2);
    defer signals.deinit();
    try signals.sender.send({});
    try signals.receiver.receive();
}

test "what nobody received is dropped" {
    try structio.run(forgotten, .{});
}
