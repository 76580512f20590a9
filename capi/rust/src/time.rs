//! Moments, sleeping, checkpoints.

use std::ops::{Add, Sub};
use std::time::Duration;

use crate::call::{check, may_wait, nanoseconds};
use crate::error::{Error, Result};
use crate::sys;

/// A moment of a run's clock, which may be virtual. Means nothing in another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// Never: later than any other.
    pub const FOREVER: Moment = Moment(sys::STRUCTIO_FOREVER);

    pub(crate) fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }
    pub(crate) fn nanoseconds(self) -> i64 {
        self.0
    }
    /// How long after `earlier` it is; zero when it is before.
    pub fn duration_since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    /// Saturates at [`Moment::FOREVER`].
    fn add(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_add(nanoseconds(duration)))
    }
}

impl Sub for Moment {
    type Output = Duration;
    /// As [`Moment::duration_since`].
    fn sub(self, earlier: Moment) -> Duration {
        self.duration_since(earlier)
    }
}

/// What the run's clock says.
pub fn now() -> Result<Moment> {
    // SAFETY: no arguments; allowed anywhere.
    if unsafe { sys::structio_in_run() } == 0 {
        return Err(Error::status(sys::STRUCTIO_ENOTASK, "now: the thread is in no run"));
    }
    // SAFETY: as above.
    Ok(Moment(unsafe { sys::structio_now() }))
}

/// Waits; never returns early. Zero is a checkpoint. What exceeds 292 years is for ever.
pub fn sleep(duration: Duration) -> Result<()> {
    may_wait()?;
    // SAFETY: plain values.
    check(unsafe { sys::structio_sleep(nanoseconds(duration)) }).map(drop)
}

/// Waits until a moment of the run's clock; one that has passed is a checkpoint.
pub fn sleep_until(moment: Moment) -> Result<()> {
    may_wait()?;
    // SAFETY: plain values.
    check(unsafe { sys::structio_sleep_until(moment.0) }).map(drop)
}

/// Waits until cancelled; says how it ended, which is never well.
pub fn sleep_forever() -> Error {
    if let Err(refused) = may_wait() {
        return refused;
    }
    // SAFETY: no arguments.
    Error::from_code(unsafe { sys::structio_sleep_forever() })
}

/// Lets every other ready task run, then looks for cancellation.
pub fn checkpoint() -> Result<()> {
    may_wait()?;
    // SAFETY: no arguments.
    check(unsafe { sys::structio_checkpoint() }).map(drop)
}

/// Looks for cancellation, without letting others run.
pub fn checkpoint_if_cancelled() -> Result<()> {
    // SAFETY: no arguments; does not wait.
    check(unsafe { sys::structio_checkpoint_if_cancelled() }).map(drop)
}

/// Lets others run, without looking for cancellation.
pub fn shielded_checkpoint() -> Result<()> {
    may_wait()?;
    // SAFETY: no arguments.
    check(unsafe { sys::structio_cancel_shielded_checkpoint() }).map(drop)
}

/// The earliest deadline that the calling task is under: [`Moment::FOREVER`] for none, `None` when
/// it is cancelled already.
pub fn current_deadline() -> Result<Option<Moment>> {
    // SAFETY: no arguments; allowed anywhere.
    if unsafe { sys::structio_in_task() } == 0 {
        return Err(Error::status(sys::STRUCTIO_ENOTASK, "current_deadline: not in a task"));
    }
    // SAFETY: as above.
    let moment = unsafe { sys::structio_current_deadline() };
    Ok((moment != i64::MIN).then_some(Moment(moment)))
}
