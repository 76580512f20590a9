//! The part of structio's C ABI that this binding uses, under the names of `structio/structio.h`,
//! which is also where each function is explained. A test compares sizes, offsets and constants
//! with the header. For the rest of the ABI, translate the header (`b.addTranslateC`).

/// Called as the body of a task, a scope, a job.
pub const structio_task_fn = *const fn (arg: ?*anyopaque) callconv(.c) c_int;
/// Destroys a value that was handed over.
pub const structio_drop_fn = *const fn (value: ?*anyopaque) callconv(.c) void;
/// Names a task; 0 is none.
pub const structio_task_id = u64;

/// Called inside a run but outside of tasks.
pub const structio_post_fn = *const fn (arg: ?*anyopaque) callconv(.c) c_int;
/// Told of an interrupt, which it may deal with.
pub const structio_interrupt_fn = *const fn (arg: ?*anyopaque) callconv(.c) c_int;
/// Told that a task begins to run.
pub const structio_task_enter_fn =
    *const fn (task: structio_task_id, arg: ?*anyopaque) callconv(.c) void;
/// Told that a task stops.
pub const structio_task_leave_fn =
    *const fn (task: structio_task_id, ended: c_int, arg: ?*anyopaque) callconv(.c) void;

/// Moments and durations without an end.
pub const STRUCTIO_FOREVER: i64 = 0x7fff_ffff_ffff_ffff;
/// The header's version that these declarations were written for.
pub const STRUCTIO_VERSION: u32 = 0x000100;

/// Why a task failed.
pub const structio_failure = opaque {};
/// A handle to a task.
pub const structio_task = opaque {};
/// A byte stream.
pub const structio_stream = opaque {};
/// What accepts connections.
pub const structio_listener = opaque {};
/// What a run reads the time from.
pub const structio_clock = opaque {};
/// Through which any thread reaches a run.
pub const structio_portal = opaque {};
/// The sending end of a channel.
pub const structio_sender = opaque {};
/// The receiving end of a channel.
pub const structio_receiver = opaque {};

/// Storage of a cancel scope.
pub const structio_scope = extern struct { @"opaque": [24]u64 };
/// Storage of a nursery.
pub const structio_nursery = extern struct { @"opaque": [56]u64 };
/// Storage of an event.
pub const structio_event = extern struct { @"opaque": [12]u64 };
/// Storage of a mutex.
pub const structio_mutex = extern struct { @"opaque": [24]u64 };
/// Storage of a semaphore.
pub const structio_semaphore = extern struct { @"opaque": [14]u64 };
/// Storage of a condition.
pub const structio_condition = extern struct { @"opaque": [16]u64 };
/// Storage of a capacity limiter.
pub const structio_limiter = extern struct { @"opaque": [44]u64 };

/// Options of `structio_run`.
pub const structio_run_options = extern struct {
    struct_size: usize = @sizeOf(@This()),
    version: u32 = STRUCTIO_VERSION,
    budget: u32 = 0,
    seed: u64 = 0,
    name: ?[*:0]const u8 = null,
    stack_size: usize = 0,
    cxa_get_globals: ?*const fn () callconv(.c) ?*anyopaque = null,
    interrupt: u32 = 0,
    no_overflow_report: u32 = 0,
    no_deadlock_check: u32 = 0,
    reserved: u32 = 0,
    clock: ?*structio_clock = null,
    failure: ?*?*structio_failure = null,
    on_interrupt: ?structio_interrupt_fn = null,
    on_interrupt_arg: ?*anyopaque = null,
    task_enter: ?structio_task_enter_fn = null,
    task_leave: ?structio_task_leave_fn = null,
    task_hooks_arg: ?*anyopaque = null,
};

/// Options of a task.
pub const structio_task_options = extern struct {
    struct_size: usize = @sizeOf(@This()),
    name: ?[*:0]const u8 = null,
    stack_size: usize = 0,
    storage_size: usize = 0,
    storage_init: ?*const fn (storage: ?*anyopaque, arg: ?*anyopaque) callconv(.c) void = null,
};

/// Options of a cancel scope.
pub const structio_scope_options = extern struct {
    struct_size: usize = @sizeOf(@This()),
    deadline: i64 = 0,
    deadline_kind: u32 = 0,
    shield: u32 = 0,
    ends_on_stop: u32 = 0,
    hold_interrupt: u32 = 0,
};

/// The scope has no deadline.
pub const STRUCTIO_DEADLINE_NONE: u32 = 0;
/// A moment of the run's clock.
pub const STRUCTIO_DEADLINE_ABSOLUTE: u32 = 1;
/// A duration that counts from entry.
pub const STRUCTIO_DEADLINE_RELATIVE: u32 = 2;

/// Ctrl-C is handled in the main thread when nobody else does.
pub const STRUCTIO_INTERRUPT_AUTO: u32 = 0;
/// Ctrl-C is not touched.
pub const STRUCTIO_INTERRUPT_IGNORE: u32 = 1;
/// Ctrl-C is handled whatever was there.
pub const STRUCTIO_INTERRUPT_HANDLE: u32 = 2;

/// A failure that is a code.
pub const STRUCTIO_FAILURE_STATUS: c_int = 1;
/// A failure that is a value of some language.
pub const STRUCTIO_FAILURE_PAYLOAD: c_int = 2;
/// A failure that is a cancellation.
pub const STRUCTIO_FAILURE_CANCELLED: c_int = 3;
/// A failure that is several.
pub const STRUCTIO_FAILURE_GROUP: c_int = 4;

/// What kind of value a payload is.
pub const structio_payload_type = extern struct {
    struct_size: usize = @sizeOf(@This()),
    name: ?[*:0]const u8 = null,
    runtime: ?*const anyopaque = null,
    drop: ?structio_drop_fn = null,
    describe: ?*const fn (value: ?*const anyopaque, text: ?[*]u8, size: usize) callconv(.c) void =
        null,
};

/// What goes through a channel.
pub const structio_item_type = extern struct {
    struct_size: usize = @sizeOf(@This()),
    size: usize = 0,
    move: ?*const fn (to: ?*anyopaque, from: ?*anyopaque) callconv(.c) void = null,
    destroy: ?*const fn (item: ?*anyopaque) callconv(.c) void = null,
    copy: ?*const fn (to: ?*anyopaque, from: ?*const anyopaque) callconv(.c) c_int = null,
};

/// Options of a listener.
pub const structio_tcp_listen_options = extern struct {
    struct_size: usize = @sizeOf(@This()),
    host: ?[*:0]const u8 = null,
    port: u16 = 0,
    reuse_port: u8 = 0,
    ipv6_only: u8 = 0,
    backlog: i32 = 0,
};

/// Options of a connection.
pub const structio_tcp_connect_options = extern struct {
    struct_size: usize = @sizeOf(@This()),
    host: ?[*:0]const u8 = null,
    port: u16 = 0,
    attempt_delay: i64 = 0,
    local_host: ?[*:0]const u8 = null,
};

/// One of several pieces to be sent.
pub const structio_piece = extern struct {
    data: ?[*]const u8 = null,
    size: usize = 0,
};

/// Serves one connection.
pub const structio_serve_fn =
    *const fn (stream: ?*structio_stream, arg: ?*anyopaque) callconv(.c) c_int;
/// Told of a handler's failure.
pub const structio_serve_error_fn = *const fn (
    peer: ?[*:0]const u8,
    status: c_int,
    why: ?*structio_failure,
    arg: ?*anyopaque,
) callconv(.c) c_int;

/// Options of a server.
pub const structio_serve_options = extern struct {
    struct_size: usize = @sizeOf(@This()),
    handler_owns_stream: u32 = 0,
    log_errors: u32 = 0,
    handler_nursery: ?*structio_nursery = null,
    max_connections: u64 = 0,
    on_error: ?structio_serve_error_fn = null,
    on_error_arg: ?*anyopaque = null,
};

/// Options of work in a thread.
pub const structio_thread_options = extern struct {
    struct_size: usize = @sizeOf(@This()),
    limiter: ?*structio_limiter = null,
    tokens: ?*const anyopaque = null,
    name: ?[*:0]const u8 = null,
    drop: ?structio_drop_fn = null,
    abandon_on_cancel: u32 = 0,
    reserved: u32 = 0,
};

pub extern fn structio_version() u32;
pub extern fn structio_strerror(code: c_int) [*:0]const u8;
pub extern fn structio_err_name(code: c_int) [*:0]const u8;
pub extern fn structio_last_message() [*:0]const u8;

pub extern fn structio_run(
    func: ?structio_task_fn,
    arg: ?*anyopaque,
    options: ?*const structio_run_options,
) c_int;
pub extern fn structio_in_run() c_int;
pub extern fn structio_in_task() c_int;
pub extern fn structio_checkpoint() c_int;
pub extern fn structio_checkpoint_if_cancelled() c_int;
pub extern fn structio_cancel_shielded_checkpoint() c_int;
pub extern fn structio_now() i64;
pub extern fn structio_sleep(duration: i64) c_int;
pub extern fn structio_sleep_until(moment: i64) c_int;
pub extern fn structio_sleep_forever() c_int;
pub extern fn structio_task_current() structio_task_id;
pub extern fn structio_task_name(task: structio_task_id) ?[*:0]const u8;
pub extern fn structio_task_set_name(name: ?[*:0]const u8) c_int;

pub extern fn structio_failure_new_payload(
    kind: ?*const structio_payload_type,
    value: ?*anyopaque,
    out: ?*?*structio_failure,
) c_int;
pub extern fn structio_failure_retain(failure: ?*structio_failure) ?*structio_failure;
pub extern fn structio_failure_free(failure: ?*structio_failure) c_int;
pub extern fn structio_failure_get_kind(failure: ?*const structio_failure) c_int;
pub extern fn structio_failure_code(failure: ?*const structio_failure) c_int;
pub extern fn structio_failure_message(failure: ?*const structio_failure) [*:0]const u8;
pub extern fn structio_failure_task_name(failure: ?*const structio_failure) ?[*:0]const u8;
pub extern fn structio_failure_payload(
    failure: ?*const structio_failure,
    kind: ?*?*const structio_payload_type,
) ?*anyopaque;
pub extern fn structio_failure_count(failure: ?*const structio_failure) usize;
pub extern fn structio_failure_member(
    failure: ?*const structio_failure,
    index: usize,
) ?*structio_failure;
pub extern fn structio_failure_add_while(
    failure: ?*?*structio_failure,
    doing: ?[*:0]const u8,
) c_int;
pub extern fn structio_failure_while_count(failure: ?*const structio_failure) usize;
pub extern fn structio_failure_while(
    failure: ?*const structio_failure,
    index: usize,
) ?[*:0]const u8;
pub extern fn structio_failure_describe(
    failure: ?*const structio_failure,
    text: ?[*]u8,
    size: usize,
) i64;
pub extern fn structio_failure_raise(failure: ?*structio_failure) c_int;
pub extern fn structio_failure_take() ?*structio_failure;

pub extern fn structio_nursery_open_with(
    nursery: ?*structio_nursery,
    options: ?*const structio_scope_options,
) c_int;
pub extern fn structio_nursery_close(
    nursery: ?*structio_nursery,
    status: c_int,
    failure: ?*?*structio_failure,
) c_int;
pub extern fn structio_nursery_scope(nursery: ?*structio_nursery) ?*structio_scope;
pub extern fn structio_nursery_spawn(
    nursery: ?*structio_nursery,
    options: ?*const structio_task_options,
    func: ?structio_task_fn,
    arg: ?*anyopaque,
) c_int;
pub extern fn structio_nursery_start(
    nursery: ?*structio_nursery,
    options: ?*const structio_task_options,
    func: ?structio_task_fn,
    arg: ?*anyopaque,
    value: ?*?*anyopaque,
) c_int;
pub extern fn structio_started(value: ?*anyopaque) c_int;
pub extern fn structio_nursery_start_service(
    nursery: ?*structio_nursery,
    options: ?*const structio_task_options,
    func: ?structio_task_fn,
    arg: ?*anyopaque,
) c_int;
pub extern fn structio_nursery_start_task(
    nursery: ?*structio_nursery,
    options: ?*const structio_task_options,
    func: ?structio_task_fn,
    arg: ?*anyopaque,
    handle: ?*?*structio_task,
) c_int;
pub extern fn structio_task_join(task: ?*structio_task, failure: ?*?*structio_failure) c_int;
pub extern fn structio_task_cancel(task: ?*structio_task, reason: ?[*:0]const u8) c_int;
pub extern fn structio_task_done(task: ?*structio_task) c_int;
pub extern fn structio_task_free(task: ?*structio_task) c_int;

pub extern fn structio_scope_init(
    scope: ?*structio_scope,
    options: ?*const structio_scope_options,
) c_int;
pub extern fn structio_scope_destroy(scope: ?*structio_scope) c_int;
pub extern fn structio_scope_enter(scope: ?*structio_scope) c_int;
pub extern fn structio_scope_leave(
    scope: ?*structio_scope,
    status: c_int,
    failure: ?*?*structio_failure,
) c_int;
pub extern fn structio_scope_cancel(scope: ?*structio_scope, reason: ?[*:0]const u8) c_int;
pub extern fn structio_scope_stop(
    scope: ?*structio_scope,
    grace: i64,
    reason: ?[*:0]const u8,
) c_int;
pub extern fn structio_scope_stop_on_signal(
    scope: ?*structio_scope,
    signum: c_int,
    grace: i64,
) c_int;
pub extern fn structio_scope_set_deadline(scope: ?*structio_scope, moment: i64) c_int;
pub extern fn structio_scope_deadline(scope: ?*const structio_scope, moment: ?*i64) c_int;
pub extern fn structio_scope_set_shield(scope: ?*structio_scope, shield: c_int) c_int;
pub extern fn structio_scope_shield(scope: ?*const structio_scope) c_int;
pub extern fn structio_scope_cancel_called(scope: ?*structio_scope) c_int;
pub extern fn structio_scope_cancelled_caught(scope: ?*const structio_scope) c_int;
pub extern fn structio_move_on_after(
    duration: i64,
    func: ?structio_task_fn,
    arg: ?*anyopaque,
    timed_out: ?*c_int,
) c_int;
pub extern fn structio_fail_after(
    duration: i64,
    func: ?structio_task_fn,
    arg: ?*anyopaque,
) c_int;
pub extern fn structio_cancel_describe(text: ?[*]u8, size: usize) c_int;
pub extern fn structio_stop_requested() c_int;
pub extern fn structio_current_deadline() i64;

pub extern fn structio_event_init(event: ?*structio_event) c_int;
pub extern fn structio_event_discard(event: ?*structio_event) c_int;
pub extern fn structio_event_set(event: ?*structio_event) c_int;
pub extern fn structio_event_is_set(event: ?*const structio_event) c_int;
pub extern fn structio_event_wait(event: ?*structio_event) c_int;

pub extern fn structio_mutex_init(mutex: ?*structio_mutex) c_int;
pub extern fn structio_mutex_discard(mutex: ?*structio_mutex) c_int;
pub extern fn structio_mutex_lock(mutex: ?*structio_mutex) c_int;
pub extern fn structio_mutex_try_lock(mutex: ?*structio_mutex) c_int;
pub extern fn structio_mutex_unlock(mutex: ?*structio_mutex) c_int;
pub extern fn structio_mutex_locked(mutex: ?*const structio_mutex) c_int;

pub extern fn structio_semaphore_init(
    semaphore: ?*structio_semaphore,
    initial: i64,
    max: i64,
) c_int;
pub extern fn structio_semaphore_discard(semaphore: ?*structio_semaphore) c_int;
pub extern fn structio_semaphore_acquire(semaphore: ?*structio_semaphore) c_int;
pub extern fn structio_semaphore_try_acquire(semaphore: ?*structio_semaphore) c_int;
pub extern fn structio_semaphore_release(semaphore: ?*structio_semaphore) c_int;
pub extern fn structio_semaphore_value(semaphore: ?*const structio_semaphore) i64;

pub extern fn structio_condition_init(
    condition: ?*structio_condition,
    mutex: ?*structio_mutex,
) c_int;
pub extern fn structio_condition_discard(condition: ?*structio_condition) c_int;
pub extern fn structio_condition_wait(condition: ?*structio_condition) c_int;
pub extern fn structio_condition_notify(condition: ?*structio_condition, count: usize) i64;

pub extern fn structio_channel_new(
    kind: ?*const structio_item_type,
    capacity: i64,
    tx: ?*?*structio_sender,
    rx: ?*?*structio_receiver,
) c_int;
pub extern fn structio_sender_send(tx: ?*structio_sender, item: ?*anyopaque) c_int;
pub extern fn structio_sender_try_send(tx: ?*structio_sender, item: ?*anyopaque) c_int;
pub extern fn structio_sender_clone(tx: ?*structio_sender, out: ?*?*structio_sender) c_int;
pub extern fn structio_sender_close(tx: ?*structio_sender) c_int;
pub extern fn structio_sender_free(tx: ?*structio_sender) c_int;
pub extern fn structio_receiver_receive(rx: ?*structio_receiver, slot: ?*anyopaque) c_int;
pub extern fn structio_receiver_try_receive(rx: ?*structio_receiver, slot: ?*anyopaque) c_int;
pub extern fn structio_receiver_clone(
    rx: ?*structio_receiver,
    out: ?*?*structio_receiver,
) c_int;
pub extern fn structio_receiver_close(rx: ?*structio_receiver) c_int;
pub extern fn structio_receiver_free(rx: ?*structio_receiver) c_int;

pub extern fn structio_stream_receive_some(
    stream: ?*structio_stream,
    buffer: ?*anyopaque,
    size: usize,
) i64;
pub extern fn structio_stream_send_all(
    stream: ?*structio_stream,
    data: ?*const anyopaque,
    size: usize,
) c_int;
pub extern fn structio_stream_send_vectored(
    stream: ?*structio_stream,
    pieces: ?[*]const structio_piece,
    count: usize,
) c_int;
pub extern fn structio_stream_send_eof(stream: ?*structio_stream) c_int;
pub extern fn structio_stream_close(stream: ?*structio_stream) c_int;
pub extern fn structio_stream_free(stream: ?*structio_stream) c_int;
pub extern fn structio_stream_local_address(
    stream: ?*structio_stream,
    host: ?[*]u8,
    size: usize,
    port: ?*u16,
) c_int;
pub extern fn structio_stream_peer_address(
    stream: ?*structio_stream,
    host: ?[*]u8,
    size: usize,
    port: ?*u16,
) c_int;
pub extern fn structio_stream_set_nodelay(stream: ?*structio_stream, on: c_int) c_int;

pub extern fn structio_tcp_listen(
    options: ?*const structio_tcp_listen_options,
    out: ?*?*structio_listener,
) c_int;
pub extern fn structio_listener_accept(
    listener: ?*structio_listener,
    out: ?*?*structio_stream,
) c_int;
pub extern fn structio_listener_address(
    listener: ?*structio_listener,
    host: ?[*]u8,
    size: usize,
    port: ?*u16,
) c_int;
pub extern fn structio_listener_close(listener: ?*structio_listener) c_int;
pub extern fn structio_listener_free(listener: ?*structio_listener) c_int;
pub extern fn structio_tcp_connect(
    options: ?*const structio_tcp_connect_options,
    out: ?*?*structio_stream,
) c_int;
pub extern fn structio_serve(
    listener: ?*structio_listener,
    handler: ?structio_serve_fn,
    arg: ?*anyopaque,
    options: ?*const structio_serve_options,
) c_int;

pub extern fn structio_run_in_thread(
    func: ?structio_task_fn,
    arg: ?*anyopaque,
    options: ?*const structio_thread_options,
) c_int;
pub extern fn structio_thread_call(func: ?structio_task_fn, arg: ?*anyopaque) c_int;
pub extern fn structio_thread_check_cancelled() c_int;

pub extern fn structio_portal_new(out: ?*?*structio_portal) c_int;
pub extern fn structio_portal_post(
    portal: ?*structio_portal,
    func: ?structio_post_fn,
    arg: ?*anyopaque,
) c_int;
pub extern fn structio_portal_call(
    portal: ?*structio_portal,
    func: ?structio_task_fn,
    arg: ?*anyopaque,
    failure: ?*?*structio_failure,
) c_int;
pub extern fn structio_portal_free(portal: ?*structio_portal) c_int;
