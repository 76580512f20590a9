//! Futures of `std`, polled inside tasks.

use std::cell::{Cell, RefCell};
use std::future::{pending, ready, Future};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use structio::{checkpoint, move_on_after, open_nursery, run, wait, Error, Result};

/// Ready once it was fired, from anywhere.
#[derive(Clone, Default)]
struct Signal(Arc<Mutex<(bool, Option<Waker>)>>);

impl Signal {
    fn fire(&self) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for Signal {
    type Output = &'static str;
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<&'static str> {
        let mut state = self.0.lock().unwrap();
        if state.0 {
            return Poll::Ready("fired");
        }
        state.1 = Some(context.waker().clone());
        Poll::Pending
    }
}

/// As that of `std`, which the oldest compiler does not have.
struct PollFn<F>(F);

impl<T, F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin> Future for PollFn<F> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        (self.0)(context)
    }
}

fn poll_fn<T, F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin>(f: F) -> PollFn<F> {
    PollFn(f)
}

#[test]
fn what_is_ready_is_given() {
    run(|| {
        assert_eq!(wait(ready(3))?, 3);
        let text = String::from("borrowed");
        assert_eq!(wait(async { text.len() })?, 8);
        Ok(())
    })
    .unwrap();
    assert!(wait(ready(3)).is_err(), "not in a run");
}

#[test]
fn another_task_wakes() {
    run(|| {
        let signal = Signal::default();
        let order = RefCell::new(Vec::new());
        open_nursery(|n| {
            n.spawn(|| -> Result<()> {
                let what = wait(signal.clone())?;
                order.borrow_mut().push(what);
                Ok(())
            })?;
            n.spawn(|| {
                order.borrow_mut().push("before");
                signal.fire();
            })
        })?;
        assert_eq!(*order.borrow(), ["before", "fired"]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn another_thread_wakes() {
    for _ in 0..200 {
        let signal = Signal::default();
        let theirs = signal.clone();
        let outside = thread::spawn(move || theirs.fire());
        run(|| {
            assert_eq!(wait(signal)?, "fired");
            Ok(())
        })
        .unwrap();
        outside.join().unwrap();
    }
}

#[test]
fn tasks_and_threads_wake_at_once() {
    run(|| {
        for round in 0..200 {
            let signal = Signal::default();
            let theirs = signal.clone();
            let outside = thread::spawn(move || theirs.fire());
            open_nursery(|n| {
                n.spawn(|| wait(signal.clone()).map(drop))?;
                for _ in 0..round % 5 {
                    checkpoint()?;
                }
                signal.fire();
                Ok(())
            })?;
            outside.join().unwrap();
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn wakers_outlive_the_wait_and_the_run() {
    let signal = Signal::default();
    run(|| {
        let cut = move_on_after(Duration::from_millis(1), |_| wait(signal.clone()))?;
        assert!(cut.is_none());
        checkpoint()
    })
    .unwrap();
    let theirs = signal.clone();
    thread::spawn(move || theirs.fire()).join().unwrap();
    signal.fire();
}

#[test]
fn cancellation_drops_the_future() {
    struct Dropped<'a>(&'a Cell<bool>);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    run(|| {
        let dropped = Cell::new(false);
        let guard = Dropped(&dropped);
        let cut = move_on_after(Duration::from_millis(1), |_| {
            let result = wait(async move {
                let _guard = guard;
                pending::<()>().await
            });
            assert!(matches!(result, Err(Error::Cancelled)));
            assert!(dropped.get());
            assert!(wait(ready(1)).is_err(), "again and again");
            result
        })?;
        assert!(cut.is_none());
        Ok(())
    })
    .unwrap();
}

#[test]
fn who_wakes_himself_lets_others_run() {
    run(|| {
        let others = Cell::new(0);
        open_nursery(|n| {
            n.spawn(|| -> Result<()> {
                let mut rounds = 0;
                wait(poll_fn(|context| {
                    rounds += 1;
                    if rounds == 50 {
                        return Poll::Ready(());
                    }
                    context.waker().wake_by_ref();
                    Poll::Pending
                }))
            })?;
            n.spawn(|| -> Result<()> {
                while others.get() < 10 {
                    others.set(others.get() + 1);
                    checkpoint()?;
                }
                Ok(())
            })
        })?;
        assert_eq!(others.get(), 10);
        let cut = move_on_after(Duration::from_millis(2), |_| {
            wait(poll_fn(|context| -> Poll<()> {
                context.waker().wake_by_ref();
                Poll::Pending
            }))
        })?;
        assert!(cut.is_none());
        Ok(())
    })
    .unwrap();
}

#[test]
fn calls_that_wait_work_inside_a_future_and_panics_come_out() {
    run(|| {
        wait(async { structio::sleep(Duration::from_millis(1)) })??;
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut polled = false;
            wait(poll_fn(|context| -> Poll<()> {
                assert!(!polled, "polled twice");
                polled = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }))
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"polled twice"));
        checkpoint()
    })
    .unwrap();
}
