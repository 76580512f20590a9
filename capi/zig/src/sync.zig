//! Synchronisation among the tasks of a run. Everything here is first come, first served.

const std = @import("std");
const c = @import("c.zig");
const errors = @import("errors.zig");
const Error = errors.Error;

/// Something that happens once. Must not move once it is initialised.
pub const Event = struct {
    storage: c.structio_event,

    /// Makes the memory an event that has not been set.
    pub fn init(self: *Event) void {
        _ = c.structio_event_init(&self.storage);
    }

    /// Ends it in any state; tasks that wait get `error.Broken`.
    pub fn deinit(self: *Event) void {
        _ = c.structio_event_discard(&self.storage);
    }

    /// Wakes all who wait; who comes later does not wait. Again: nothing. `error.Misuse` in another
    /// run than that of the tasks that wait.
    pub fn set(self: *Event) Error!void {
        try errors.done(c.structio_event_set(&self.storage));
    }

    /// Whether it has been set.
    pub fn isSet(self: *const Event) bool {
        return c.structio_event_is_set(&self.storage) == 1;
    }

    /// Waits until it has been set. Checkpoint.
    pub fn wait(self: *Event) Error!void {
        try errors.done(c.structio_event_wait(&self.storage));
    }
};

/// Mutual exclusion among tasks. Not recursive; unlocked by the task that locked it; breaks when a
/// task ends with it locked. Must not move once it is initialised.
pub const Mutex = struct {
    storage: c.structio_mutex,

    /// Makes the memory a mutex that nobody has.
    pub fn init(self: *Mutex) void {
        _ = c.structio_mutex_init(&self.storage);
    }

    /// Ends it in any state; tasks that wait get `error.Broken`.
    pub fn deinit(self: *Mutex) void {
        _ = c.structio_mutex_discard(&self.storage);
    }

    /// Waits until the mutex is the calling task's. Checkpoint. `error.Misuse`: the task has it
    /// already; `error.Broken`: a task ended with it.
    pub fn lock(self: *Mutex) Error!void {
        try errors.done(c.structio_mutex_lock(&self.storage));
    }

    /// The same without waiting: whether the task has it now.
    pub fn tryLock(self: *Mutex) Error!bool {
        const status = c.structio_mutex_try_lock(&self.storage);
        errors.done(status) catch |err| return if (err == error.WouldBlock) false else err;
        return true;
    }

    /// Hands it to who has waited longest. For `defer`: it cannot fail but by a fault of the
    /// program, which panics with what was wrong. A broken mutex, which the task has lost while it
    /// waited in a condition, is left alone.
    pub fn unlock(self: *Mutex) void {
        errors.done(c.structio_mutex_unlock(&self.storage)) catch |err| {
            if (err != error.Broken) std.debug.panic("{s}", .{errors.lastMessage()});
        };
    }

    /// Whether a task has it.
    pub fn isLocked(self: *const Mutex) bool {
        return c.structio_mutex_locked(&self.storage) == 1;
    }
};

/// A number of units. Must not move once it is initialised.
pub const Semaphore = struct {
    storage: c.structio_semaphore,

    /// A maximum that is none.
    pub const unlimited: i64 = std.math.maxInt(i64);

    /// `initial` units to begin with, never more than `max`.
    pub fn init(self: *Semaphore, initial: i64, max: i64) Error!void {
        try errors.done(c.structio_semaphore_init(&self.storage, initial, max));
    }

    /// Ends it in any state; tasks that wait get `error.Broken`.
    pub fn deinit(self: *Semaphore) void {
        _ = c.structio_semaphore_discard(&self.storage);
    }

    /// Takes a unit, when there is one. Checkpoint.
    pub fn acquire(self: *Semaphore) Error!void {
        try errors.done(c.structio_semaphore_acquire(&self.storage));
    }

    /// The same without waiting: whether there was one.
    pub fn tryAcquire(self: *Semaphore) Error!bool {
        const status = c.structio_semaphore_try_acquire(&self.storage);
        errors.done(status) catch |err| return if (err == error.WouldBlock) false else err;
        return true;
    }

    /// Hands a unit to who has waited longest, or puts it back. For `defer`: it cannot fail but by
    /// a fault of the program (more units than `max`), which panics with what was wrong.
    pub fn release(self: *Semaphore) void {
        errors.done(c.structio_semaphore_release(&self.storage)) catch
            std.debug.panic("{s}", .{errors.lastMessage()});
    }

    /// Units that are there.
    pub fn value(self: *const Semaphore) i64 {
        return c.structio_semaphore_value(&self.storage);
    }
};

/// For waiting until something that a mutex protects has changed. Must not move once it is
/// initialised; the mutex must outlive all waits.
pub const Condition = struct {
    storage: c.structio_condition,

    /// Makes the memory a condition of `mutex`.
    pub fn init(self: *Condition, mutex: *Mutex) void {
        _ = c.structio_condition_init(&self.storage, &mutex.storage);
    }

    /// Ends it in any state; tasks that wait get `error.Broken`.
    pub fn deinit(self: *Condition) void {
        _ = c.structio_condition_discard(&self.storage);
    }

    /// Gives the mutex up and waits for a notification; has the mutex again when it returns, also
    /// with `error.Cancelled`, unless the mutex broke. Look again at what you wait for: others may
    /// have been faster. Checkpoint.
    pub fn wait(self: *Condition) Error!void {
        try errors.done(c.structio_condition_wait(&self.storage));
    }

    /// Wakes the first `count` tasks that wait, as they get the mutex, which the calling task must
    /// have and keeps. How many there were.
    pub fn notify(self: *Condition, count: usize) Error!usize {
        return @intCast(try errors.check(c.structio_condition_notify(&self.storage, count)));
    }

    /// The same for all.
    pub fn notifyAll(self: *Condition) Error!usize {
        return self.notify(std.math.maxInt(usize));
    }
};
