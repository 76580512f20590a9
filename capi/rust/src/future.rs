//! Futures of `std`, polled in the calling task.

use std::cell::Cell;
use std::future::Future;
use std::os::raw::{c_char, c_int, c_void};
use std::pin::Pin;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::call::{check, may_wait, Block};
use crate::error::{Error, Result};
use crate::sys;
use crate::time::{checkpoint, checkpoint_if_cancelled, shielded_checkpoint};

/// Polls `future` in the calling task until it is ready; the task waits meanwhile, and others run.
/// Its waker may be used on any thread. A checkpoint; when cancelled the future is dropped, and has
/// done what it had done until then.
///
/// While it waits no deadlock is reported, since any thread may wake it.
///
/// Futures that need the reactor of another library need that library's runtime around them; what
/// only waits for a waker works: channels, `oneshot`s, locks and timers of any library.
pub fn wait<F: Future>(future: F) -> Result<F::Output> {
    may_wait()?;
    checkpoint_if_cancelled()?;
    let mut future = future;
    // SAFETY: it is shadowed, so it cannot be moved any more, and is dropped in this frame.
    let mut future = unsafe { Pin::new_unchecked(&mut future) };
    let shared = Arc::new(Shared::default());
    let waker = Waker::from(Arc::clone(&shared));
    let mut context = Context::from_waker(&waker);
    let mut door = None;
    let mut waited = false;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            if !waited {
                shielded_checkpoint()?; // who never waits gives way all the same
            }
            return Ok(output);
        }
        match &door {
            None => door = Some(Door::open(&shared)?),
            Some(door) => {
                door.wait()?;
                waited = true;
            }
        }
    }
}

/// What a waker has to know, shared with all its clones.
#[derive(Default)]
struct Shared(Mutex<State>);

struct State {
    /// Woken since the last poll.
    woken: bool,
    /// The run's thread.
    home: usize,
    /// Wakes the task from any thread; NULL before the first wait and after the last.
    post: *mut sys::structio_post,
    /// The task's present wait; NULL when it does not wait. Used on the run's thread only.
    waiter: *mut sys::structio_waiter,
}

impl Default for State {
    fn default() -> Self {
        Self { woken: false, home: here(), post: ptr::null_mut(), waiter: ptr::null_mut() }
    }
}

// SAFETY: `post` may be sent on any thread as long as it is set, and it is taken out under the lock
// before it is destroyed; `waiter` is used on the run's thread only.
unsafe impl Send for State {}

thread_local! {
    /// Its address tells threads apart, also while one ends.
    static HERE: Cell<u8> = const { Cell::new(0) };
}

fn here() -> usize {
    HERE.with(|here| here.as_ptr() as usize)
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state();
        if std::mem::replace(&mut state.woken, true) {
            return;
        }
        if !state.waiter.is_null() && state.home == here() {
            // SAFETY: the waiter lives as long as it is set, and this is its thread.
            if unsafe { sys::structio_wake(state.waiter, 0) } >= 0 {
                return;
            }
        }
        if !state.post.is_null() {
            // SAFETY: the post is not destroyed before it was taken out under this lock.
            unsafe { sys::structio_post_send(state.post) };
        }
    }
}

/// In the run, after a post was sent: wakes the task, if it waits.
///
/// # Safety
/// `arg` is a `Shared` that lives as long as its post.
unsafe extern "C" fn arrive(arg: *mut c_void) -> c_int {
    // SAFETY: as promised by the caller.
    let shared = unsafe { &*arg.cast::<Shared>() };
    let state = shared.state();
    if state.woken && !state.waiter.is_null() {
        // SAFETY: the waiter lives as long as it is set. Waking twice is harmless.
        unsafe { sys::structio_wake(state.waiter, 0) };
    }
    0
}

/// Through which wakers reach the waiting task; made once a future has to be waited for.
struct Door<'a> {
    shared: &'a Arc<Shared>,
    portal: *mut sys::structio_portal,
    post: Block<sys::structio_post>,
    waiter: Block<sys::structio_waiter>,
}

impl<'a> Door<'a> {
    fn open(shared: &'a Arc<Shared>) -> Result<Self> {
        let mut portal = ptr::null_mut();
        // SAFETY: the handle is written on success.
        check(unsafe { sys::structio_portal_new(&mut portal) })?;
        let mut post = Block::new(sys::structio_post::new());
        let arg = Arc::as_ptr(shared) as *mut c_void;
        // SAFETY: the storage stays, and `shared` lives, until the post is destroyed in `drop`.
        let made = unsafe { sys::structio_post_init(post.get(), portal, arrive, arg) };
        if let Err(error) = check(made) {
            // SAFETY: nobody else has either of them.
            unsafe {
                post.free();
                sys::structio_portal_free(portal);
            }
            return Err(error);
        }
        shared.state().post = post.get();
        Ok(Self { shared, portal, post, waiter: Block::new(sys::structio_waiter::new()) })
    }

    /// Until woken since the last poll. A checkpoint.
    fn wait(&self) -> Result<()> {
        let waiter = self.waiter.get();
        // SAFETY: the storage stays until the door is dropped; the wait before is over.
        check(unsafe { sys::structio_waiter_init(waiter) })?;
        let mut state = self.shared.state();
        if std::mem::take(&mut state.woken) {
            drop(state);
            return checkpoint();
        }
        state.waiter = waiter;
        drop(state);
        let what = b"a future\0".as_ptr().cast::<c_char>();
        // SAFETY: the waiter is this task's; the text is static; the wait may be undone.
        let result = unsafe { sys::structio_park(waiter, what, None, ptr::null_mut()) };
        let mut state = self.shared.state();
        state.waiter = ptr::null_mut();
        state.woken = false;
        if result < 0 {
            return Err(Error::from_code(result as c_int));
        }
        Ok(())
    }
}

impl Drop for Door<'_> {
    fn drop(&mut self) {
        self.shared.state().post = ptr::null_mut();
        // SAFETY: nobody can send it any more, the last wait is over, and this is the thread of the
        // run.
        unsafe {
            sys::structio_post_destroy(self.post.get());
            self.post.free();
            self.waiter.free();
            sys::structio_portal_free(self.portal);
        }
    }
}
