//! Why something did not work: one type for all of it.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::os::raw::c_int;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

use crate::failure::Failure;
use crate::group::Group;
use crate::sys;

/// A result whose error is this crate's, unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call, a task or a nursery failed. Cheap to clone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// A cancel scope around the call was cancelled. Free what you hold and pass it on; the scope
    /// absorbs it.
    Cancelled,
    /// The user asked the program to end (Ctrl-C). In the main task only.
    Interrupted,
    /// The task that was waited for was cancelled. Unlike [`Error::Cancelled`] nobody absorbs it.
    TaskCancelled,
    /// The object was closed on this side.
    Closed,
    /// The other side of the object, or its owner, is gone.
    Broken,
    /// Every sender is gone and the buffer is drained.
    End,
    /// The deadline of [`fail_after`](crate::fail_after) passed.
    TimedOut,
    /// The call would have to wait.
    WouldBlock,
    /// Any other code, of the library (`STRUCTIO_E*`) or of the operating system.
    Status {
        /// The code: negative.
        code: i32,
        /// What exactly was wrong.
        message: String,
    },
    /// Tasks of a nursery failed, or its body: all of them.
    Group(Group),
    /// A task panicked. Nurseries resume panics; only who joins a task sees this.
    Panic(Panic),
    /// An error of the program's own.
    Other(Arc<dyn StdError + Send + Sync + 'static>),
    /// A failure that code in another language has raised.
    Foreign(Failure),
}

impl Error {
    /// An error of the program's own. What is one of this crate already, or an `io::Error` that
    /// carries one, stays that.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let boxed = match error.into().downcast::<Error>() {
            Ok(ours) => return *ours,
            Err(other) => other,
        };
        match boxed.downcast::<io::Error>() {
            Ok(error) => Self::from(*error),
            Err(other) => Self::Other(Arc::from(other)),
        }
    }

    pub(crate) fn status(code: c_int, message: &str) -> Self {
        Self::Status { code, message: message.to_string() }
    }

    /// The code under which the C ABI knows it.
    pub fn code(&self) -> i32 {
        match self {
            Self::Cancelled => sys::STRUCTIO_ECANCELLED,
            Self::Interrupted => sys::STRUCTIO_EINTERRUPTED,
            Self::Closed => sys::STRUCTIO_ECLOSED,
            Self::Broken => sys::STRUCTIO_EBROKEN,
            Self::End => sys::STRUCTIO_EEND,
            Self::TimedOut => sys::STRUCTIO_ETOOSLOW,
            Self::WouldBlock => sys::STRUCTIO_EWOULDBLOCK,
            Self::Status { code, .. } => *code,
            Self::Group(_) => sys::STRUCTIO_EGROUP,
            Self::Panic(_) | Self::Other(_) | Self::TaskCancelled => sys::STRUCTIO_EPAYLOAD,
            Self::Foreign(failure) => failure.code(),
        }
    }

    /// True for [`Error::Cancelled`] and [`Error::Interrupted`]: not a fault, pass it on.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Interrupted)
    }

    /// The program's own error of that type: this one, or the first within a group.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        let mut left = vec![self];
        while let Some(error) = left.pop() {
            match error {
                Self::Other(error) => {
                    if let Some(found) = error.downcast_ref() {
                        return Some(found);
                    }
                }
                Self::Group(group) => left.extend(group.iter().rev()),
                _ => {}
            }
        }
        None
    }

    /// The first panic in it, at whatever depth.
    pub(crate) fn panic(&self) -> Option<Panic> {
        match self {
            Self::Panic(panic) => Some(panic.clone()),
            Self::Group(group) => group.failure().panic(),
            _ => None,
        }
    }
}

/// Goes on with a panic that a task has met, or gives the error.
pub(crate) fn resume_panic(error: Error) -> Error {
    match error.panic() {
        Some(panic) => {
            drop(error);
            panic.resume()
        }
        None => error,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TaskCancelled => f.write_str("the task that was waited for was cancelled"),
            Self::Status { message, .. } => f.write_str(message),
            Self::Group(group) => group.fmt(f),
            Self::Panic(panic) => panic.fmt(f),
            Self::Other(error) => error.fmt(f),
            Self::Foreign(failure) => f.write_str(&failure.message()),
            _ => f.write_str(&crate::failure::code_text(self.code())),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Other(error) => error.source(),
            _ => None,
        }
    }
}

impl From<Box<dyn StdError + Send + Sync>> for Error {
    fn from(error: Box<dyn StdError + Send + Sync>) -> Self {
        Self::new(error)
    }
}

impl From<io::Error> for Error {
    /// An error of this crate that went through `std::io` comes out as it was.
    fn from(error: io::Error) -> Self {
        if error.get_ref().map_or(false, |inner| inner.is::<Error>()) {
            if let Some(inner) = error.into_inner() {
                return Self::new(inner);
            }
            unreachable!("an error that has an inner one gives it");
        }
        Self::Other(Arc::new(error))
    }
}

impl From<Error> for io::Error {
    /// Never of the kind `Interrupted`, upon which `read_exact` and its like would try again.
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Closed => io::ErrorKind::NotConnected,
            Error::Broken => io::ErrorKind::BrokenPipe,
            Error::TimedOut => io::ErrorKind::TimedOut,
            Error::WouldBlock => io::ErrorKind::WouldBlock,
            Error::Status { code, .. } => kind_of(*code),
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(unix)]
fn kind_of(code: c_int) -> io::ErrorKind {
    if !(-4095..0).contains(&code) {
        return io::ErrorKind::Other; // not one of the system's
    }
    match io::Error::from_raw_os_error(-code).kind() {
        io::ErrorKind::Interrupted => io::ErrorKind::Other,
        kind => kind,
    }
}

#[cfg(not(unix))]
fn kind_of(_code: c_int) -> io::ErrorKind {
    io::ErrorKind::Other
}

/// A panic of a task, on its way to where it is resumed. Clones share it.
#[derive(Clone)]
pub struct Panic {
    shared: Arc<Caught>,
}

struct Caught {
    message: String,
    /// Gone once resumed. In a mutex only to make it `Sync`.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = match payload.downcast_ref::<&'static str>() {
            Some(text) => (*text).to_string(),
            None => match payload.downcast_ref::<String>() {
                Some(text) => text.clone(),
                None => "a value that is no text".to_string(),
            },
        };
        Self { shared: Arc::new(Caught { message, payload: Mutex::new(Some(payload)) }) }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// What was given to `panic!`, if it was text.
    pub fn message(&self) -> &str {
        &self.shared.message
    }

    /// Goes on panicking here, with the very payload; with its text if another clone was faster.
    pub fn resume(self) -> ! {
        let payload = match self.shared.payload.lock() {
            Ok(mut guard) => guard.take(),
            Err(poisoned) => poisoned.into_inner().take(),
        };
        resume_unwind(payload.unwrap_or_else(|| Box::new(self.shared.message.clone())))
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.shared.message).finish()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a task panicked: {}", self.shared.message)
    }
}

/// What the function of a task may return: nothing, or a result with any error.
pub trait Outcome {
    /// What it gives when all went well.
    type Value;
    /// As a result with this crate's error.
    fn into_result(self) -> Result<Self::Value>;
}

impl Outcome for () {
    type Value = ();
    fn into_result(self) -> Result<()> {
        Ok(())
    }
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> Outcome for Result<T, E> {
    type Value = T;
    fn into_result(self) -> Result<T> {
        self.map_err(Error::new)
    }
}
