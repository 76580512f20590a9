//! Typed channels among the tasks of a run.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{align_of, size_of, ManuallyDrop, MaybeUninit};
use std::os::raw::c_void;
use std::ptr;

use crate::call::{check, drop_quietly, may_wait};
use crate::error::{Error, Result};
use crate::sys;

/// An item as the library moves it: at least one byte.
#[repr(C)]
union Item<T> {
    value: ManuallyDrop<T>,
    byte: u8,
}

impl<T> Item<T> {
    /// The library moves items as bytes, and aligns them for any object of C.
    const ALIGNED: () = assert!(
        align_of::<T>() <= 2 * size_of::<usize>(),
        "the type has a larger alignment than channels give: send it in a box"
    );

    fn kind() -> sys::structio_item_type {
        #[allow(clippy::let_unit_value)]
        let _checked = Self::ALIGNED;
        sys::structio_item_type {
            struct_size: size_of::<sys::structio_item_type>(),
            size: size_of::<Self>(),
            move_: None,
            destroy: if std::mem::needs_drop::<T>() { Some(destroy::<T>) } else { None },
            copy: None,
        }
    }
}

/// What an end says about items: they may be dropped with it, and none becomes shorter-lived or
/// longer-lived on the way, since the other end has the same type.
type Items<T> = PhantomData<Cell<T>>;

/// # Safety
/// `item` is a valid `Item<T>` that is used no more.
unsafe extern "C" fn destroy<T>(item: *mut c_void) {
    // SAFETY: as promised by the caller.
    drop_quietly(ManuallyDrop::into_inner(unsafe { item.cast::<Item<T>>().read().value }));
}

/// Makes a channel. `capacity` is 0 (an item goes from hand to hand), or a number of items that may
/// wait, `usize::MAX` for any number. Items are received in the order in which they were sent; who
/// waits longest is served first. The channel belongs to the run it is made in.
///
/// Items that were not received are dropped with the last receiver.
///
/// What an item borrows outlives the channel, whichever end it is sent at:
///
/// ```compile_fail,E0597
/// fn send<'a>(tx: &structio::Sender<&'a str>, text: &'a str) {
///     tx.send(text).unwrap();
/// }
/// structio::run(|| {
///     let (tx, rx) = structio::channel::<&'static str>(1)?;
///     {
///         let mine = String::from("mine");
///         send(&tx, &mine);
///     }
///     let _text: &'static str = rx.receive()?;
///     Ok(())
/// }).unwrap();
/// ```
pub fn channel<T>(capacity: usize) -> Result<(Sender<T>, Receiver<T>)> {
    let (mut tx, mut rx) = (ptr::null_mut(), ptr::null_mut());
    let capacity = i64::try_from(capacity).unwrap_or(sys::STRUCTIO_UNLIMITED);
    // SAFETY: the type describes `Item<T>`; it is copied.
    check(unsafe { sys::structio_channel_new(&Item::<T>::kind(), capacity, &mut tx, &mut rx) })?;
    Ok((Sender { raw: tx, items: PhantomData }, Receiver { raw: rx, items: PhantomData }))
}

/// What [`Sender::try_send`] and [`Sender::send`] could not send, and why.
pub struct SendError<T> {
    /// Why.
    pub error: Error,
    /// The item, untouched.
    pub item: T,
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T> std::error::Error for SendError<T> {}

impl<T> From<SendError<T>> for Error {
    /// Drops the item.
    fn from(refused: SendError<T>) -> Self {
        refused.error
    }
}

/// One of a channel's sending ends; when the last is dropped, receivers get what is buffered and
/// then [`Error::End`].
pub struct Sender<T> {
    raw: *mut sys::structio_sender,
    items: Items<T>,
}

impl<T> Sender<T> {
    /// Sends an item; waits while the buffer is full. A checkpoint; not sent when cancelled.
    /// Errors: [`Error::Broken`] (no receiver is left), [`Error::Closed`]; with the item, which
    /// `?` drops.
    pub fn send(&self, item: T) -> Result<(), SendError<T>> {
        if let Err(error) = may_wait() {
            return Err(SendError { error, item });
        }
        // SAFETY: the library takes the item, or leaves it as it was.
        Self::hand_over(item, |item| unsafe { sys::structio_sender_send(self.raw, item) })
    }

    /// The same without waiting. Errors: also [`Error::WouldBlock`].
    pub fn try_send(&self, item: T) -> Result<(), SendError<T>> {
        // SAFETY: as above.
        Self::hand_over(item, |item| unsafe { sys::structio_sender_try_send(self.raw, item) })
    }

    fn hand_over(item: T, send: impl FnOnce(*mut c_void) -> i32) -> Result<(), SendError<T>> {
        let mut moved = Item { value: ManuallyDrop::new(item) };
        let taken: *mut Item<T> = &mut moved;
        check(send(taken.cast())).map(drop).map_err(|error| {
            // SAFETY: on any failure the item is still ours.
            let item = ManuallyDrop::into_inner(unsafe { moved.value });
            SendError { error, item }
        })
    }

    /// One more sending end.
    pub fn try_clone(&self) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_sender_clone(self.raw, &mut raw) })?;
        Ok(Self { raw, items: PhantomData })
    }

    /// Closes this end: whoever waits at it gets [`Error::Closed`]. Dropping closes too.
    pub fn close(&self) -> Result<()> {
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_sender_close(self.raw) }).map(drop)
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and used no more.
        unsafe { sys::structio_sender_free(self.raw) };
    }
}

/// One of a channel's receiving ends.
pub struct Receiver<T> {
    raw: *mut sys::structio_receiver,
    items: Items<T>,
}

impl<T> Receiver<T> {
    /// Receives an item; waits for one. A checkpoint; nothing is received when cancelled. Errors:
    /// [`Error::End`] (no sender is left, and all is received), [`Error::Closed`].
    pub fn receive(&self) -> Result<T> {
        may_wait()?;
        // SAFETY: on success the library has written an item into the slot.
        Self::take(|slot| unsafe { sys::structio_receiver_receive(self.raw, slot) })
    }

    /// The same without waiting. Errors: also [`Error::WouldBlock`].
    pub fn try_receive(&self) -> Result<T> {
        // SAFETY: as above.
        Self::take(|slot| unsafe { sys::structio_receiver_try_receive(self.raw, slot) })
    }

    fn take(receive: impl FnOnce(*mut c_void) -> i32) -> Result<T> {
        let mut slot = MaybeUninit::<Item<T>>::uninit();
        check(receive(slot.as_mut_ptr().cast()))?;
        // SAFETY: both callers say that it is there now.
        Ok(ManuallyDrop::into_inner(unsafe { slot.assume_init().value }))
    }

    /// What is received, until no sender is left; an error is the last item.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self, failed: false }
    }

    /// One more receiving end; each item goes to one of them.
    pub fn try_clone(&self) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_receiver_clone(self.raw, &mut raw) })?;
        Ok(Self { raw, items: PhantomData })
    }

    /// Closes this end: whoever waits at it gets [`Error::Closed`]. Dropping closes too.
    pub fn close(&self) -> Result<()> {
        // SAFETY: the handle is ours.
        check(unsafe { sys::structio_receiver_close(self.raw) }).map(drop)
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = Result<T>;
    type IntoIter = Iter<'a, T>;
    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and used no more.
        unsafe { sys::structio_receiver_free(self.raw) };
    }
}

/// See [`Receiver::iter`].
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
    failed: bool,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = Result<T>;
    fn next(&mut self) -> Option<Result<T>> {
        if self.failed {
            return None;
        }
        match self.receiver.receive() {
            Err(Error::End) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
            item => Some(item),
        }
    }
}
