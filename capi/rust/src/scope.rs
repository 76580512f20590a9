//! Cancel scopes: blocks of code that can be cancelled, by a call or a deadline.

use std::ffi::CString;
use std::mem::size_of;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr;
use std::time::Duration;

use crate::call::{c_string, check, fatal, nanoseconds, pointer, Block};
use crate::error::{Error, Result};
use crate::failure::text;
use crate::sys;
use crate::time::Moment;

/// A block of code that can be cancelled; good for one block. It may be cancelled, shielded or
/// given a deadline before it is entered, by the task that enters it or any other of the run.
pub struct CancelScope {
    raw: Block<sys::structio_scope>,
}

impl Default for CancelScope {
    fn default() -> Self {
        Self::new()
    }
}

impl CancelScope {
    /// A scope without a deadline.
    pub fn new() -> Self {
        Self::make(sys::STRUCTIO_DEADLINE_NONE, 0)
    }
    /// A scope that is cancelled so long after it was entered.
    pub fn with_timeout(timeout: Duration) -> Self {
        Self::make(sys::STRUCTIO_DEADLINE_RELATIVE, nanoseconds(timeout))
    }
    /// A scope that is cancelled at that moment.
    pub fn with_deadline(moment: Moment) -> Self {
        Self::make(sys::STRUCTIO_DEADLINE_ABSOLUTE, moment.nanoseconds())
    }

    fn make(deadline_kind: u32, deadline: i64) -> Self {
        let options = sys::structio_scope_options {
            struct_size: size_of::<sys::structio_scope_options>(),
            deadline,
            deadline_kind,
            shield: 0,
            ends_on_stop: 0,
            hold_interrupt: 0,
        };
        let raw = Block::new(sys::structio_scope::new());
        // SAFETY: the storage is new, and stays as long as the scope.
        if unsafe { sys::structio_scope_init(raw.get(), &options) } < 0 {
            fatal("a cancel scope could not be made of valid options");
        }
        Self { raw }
    }

    /// Calls `body` inside the scope. `Ok(None)`: this scope was cancelled, and that has cut the
    /// body. Errors: the body's own, without what was cancelled by this scope; `STRUCTIO_EMISUSE`
    /// (entered before). Not a checkpoint by itself.
    pub fn enter<T>(&self, body: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
        // SAFETY: the storage stays, since `self` is borrowed until the scope is left.
        check(unsafe { sys::structio_scope_enter(self.raw.get()) })?;
        match catch_unwind(AssertUnwindSafe(body)) {
            Ok(Ok(value)) => {
                self.leave(0, &mut ptr::null_mut());
                Ok(Some(value))
            }
            Ok(Err(error)) => {
                let (status, mut failure) = error.into_raw();
                match self.leave(status, &mut failure) {
                    0 => Ok(None),
                    // SAFETY: the reference is ours.
                    left => Err(unsafe { Error::from_raw(left, failure) }),
                }
            }
            Err(payload) => {
                self.leave(sys::STRUCTIO_EPAYLOAD, &mut ptr::null_mut());
                resume_unwind(payload);
            }
        }
    }

    fn leave(&self, status: i32, failure: &mut *mut sys::structio_failure) -> i32 {
        // SAFETY: this task is inside, and in nothing further inside.
        let left = unsafe { sys::structio_scope_leave(self.raw.get(), status, failure) };
        let refused =
            matches!(left, sys::STRUCTIO_EMISUSE | sys::STRUCTIO_ENOTASK | sys::STRUCTIO_EINVALID);
        if refused && left != status {
            fatal("a cancel scope could not be left");
        }
        left
    }

    /// Cancels: wakes everything inside that waits, with [`Error::Cancelled`]. Again: nothing.
    /// Before it is entered: its first checkpoint fails.
    pub fn cancel(&self) -> Result<()> {
        cancel_raw(self.raw.get(), None)
    }

    /// [`cancel`](Self::cancel), for a reason that reports and [`cancel_reason`] tell.
    pub fn cancel_with(&self, reason: &str) -> Result<()> {
        cancel_raw(self.raw.get(), Some(c_string(reason, "the reason")?))
    }

    /// Asks politely: [`stop_requested`] becomes true inside, servers drain, and what is left when
    /// `grace` is over is cancelled.
    pub fn stop(&self, grace: Duration) -> Result<()> {
        // SAFETY: a scope that was made; no reason is given.
        let code =
            unsafe { sys::structio_scope_stop(self.raw.get(), nanoseconds(grace), ptr::null()) };
        check(code).map(drop)
    }

    /// Changes the deadline; one that has passed cancels at once.
    pub fn set_deadline(&self, moment: Moment) -> Result<()> {
        // SAFETY: a scope that was made.
        let code =
            unsafe { sys::structio_scope_set_deadline(self.raw.get(), moment.nanoseconds()) };
        check(code).map(drop)
    }

    /// Sets the deadline that much from now, or from when the scope is entered.
    pub fn set_timeout(&self, timeout: Duration) -> Result<()> {
        // SAFETY: a scope that was made.
        let code = unsafe { sys::structio_scope_set_timeout(self.raw.get(), nanoseconds(timeout)) };
        check(code).map(drop)
    }

    /// Its deadline, [`Moment::FOREVER`] for none. Errors: `STRUCTIO_EMISUSE` (a timeout that has
    /// not begun).
    pub fn deadline(&self) -> Result<Moment> {
        let mut moment = 0;
        // SAFETY: a scope that was made.
        check(unsafe { sys::structio_scope_deadline(self.raw.get(), &mut moment) })?;
        Ok(Moment::from_nanoseconds(moment))
    }

    /// Raises or lowers the shield: cancellation from outside is not seen inside.
    pub fn set_shield(&self, shield: bool) -> Result<()> {
        // SAFETY: a scope that was made.
        let code = unsafe { sys::structio_scope_set_shield(self.raw.get(), i32::from(shield)) };
        check(code).map(drop)
    }

    /// True when it was cancelled, by a call or by its own deadline.
    pub fn cancel_called(&self) -> bool {
        // SAFETY: a scope that was made.
        unsafe { sys::structio_scope_cancel_called(self.raw.get()) == 1 }
    }

    /// True when it has absorbed a cancellation at its end.
    pub fn cancelled_caught(&self) -> bool {
        // SAFETY: a scope that was made.
        unsafe { sys::structio_scope_cancelled_caught(self.raw.get()) == 1 }
    }
}

impl Drop for CancelScope {
    fn drop(&mut self) {
        // SAFETY: nobody else can name the scope any more. If the library still used the storage
        // it would say so, and then the storage is left where it is.
        unsafe {
            if sys::structio_scope_destroy(self.raw.get()) == 0 {
                self.raw.free();
            }
        }
    }
}

pub(crate) fn cancel_raw(scope: *mut sys::structio_scope, reason: Option<CString>) -> Result<()> {
    // SAFETY: callers give scopes that are there; the reason is copied.
    check(unsafe { sys::structio_scope_cancel(scope, pointer(&reason)) }).map(drop)
}

/// Calls `body` inside a scope that is cancelled after `timeout`: `Ok(None)` when that, or
/// [`CancelScope::cancel`], has cut it.
///
/// ```
/// use std::time::Duration;
/// structio::run(|| {
///     let waited = structio::move_on_after(Duration::from_millis(1), |_| {
///         structio::sleep(Duration::from_secs(3600))
///     })?;
///     assert!(waited.is_none());
///     Ok(())
/// }).unwrap();
/// ```
pub fn move_on_after<T>(
    timeout: Duration,
    body: impl FnOnce(&CancelScope) -> Result<T>,
) -> Result<Option<T>> {
    let scope = CancelScope::with_timeout(timeout);
    scope.enter(|| body(&scope))
}

/// The same, but what is cut is [`Error::TimedOut`].
pub fn fail_after<T>(timeout: Duration, body: impl FnOnce(&CancelScope) -> Result<T>) -> Result<T> {
    move_on_after(timeout, body)?.ok_or(Error::TimedOut)
}

/// Calls `body` in a scope that cancellation from outside does not reach: for clean-up. Give it a
/// deadline. Its scope can be cancelled itself, which is [`Error::TimedOut`].
pub fn shielded<T>(timeout: Duration, body: impl FnOnce(&CancelScope) -> Result<T>) -> Result<T> {
    let scope = CancelScope::with_timeout(timeout);
    scope.set_shield(true)?;
    scope.enter(|| body(&scope))?.ok_or(Error::TimedOut)
}

/// Why the calling task is cancelled, as one line; `None` when it is not.
pub fn cancel_reason() -> Option<String> {
    let mut line = [0_u8; 512];
    // SAFETY: the room is as large as said; what is written ends with NUL.
    unsafe {
        let length = sys::structio_cancel_describe(line.as_mut_ptr().cast(), line.len());
        (length > 0).then(|| text(line.as_ptr().cast()))
    }
}

/// True when a stop was asked for around the calling task.
pub fn stop_requested() -> bool {
    // SAFETY: no arguments; anywhere.
    unsafe { sys::structio_stop_requested() == 1 }
}
