//! Several failures at once.

use std::fmt;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Arc;

use crate::error::Error;
use crate::failure::Failure;

/// The failures of a nursery's body and its tasks; a slice of them. Groups may be nested, also
/// deeper than a stack could follow.
#[derive(Clone)]
pub struct Group {
    shared: Arc<Members>,
}

/// Members are taken out of the failure when somebody looks at them: on its way out of many
/// nurseries a group is wrapped again and again.
struct Members {
    failure: Failure,
    /// NULL, or a box of them.
    errors: AtomicPtr<Vec<Error>>,
}

impl Group {
    pub(crate) fn new(failure: Failure) -> Self {
        Self { shared: Arc::new(Members { failure, errors: AtomicPtr::default() }) }
    }

    pub(crate) fn failure(&self) -> &Failure {
        &self.shared.failure
    }

    /// The whole tree as text, one failure a line, each with the task that it comes from.
    pub fn tree(&self) -> String {
        self.failure().describe()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: u32) -> fmt::Result {
        let plural = if self.len() == 1 { "" } else { "s" };
        write!(f, "{} task{plural} failed", self.len())?;
        if depth > MOST_SHOWN {
            return Ok(());
        }
        for (index, member) in self.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            match member {
                Error::Group(inner) => inner.write(f, depth + 1)?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

/// Groups deeper than that are only counted in one line of text.
const MOST_SHOWN: u32 = 4;

impl Deref for Group {
    type Target = [Error];

    fn deref(&self) -> &[Error] {
        let mut errors = self.shared.errors.load(Ordering::Acquire);
        if errors.is_null() {
            let fresh = Box::into_raw(Box::new(self.failure().members()));
            let won = self.shared.errors.compare_exchange(
                ptr::null_mut(),
                fresh,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            errors = match won {
                Ok(_) => fresh,
                Err(theirs) => {
                    // SAFETY: nobody has seen it.
                    drop(unsafe { Box::from_raw(fresh) });
                    theirs
                }
            };
        }
        // SAFETY: once set it stays until the group's last clone goes.
        unsafe { &*errors }
    }
}

impl Members {
    fn take(&mut self) -> Vec<Error> {
        let errors = std::mem::replace(self.errors.get_mut(), ptr::null_mut());
        if errors.is_null() {
            return Vec::new();
        }
        // SAFETY: `self` is not shared any more, and this is the only place that frees it.
        *unsafe { Box::from_raw(errors) }
    }
}

impl Drop for Members {
    /// By a list instead of by recursion.
    fn drop(&mut self) {
        let mut left = self.take();
        while let Some(error) = left.pop() {
            if let Error::Group(Group { shared }) = error {
                if let Ok(mut members) = Arc::try_unwrap(shared) {
                    left.append(&mut members.take());
                }
            }
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Group").field(&self.tree()).finish()
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
