//! Constants, storage, handles and option structs of the header.

use std::marker::{PhantomData, PhantomPinned};
use std::os::raw::{c_char, c_int, c_void};

/// Version of the header that these declarations follow.
pub const STRUCTIO_VERSION: u32 = 1 << 8;
pub const STRUCTIO_FOREVER: i64 = i64::MAX;
pub const STRUCTIO_UNLIMITED: i64 = i64::MAX;

pub const STRUCTIO_ECANCELLED: c_int = -20001;
pub const STRUCTIO_EINVALID: c_int = -20002;
pub const STRUCTIO_EMISUSE: c_int = -20003;
pub const STRUCTIO_ENOTASK: c_int = -20004;
pub const STRUCTIO_ECLOSED: c_int = -20005;
pub const STRUCTIO_EBROKEN: c_int = -20006;
pub const STRUCTIO_EBUSY: c_int = -20007;
pub const STRUCTIO_EWOULDBLOCK: c_int = -20008;
pub const STRUCTIO_EEND: c_int = -20009;
pub const STRUCTIO_ETOOSLOW: c_int = -20010;
pub const STRUCTIO_ENOMEM: c_int = -20011;
pub const STRUCTIO_ESTALE: c_int = -20012;
pub const STRUCTIO_ERUNFINISHED: c_int = -20013;
pub const STRUCTIO_EDEADLOCK: c_int = -20014;
pub const STRUCTIO_EINTERRUPTED: c_int = -20015;
pub const STRUCTIO_EINTERNAL: c_int = -20016;
pub const STRUCTIO_EGROUP: c_int = -20017;
pub const STRUCTIO_EPAYLOAD: c_int = -20018;

pub const STRUCTIO_FAILURE_STATUS: c_int = 1;
pub const STRUCTIO_FAILURE_PAYLOAD: c_int = 2;
pub const STRUCTIO_FAILURE_CANCELLED: c_int = 3;
pub const STRUCTIO_FAILURE_GROUP: c_int = 4;

pub const STRUCTIO_DEADLINE_NONE: u32 = 0;
pub const STRUCTIO_DEADLINE_ABSOLUTE: u32 = 1;
pub const STRUCTIO_DEADLINE_RELATIVE: u32 = 2;

pub type structio_task_fn = unsafe extern "C" fn(arg: *mut c_void) -> c_int;
pub type structio_post_fn = unsafe extern "C" fn(arg: *mut c_void) -> c_int;
pub type structio_drop_fn = unsafe extern "C" fn(value: *mut c_void);
pub type structio_serve_fn =
    unsafe extern "C" fn(stream: *mut structio_stream, arg: *mut c_void) -> c_int;
pub type structio_serve_error_fn = unsafe extern "C" fn(
    peer: *const c_char,
    status: c_int,
    why: *mut structio_failure,
    arg: *mut c_void,
) -> c_int;
pub type structio_abort_fn = unsafe extern "C" fn(arg: *mut c_void) -> c_int;
pub type structio_task_id = u64;

/// Block storage: memory of the caller's that must not move once it is in use. The library keeps
/// pointers to it, hence neither `Send` nor `Sync` nor `Unpin`.
macro_rules! blocks {
    ($($name:ident[$words:literal])*) => {$(
        #[repr(C)]
        pub struct $name {
            opaque: [u64; $words],
            marker: PhantomData<(*mut u8, PhantomPinned)>,
        }
        impl $name {
            /// Storage that nothing has been made of yet.
            pub const fn new() -> Self {
                Self { opaque: [0; $words], marker: PhantomData }
            }
        }
        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    )*};
}

blocks! {
    structio_scope[24]
    structio_nursery[56]
    structio_waiter[4]
    structio_event[12]
    structio_mutex[24]
    structio_semaphore[14]
    structio_post[10]
}

macro_rules! handles {
    ($($name:ident)*) => {$(
        #[repr(C)]
        pub struct $name {
            opaque: [u8; 0],
            marker: PhantomData<(*mut u8, PhantomPinned)>,
        }
    )*};
}

handles! {
    structio_failure structio_task structio_portal structio_listener structio_stream
    structio_clock structio_sender structio_receiver structio_limiter
}

#[repr(C)]
pub struct structio_payload_type {
    pub struct_size: usize,
    pub name: *const c_char,
    pub runtime: *const c_void,
    pub drop: Option<structio_drop_fn>,
    pub describe:
        Option<unsafe extern "C" fn(value: *const c_void, text: *mut c_char, size: usize)>,
}

#[repr(C)]
pub struct structio_run_options {
    pub struct_size: usize,
    pub version: u32,
    pub budget: u32,
    pub seed: u64,
    pub name: *const c_char,
    pub stack_size: usize,
    pub cxa_get_globals: Option<unsafe extern "C" fn() -> *mut c_void>,
    pub interrupt: u32,
    pub no_overflow_report: u32,
    pub no_deadlock_check: u32,
    pub reserved: u32,
    pub clock: *mut structio_clock,
    pub failure: *mut *mut structio_failure,
    pub on_interrupt: Option<unsafe extern "C" fn(arg: *mut c_void) -> c_int>,
    pub on_interrupt_arg: *mut c_void,
    pub task_enter: Option<unsafe extern "C" fn(task: structio_task_id, arg: *mut c_void)>,
    pub task_leave:
        Option<unsafe extern "C" fn(task: structio_task_id, ended: c_int, arg: *mut c_void)>,
    pub task_hooks_arg: *mut c_void,
}

#[repr(C)]
pub struct structio_task_options {
    pub struct_size: usize,
    pub name: *const c_char,
    pub stack_size: usize,
    pub storage_size: usize,
    pub storage_init: Option<unsafe extern "C" fn(storage: *mut c_void, arg: *mut c_void)>,
}

#[repr(C)]
pub struct structio_scope_options {
    pub struct_size: usize,
    pub deadline: i64,
    pub deadline_kind: u32,
    pub shield: u32,
    pub ends_on_stop: u32,
    pub hold_interrupt: u32,
}

#[repr(C)]
pub struct structio_item_type {
    pub struct_size: usize,
    pub size: usize,
    pub move_: Option<unsafe extern "C" fn(to: *mut c_void, from: *mut c_void)>,
    pub destroy: Option<unsafe extern "C" fn(item: *mut c_void)>,
    pub copy: Option<unsafe extern "C" fn(to: *mut c_void, from: *const c_void) -> c_int>,
}

#[repr(C)]
pub struct structio_tcp_listen_options {
    pub struct_size: usize,
    pub host: *const c_char,
    pub port: u16,
    pub reuse_port: u8,
    pub ipv6_only: u8,
    pub backlog: i32,
}

#[repr(C)]
pub struct structio_tcp_connect_options {
    pub struct_size: usize,
    pub host: *const c_char,
    pub port: u16,
    pub attempt_delay: i64,
    pub local_host: *const c_char,
}

#[repr(C)]
pub struct structio_serve_options {
    pub struct_size: usize,
    pub handler_owns_stream: u32,
    pub log_errors: u32,
    pub handler_nursery: *mut structio_nursery,
    pub max_connections: u64,
    pub on_error: Option<structio_serve_error_fn>,
    pub on_error_arg: *mut c_void,
}

#[repr(C)]
pub struct structio_cancel_info {
    pub struct_size: usize,
    pub source: u32,
    pub reserved: u32,
    pub reason: *const c_char,
    pub task_name: *const c_char,
    pub task: structio_task_id,
}

#[repr(C)]
pub struct structio_thread_tokens {
    pub struct_size: usize,
    pub limiter: *mut c_void,
    pub acquire_on_behalf: Option<unsafe extern "C" fn(*mut c_void, *const c_void) -> c_int>,
    pub release_on_behalf: Option<unsafe extern "C" fn(*mut c_void, *const c_void) -> c_int>,
}

#[repr(C)]
pub struct structio_thread_options {
    pub struct_size: usize,
    pub limiter: *mut structio_limiter,
    pub tokens: *const structio_thread_tokens,
    pub name: *const c_char,
    pub drop: Option<structio_drop_fn>,
    pub abandon_on_cancel: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct structio_virtual_clock_options {
    pub struct_size: usize,
    pub start: i64,
    pub autojump: i64,
    pub rate: f64,
}
