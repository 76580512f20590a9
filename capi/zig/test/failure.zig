//! Errors on their way through nurseries.

const std = @import("std");
const builtin = @import("builtin");
const structio = @import("structio");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const expectStrings = std.testing.expectEqualStrings;

fn fail(err: anyerror) anyerror!void {
    return err;
}

fn waits(cancelled: *bool) !void {
    structio.sleepForever() catch |err| {
        cancelled.* = true;
        return err;
    };
}

fn spawnFailing(nursery: *structio.Nursery, cancelled: *bool) !void {
    try nursery.spawn(waits, .{cancelled});
    try nursery.spawnWith(.{ .name = "unlucky" }, fail, .{error.OutOfLuck});
    try nursery.spawnWith(.{ .name = "refused" }, fail, .{error.ConnectionRefused});
    try structio.sleepForever();
}

fn examine() !void {
    var cancelled = false;
    try expectError(error.Group, structio.withNursery(spawnFailing, .{&cancelled}));
    try expect(cancelled);
    const group = structio.takeFailure().?;
    defer group.deinit();
    try expectEqual(null, structio.takeFailure());
    try expectEqual(structio.Failure.Kind.group, group.kind());
    try expectEqual(2, group.count());
    try expect(group.contains(error.OutOfLuck) and group.contains(error.ConnectionRefused));
    try expect(!group.contains(error.OutOfMemory));
    try expectEqual(error.OutOfLuck, group.member(0).err());
    try expectStrings("error.OutOfLuck", group.member(0).message());
    try expectStrings("unlucky", group.member(0).taskName().?);
    try expectEqual(structio.Failure.Kind.status, group.member(1).kind());
    try expectEqual(error.ConnectionRefused, group.member(1).err());
    try expectEqual(structio.codeOf(error.ConnectionRefused).?, group.member(1).code());
    if (builtin.have_error_return_tracing)
        try expect(group.member(0).errorReturnTrace().?.index > 0);
    try expectEqual(null, group.member(1).errorReturnTrace());
}

test "a group has the error of each task" {
    try structio.run(examine, .{});
}

fn outer(nursery: *structio.Nursery) !void {
    try nursery.spawn(inner, .{});
}

fn inner() !void {
    try structio.withNursery(innermost, .{});
}

fn innermost(nursery: *structio.Nursery) !void {
    try nursery.spawnWith(.{ .name = "deep" }, fail, .{error.DeepDown});
}

fn nested() !void {
    try structio.withNursery(outer, .{});
}

test "groups nest, and leave the run as they are" {
    var failure: ?structio.Failure = null;
    try expectError(error.Group, structio.runWith(.{ .failure = &failure }, nested, .{}));
    defer failure.?.deinit();
    try expectEqual(1, failure.?.count());
    try expectEqual(structio.Failure.Kind.group, failure.?.member(0).kind());
    try expect(failure.?.contains(error.DeepDown));
    try failure.?.addWhile("looking into it");
    const text = try std.fmt.allocPrint(std.testing.allocator, "{f}", .{failure.?});
    defer std.testing.allocator.free(text);
    try expect(std.mem.find(u8, text, "error.DeepDown") != null);
    try expect(std.mem.find(u8, text, "deep") != null);
    try expect(std.mem.find(u8, text, "looking into it") != null);
}

fn chain(length: usize) !void {
    if (length == 0) return error.DeepDown;
    try structio.withNursery(link, .{length - 1});
}

fn link(nursery: *structio.Nursery, length: usize) !void {
    try nursery.spawn(chain, .{length});
}

fn searchChain() !void {
    try expectError(error.Group, structio.withNursery(link, .{4000}));
    const group = structio.takeFailure().?;
    defer group.deinit();
    try expect(group.contains(error.DeepDown));
    try expect(!group.contains(error.ConnectionRefused));
}

test "a group that is deeper than a stack could follow is searched" {
    try structio.run(searchChain, .{});
}

fn many(nursery: *structio.Nursery) !void {
    for (0..100) |_| try nursery.spawnWith(.{ .name = "one of many" }, fail, .{error.Many});
}

fn manyFail() !void {
    try structio.withNursery(many, .{});
}

test "a long text is written whole" {
    var failure: ?structio.Failure = null;
    try expectError(error.Group, structio.runWith(.{ .failure = &failure }, manyFail, .{}));
    defer failure.?.deinit();
    try expectEqual(100, failure.?.count());
    const text = try std.fmt.allocPrint(std.testing.allocator, "{f}", .{failure.?});
    defer std.testing.allocator.free(text);
    try expectEqual(100, std.mem.count(u8, text, "error.Many"));
}

fn fetchAll(nursery: *structio.Nursery, urls: []const u8) !void {
    try expectEqual(0, urls.len);
    try innermost(nursery);
}

// As the README has it.
fn letPass() !void {
    const urls: []const u8 = "";
    structio.withNursery(fetchAll, .{urls}) catch |err| {
        if (err != error.Group) return err;
        const group = structio.takeFailure().?;
        defer group.deinit();
        if (!group.contains(error.ConnectionRefused)) return group.raise();
        std.log.warn("{f}", .{group}); // the whole tree: errors, tasks, reasons
    };
}

test "a failure that was looked at can go on" {
    var failure: ?structio.Failure = null;
    try expectError(error.Group, structio.runWith(.{ .failure = &failure }, letPass, .{}));
    const copy = failure.?.retain();
    failure.?.deinit();
    defer copy.deinit();
    try expect(copy.contains(error.DeepDown));
}

fn bodyFails(nursery: *structio.Nursery, cancelled: *bool) !void {
    try nursery.spawn(waits, .{cancelled});
    try structio.checkpoint();
    return error.FromTheBody;
}

fn bodyFailing() !void {
    var cancelled = false;
    try expectError(error.Group, structio.withNursery(bodyFails, .{&cancelled}));
    try expect(cancelled);
    const group = structio.takeFailure().?;
    defer group.deinit();
    try expect(group.contains(error.FromTheBody));
    try expectEqual(1, group.count());
}

test "a body's error cancels the children" {
    try structio.run(bodyFailing, .{});
}

test "every error has a code of its own" {
    inline for (@typeInfo(structio.Error).error_set.?) |entry| {
        const err = @field(anyerror, entry.name);
        if (err == error.Unexpected) {
            try expectEqual(null, structio.codeOf(err));
        } else {
            try expectEqual(err, @as(anyerror, structio.fromCode(structio.codeOf(err).?)));
        }
    }
    try expectEqual(error.Unexpected, @as(anyerror, structio.fromCode(-19999)));
}
