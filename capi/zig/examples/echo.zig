//! An echo server: `echo [PORT]` (7007), ended by Ctrl-C, which lets connections finish for five
//! seconds. `echo --self-test` serves a client of its own and ends.

const std = @import("std");
const structio = @import("structio");

/// One connection. The stream is closed when this returns, whatever happens.
fn echo(stream: structio.TcpStream) !void {
    var buffer: [16 * 1024]u8 = undefined;
    while (true) {
        const n = try stream.read(&buffer);
        if (n == 0) return;
        try stream.writeAll(buffer[0..n]);
    }
}

fn listen(status: *structio.TaskStatus(u16), port: u16) !void {
    const listener = try structio.listenTcp(.{ .host = "127.0.0.1", .port = port });
    defer listener.deinit();
    try status.started((try listener.address()).port);
    try structio.serve(listener, .{ .log_errors = true, .max_connections = 10_000 }, echo, .{});
}

fn server(nursery: *structio.Nursery, port: u16) !void {
    const chosen = try nursery.start(u16, listen, .{port});
    std.debug.print("listening on 127.0.0.1:{d}\n", .{chosen});
}

fn serveUntilStopped(port: u16) !void {
    var scope: structio.CancelScope = undefined;
    try scope.init(.{});
    _ = try scope.run(stoppable, .{ &scope, port });
}

fn stoppable(scope: *structio.CancelScope, port: u16) !void {
    try scope.stopOnSignal(.INT, structio.seconds(5));
    try structio.withNursery(server, .{port});
}

fn client(nursery: *structio.Nursery) !void {
    const port = try nursery.start(u16, listen, .{0});
    const stream = try structio.connectTcp("127.0.0.1", port);
    defer stream.deinit();

    var out: [64]u8 = undefined;
    var writer = stream.writer(&out);
    try writer.interface.print("to and {s}\n", .{"fro"});
    try writer.interface.flush();

    var in: [64]u8 = undefined;
    var reader = stream.reader(&in);
    const line = try reader.interface.takeDelimiterExclusive('\n');
    if (!std.mem.eql(u8, line, "to and fro")) return error.WrongEcho;
    nursery.cancel();
}

fn selfTest() !void {
    try structio.failAfter(structio.seconds(30), withClient, .{});
}

fn withClient() !void {
    try structio.withNursery(client, .{});
}

pub fn main(init: std.process.Init) !void {
    var arguments = init.minimal.args.iterate();
    _ = arguments.skip();
    const argument = arguments.next() orelse "7007";
    if (std.mem.eql(u8, argument, "--self-test")) return structio.run(selfTest, .{});
    const port = try std.fmt.parseInt(u16, argument, 10);
    structio.run(serveUntilStopped, .{port}) catch |err| {
        std.debug.print("echo: {s}\n", .{structio.lastMessage()});
        return err;
    };
}
