//! `Debug` of what has little to show: handles and blocks of the library.

use std::fmt::{Debug, Formatter, Result};

use crate::{
    CancelScope, Event, Iter, MutexGuard, Nursery, Portal, Receiver, Semaphore, SemaphorePermit,
    Sender, Task, TaskBuilder, TaskStatus, TcpListener, TcpStream,
};

/// Just its name.
macro_rules! name_only {
    ($($name:ident $(<$($generic:tt),+>)?)*) => {$(
        impl $(<$($generic),+>)? Debug for $name $(<$($generic),+>)? {
            fn fmt(&self, f: &mut Formatter<'_>) -> Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

name_only! {
    Iter<'a, T> Nursery<'scope, 'env> Portal Receiver<T> SemaphorePermit<'a> Sender<T>
    TaskBuilder<'scope, 'env> TaskStatus<T>
}

impl Debug for CancelScope {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("CancelScope")
            .field("cancel_called", &self.cancel_called())
            .field("cancelled_caught", &self.cancelled_caught())
            .finish()
    }
}

impl Debug for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish()
    }
}

impl<T: ?Sized + Debug> Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        (**self).fmt(f)
    }
}

impl Debug for Semaphore {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Semaphore").field("available", &self.available()).finish()
    }
}

impl<T> Debug for Task<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Task").field("is_finished", &self.is_finished()).finish()
    }
}

impl Debug for TcpListener {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("TcpListener").field("local_addr", &self.local_addr().ok()).finish()
    }
}

impl Debug for TcpStream {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("TcpStream")
            .field("local_addr", &self.local_addr().ok())
            .field("peer_addr", &self.peer_addr().ok())
            .finish()
    }
}
