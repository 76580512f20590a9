//! The package: module `structio`, its tests (`zig build test`) and examples (`zig build`).
//!
//! Where libstructio is: -Dstructio-prefix=DIR for one installed there, or -Dstructio-include=DIR
//! and -Dstructio-lib=DIR for one in a build folder; without any of them pkg-config is asked.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const place: Place = .fromOptions(b);

    const structio = b.addModule("structio", .{
        .root_source_file = b.path("src/structio.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
    });
    place.link(structio);

    const tests = b.addTest(.{ .root_module = b.createModule(.{
        .root_source_file = b.path("test/all.zig"),
        .target = target,
        .optimize = optimize,
        .imports = &.{.{ .name = "structio", .module = structio }},
    }) });
    // What a C compiler makes of the header, for comparison.
    tests.root_module.addCSourceFile(.{
        .file = b.path("test/layout.c"),
        .flags = &.{ "-std=c99", "-Wall", "-Wextra", "-Werror" },
    });
    place.include(tests.root_module);
    const test_step = b.step("test", "Run the tests");
    const run_tests = b.addRunArtifact(tests);
    run_tests.has_side_effects = true; // the library may be another one than last time
    run_tests.setEnvironmentVariable("STRUCTIO_LOG", "off"); // a deadlock is meant to happen
    test_step.dependOn(&run_tests.step);

    const crash = b.addExecutable(.{ .name = "crash", .root_module = b.createModule(.{
        .root_source_file = b.path("test/crash.zig"),
        .target = target,
        .optimize = optimize,
        .imports = &.{.{ .name = "structio", .module = structio }},
    }) });
    // Released programs print no traces.
    if (optimize == .Debug) for ([_][2][]const u8{
        .{ "panic", "panic: on the stack of a task" },
        .{ "overflow", "structio: task 'deep' overflowed its stack of 256 KiB" },
    }) |case| {
        const run_crash = b.addRunArtifact(crash);
        run_crash.has_side_effects = true;
        run_crash.addArg(case[0]);
        run_crash.addCheck(.{ .expect_term = .{ .signal = .ABRT } });
        run_crash.addCheck(.{ .expect_stderr_match = case[1] });
        run_crash.addCheck(.{ .expect_stderr_match = "crash.zig" });
        test_step.dependOn(&run_crash.step);
    };

    const echo = b.addExecutable(.{ .name = "echo", .root_module = b.createModule(.{
        .root_source_file = b.path("examples/echo.zig"),
        .target = target,
        .optimize = optimize,
        .imports = &.{.{ .name = "structio", .module = structio }},
    }) });
    b.installArtifact(echo);
    const run_echo = b.addRunArtifact(echo);
    run_echo.has_side_effects = true;
    run_echo.addArg("--self-test");
    run_echo.expectExitCode(0);
    test_step.dependOn(&run_echo.step);
}

/// Where libstructio is.
const Place = struct {
    include_dir: ?[]const u8,
    lib_dir: ?[]const u8,

    fn fromOptions(b: *std.Build) Place {
        const prefix = b.option([]const u8, "structio-prefix", "Where structio is installed");
        const headers = b.option([]const u8, "structio-include", "Folder of structio/structio.h");
        const library = b.option([]const u8, "structio-lib", "Folder of libstructio");
        return .{
            .include_dir = headers orelse within(b, prefix, "include"),
            .lib_dir = library orelse within(b, prefix, "lib"),
        };
    }

    fn within(b: *std.Build, prefix: ?[]const u8, folder: []const u8) ?[]const u8 {
        return b.pathJoin(&.{ prefix orelse return null, folder });
    }

    fn link(place: Place, module: *std.Build.Module) void {
        if (place.lib_dir) |dir| {
            module.addLibraryPath(.{ .cwd_relative = dir });
            module.addRPath(.{ .cwd_relative = dir });
        }
        module.linkSystemLibrary("structio", .{
            .use_pkg_config = if (place.lib_dir == null) .yes else .no,
        });
    }

    fn include(place: Place, module: *std.Build.Module) void {
        if (place.include_dir) |dir| module.addIncludePath(.{ .cwd_relative = dir });
    }
};
