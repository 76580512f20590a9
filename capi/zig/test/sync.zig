//! Events, mutexes, semaphores.

const std = @import("std");
const structio = @import("structio");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;

fn waitFor(event: *structio.Event, woken: *u32) !void {
    try event.wait();
    woken.* += 1;
}

fn eventBody(nursery: *structio.Nursery, event: *structio.Event, woken: *u32) !void {
    for (0..3) |_| try nursery.spawn(waitFor, .{ event, woken });
    try structio.testing.waitAllTasksBlocked(0);
    try expectEqual(0, woken.*);
    try expect(!event.isSet());
    try event.set();
    try expect(event.isSet());
    try event.wait();
}

fn events() !void {
    var event: structio.Event = undefined;
    event.init();
    defer event.deinit();
    var woken: u32 = 0;
    try structio.withNursery(eventBody, .{ &event, &woken });
    try expectEqual(3, woken);
}

test "an event wakes all" {
    try structio.run(events, .{});
}

const Shared = struct { mutex: structio.Mutex, semaphore: structio.Semaphore, n: u32, inside: u32 };

fn increment(shared: *Shared) !void {
    try shared.mutex.lock();
    defer shared.mutex.unlock();
    const seen = shared.n;
    try structio.checkpoint();
    shared.n = seen + 1;
}

fn increments(nursery: *structio.Nursery, shared: *Shared) !void {
    for (0..20) |_| try nursery.spawn(increment, .{shared});
}

fn keep(shared: *Shared) !void {
    try shared.mutex.lock();
}

fn keeps(nursery: *structio.Nursery, shared: *Shared) !void {
    try nursery.spawnWith(.{ .name = "keeper" }, keep, .{shared});
}

fn mutexes() !void {
    var shared: Shared = undefined;
    shared.n = 0;
    shared.mutex.init();
    defer shared.mutex.deinit();
    try structio.withNursery(increments, .{&shared});
    try expectEqual(20, shared.n);
    try expect(try shared.mutex.tryLock());
    try expect(shared.mutex.isLocked());
    try expectError(error.Misuse, shared.mutex.lock());
    try expectError(error.Misuse, shared.mutex.tryLock());
    shared.mutex.unlock();
    try structio.withNursery(keeps, .{&shared});
    try expectError(error.Broken, shared.mutex.lock());
    try expect(std.mem.find(u8, structio.lastMessage(), "keeper") != null);
}

test "a mutex excludes, and breaks with its owner" {
    try structio.run(mutexes, .{});
}

fn enterRoom(shared: *Shared) !void {
    try shared.semaphore.acquire();
    defer shared.semaphore.release();
    shared.inside += 1;
    shared.n = @max(shared.n, shared.inside);
    try structio.checkpoint();
    shared.inside -= 1;
}

fn enterRooms(nursery: *structio.Nursery, shared: *Shared) !void {
    for (0..20) |_| try nursery.spawn(enterRoom, .{shared});
}

fn semaphores() !void {
    var shared: Shared = undefined;
    shared.n = 0;
    shared.inside = 0;
    try expectError(error.InvalidArgument, shared.semaphore.init(3, 2));
    try shared.semaphore.init(2, structio.Semaphore.unlimited);
    defer shared.semaphore.deinit();
    try structio.withNursery(enterRooms, .{&shared});
    try expectEqual(2, shared.n);
    try expectEqual(2, shared.semaphore.value());
    try expect(try shared.semaphore.tryAcquire());
    try expect(try shared.semaphore.tryAcquire());
    try expect(!try shared.semaphore.tryAcquire());
}

test "a semaphore lets in so many" {
    try structio.run(semaphores, .{});
}

const Box = struct { mutex: structio.Mutex, filled: structio.Condition, items: u32, taken: u32 };

fn take(box: *Box) !void {
    try box.mutex.lock();
    defer box.mutex.unlock();
    while (box.items == 0) try box.filled.wait();
    box.items -= 1;
    box.taken += 1;
}

fn fill(box: *Box, items: u32) !usize {
    try box.mutex.lock();
    defer box.mutex.unlock();
    box.items += items;
    return if (items == 1) box.filled.notify(1) else box.filled.notifyAll();
}

fn boxes(nursery: *structio.Nursery, box: *Box) !void {
    for (0..4) |_| try nursery.spawn(take, .{box});
    try structio.testing.waitAllTasksBlocked(0);
    try expectEqual(1, try fill(box, 1));
    try structio.testing.waitAllTasksBlocked(0);
    try expectEqual(1, box.taken);
    try expectEqual(3, try fill(box, 2));
    try structio.testing.waitAllTasksBlocked(0);
    try expectEqual(3, box.taken);
    try expectError(error.Misuse, box.filled.wait());
    try expectError(error.Misuse, box.filled.notifyAll());
    // The one that is left has the mutex when it is cancelled, and gives it back.
    nursery.cancel();
}

fn conditions() !void {
    var box: Box = undefined;
    box.items = 0;
    box.taken = 0;
    box.mutex.init();
    defer box.mutex.deinit();
    box.filled.init(&box.mutex);
    defer box.filled.deinit();
    try structio.withNursery(boxes, .{&box});
    try expect(!box.mutex.isLocked());
    try expectEqual(3, box.taken);
}

test "a condition wakes who waits for it" {
    try structio.run(conditions, .{});
}
