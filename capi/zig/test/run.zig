//! Running, sleeping, errors of the main task.

const std = @import("std");
const structio = @import("structio");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

fn add(a: i32, b: i32) !i32 {
    try structio.checkpoint();
    return a + b;
}

test "run returns what the main task returned" {
    try expectEqual(5, try structio.run(add, .{ 2, 3 }));
    try expect(!structio.inRun());
}

fn failing() error{ Dropped, Cancelled }!void {
    return error.Dropped;
}

test "run returns the very error of the main task" {
    try expectError(error.Dropped, structio.run(failing, .{}));
    var failure: ?structio.Failure = null;
    const result = structio.runWith(.{ .failure = &failure }, failing, .{});
    try expectError(error.Dropped, result);
    defer failure.?.deinit();
    try expectEqual(structio.Failure.Kind.payload, failure.?.kind());
    try expectEqual(error.Dropped, failure.?.err());
    try std.testing.expectEqualStrings("error.Dropped", failure.?.message());
}
