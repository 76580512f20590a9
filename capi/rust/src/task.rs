//! Handles to single tasks.

use std::cell::Cell;
use std::ffi::CString;
use std::marker::PhantomData;
use std::ptr;
use std::rc::Rc;

use crate::call::{c_string, check, may_wait, pointer};
use crate::error::{Error, Result};
use crate::sys;

/// A task of a nursery and the value that it will give. Dropping it forgets the task, which goes
/// on.
pub struct Task<'scope, T> {
    raw: *mut sys::structio_task,
    slot: Rc<Cell<Option<T>>>,
    scope: PhantomData<&'scope ()>,
}

impl<T> Task<'_, T> {
    /// # Safety
    /// The handle is the caller's and given away; its task puts its value into the slot.
    pub(crate) unsafe fn from_raw(raw: *mut sys::structio_task, slot: Rc<Cell<Option<T>>>) -> Self {
        Self { raw, slot, scope: PhantomData }
    }

    /// Waits until the task has ended, well or not. May be called by several tasks, and again. A
    /// checkpoint; does nothing when cancelled. Errors: [`Error::Cancelled`] (the caller is),
    /// `STRUCTIO_EMISUSE` (a task waiting for itself).
    pub fn wait(&self) -> Result<()> {
        self.ended().map(drop)
    }

    /// Waits for the task and gives its value. The errors are those of [`wait`](Self::wait), and
    /// why the task failed: [`Error::TaskCancelled`], [`Error::Panic`] or what it returned.
    pub fn join(self) -> Result<T> {
        if let Some(why) = self.ended()? {
            return Err(match why {
                Error::Cancelled => Error::TaskCancelled,
                other => other,
            });
        }
        self.slot.take().ok_or_else(|| Error::status(sys::STRUCTIO_EINTERNAL, "join: no value"))
    }

    /// Waits; gives why the task has failed, if it has.
    fn ended(&self) -> Result<Option<Error>> {
        may_wait()?;
        let mut failure = ptr::null_mut();
        // SAFETY: the handle is ours. The failure is given only if it is the task's.
        let code = unsafe { sys::structio_task_join(self.raw, &mut failure) };
        if code >= 0 || failure.is_null() {
            return check(code).map(|_| None);
        }
        // SAFETY: the reference is ours.
        Ok(Some(unsafe { Error::from_raw(code, failure) }))
    }

    /// Cancels that task alone; nothing happens once it has ended.
    pub fn cancel(&self) -> Result<()> {
        self.cancel_raw(None)
    }

    /// [`cancel`](Self::cancel), for a reason that reports tell.
    pub fn cancel_with(&self, reason: &str) -> Result<()> {
        self.cancel_raw(Some(c_string(reason, "the reason")?))
    }

    fn cancel_raw(&self, reason: Option<CString>) -> Result<()> {
        // SAFETY: the handle is ours; the reason is copied.
        check(unsafe { sys::structio_task_cancel(self.raw, pointer(&reason)) }).map(drop)
    }

    /// True when it has ended.
    pub fn is_finished(&self) -> bool {
        // SAFETY: the handle is ours.
        unsafe { sys::structio_task_done(self.raw) != 0 }
    }

    /// Its id, which no task had before it in this run.
    pub fn id(&self) -> Result<u64> {
        let mut id = 0;
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_task_get_id(self.raw, &mut id) })?;
        Ok(id)
    }
}

impl<T> Drop for Task<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and used no more.
        unsafe { sys::structio_task_free(self.raw) };
    }
}
