//! The C ABI, as far as this crate uses it, written by hand after `structio.h`, whose comments are
//! the manual. A test compares sizes and constants with the header.
//!
//! Nothing here is checked by the compiler; use the rest of the crate where you can.
#![allow(missing_docs, missing_debug_implementations, non_camel_case_types)]

use std::os::raw::{c_char, c_int, c_void};

mod types;
pub use types::*;

extern "C" {
    // structio_base.h
    pub fn structio_version() -> u32;
    pub fn structio_strerror(code: c_int) -> *const c_char;
    pub fn structio_err_name(code: c_int) -> *const c_char;
    pub fn structio_last_message() -> *const c_char;

    // structio_failure.h
    pub fn structio_failure_new_status(
        code: c_int,
        message: *const c_char,
        out: *mut *mut structio_failure,
    ) -> c_int;
    pub fn structio_failure_new_payload(
        type_: *const structio_payload_type,
        value: *mut c_void,
        out: *mut *mut structio_failure,
    ) -> c_int;
    pub fn structio_failure_new_group(
        members: *const *mut structio_failure,
        count: usize,
        out: *mut *mut structio_failure,
    ) -> c_int;
    pub fn structio_failure_retain(failure: *mut structio_failure) -> *mut structio_failure;
    pub fn structio_failure_free(failure: *mut structio_failure) -> c_int;
    pub fn structio_failure_get_kind(failure: *const structio_failure) -> c_int;
    pub fn structio_failure_code(failure: *const structio_failure) -> c_int;
    pub fn structio_failure_message(failure: *const structio_failure) -> *const c_char;
    pub fn structio_failure_task_name(failure: *const structio_failure) -> *const c_char;
    pub fn structio_failure_payload(
        failure: *const structio_failure,
        type_: *mut *const structio_payload_type,
    ) -> *mut c_void;
    pub fn structio_failure_count(failure: *const structio_failure) -> usize;
    pub fn structio_failure_member(
        failure: *const structio_failure,
        index: usize,
    ) -> *mut structio_failure;
    pub fn structio_failure_describe(
        failure: *const structio_failure,
        text: *mut c_char,
        size: usize,
    ) -> i64;
    pub fn structio_failure_raise(failure: *mut structio_failure) -> c_int;
    pub fn structio_failure_take() -> *mut structio_failure;

    // structio_run.h
    pub fn structio_run(
        fn_: structio_task_fn,
        arg: *mut c_void,
        options: *const structio_run_options,
    ) -> c_int;
    pub fn structio_in_run() -> c_int;
    pub fn structio_in_task() -> c_int;
    pub fn structio_checkpoint() -> c_int;
    pub fn structio_checkpoint_if_cancelled() -> c_int;
    pub fn structio_cancel_shielded_checkpoint() -> c_int;
    pub fn structio_now() -> i64;
    pub fn structio_sleep(duration: i64) -> c_int;
    pub fn structio_sleep_until(moment: i64) -> c_int;
    pub fn structio_sleep_forever() -> c_int;
    pub fn structio_task_current() -> structio_task_id;
    pub fn structio_task_name(task: structio_task_id) -> *const c_char;

    // structio_nursery.h
    pub fn structio_nursery_open(nursery: *mut structio_nursery) -> c_int;
    pub fn structio_nursery_close(
        nursery: *mut structio_nursery,
        status: c_int,
        failure: *mut *mut structio_failure,
    ) -> c_int;
    pub fn structio_nursery_scope(nursery: *mut structio_nursery) -> *mut structio_scope;
    pub fn structio_nursery_spawn(
        nursery: *mut structio_nursery,
        options: *const structio_task_options,
        fn_: structio_task_fn,
        arg: *mut c_void,
    ) -> c_int;
    pub fn structio_nursery_start(
        nursery: *mut structio_nursery,
        options: *const structio_task_options,
        fn_: structio_task_fn,
        arg: *mut c_void,
        value: *mut *mut c_void,
    ) -> c_int;
    pub fn structio_started(value: *mut c_void) -> c_int;
    pub fn structio_nursery_start_service(
        nursery: *mut structio_nursery,
        options: *const structio_task_options,
        fn_: structio_task_fn,
        arg: *mut c_void,
    ) -> c_int;
    pub fn structio_nursery_start_task(
        nursery: *mut structio_nursery,
        options: *const structio_task_options,
        fn_: structio_task_fn,
        arg: *mut c_void,
        handle: *mut *mut structio_task,
    ) -> c_int;
    pub fn structio_task_join(
        task: *mut structio_task,
        failure: *mut *mut structio_failure,
    ) -> c_int;
    pub fn structio_task_cancel(task: *mut structio_task, reason: *const c_char) -> c_int;
    pub fn structio_task_done(task: *mut structio_task) -> c_int;
    pub fn structio_task_get_id(task: *mut structio_task, id: *mut structio_task_id) -> c_int;
    pub fn structio_task_free(task: *mut structio_task) -> c_int;

    // structio_scope.h
    pub fn structio_scope_init(
        scope: *mut structio_scope,
        options: *const structio_scope_options,
    ) -> c_int;
    pub fn structio_scope_destroy(scope: *mut structio_scope) -> c_int;
    pub fn structio_scope_enter(scope: *mut structio_scope) -> c_int;
    pub fn structio_scope_leave(
        scope: *mut structio_scope,
        status: c_int,
        failure: *mut *mut structio_failure,
    ) -> c_int;
    pub fn structio_scope_cancel(scope: *mut structio_scope, reason: *const c_char) -> c_int;
    pub fn structio_scope_stop(
        scope: *mut structio_scope,
        grace: i64,
        reason: *const c_char,
    ) -> c_int;
    pub fn structio_scope_set_deadline(scope: *mut structio_scope, moment: i64) -> c_int;
    pub fn structio_scope_set_timeout(scope: *mut structio_scope, duration: i64) -> c_int;
    pub fn structio_scope_deadline(scope: *const structio_scope, moment: *mut i64) -> c_int;
    pub fn structio_scope_set_shield(scope: *mut structio_scope, shield: c_int) -> c_int;
    pub fn structio_scope_shield(scope: *const structio_scope) -> c_int;
    pub fn structio_scope_cancel_called(scope: *mut structio_scope) -> c_int;
    pub fn structio_scope_cancelled_caught(scope: *const structio_scope) -> c_int;
    pub fn structio_cancel_reason(info: *mut structio_cancel_info) -> c_int;
    pub fn structio_cancel_describe(text: *mut c_char, size: usize) -> c_int;
    pub fn structio_stop_requested() -> c_int;
    pub fn structio_current_deadline() -> i64;

    // structio_sync.h
    pub fn structio_event_init(event: *mut structio_event) -> c_int;
    pub fn structio_event_discard(event: *mut structio_event) -> c_int;
    pub fn structio_event_set(event: *mut structio_event) -> c_int;
    pub fn structio_event_is_set(event: *const structio_event) -> c_int;
    pub fn structio_event_wait(event: *mut structio_event) -> c_int;
    pub fn structio_mutex_init(mutex: *mut structio_mutex) -> c_int;
    pub fn structio_mutex_discard(mutex: *mut structio_mutex) -> c_int;
    pub fn structio_mutex_lock(mutex: *mut structio_mutex) -> c_int;
    pub fn structio_mutex_try_lock(mutex: *mut structio_mutex) -> c_int;
    pub fn structio_mutex_unlock(mutex: *mut structio_mutex) -> c_int;
    pub fn structio_mutex_locked(mutex: *const structio_mutex) -> c_int;
    pub fn structio_semaphore_init(
        semaphore: *mut structio_semaphore,
        initial: i64,
        max: i64,
    ) -> c_int;
    pub fn structio_semaphore_discard(semaphore: *mut structio_semaphore) -> c_int;
    pub fn structio_semaphore_acquire(semaphore: *mut structio_semaphore) -> c_int;
    pub fn structio_semaphore_try_acquire(semaphore: *mut structio_semaphore) -> c_int;
    pub fn structio_semaphore_release(semaphore: *mut structio_semaphore) -> c_int;
    pub fn structio_semaphore_value(semaphore: *const structio_semaphore) -> i64;

    // structio_channel.h
    pub fn structio_channel_new(
        type_: *const structio_item_type,
        capacity: i64,
        tx: *mut *mut structio_sender,
        rx: *mut *mut structio_receiver,
    ) -> c_int;
    pub fn structio_sender_send(tx: *mut structio_sender, item: *mut c_void) -> c_int;
    pub fn structio_sender_try_send(tx: *mut structio_sender, item: *mut c_void) -> c_int;
    pub fn structio_receiver_receive(rx: *mut structio_receiver, slot: *mut c_void) -> c_int;
    pub fn structio_receiver_try_receive(rx: *mut structio_receiver, slot: *mut c_void) -> c_int;
    pub fn structio_sender_clone(tx: *mut structio_sender, out: *mut *mut structio_sender)
        -> c_int;
    pub fn structio_receiver_clone(
        rx: *mut structio_receiver,
        out: *mut *mut structio_receiver,
    ) -> c_int;
    pub fn structio_sender_close(tx: *mut structio_sender) -> c_int;
    pub fn structio_receiver_close(rx: *mut structio_receiver) -> c_int;
    pub fn structio_sender_free(tx: *mut structio_sender) -> c_int;
    pub fn structio_receiver_free(rx: *mut structio_receiver) -> c_int;

    // structio_stream.h, structio_net.h
    pub fn structio_stream_receive_some(
        stream: *mut structio_stream,
        buffer: *mut c_void,
        size: usize,
    ) -> i64;
    pub fn structio_stream_send_all(
        stream: *mut structio_stream,
        data: *const c_void,
        size: usize,
    ) -> c_int;
    pub fn structio_stream_send_eof(stream: *mut structio_stream) -> c_int;
    pub fn structio_stream_close(stream: *mut structio_stream) -> c_int;
    pub fn structio_stream_free(stream: *mut structio_stream) -> c_int;
    pub fn structio_stream_local_address(
        stream: *mut structio_stream,
        host: *mut c_char,
        size: usize,
        port: *mut u16,
    ) -> c_int;
    pub fn structio_stream_peer_address(
        stream: *mut structio_stream,
        host: *mut c_char,
        size: usize,
        port: *mut u16,
    ) -> c_int;
    pub fn structio_stream_set_nodelay(stream: *mut structio_stream, on: c_int) -> c_int;
    pub fn structio_tcp_listen(
        options: *const structio_tcp_listen_options,
        out: *mut *mut structio_listener,
    ) -> c_int;
    pub fn structio_listener_accept(
        listener: *mut structio_listener,
        out: *mut *mut structio_stream,
    ) -> c_int;
    pub fn structio_listener_address(
        listener: *mut structio_listener,
        host: *mut c_char,
        size: usize,
        port: *mut u16,
    ) -> c_int;
    pub fn structio_listener_close(listener: *mut structio_listener) -> c_int;
    pub fn structio_listener_free(listener: *mut structio_listener) -> c_int;
    pub fn structio_tcp_connect(
        options: *const structio_tcp_connect_options,
        out: *mut *mut structio_stream,
    ) -> c_int;
    pub fn structio_serve(
        listener: *mut structio_listener,
        handler: structio_serve_fn,
        arg: *mut c_void,
        options: *const structio_serve_options,
    ) -> c_int;

    // structio_thread.h
    pub fn structio_run_in_thread(
        fn_: structio_task_fn,
        arg: *mut c_void,
        options: *const structio_thread_options,
    ) -> c_int;
    pub fn structio_thread_call(fn_: structio_task_fn, arg: *mut c_void) -> c_int;
    pub fn structio_thread_check_cancelled() -> c_int;

    // structio_wait.h
    pub fn structio_waiter_init(waiter: *mut structio_waiter) -> c_int;
    pub fn structio_park(
        waiter: *mut structio_waiter,
        what: *const c_char,
        abort_fn: Option<structio_abort_fn>,
        arg: *mut c_void,
    ) -> i64;
    pub fn structio_wake(waiter: *mut structio_waiter, result: i64) -> c_int;
    pub fn structio_portal_new(out: *mut *mut structio_portal) -> c_int;
    pub fn structio_portal_post(
        portal: *mut structio_portal,
        fn_: structio_post_fn,
        arg: *mut c_void,
    ) -> c_int;
    pub fn structio_portal_call(
        portal: *mut structio_portal,
        fn_: structio_task_fn,
        arg: *mut c_void,
        failure: *mut *mut structio_failure,
    ) -> c_int;
    pub fn structio_portal_free(portal: *mut structio_portal) -> c_int;
    pub fn structio_post_init(
        post: *mut structio_post,
        portal: *mut structio_portal,
        fn_: structio_post_fn,
        arg: *mut c_void,
    ) -> c_int;
    pub fn structio_post_send(post: *mut structio_post) -> c_int;
    pub fn structio_post_destroy(post: *mut structio_post) -> c_int;

    // structio_testing.h
    pub fn structio_virtual_clock_new(
        options: *const structio_virtual_clock_options,
        out: *mut *mut structio_clock,
    ) -> c_int;
    pub fn structio_virtual_clock_jump(clock: *mut structio_clock, duration: i64) -> c_int;
    pub fn structio_virtual_clock_set_autojump(clock: *mut structio_clock, threshold: i64)
        -> c_int;
    pub fn structio_virtual_clock_now(clock: *mut structio_clock, moment: *mut i64) -> c_int;
    pub fn structio_virtual_clock_free(clock: *mut structio_clock) -> c_int;
    pub fn structio_wait_all_tasks_blocked(cushion: i64) -> c_int;
    pub fn structio_inject_interrupt() -> c_int;
}
