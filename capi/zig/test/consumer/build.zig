//! A project that uses the package as others do.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const prefix = b.option([]const u8, "structio-prefix", "Where structio is installed");
    const module = b.createModule(.{
        .root_source_file = b.path("program.zig"),
        .target = target,
        .optimize = optimize,
    });
    if (prefix) |p| {
        const structio = b.dependency("structio", .{
            .target = target,
            .optimize = optimize,
            .@"structio-prefix" = p,
        });
        module.addImport("structio", structio.module("structio"));
    } else {
        const structio = b.dependency("structio", .{ .target = target, .optimize = optimize });
        module.addImport("structio", structio.module("structio"));
    }
    const program = b.addExecutable(.{ .name = "program", .root_module = module });
    const run = b.addRunArtifact(program);
    run.has_side_effects = true;
    run.expectStdErrEqual("hello, sun\nhello, moon\n");
    b.step("run", "Run the program").dependOn(&run.step);
}
