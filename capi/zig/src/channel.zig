//! Channels: items from senders to receivers, first come, first served at both ends.

const std = @import("std");
const c = @import("c.zig");
const errors = @import("errors.zig");
const Error = errors.Error;

/// A channel of values of `T`, which are moved: what was sent is the receiver's. What is still
/// buffered when the last receiver closes is forgotten; `ChannelWith` gives it to a function.
pub fn Channel(comptime T: type) type {
    return ChannelWith(T, null);
}

/// The same, where `drop` destroys items that nobody will receive. It must not wait.
pub fn ChannelWith(comptime T: type, comptime drop: ?fn (*T) void) type {
    // Items are aligned as malloc aligns, and have at least a byte.
    if (@alignOf(T) > 16) @compileError("items of channels are aligned to 16 bytes at most");
    return struct {
        /// The first handle at each end. Each is to be closed by `deinit`.
        sender: Sender,
        receiver: Receiver,

        const Self = @This();

        const Slot = if (@sizeOf(T) == 0) u8 else T;

        const item_type: c.structio_item_type = .{
            .size = @sizeOf(Slot),
            .destroy = if (drop != null) destroy else null,
        };

        fn destroy(item: ?*anyopaque) callconv(.c) void {
            drop.?(@ptrCast(@alignCast(item.?)));
        }

        /// A capacity without an end.
        pub const unlimited: i64 = std.math.maxInt(i64);

        /// Makes a channel with room for `capacity` items; 0: from hand to hand.
        pub fn init(capacity: i64) Error!Self {
            var tx: ?*c.structio_sender = null;
            var rx: ?*c.structio_receiver = null;
            try errors.done(c.structio_channel_new(&item_type, capacity, &tx, &rx));
            return .{ .sender = .{ .handle = tx.? }, .receiver = .{ .handle = rx.? } };
        }

        /// Closes and frees both first handles, for who has neither given away.
        pub fn deinit(self: Self) void {
            self.sender.deinit();
            self.receiver.deinit();
        }

        /// A sending handle.
        pub const Sender = struct {
            handle: *c.structio_sender,

            /// Sends one item; waits while the buffer is full. On any error the item is still
            /// yours. Checkpoint. `error.Broken`: no receiver is left.
            pub fn send(self: Sender, item: T) Error!void {
                var slot: Slot = if (Slot == T) item else 0;
                try errors.done(c.structio_sender_send(self.handle, &slot));
            }

            /// The same without waiting: `error.WouldBlock` where `send` would wait.
            pub fn trySend(self: Sender, item: T) Error!void {
                var slot: Slot = if (Slot == T) item else 0;
                try errors.done(c.structio_sender_try_send(self.handle, &slot));
            }

            /// One more handle to the same channel.
            pub fn clone(self: Sender) Error!Sender {
                var out: ?*c.structio_sender = null;
                try errors.done(c.structio_sender_clone(self.handle, &out));
                return .{ .handle = out.? };
            }

            /// Who waits at this handle gets `error.Closed`, and so do later calls. Idempotent.
            pub fn close(self: Sender) void {
                _ = c.structio_sender_close(self.handle);
            }

            /// Closes and frees the handle.
            pub fn deinit(self: Sender) void {
                _ = c.structio_sender_free(self.handle);
            }
        };

        /// A receiving handle.
        pub const Receiver = struct {
            handle: *c.structio_receiver,

            /// Receives one item; waits for one. Checkpoint. `error.EndOfChannel`: no sender is
            /// left, and all is received.
            pub fn receive(self: Receiver) Error!T {
                var slot: Slot = undefined;
                try errors.done(c.structio_receiver_receive(self.handle, &slot));
                return if (Slot == T) slot else undefined;
            }

            /// The same, with null at the end: `while (try receiver.next()) |item|`. Checkpoint.
            pub fn next(self: Receiver) Error!?T {
                return self.receive() catch |err|
                    return if (err == error.EndOfChannel) null else err;
            }

            /// The same without waiting: `error.WouldBlock` where `receive` would wait.
            pub fn tryReceive(self: Receiver) Error!T {
                var slot: Slot = undefined;
                try errors.done(c.structio_receiver_try_receive(self.handle, &slot));
                return if (Slot == T) slot else undefined;
            }

            /// One more handle to the same channel.
            pub fn clone(self: Receiver) Error!Receiver {
                var out: ?*c.structio_receiver = null;
                try errors.done(c.structio_receiver_clone(self.handle, &out));
                return .{ .handle = out.? };
            }

            /// Who waits at this handle gets `error.Closed`, and so do later calls. Idempotent.
            pub fn close(self: Receiver) void {
                _ = c.structio_receiver_close(self.handle);
            }

            /// Closes and frees the handle.
            pub fn deinit(self: Receiver) void {
                _ = c.structio_receiver_free(self.handle);
            }
        };
    };
}
