//! What every call through the C ABI needs: checking codes, keeping panics on this side, storage
//! that does not move.

use std::ffi::CString;
use std::io::Write;
use std::os::raw::{c_char, c_int, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::abort;
use std::ptr::NonNull;
use std::thread;
use std::time::Duration;

use crate::error::{Error, Panic, Result};
use crate::sys;

/// Zero or a count, or the error that the code and the library's last message tell.
pub(crate) fn check(code: c_int) -> Result<c_int> {
    if code >= 0 {
        Ok(code)
    } else {
        Err(Error::from_code(code))
    }
}

/// As [`check`], for calls that may leave a failure in flight that says more than the code.
pub(crate) fn check_in_flight(code: c_int) -> Result<c_int> {
    if code >= 0 {
        return Ok(code);
    }
    // SAFETY: takes what is in flight in this task, or answers NULL anywhere.
    let failure = unsafe { sys::structio_failure_take() };
    // SAFETY: the reference is ours.
    Err(unsafe { Error::from_raw(code, failure) })
}

/// Said before every call that may wait. Other tasks would run in the middle of the unwinding and
/// find `thread::panicking()` true, which poisons their mutexes of `std`.
pub(crate) fn may_wait() -> Result<()> {
    if thread::panicking() {
        return Err(Error::status(
            sys::STRUCTIO_EMISUSE,
            "a destructor that runs because of a panic must not wait",
        ));
    }
    Ok(())
}

/// Ends the process when it is dropped: nothing may unwind past where one stands.
pub(crate) struct Bomb(&'static str);

impl Bomb {
    pub(crate) fn new(why: &'static str) -> Self {
        Self(why)
    }
    pub(crate) fn defuse(self) {
        std::mem::forget(self);
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        fatal(self.0);
    }
}

/// For what cannot be reported, because going on would use memory that is gone.
pub(crate) fn fatal(why: &str) -> ! {
    // Not by `eprintln!`, which panics when it cannot write.
    let _ = writeln!(std::io::stderr(), "structio: {why}");
    abort();
}

/// Runs what a C function was asked to run; a panic becomes a failure of the calling task.
pub(crate) fn guarded(body: impl FnOnce() -> Result<()>) -> c_int {
    let bomb = Bomb::new("dropping the error of a task panicked");
    let code = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => error.raise(),
        Err(payload) => Error::Panic(Panic::new(payload)).raise(),
    };
    bomb.defuse();
    code
}

/// Drops a value where a panic of its destructor has nowhere to go.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        std::mem::forget(payload);
    }
}

/// A closure as function and argument. It may not be longer than the call that takes it needs it.
pub(crate) struct Callback<F> {
    pub(crate) body: Option<F>,
}

impl<F: FnOnce() -> c_int> Callback<F> {
    pub(crate) fn new(body: F) -> Self {
        Self { body: Some(body) }
    }
    pub(crate) fn arg(&mut self) -> *mut c_void {
        (self as *mut Self).cast()
    }
    /// # Safety
    /// `arg` is that of a living callback which nobody else uses meanwhile, and whose body does not
    /// unwind.
    pub(crate) unsafe extern "C" fn call(arg: *mut c_void) -> c_int {
        // SAFETY: as promised by the caller.
        let this = unsafe { &mut *arg.cast::<Self>() };
        this.body.take().map_or(sys::STRUCTIO_EMISUSE, |body| body())
    }
}

/// Block storage on the heap: its address stays, whoever moves the owner. Raw on purpose, since the
/// library keeps pointers to it that a `Box` would claim to be alone with.
pub(crate) struct Block<T>(NonNull<T>);

impl<T> Block<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(NonNull::from(Box::leak(Box::new(value))))
    }
    pub(crate) fn get(&self) -> *mut T {
        self.0.as_ptr()
    }
    /// Gives the memory back.
    ///
    /// # Safety
    /// Nobody, the library included, uses the storage any more.
    pub(crate) unsafe fn free(&mut self) {
        // SAFETY: came from a box in `new`; the caller does this once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Nanoseconds; what does not fit is for ever.
pub(crate) fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(sys::STRUCTIO_FOREVER)
}

/// Text for the library, which ends at a NUL.
pub(crate) fn c_string(text: &str, what: &str) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::status(sys::STRUCTIO_EINVALID, &format!("{what} holds a NUL")))
}

pub(crate) fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}
