//! TCP: connecting, listening, serving.

const std = @import("std");
const c = @import("c.zig");
const call = @import("call.zig");
const errors = @import("errors.zig");
const failures = @import("failure.zig");
const adapters = @import("adapters.zig");
const Error = errors.Error;

/// Numeric address and port of one end.
pub const Address = struct {
    text: [64]u8,
    length: u8,
    /// The port.
    port: u16,

    /// The address without the port, such as "127.0.0.1".
    pub fn host(self: *const Address) []const u8 {
        return self.text[0..self.length];
    }

    fn of(comptime ask: anytype, handle: anytype) Error!Address {
        var address: Address = undefined;
        try errors.done(ask(handle, &address.text, address.text.len, &address.port));
        address.length = @intCast(std.mem.findScalar(u8, &address.text, 0).?);
        return address;
    }
};

/// A TCP connection. One task at a time reads, and one at a time writes; the second is told
/// `error.Busy`.
pub const TcpStream = struct {
    handle: *c.structio_stream,

    /// Waits until at least one byte is there and takes at most `buffer.len`, which is not 0. 0 at
    /// the end. Checkpoint. Cancelled: nothing was taken.
    pub fn read(self: TcpStream, buffer: []u8) Error!usize {
        const n = try errors.check(
            c.structio_stream_receive_some(self.handle, buffer.ptr, buffer.len),
        );
        return @intCast(n);
    }

    /// Fills the whole buffer. `error.Incomplete`: the stream ended before. Checkpoint. Cancelled:
    /// a part may have been taken.
    pub fn readAll(self: TcpStream, buffer: []u8) Error!void {
        var filled: usize = 0;
        while (filled < buffer.len) {
            const n = try self.read(buffer[filled..]);
            if (n == 0) return error.Incomplete;
            filled += n;
        }
    }

    /// Sends everything. Checkpoint. Cancelled: a part may have been sent.
    pub fn writeAll(self: TcpStream, bytes: []const u8) Error!void {
        try errors.done(c.structio_stream_send_all(self.handle, bytes.ptr, bytes.len));
    }

    /// Ends our direction: the peer sees the end; reading goes on. Checkpoint.
    pub fn sendEof(self: TcpStream) Error!void {
        try errors.done(c.structio_stream_send_eof(self.handle));
    }

    /// Closes, also when cancelled: who waits here gets `error.Closed`. Idempotent. The handle is
    /// valid until `deinit`. Checkpoint.
    pub fn close(self: TcpStream) Error!void {
        try errors.done(c.structio_stream_close(self.handle));
    }

    /// Closes at once and frees the handle. Not a checkpoint.
    pub fn deinit(self: TcpStream) void {
        _ = c.structio_stream_free(self.handle);
    }

    /// Our end.
    pub fn localAddress(self: TcpStream) Error!Address {
        return .of(c.structio_stream_local_address, self.handle);
    }

    /// The other end.
    pub fn peerAddress(self: TcpStream) Error!Address {
        return .of(c.structio_stream_peer_address, self.handle);
    }

    /// Nagle's algorithm off (the default here) or on.
    pub fn setNodelay(self: TcpStream, on: bool) Error!void {
        try errors.done(c.structio_stream_set_nodelay(self.handle, @intFromBool(on)));
    }

    /// A buffered reader of std; the buffer must outlive it. Use `&reader.interface`.
    pub fn reader(self: TcpStream, buffer: []u8) adapters.Reader {
        return .init(self.handle, buffer);
    }

    /// A buffered writer of std; the buffer must outlive it. Use `&writer.interface`, and flush.
    pub fn writer(self: TcpStream, buffer: []u8) adapters.Writer {
        return .init(self.handle, buffer);
    }
};

/// Options of a listener.
pub const ListenOptions = struct {
    /// A numeric address; null: every IPv4 address.
    host: ?[:0]const u8 = null,
    /// 0: the system chooses; see `TcpListener.address`.
    port: u16 = 0,
    /// Several listeners may share the port.
    reuse_port: bool = false,
    /// An IPv6 listener refuses IPv4.
    ipv6_only: bool = false,
    /// 0: the system's maximum.
    backlog: i32 = 0,
};

/// Listens.
pub fn listenTcp(options: ListenOptions) Error!TcpListener {
    const raw: c.structio_tcp_listen_options = .{
        .host = if (options.host) |host| host.ptr else null,
        .port = options.port,
        .reuse_port = @intFromBool(options.reuse_port),
        .ipv6_only = @intFromBool(options.ipv6_only),
        .backlog = options.backlog,
    };
    var out: ?*c.structio_listener = null;
    try errors.done(c.structio_tcp_listen(&raw, &out));
    return .{ .handle = out.? };
}

/// What accepts connections.
pub const TcpListener = struct {
    handle: *c.structio_listener,

    /// Waits for a connection. One task at a time. Checkpoint. Cancelled: none was taken.
    pub fn accept(self: TcpListener) Error!TcpStream {
        var out: ?*c.structio_stream = null;
        try errors.done(c.structio_listener_accept(self.handle, &out));
        return .{ .handle = out.? };
    }

    /// Where it listens.
    pub fn address(self: TcpListener) Error!Address {
        return .of(c.structio_listener_address, self.handle);
    }

    /// Closes, also when cancelled: who waits here gets `error.Closed`. Checkpoint.
    pub fn close(self: TcpListener) Error!void {
        try errors.done(c.structio_listener_close(self.handle));
    }

    /// Closes at once and frees the handle.
    pub fn deinit(self: TcpListener) void {
        _ = c.structio_listener_free(self.handle);
    }
};

/// Options of a connection.
pub const ConnectOptions = struct {
    /// How long an attempt at one address is waited for before the next begins; 0: 250 ms.
    attempt_delay: i64 = 0,
    /// A numeric address to connect from; null: the system chooses.
    local_host: ?[:0]const u8 = null,
};

/// Connects to a name, whose addresses are raced by Happy Eyeballs, or a numeric address.
/// Checkpoint. Cancelled: whatever was opened is closed again.
pub fn connectTcp(host: [:0]const u8, port: u16) Error!TcpStream {
    return connectTcpWith(.{}, host, port);
}

/// The same with options.
pub fn connectTcpWith(options: ConnectOptions, host: [:0]const u8, port: u16) Error!TcpStream {
    const raw: c.structio_tcp_connect_options = .{
        .host = host.ptr,
        .port = port,
        .attempt_delay = options.attempt_delay,
        .local_host = if (options.local_host) |local| local.ptr else null,
    };
    var out: ?*c.structio_stream = null;
    try errors.done(c.structio_tcp_connect(&raw, &out));
    return .{ .handle = out.? };
}

/// Told of a handler's failure, which is valid during the call: true: the server goes on.
pub const ServeErrorFn = *const fn (peer: [:0]const u8, why: ?failures.Failure) bool;

/// Options of a server.
pub const ServeOptions = struct {
    /// So many handlers at a time, others wait in the system's queue; 0: no limit.
    max_connections: u64 = 0,
    /// A handler's failure is logged, and ends nothing else.
    log_errors: bool = false,
    /// Decides about failures of handlers; null: see `log_errors`.
    on_error: ?ServeErrorFn = null,
};

/// Accepts for ever, and calls `f(stream, args...)` in a task for each connection; the stream is
/// closed and freed when that returns. An error of a handler ends the server, unless the options
/// say otherwise. A stop around it drains it. Checkpoint.
pub fn serve(
    listener: TcpListener,
    options: ServeOptions,
    comptime f: anytype,
    args: call.RestArgs(f, TcpStream),
) Error!void {
    call.requireNoResult(f);
    const Server = struct {
        rest: call.RestArgs(f, TcpStream),
        on_error: ?ServeErrorFn,

        fn handle(stream: ?*c.structio_stream, arg: ?*anyopaque) callconv(.c) c_int {
            const self: *@This() = @ptrCast(@alignCast(arg.?));
            return call.status(call.callWith(f, TcpStream{ .handle = stream.? }, self.rest));
        }

        fn failed(
            peer: ?[*:0]const u8,
            status: c_int,
            why: ?*c.structio_failure,
            arg: ?*anyopaque,
        ) callconv(.c) c_int {
            const self: *@This() = @ptrCast(@alignCast(arg.?));
            const failure: ?failures.Failure = if (why) |h| .{ .handle = h } else null;
            const goes_on = self.on_error.?(std.mem.span(peer orelse ""), failure);
            return if (goes_on) 0 else status;
        }
    };
    var server: Server = .{ .rest = args, .on_error = options.on_error };
    const raw: c.structio_serve_options = .{
        .log_errors = @intFromBool(options.log_errors),
        .max_connections = options.max_connections,
        .on_error = if (options.on_error != null) Server.failed else null,
        .on_error_arg = &server,
    };
    try errors.done(c.structio_serve(listener.handle, Server.handle, &server, &raw));
}
