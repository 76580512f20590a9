//! Testing one's own programs: virtual time, and waiting until everybody waits. This part may still
//! change between releases.

/// The C ABI of this part, as far as the binding uses it.
pub const c = @import("c_testing.zig");
const structio_clock = @import("c.zig").structio_clock;
const errors = @import("errors.zig");
const Error = errors.Error;

/// Options of a virtual clock.
pub const VirtualClockOptions = struct {
    /// First reading.
    start: i64 = 0,
    /// After so much real time with every task waiting, the clock jumps to the next deadline. 0: at
    /// once. Negative: never by itself.
    autojump: i64 = 0,
    /// Virtual seconds for a real one; 0: it stands still unless it is made to jump.
    rate: f64 = 0,
};

/// A clock for `RunOptions.clock` that costs no time to wait for.
pub const VirtualClock = struct {
    handle: *structio_clock,

    /// Makes a clock, for one run at a time.
    pub fn init(options: VirtualClockOptions) Error!VirtualClock {
        const raw: c.structio_virtual_clock_options = .{
            .start = options.start,
            .autojump = options.autojump,
            .rate = options.rate,
        };
        var out: ?*structio_clock = null;
        try errors.done(c.structio_virtual_clock_new(&raw, &out));
        return .{ .handle = out.? };
    }

    /// Frees it. No run may be using it.
    pub fn deinit(self: VirtualClock) void {
        _ = c.structio_virtual_clock_free(self.handle);
    }

    /// Moves it forward at once.
    pub fn jump(self: VirtualClock, duration: i64) Error!void {
        try errors.done(c.structio_virtual_clock_jump(self.handle, duration));
    }

    /// Its reading.
    pub fn now(self: VirtualClock) Error!i64 {
        var moment: i64 = undefined;
        try errors.done(c.structio_virtual_clock_now(self.handle, &moment));
        return moment;
    }
};

/// Waits until every other task of the run has been waiting for `cushion` of real time. Checkpoint.
pub fn waitAllTasksBlocked(cushion: i64) Error!void {
    try errors.done(c.structio_wait_all_tasks_blocked(cushion));
}

/// Delivers an interrupt to the run as Ctrl-C would.
pub fn injectInterrupt() Error!void {
    try errors.done(c.structio_inject_interrupt());
}

/// How often the calling task has been at a cancel point and at a schedule point.
pub const CheckpointCounts = struct { cancel_points: u64, schedule_points: u64 };

/// What lies between two readings says whether the code in between was a checkpoint.
pub fn checkpointCounts() Error!CheckpointCounts {
    var counts: CheckpointCounts = undefined;
    try errors.done(
        c.structio_checkpoint_counts(&counts.cancel_points, &counts.schedule_points),
    );
    return counts;
}
