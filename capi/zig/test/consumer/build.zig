//! A project that uses the package as others do.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const prefix = b.option([]const u8, "structio-prefix", "Where structio is installed");
    const structio = if (prefix) |p|
        b.dependency("structio", .{
            .target = target,
            .optimize = optimize,
            .@"structio-prefix" = p,
        })
    else
        b.dependency("structio", .{ .target = target, .optimize = optimize });
    const program = b.addExecutable(.{ .name = "program", .root_module = b.createModule(.{
        .root_source_file = b.path("program.zig"),
        .target = target,
        .optimize = optimize,
        .imports = &.{.{ .name = "structio", .module = structio.module("structio") }},
    }) });
    const run = b.addRunArtifact(program);
    run.has_side_effects = true;
    run.expectStdErrEqual("hello, sun\nhello, moon\n");
    b.step("run", "Run the program").dependOn(&run.step);
}
