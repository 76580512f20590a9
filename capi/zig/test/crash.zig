//! Crashes in a task, as the first argument says: what is printed then is looked at by build.zig.

const std = @import("std");
const structio = @import("structio");

fn panics() void {
    @panic("on the stack of a task");
}

fn overflows(depth: usize) usize {
    var frame: [4096]u8 = undefined;
    std.mem.doNotOptimizeAway(&frame);
    return overflows(depth + 1) + frame[depth % frame.len];
}

fn overflowsAtOnce() void {
    std.mem.doNotOptimizeAway(overflows(0));
}

fn panicking(nursery: *structio.Nursery) !void {
    try nursery.spawn(panics, .{});
}

fn overflowing(nursery: *structio.Nursery) !void {
    try nursery.spawnWith(.{ .name = "deep" }, overflowsAtOnce, .{});
}

fn program(overflow: bool) !void {
    try if (overflow)
        structio.withNursery(overflowing, .{})
    else
        structio.withNursery(panicking, .{});
}

pub fn main(init: std.process.Init) !void {
    var arguments = init.minimal.args.iterate();
    _ = arguments.skip();
    const how = arguments.next() orelse return error.NoArgument;
    try structio.run(program, .{std.mem.eql(u8, how, "overflow")});
}
