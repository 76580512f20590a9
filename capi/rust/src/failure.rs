//! Between this crate's errors and the library's failures.

use std::ffi::CStr;
use std::fmt;
use std::os::raw::{c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::call::{drop_quietly, fatal};
use crate::error::{Error, Panic};
use crate::group::Group;
use crate::sys;

/// A failure of the library's, counted by references. See `structio_failure.h`.
pub struct Failure(NonNull<sys::structio_failure>);

// SAFETY: references are counted atomically, and any thread may ask and let go; "while" lines,
// which one thread at a time may add, are not offered here.
unsafe impl Send for Failure {}
// SAFETY: as above.
unsafe impl Sync for Failure {}

impl Failure {
    /// # Safety
    /// NULL, or a reference that the caller owns and gives away.
    pub(crate) unsafe fn from_raw(raw: *mut sys::structio_failure) -> Option<Self> {
        NonNull::new(raw).map(Self)
    }

    pub(crate) fn into_raw(self) -> *mut sys::structio_failure {
        let raw = self.0.as_ptr();
        std::mem::forget(self);
        raw
    }

    /// Its code, as the C ABI has it.
    pub fn code(&self) -> i32 {
        // SAFETY: we hold a reference.
        unsafe { sys::structio_failure_code(self.0.as_ptr()) }
    }

    /// One line about it.
    pub fn message(&self) -> String {
        // SAFETY: we hold a reference; the text is never NULL and lives as long as the failure.
        unsafe { text(sys::structio_failure_message(self.0.as_ptr())) }
    }

    /// Name of the task that failed, if it comes from a task.
    pub fn task_name(&self) -> Option<String> {
        // SAFETY: we hold a reference; the text lives as long as the failure, or is NULL.
        unsafe {
            let name = sys::structio_failure_task_name(self.0.as_ptr());
            (!name.is_null()).then(|| text(name))
        }
    }

    /// The whole tree as text, one failure a line.
    pub fn describe(&self) -> String {
        // SAFETY: we hold a reference; the first call writes nothing, the second at most its room.
        unsafe {
            let length = sys::structio_failure_describe(self.0.as_ptr(), ptr::null_mut(), 0).max(0);
            let mut room = vec![0_u8; length as usize + 1];
            sys::structio_failure_describe(self.0.as_ptr(), room.as_mut_ptr().cast(), room.len());
            text(room.as_ptr().cast())
        }
    }

    /// The members of a group.
    pub(crate) fn members(&self) -> Vec<Error> {
        let raw = self.0.as_ptr();
        // SAFETY: we hold a reference, and with it one to each member.
        let member = |index| unsafe {
            Self::from_raw(sys::structio_failure_retain(sys::structio_failure_member(raw, index)))
        };
        // SAFETY: we hold a reference.
        let count = unsafe { sys::structio_failure_count(raw) };
        (0..count).filter_map(member).map(|member| member.to_error()).collect()
    }

    /// The first panic in it, at whatever depth.
    pub(crate) fn panic(&self) -> Option<Panic> {
        let mut left = vec![self.0.as_ptr()];
        while let Some(raw) = left.pop() {
            // SAFETY: we hold a reference, and with it one to each member.
            unsafe {
                if let Some(Error::Panic(panic)) = payload_of(raw) {
                    return Some(panic.clone());
                }
                let count = sys::structio_failure_count(raw);
                left.extend((0..count).rev().map(|i| sys::structio_failure_member(raw, i)));
            }
        }
        None
    }

    /// Leaves it in flight in the calling task: an error that was made of it and is passed on is
    /// then the same failure, with its causes, and counted once by the nursery it came from.
    pub(crate) fn remember(&self) {
        // SAFETY: gives a reference away; when there is no task to have it, takes it back.
        unsafe {
            let raw = self.clone().into_raw();
            if sys::structio_failure_raise(raw) != self.code() {
                sys::structio_failure_free(raw);
            }
        }
    }

    /// What was remembered, if `error` was made of it.
    fn remembered(error: &Error) -> Option<Self> {
        // SAFETY: takes what is in flight in this task, or answers NULL anywhere.
        let failure = unsafe { Self::from_raw(sys::structio_failure_take()) }?;
        // SAFETY: we hold a reference while the payload is looked at.
        let payload = unsafe { payload_of(failure.0.as_ptr()) };
        let same = match (error, payload) {
            (Error::Other(a), Some(Error::Other(b))) => {
                ptr::eq(Arc::as_ptr(a).cast::<u8>(), Arc::as_ptr(b).cast::<u8>())
            }
            (Error::Panic(a), Some(Error::Panic(b))) => a.is_same(b),
            (Error::Status { code, message }, None) => {
                *code == failure.code() && *message == failure.message()
            }
            _ => false,
        };
        same.then_some(failure)
    }

    /// As an error of this crate.
    fn to_error(&self) -> Error {
        let raw = self.0.as_ptr();
        // SAFETY: we hold a reference, and with it one to each member.
        unsafe {
            match sys::structio_failure_get_kind(raw) {
                sys::STRUCTIO_FAILURE_CANCELLED => Error::Cancelled,
                sys::STRUCTIO_FAILURE_GROUP => Error::Group(Group::new(self.clone())),
                sys::STRUCTIO_FAILURE_PAYLOAD => match payload_of(raw) {
                    Some(error) => error.clone(),
                    None => Error::Foreign(self.clone()),
                },
                _ => of_code(self.code(), || self.message()),
            }
        }
    }
}

impl Clone for Failure {
    fn clone(&self) -> Self {
        // SAFETY: we hold a reference, so one more can be had.
        let raw = unsafe { sys::structio_failure_retain(self.0.as_ptr()) };
        NonNull::new(raw).map_or_else(|| fatal("a failure was freed too often"), Self)
    }
}

impl Drop for Failure {
    fn drop(&mut self) {
        // SAFETY: gives back the reference that we hold.
        unsafe { sys::structio_failure_free(self.0.as_ptr()) };
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failure").field(&self.message()).finish()
    }
}

impl Error {
    /// The last call that failed on this thread has returned `code`.
    pub(crate) fn from_code(code: c_int) -> Self {
        of_code(code, || {
            // SAFETY: any thread; never NULL.
            let message = unsafe { text(sys::structio_last_message()) };
            if message.is_empty() {
                code_text(code)
            } else {
                message
            }
        })
    }

    /// A call has failed with `code` and, if it is not NULL, with `failure`.
    ///
    /// # Safety
    /// A reference in `failure` is the caller's, who gives it away.
    pub(crate) unsafe fn from_raw(code: c_int, failure: *mut sys::structio_failure) -> Self {
        // SAFETY: as promised by the caller.
        match unsafe { Failure::from_raw(failure) } {
            Some(failure) if failure.code() == code => {
                let error = failure.to_error();
                if !matches!(error, Error::Cancelled | Error::Group(_) | Error::Foreign(_)) {
                    failure.remember();
                }
                error
            }
            _ => Self::from_code(code),
        }
    }

    /// As code and failure, NULL when the code says all. The reference is the caller's.
    pub(crate) fn into_raw(self) -> (c_int, *mut sys::structio_failure) {
        let code = self.code();
        if let Some(failure) = Failure::remembered(&self) {
            return (code, failure.into_raw());
        }
        let mut failure = ptr::null_mut();
        let made = match self {
            Self::Cancelled | Self::Interrupted => 0,
            Self::Group(group) => return (code, group.failure().clone().into_raw()),
            Self::Foreign(foreign) => return (code, foreign.into_raw()),
            Self::Panic(_) | Self::Other(_) | Self::TaskCancelled => {
                let value = Box::into_raw(Box::new(self));
                // SAFETY: the type is static and `drop_error` takes the box back; on failure it is
                // still ours.
                unsafe {
                    let made =
                        sys::structio_failure_new_payload(&PAYLOAD.0, value.cast(), &mut failure);
                    if made < 0 {
                        drop(Box::from_raw(value));
                    }
                    made
                }
            }
            other => {
                let bytes: Vec<u8> = other.to_string().bytes().filter(|b| *b != 0).collect();
                let message = std::ffi::CString::new(bytes).unwrap_or_default();
                // SAFETY: the message is copied.
                unsafe { sys::structio_failure_new_status(code, message.as_ptr(), &mut failure) }
            }
        };
        (if made < 0 { made } else { code }, failure)
    }

    /// Puts it in flight in the calling task; gives the code to return.
    pub(crate) fn raise(self) -> c_int {
        match self.into_raw() {
            (code, failure) if failure.is_null() => code,
            // SAFETY: the reference is ours and moves to the task.
            (_, failure) => unsafe { sys::structio_failure_raise(failure) },
        }
    }
}

fn of_code(code: c_int, message: impl FnOnce() -> String) -> Error {
    match code {
        sys::STRUCTIO_ECANCELLED => Error::Cancelled,
        sys::STRUCTIO_EINTERRUPTED => Error::Interrupted,
        sys::STRUCTIO_ECLOSED => Error::Closed,
        sys::STRUCTIO_EBROKEN => Error::Broken,
        sys::STRUCTIO_EEND => Error::End,
        sys::STRUCTIO_ETOOSLOW => Error::TimedOut,
        sys::STRUCTIO_EWOULDBLOCK => Error::WouldBlock,
        _ => Error::Status { code, message: message() },
    }
}

pub(crate) fn code_text(code: c_int) -> String {
    // SAFETY: any code, any thread; static and never NULL.
    unsafe { text(sys::structio_strerror(code)) }
}

/// # Safety
/// A text that ends with NUL and stays during the call.
pub(crate) unsafe fn text(raw: *const c_char) -> String {
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(raw) }.to_string_lossy().into_owned()
}

struct Payload(sys::structio_payload_type);
// SAFETY: constant, and what its pointers name is static.
unsafe impl Sync for Payload {}

/// Its address tells this copy of the crate from any other, whose errors may look different inside.
static COPY: u8 = 0;
static PAYLOAD: Payload = Payload(sys::structio_payload_type {
    struct_size: std::mem::size_of::<sys::structio_payload_type>(),
    name: b"rust error\0".as_ptr().cast(),
    runtime: &COPY as *const u8 as *const c_void,
    drop: Some(drop_error),
    describe: Some(describe_error),
});

/// # Safety
/// `value` came from a box of an `Error`, which nobody uses any more.
unsafe extern "C" fn drop_error(value: *mut c_void) {
    // SAFETY: as promised by the caller.
    drop_quietly(unsafe { Box::from_raw(value.cast::<Error>()) });
}

/// # Safety
/// `value` is an `Error`, and `room` has `size` bytes.
unsafe extern "C" fn describe_error(value: *const c_void, room: *mut c_char, size: usize) {
    let describe = || {
        // SAFETY: as promised by the caller.
        let message = unsafe { &*value.cast::<Error>() }.to_string();
        message.replace(|c: char| c.is_control(), " ")
    };
    let line = std::panic::catch_unwind(std::panic::AssertUnwindSafe(describe)).unwrap_or_else(
        |payload| {
            std::mem::forget(payload);
            "an error whose description panicked".to_string()
        },
    );
    if size == 0 {
        return;
    }
    let mut length = line.len().min(size - 1);
    while !line.is_char_boundary(length) {
        length -= 1;
    }
    // SAFETY: `length` and the terminator fit into the room.
    unsafe {
        ptr::copy_nonoverlapping(line.as_ptr(), room.cast::<u8>(), length);
        *room.add(length) = 0;
    }
}

/// The error in a payload that is ours.
///
/// # Safety
/// `raw` is a failure that lives as long as what is returned is used.
unsafe fn payload_of<'a>(raw: *mut sys::structio_failure) -> Option<&'a Error> {
    let mut kind = ptr::null();
    // SAFETY: as promised by the caller; a payload of our type is an `Error`.
    unsafe {
        let value = sys::structio_failure_payload(raw, &mut kind);
        let ours =
            !value.is_null() && !kind.is_null() && ptr::eq((*kind).runtime, PAYLOAD.0.runtime);
        ours.then(|| &*value.cast::<Error>())
    }
}
