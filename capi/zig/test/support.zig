//! What several tests need.

const std = @import("std");
const structio = @import("structio");

/// Runs `f(args...)` on a clock on which waiting costs no time.
pub fn runOnVirtualClock(comptime f: anytype, args: anytype) !void {
    var clock = try structio.testing.VirtualClock.init(.{});
    defer clock.deinit();
    try structio.runWith(.{ .clock = &clock }, f, args);
}

/// How many descriptors the process has open; 0 where that cannot be seen.
pub fn openDescriptors() usize {
    var n: usize = 0;
    for (0..1024) |fd| {
        if (std.c.fcntl(@intCast(fd), std.posix.F.GETFD) != -1) n += 1;
    }
    return n;
}
