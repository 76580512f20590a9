//! Connections as readers and writers of std. Their calls are checkpoints; what exactly went wrong,
//! cancellation among it, stands in `err`.

const std = @import("std");
const c = @import("c.zig");
const errors = @import("errors.zig");
const Error = errors.Error;

/// Reads from a stream through `interface`, which must stay where it is.
pub const Reader = struct {
    handle: *c.structio_stream,
    /// What `error.ReadFailed` stands for.
    err: ?Error = null,
    /// The reader of std.
    interface: std.Io.Reader,

    /// Begins with an empty buffer.
    pub fn init(handle: *c.structio_stream, buffer: []u8) Reader {
        return .{
            .handle = handle,
            .interface = .{
                .vtable = &.{ .stream = stream },
                .buffer = buffer,
                .seek = 0,
                .end = 0,
            },
        };
    }

    fn stream(
        r: *std.Io.Reader,
        w: *std.Io.Writer,
        limit: std.Io.Limit,
    ) std.Io.Reader.StreamError!usize {
        const self: *Reader = @alignCast(@fieldParentPtr("interface", r));
        const room = limit.slice(try w.writableSliceGreedy(1));
        if (room.len == 0) return 0;
        const n = c.structio_stream_receive_some(self.handle, room.ptr, room.len);
        if (n < 0) {
            self.err = errors.fromCode(@intCast(n));
            return error.ReadFailed;
        }
        if (n == 0) return error.EndOfStream;
        w.advance(@intCast(n));
        return @intCast(n);
    }
};

/// Writes to a stream through `interface`, which must stay where it is.
pub const Writer = struct {
    handle: *c.structio_stream,
    /// What `error.WriteFailed` stands for.
    err: ?Error = null,
    /// The writer of std.
    interface: std.Io.Writer,

    /// Begins with an empty buffer.
    pub fn init(handle: *c.structio_stream, buffer: []u8) Writer {
        return .{
            .handle = handle,
            .interface = .{ .vtable = &.{ .drain = drain }, .buffer = buffer },
        };
    }

    fn drain(
        w: *std.Io.Writer,
        data: []const []const u8,
        splat: usize,
    ) std.Io.Writer.Error!usize {
        const self: *Writer = @alignCast(@fieldParentPtr("interface", w));
        var pieces: Pieces = .{};
        pieces.add(w.buffered());
        for (data[0 .. data.len - 1]) |bytes| pieces.add(bytes);
        for (0..splat) |_| {
            if (pieces.isFull()) break;
            pieces.add(data[data.len - 1]);
        }
        if (pieces.count == 0) return 0;
        const status = c.structio_stream_send_vectored(self.handle, &pieces.list, pieces.count);
        if (status < 0) {
            self.err = errors.fromCode(status);
            return error.WriteFailed;
        }
        return w.consume(pieces.total);
    }
};

/// What is sent with one call; what does not fit is left for the next.
const Pieces = struct {
    list: [16]c.structio_piece = undefined,
    count: usize = 0,
    total: usize = 0,

    fn isFull(self: *const Pieces) bool {
        return self.count == self.list.len;
    }

    fn add(self: *Pieces, bytes: []const u8) void {
        if (bytes.len == 0 or self.isFull()) return;
        self.list[self.count] = .{ .data = bytes.ptr, .size = bytes.len };
        self.count += 1;
        self.total += bytes.len;
    }
};
