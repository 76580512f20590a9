//! TCP: echo, serving, adapters of std, cancellation.

const std = @import("std");
const structio = @import("structio");
const support = @import("support.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const expectStrings = std.testing.expectEqualStrings;

fn echo(stream: structio.TcpStream, served: *u32) !void {
    var buffer: [4096]u8 = undefined;
    while (true) {
        const n = try stream.read(&buffer);
        if (n == 0) break;
        try stream.writeAll(buffer[0..n]);
    }
    served.* += 1;
}

fn server(status: *structio.TaskStatus(u16), served: *u32) !void {
    const listener = try structio.listenTcp(.{ .host = "127.0.0.1" });
    defer listener.deinit();
    const address = try listener.address();
    try expectStrings("127.0.0.1", address.host());
    try status.started(address.port);
    try structio.serve(listener, .{}, echo, .{served});
}

fn client(port: u16, done: *structio.Semaphore) !void {
    const stream = try structio.connectTcp("127.0.0.1", port);
    defer stream.deinit();
    try stream.setNodelay(true);
    try expectEqual(port, (try stream.peerAddress()).port);
    try expectStrings("127.0.0.1", (try stream.localAddress()).host());
    try stream.writeAll("hello, ");
    try stream.writeAll("world");
    var answer: [12]u8 = undefined;
    try stream.readAll(&answer);
    try expectStrings("hello, world", &answer);
    try stream.sendEof();
    try expectEqual(0, try stream.read(&answer));
    try expectError(error.Incomplete, stream.readAll(&answer));
    try stream.close();
    try expectError(error.Closed, stream.writeAll("more"));
    done.release();
}

fn clients(nursery: *structio.Nursery, served: *u32) !void {
    const port = try nursery.start(u16, server, .{served});
    var done: structio.Semaphore = undefined;
    try done.init(0, 50);
    defer done.deinit();
    try structio.withNursery(fiftyClients, .{ port, &done });
    for (0..50) |_| try done.acquire();
    nursery.cancel();
}

fn fiftyClients(nursery: *structio.Nursery, port: u16, done: *structio.Semaphore) !void {
    for (0..50) |_| try nursery.spawn(client, .{ port, done });
}

fn echoes(served: *u32) !void {
    try structio.withNursery(clients, .{served});
}

test "fifty clients of an echo server" {
    var before: usize = 0;
    for (0..2) |_| {
        var served: u32 = 0;
        before = support.openDescriptors();
        try structio.run(echoes, .{&served});
        try expectEqual(50, served);
    }
    try expectEqual(before, support.openDescriptors());
}

/// Both ends of a connection.
const Pair = struct {
    listener: structio.TcpListener,
    near: structio.TcpStream,
    far: structio.TcpStream,

    fn init() !Pair {
        const listener = try structio.listenTcp(.{ .host = "127.0.0.1" });
        errdefer listener.deinit();
        const near = try structio.connectTcp("127.0.0.1", (try listener.address()).port);
        errdefer near.deinit();
        return .{ .listener = listener, .near = near, .far = try listener.accept() };
    }

    fn deinit(self: Pair) void {
        self.near.deinit();
        self.far.deinit();
        self.listener.deinit();
    }
};

fn adapters() !void {
    const pair = try Pair.init();
    defer pair.deinit();
    var out: [64]u8 = undefined;
    var in: [64]u8 = undefined;
    var writer = pair.near.writer(&out);
    var reader = pair.far.reader(&in);
    const w = &writer.interface;
    const r = &reader.interface;

    try w.print("GET {s} HTTP/1.{d}\r\n", .{ "/" ++ "long" ** 20, 1 });
    try w.splatByteAll('x', 1000);
    try w.writeAll("\nlast\n");
    try w.flush();
    try pair.near.sendEof();

    const line = try r.takeDelimiterExclusive(' ');
    try expectStrings("GET", line);
    r.toss(1);
    var rest: std.Io.Writer.Allocating = .init(std.testing.allocator);
    defer rest.deinit();
    const n = try r.streamRemaining(&rest.writer);
    try expectEqual(n, rest.written().len);
    const expected = "/" ++ "long" ** 20 ++ " HTTP/1.1\r\n" ++ "x" ** 1000 ++ "\nlast\n";
    try expectStrings(expected, rest.written());
    try expectError(error.EndOfStream, r.takeByte());

    try pair.near.close();
    try expectError(error.WriteFailed, w.print("{s}", .{"x" ** 100}));
    try expectEqual(error.Closed, writer.err.?);
}

test "readers and writers of std" {
    try structio.run(adapters, .{});
}

fn readByte(reader: *structio.StreamReader) !u8 {
    return reader.interface.takeByte() catch return reader.err orelse error.EndOfChannel;
}

fn cancelledRead() !void {
    const pair = try Pair.init();
    defer pair.deinit();
    var in: [16]u8 = undefined;
    var reader = pair.far.reader(&in);
    const late = structio.milliseconds(1);
    try expectEqual(null, try structio.moveOnAfter(late, readByte, .{&reader}));
    // Nothing was taken, and the connection is as good as before.
    try pair.near.writeAll("z");
    try expectEqual('z', try readByte(&reader));
}

test "a read that was cancelled took nothing" {
    try structio.run(cancelledRead, .{});
}

fn refused() !void {
    const listener = try structio.listenTcp(.{ .host = "127.0.0.1" });
    const port = (try listener.address()).port;
    try expectError(error.AddressInUse, structio.listenTcp(.{ .host = "127.0.0.1", .port = port }));
    listener.deinit();
    try expectError(error.ConnectionRefused, structio.connectTcp("127.0.0.1", port));
    try expectError(error.InvalidArgument, structio.listenTcp(.{ .host = "no address" }));
    try expectError(error.InvalidArgument, structio.connectTcp("", 1));
}

test "errors of the system by name" {
    try structio.run(refused, .{});
}

fn rejects(stream: structio.TcpStream) !void {
    _ = stream;
    return error.Rejected;
}

var rejections: u32 = 0;

fn tolerate(peer: [:0]const u8, why: ?structio.Failure) bool {
    if (peer.len > 0 and why.?.contains(error.Rejected)) rejections += 1;
    return rejections < 2;
}

fn serves(listener: structio.TcpListener) !void {
    try structio.serve(listener, .{ .on_error = tolerate }, rejects, .{});
}

fn rejected(nursery: *structio.Nursery) !void {
    const listener = try structio.listenTcp(.{ .host = "127.0.0.1" });
    try nursery.spawn(serves, .{listener});
    for (0..2) |_| {
        const stream = try structio.connectTcp("127.0.0.1", (try listener.address()).port);
        defer stream.deinit();
        var buffer: [1]u8 = undefined;
        _ = try stream.read(&buffer);
    }
    try structio.sleepForever();
}

fn serving() !void {
    try expectError(error.Group, structio.withNursery(rejected, .{}));
    const failure = structio.takeFailure().?;
    defer failure.deinit();
    try expect(failure.contains(error.Rejected));
    try expectEqual(2, rejections);
}

test "a server asks about the errors of its handlers" {
    try structio.run(serving, .{});
}
