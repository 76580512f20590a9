//! Testing one's own programs: virtual time, and waiting until everybody waits. This part may
//! still change between releases.

use std::mem::size_of;
use std::ptr;
use std::time::Duration;

use crate::call::{check, may_wait, nanoseconds};
use crate::error::Result;
use crate::sys;
use crate::time::Moment;

/// A clock that stands still unless it is made to jump. Give it to
/// [`RunOptions::clock`](crate::RunOptions::clock).
///
/// ```
/// use std::time::Duration;
/// use structio::{testing::VirtualClock, RunOptions};
///
/// let clock = VirtualClock::autojump().unwrap();
/// structio::run_with(&RunOptions::new().clock(&clock), || {
///     structio::sleep(Duration::from_secs(86_400)) // takes no time at all
/// }).unwrap();
/// ```
#[derive(Debug)]
pub struct VirtualClock {
    raw: *mut sys::structio_clock,
}

impl VirtualClock {
    /// A clock that is only moved by [`jump`](Self::jump).
    pub fn new() -> Result<Self> {
        Self::make(-1)
    }
    /// A clock that jumps to the next deadline as soon as every task waits.
    pub fn autojump() -> Result<Self> {
        Self::make(0)
    }

    fn make(autojump: i64) -> Result<Self> {
        let options = sys::structio_virtual_clock_options {
            struct_size: size_of::<sys::structio_virtual_clock_options>(),
            start: 0,
            autojump,
            rate: 0.0,
        };
        let mut raw = ptr::null_mut();
        // SAFETY: the options last during the call.
        check(unsafe { sys::structio_virtual_clock_new(&options, &mut raw) })?;
        Ok(Self { raw })
    }

    pub(crate) fn raw(&self) -> *mut sys::structio_clock {
        self.raw
    }

    /// Moves it forward at once.
    pub fn jump(&self, duration: Duration) -> Result<()> {
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_virtual_clock_jump(self.raw, nanoseconds(duration)) })
            .map(drop)
    }

    /// What it says.
    pub fn now(&self) -> Result<Moment> {
        let mut moment = 0;
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_virtual_clock_now(self.raw, &mut moment) })?;
        Ok(Moment::from_nanoseconds(moment))
    }
}

impl Drop for VirtualClock {
    fn drop(&mut self) {
        // SAFETY: a run that uses it borrows it, so none does.
        unsafe { sys::structio_virtual_clock_free(self.raw) };
    }
}

/// Waits until every other task of the run waits, with nothing ready and no I/O there. A
/// checkpoint.
pub fn wait_all_tasks_blocked() -> Result<()> {
    may_wait()?;
    // SAFETY: plain values.
    check(unsafe { sys::structio_wait_all_tasks_blocked(0) }).map(drop)
}

/// Delivers an interrupt to the run as Ctrl-C would.
pub fn inject_interrupt() -> Result<()> {
    // SAFETY: no arguments.
    check(unsafe { sys::structio_inject_interrupt() }).map(drop)
}
