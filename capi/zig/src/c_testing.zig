//! The part of structio's C ABI that `structio/structio_testing.h` declares, as far as this binding
//! uses it; see c.zig.

const structio_clock = @import("c.zig").structio_clock;

/// Options of a virtual clock.
pub const structio_virtual_clock_options = extern struct {
    struct_size: usize = @sizeOf(@This()),
    start: i64 = 0,
    autojump: i64 = 0,
    rate: f64 = 0,
};

pub extern fn structio_virtual_clock_new(
    options: ?*const structio_virtual_clock_options,
    out: ?*?*structio_clock,
) c_int;
pub extern fn structio_virtual_clock_jump(clock: ?*structio_clock, duration: i64) c_int;
pub extern fn structio_virtual_clock_now(clock: ?*structio_clock, moment: ?*i64) c_int;
pub extern fn structio_virtual_clock_free(clock: ?*structio_clock) c_int;
pub extern fn structio_wait_all_tasks_blocked(cushion: i64) c_int;
pub extern fn structio_checkpoint_counts(
    cancel_points: ?*u64,
    schedule_points: ?*u64,
) c_int;
pub extern fn structio_inject_interrupt() c_int;
