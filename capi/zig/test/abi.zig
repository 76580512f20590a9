//! The binding's declarations against the header, as a C compiler reads it.

const std = @import("std");
const structio = @import("structio");
const c = structio.c;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

const Entry = extern struct { name: [*:0]const u8, value: c_longlong };
extern fn layout_entries(count: *usize) [*]const Entry;
extern fn layout_codes(count: *usize) [*]const Entry;

fn entryOf(name: []const u8) !i128 {
    var count: usize = undefined;
    const entries = layout_entries(&count);
    for (entries[0..count]) |entry| {
        if (std.mem.eql(u8, std.mem.span(entry.name), name)) return entry.value;
    }
    std.debug.print("{s} is not in the table of layout.c\n", .{name});
    return error.NotInTable;
}

fn compare(comptime declarations: type) !usize {
    @setEvalBranchQuota(20_000);
    var compared: usize = 0;
    inline for (@typeInfo(declarations).@"struct".decls) |decl| {
        const value = @field(declarations, decl.name);
        if (comptime std.mem.startsWith(u8, decl.name, "STRUCTIO_")) {
            try expectEqual(try entryOf(decl.name), value);
            compared += 1;
        } else if (@TypeOf(value) == type and @typeInfo(value) == .@"struct") {
            const size = try entryOf(decl.name);
            // Structs that tell their size may have grown at the end, which the library allows for.
            if (@hasField(value, "struct_size")) {
                try expect(@sizeOf(value) <= size);
            } else {
                try expectEqual(size, @sizeOf(value));
            }
            compared += 1;
            inline for (@typeInfo(value).@"struct".fields) |field| {
                const place: i128 = @as(i128, @offsetOf(value, field.name)) * 65536;
                const found = place + @sizeOf(field.type);
                try expectEqual(try entryOf(decl.name ++ "." ++ field.name), found);
                compared += 1;
            }
        }
    }
    return compared;
}

test "structs and constants are those of the header" {
    const compared = try compare(c) + try compare(structio.testing.c);
    // Nothing in the table was forgotten.
    var count: usize = undefined;
    _ = layout_entries(&count);
    try expectEqual(count, compared);
}

test "every code of the header has its error" {
    var count: usize = undefined;
    const codes = layout_codes(&count);
    for (codes[0..count]) |entry| {
        const code: c_int = @intCast(entry.value);
        const err = structio.fromCode(code);
        try expect(err != error.Unexpected);
        try expectEqual(code, structio.codeOf(err).?);
        try std.testing.expectEqualStrings(
            std.mem.span(entry.name),
            std.mem.span(c.structio_err_name(code)),
        );
    }
    try expectEqual(count, @typeInfo(structio.OwnError).error_set.?.len);
}

test "codes of the system are known to the library by the same names" {
    inline for (.{
        .{ error.ConnectionRefused, "ECONNREFUSED" },
        .{ error.AddressInUse, "EADDRINUSE" },
        .{ error.FileNotFound, "ENOENT" },
        .{ error.TryAgain, "EAGAIN" },
        .{ error.Timeout, "ETIMEDOUT" },
        .{ error.UnknownHostName, "EAI_NONAME" },
        .{ error.NoAddress, "EAI_NODATA" },
        .{ error.NameServerFailure, "EAI_FAIL" },
        .{ error.TemporaryNameServerFailure, "EAI_AGAIN" },
    }) |pair| {
        const name = std.mem.span(c.structio_err_name(structio.codeOf(pair[0]).?));
        try std.testing.expectEqualStrings(pair[1], name);
    }
    try expectEqual(error.OutOfMemory, @as(anyerror, structio.fromCode(-12)));
}

test "the library is of the version that was declared" {
    try expectEqual(c.STRUCTIO_VERSION, c.structio_version());
}
