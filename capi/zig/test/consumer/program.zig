//! The first example of the README.

const std = @import("std");
const structio = @import("structio");

fn hello(name: []const u8, delay: i64) !void {
    try structio.sleep(delay);
    std.debug.print("hello, {s}\n", .{name});
}

fn greet(nursery: *structio.Nursery) !void {
    try nursery.spawn(hello, .{ "moon", structio.milliseconds(20) });
    try nursery.spawn(hello, .{ "sun", 0 });
} // both children have ended when withNursery returns

fn program() !void {
    try structio.withNursery(greet, .{});
}

pub fn main() !void {
    try structio.run(program, .{});
}
