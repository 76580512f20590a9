//! Event, mutex, semaphore: among the tasks of one run.

use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::call::{check, may_wait, Block};
use crate::error::{Error, Result};
use crate::run::OneThread;
use crate::sys;

/// Something that happens once. Needs no run to be made.
pub struct Event {
    raw: Block<sys::structio_event>,
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl Event {
    /// An event that has not happened yet.
    pub fn new() -> Self {
        let raw = Block::new(sys::structio_event::new());
        // SAFETY: the storage is new, and stays as long as the event; this cannot fail then.
        unsafe { sys::structio_event_init(raw.get()) };
        Self { raw }
    }

    /// Wakes all who wait; who comes later does not wait.
    pub fn set(&self) -> Result<()> {
        // SAFETY: an event that was made.
        check(unsafe { sys::structio_event_set(self.raw.get()) }).map(drop)
    }

    /// True when it has happened.
    pub fn is_set(&self) -> bool {
        // SAFETY: an event that was made.
        unsafe { sys::structio_event_is_set(self.raw.get()) == 1 }
    }

    /// Waits until it has happened. A checkpoint.
    pub fn wait(&self) -> Result<()> {
        may_wait()?;
        // SAFETY: an event that was made.
        check(unsafe { sys::structio_event_wait(self.raw.get()) }).map(drop)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: who waits borrows the event, so nobody does; nobody can name it any more.
        unsafe {
            sys::structio_event_discard(self.raw.get());
            self.raw.free();
        }
    }
}

/// Mutual exclusion among tasks, across checkpoints. First come, first served; not recursive.
///
/// A panic does not poison it. But when the task that locked it ends while the guard still exists
/// (forgotten, or with another task) it breaks: nobody gets it any more ([`Error::Broken`]).
pub struct Mutex<T: ?Sized> {
    raw: Block<sys::structio_mutex>,
    /// A guard exists, or was forgotten. The library would not give the mutex away either.
    guarded: Cell<bool>,
    value: UnsafeCell<T>,
}

impl<T> Mutex<T> {
    /// A mutex that nobody has.
    pub fn new(value: T) -> Self {
        let raw = Block::new(sys::structio_mutex::new());
        // SAFETY: the storage is new, and stays as long as the mutex; this cannot fail then.
        unsafe { sys::structio_mutex_init(raw.get()) };
        Self { raw, guarded: Cell::new(false), value: UnsafeCell::new(value) }
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until it is the calling task's. A checkpoint; does nothing when cancelled. Errors:
    /// [`Error::Broken`], `STRUCTIO_EMISUSE` (the task has it already).
    pub fn lock(&self) -> Result<MutexGuard<'_, T>> {
        may_wait()?;
        // SAFETY: a mutex that was made.
        check(unsafe { sys::structio_mutex_lock(self.raw.get()) })?;
        self.guard()
    }

    /// The same without waiting. Errors: also [`Error::WouldBlock`].
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>> {
        // SAFETY: a mutex that was made.
        check(unsafe { sys::structio_mutex_try_lock(self.raw.get()) })?;
        self.guard()
    }

    fn guard(&self) -> Result<MutexGuard<'_, T>> {
        if self.guarded.replace(true) {
            // SAFETY: just locked by this task.
            unsafe { sys::structio_mutex_unlock(self.raw.get()) };
            return Err(Error::Broken);
        }
        Ok(MutexGuard { mutex: self, thread: PhantomData })
    }

    /// True when a task has it.
    pub fn is_locked(&self) -> bool {
        // SAFETY: a mutex that was made.
        unsafe { sys::structio_mutex_locked(self.raw.get()) == 1 }
    }

    /// The value, without locking: nobody else can have it.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T: ?Sized> Drop for Mutex<T> {
    fn drop(&mut self) {
        // SAFETY: who waits or has a guard borrows the mutex. A forgotten guard is discarded with
        // it, after which the library knows nothing of the storage.
        unsafe {
            sys::structio_mutex_discard(self.raw.get());
            self.raw.free();
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").field("locked", &self.is_locked()).finish_non_exhaustive()
    }
}

/// Access to what a [`Mutex`] protects; unlocks when dropped, which the task that locked has to do.
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    thread: OneThread,
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: `guarded` lets one guard exist at a time.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.mutex.guarded.set(false);
        // SAFETY: a mutex that was made. In another task it is refused: the mutex then breaks when
        // its owner ends.
        unsafe { sys::structio_mutex_unlock(self.mutex.raw.get()) };
    }
}

/// Units that tasks take and give back. First come, first served.
pub struct Semaphore {
    raw: Block<sys::structio_semaphore>,
}

impl Semaphore {
    /// So many units to begin with, and no bound.
    pub fn new(units: u32) -> Self {
        let raw = Block::new(sys::structio_semaphore::new());
        // SAFETY: the storage is new, and stays as long as the semaphore; the numbers are valid.
        unsafe {
            sys::structio_semaphore_init(raw.get(), i64::from(units), sys::STRUCTIO_UNLIMITED)
        };
        Self { raw }
    }

    /// Takes a unit, and waits for one. A checkpoint; does nothing when cancelled.
    pub fn acquire(&self) -> Result<SemaphorePermit<'_>> {
        may_wait()?;
        // SAFETY: a semaphore that was made.
        check(unsafe { sys::structio_semaphore_acquire(self.raw.get()) })?;
        Ok(SemaphorePermit { semaphore: self })
    }

    /// The same without waiting. Errors: [`Error::WouldBlock`].
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>> {
        // SAFETY: a semaphore that was made.
        check(unsafe { sys::structio_semaphore_try_acquire(self.raw.get()) })?;
        Ok(SemaphorePermit { semaphore: self })
    }

    /// Adds a unit, or hands it to who has waited longest.
    pub fn release(&self) -> Result<()> {
        // SAFETY: a semaphore that was made.
        check(unsafe { sys::structio_semaphore_release(self.raw.get()) }).map(drop)
    }

    /// Units that are there.
    pub fn available(&self) -> u64 {
        // SAFETY: a semaphore that was made.
        let value = unsafe { sys::structio_semaphore_value(self.raw.get()) };
        u64::try_from(value).unwrap_or(0)
    }
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // SAFETY: who waits or has a permit borrows the semaphore.
        unsafe {
            sys::structio_semaphore_discard(self.raw.get());
            self.raw.free();
        }
    }
}

/// A unit of a [`Semaphore`], given back when dropped.
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
}

impl SemaphorePermit<'_> {
    /// Keeps the unit for good.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        // SAFETY: a semaphore that was made.
        unsafe { sys::structio_semaphore_release(self.semaphore.raw.get()) };
    }
}
