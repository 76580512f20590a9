//! Threads: what would block the run, and calls into the run from elsewhere.

use std::mem::size_of;
use std::os::raw::{c_int, c_void};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::Arc;
use std::thread::Result as Caught;

use crate::call::{check, check_in_flight, fatal, guarded, may_wait, Callback};
use crate::error::{Error, Result};
use crate::run::call_of;
use crate::sys;

/// Calls `f` on a worker thread and gives what it returns; other tasks run meanwhile. `f` may
/// borrow: the thread is always waited for. When the task is cancelled meanwhile the result is
/// given all the same, and `f` can ask by [`thread_check_cancelled`]. A checkpoint; cancelled
/// before, it starts no thread. Panics when `f` panics.
///
/// ```
/// structio::run(|| {
///     let numbers = vec![1, 2, 3];
///     let sum = structio::run_in_thread(|| numbers.iter().sum::<i32>())?;
///     assert_eq!(sum, 6);
///     Ok(())
/// }).unwrap();
/// ```
pub fn run_in_thread<T: Send, F: FnOnce() -> T + Send>(f: F) -> Result<T> {
    may_wait()?;
    let options = sys::structio_thread_options {
        struct_size: size_of::<sys::structio_thread_options>(),
        limiter: ptr::null_mut(),
        tokens: ptr::null(),
        name: ptr::null(),
        drop: None,
        abandon_on_cancel: 0,
        reserved: 0,
    };
    carried(f, |call, arg| {
        // SAFETY: the call waits for the thread, so what `arg` points to outlives it.
        check_in_flight(unsafe { sys::structio_run_in_thread(call, arg, &options) })
    })
}

/// On a worker thread of [`run_in_thread`]: calls `f` in the task that waits for this thread, in
/// its scopes, and blocks the thread until it has returned. If that task is cancelled, the
/// checkpoints of `f` say so. Errors: `STRUCTIO_EMISUSE` (another thread). Panics when `f` panics.
pub fn call_in_task<T: Send, F: FnOnce() -> T + Send>(f: F) -> Result<T> {
    // SAFETY: the call waits until the function has returned.
    carried(f, |call, arg| check_in_flight(unsafe { sys::structio_thread_call(call, arg) }))
}

/// On a worker thread of [`run_in_thread`]: [`Error::Cancelled`] when the task that waits for it is
/// cancelled.
pub fn thread_check_cancelled() -> Result<()> {
    // SAFETY: no arguments; refused on other threads.
    check(unsafe { sys::structio_thread_check_cancelled() }).map(drop)
}

/// Has `perform` call `f` elsewhere before it returns, and brings back what came of it.
fn carried<T, F: FnOnce() -> T>(
    f: F,
    perform: impl FnOnce(sys::structio_task_fn, *mut c_void) -> Result<c_int>,
) -> Result<T> {
    let mut result: Option<Caught<T>> = None;
    let mut callback = Callback::new(|| {
        result = Some(catch_unwind(AssertUnwindSafe(f)));
        0
    });
    let call = call_of(&callback);
    let performed = perform(call, callback.arg());
    let begun = callback.body.is_none();
    drop(callback);
    match result {
        Some(Ok(value)) => Ok(value),
        Some(Err(payload)) => resume_unwind(payload),
        None if begun => fatal("a call returned before the function that it had begun"),
        None => Err(match performed {
            Err(error) => error,
            Ok(_) => Error::status(sys::STRUCTIO_EINTERNAL, "the function was not called"),
        }),
    }
}

/// Through which any thread reaches this run. As long as one exists no deadlock is reported. Clones
/// are the same portal.
#[derive(Clone)]
pub struct Portal {
    raw: Arc<RawPortal>,
}

struct RawPortal(*mut sys::structio_portal);

// SAFETY: posting and calling are allowed on any thread; freeing too, once nobody is in a call,
// which the `Arc` sees to.
unsafe impl Send for RawPortal {}
// SAFETY: as above.
unsafe impl Sync for RawPortal {}

impl Portal {
    /// A portal to the calling task's run.
    pub fn new() -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the handle is written on success.
        check(unsafe { sys::structio_portal_new(&mut raw) })?;
        Ok(Self { raw: Arc::new(RawPortal(raw)) })
    }

    /// Calls `f` in a task of the run and blocks the calling thread, which must be in no run, until
    /// it has returned. `f` may wait and may borrow. Errors: `STRUCTIO_ERUNFINISHED`,
    /// `STRUCTIO_EMISUSE` (inside a run). Panics when `f` panics.
    pub fn call<T: Send, F: FnOnce() -> T + Send>(&self, f: F) -> Result<T> {
        carried(f, |call, arg| {
            let mut failure = ptr::null_mut();
            // SAFETY: the call waits until the function has returned.
            let code = unsafe { sys::structio_portal_call(self.raw.0, call, arg, &mut failure) };
            if code >= 0 {
                return Ok(code);
            }
            // SAFETY: the reference is ours.
            Err(unsafe { Error::from_raw(code, failure) })
        })
    }

    /// Has the run call `f` soon, outside of tasks, where nothing can wait. What was accepted is
    /// run, even if the main task ends meanwhile. A panic ends the run. Errors:
    /// `STRUCTIO_ERUNFINISHED`.
    pub fn post<F: FnOnce() + Send + 'static>(&self, f: F) -> Result<()> {
        let boxed = Box::into_raw(Box::new(f));
        // SAFETY: the box is the callback's if the call is accepted.
        let code = unsafe { sys::structio_portal_post(self.raw.0, run_post::<F>, boxed.cast()) };
        check(code).map(drop).map_err(|error| {
            // SAFETY: it was not accepted, so the box is still ours.
            drop(unsafe { Box::from_raw(boxed) });
            error
        })
    }
}

/// # Safety
/// `arg` is a box of an `F` that is this call's.
unsafe extern "C" fn run_post<F: FnOnce()>(arg: *mut c_void) -> c_int {
    // SAFETY: as promised by the caller.
    let f = unsafe { Box::from_raw(arg.cast::<F>()) };
    guarded(|| {
        f();
        Ok(())
    })
}

impl Drop for RawPortal {
    fn drop(&mut self) {
        // SAFETY: the last one that could name the handle.
        unsafe { sys::structio_portal_free(self.0) };
    }
}
