//! All tests of the binding.

const std = @import("std");
const structio = @import("structio");

comptime {
    _ = @import("abi.zig");
    _ = @import("channel.zig");
    _ = @import("failure.zig");
    _ = @import("misuse.zig");
    _ = @import("net.zig");
    _ = @import("nursery.zig");
    _ = @import("run.zig");
    _ = @import("scope.zig");
    _ = @import("sync.zig");
    _ = @import("thread.zig");
}

test "everything public compiles" {
    std.testing.refAllDecls(structio);
    inline for (.{ structio.Nursery, structio.CancelScope, structio.Event, structio.Mutex }) |T|
        std.testing.refAllDecls(T);
    inline for (.{ structio.Semaphore, structio.TcpStream, structio.TcpListener }) |T|
        std.testing.refAllDecls(T);
    inline for (.{ structio.Condition, structio.Portal, structio.RunOptions }) |T|
        std.testing.refAllDecls(T);
    inline for (.{ structio.TaskHandle, structio.Failure, structio.testing.VirtualClock }) |T|
        std.testing.refAllDecls(T);
    std.testing.refAllDecls(structio.Channel(u8).Sender);
    std.testing.refAllDecls(structio.Channel(u8).Receiver);
}
