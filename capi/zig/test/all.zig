//! All tests of the binding.

comptime {
    _ = @import("run.zig");
}
