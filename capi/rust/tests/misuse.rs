//! Safe code that does what nobody should: it must find an error, never memory that is gone.

use std::cell::{Cell, RefCell};
use std::io;
use std::mem::forget;
use std::rc::Rc;
use std::time::Duration;

use structio::testing::VirtualClock;
use structio::*;

#[test]
fn any_code_goes_through_std_io() {
    for code in [i32::MIN, -1, 0, 7, i32::MAX] {
        let error = Error::Status { code, message: "odd".to_string() };
        assert_eq!(Error::from(io::Error::from(error)).code(), code);
    }
}

#[test]
fn a_body_that_fails_with_a_code_that_is_none_has_failed() {
    for code in [0, 5, i32::MAX, i32::MIN] {
        let odd = || -> Result<()> { Err(Error::Status { code, message: "odd".to_string() }) };
        assert!(run(odd).is_err());
        run(|| {
            assert!(CancelScope::new().enter(odd).is_err());
            assert!(matches!(open_nursery(|_| odd()), Err(Error::Group(_))));
            assert!(matches!(open_nursery(|n| n.spawn(odd)), Err(Error::Group(_))));
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn items_of_a_forgotten_channel_are_not_dropped_after_what_they_borrow() {
    struct Borrows<'a>(&'a Cell<u32>);
    impl Drop for Borrows<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Cell::new(0);
    run(|| {
        let (tx, rx) = channel(1)?;
        tx.send(Borrows(&dropped))?;
        forget((tx, rx));
        Ok(()) // from here on the borrow could be over
    })
    .unwrap();
    assert_eq!(dropped.get(), 0);
}

/// An item that uses its own channel when it is dropped.
struct Node {
    tx: Sender<Node>,
    rx: Receiver<Node>,
    again: u32,
    dropped: Rc<Cell<u32>>,
}

impl Node {
    fn new(tx: &Sender<Node>, rx: &Receiver<Node>, again: u32, dropped: &Rc<Cell<u32>>) -> Self {
        let (tx, rx) = (tx.try_clone().unwrap(), rx.try_clone().unwrap());
        Self { tx, rx, again, dropped: Rc::clone(dropped) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.dropped.set(self.dropped.get() + 1);
        drop(self.rx.try_receive());
        if self.again > 0 {
            let next = Self::new(&self.tx, &self.rx, self.again - 1, &self.dropped);
            drop(self.tx.try_send(next));
        }
        self.rx.close().unwrap();
    }
}

#[test]
fn items_may_use_their_own_channel_when_they_are_dropped() {
    for capacity in [1, 4, usize::MAX] {
        run(|| {
            let dropped = Rc::new(Cell::new(0));
            let (tx, rx) = channel(capacity)?;
            let count = capacity.min(3) as u32;
            for _ in 0..count {
                tx.send(Node::new(&tx, &rx, 2, &dropped))?;
            }
            drop(rx.try_receive()?);
            drop((tx, rx));
            assert!(dropped.get() >= count);
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn a_guard_that_leaves_the_run_breaks_its_mutex() {
    let mutex = Mutex::new(1);
    let guard = run(|| mutex.lock()).unwrap();
    assert!(matches!(run(|| mutex.lock()), Err(Error::Broken)));
    assert_eq!(*guard, 1);
    drop(guard);
    assert!(matches!(run(|| mutex.try_lock()), Err(Error::Broken)));
}

#[test]
fn a_mutex_goes_while_its_guard_is_forgotten() {
    run(|| {
        let mutex = Mutex::new(String::from("x"));
        forget(mutex.lock()?);
        drop(mutex);
        checkpoint()
    })
    .unwrap();
}

#[test]
fn a_status_that_is_kept_starts_nothing_in_another_run() {
    let kept = RefCell::new(None);
    run(|| {
        open_nursery(|nursery| {
            let start = nursery.start(|status: TaskStatus<String>| {
                kept.replace(Some(status));
            });
            assert_eq!(start.unwrap_err().code(), sys::STRUCTIO_EMISUSE);
            Ok(())
        })
    })
    .unwrap();
    run(|| {
        open_nursery(|nursery| {
            let started = nursery.start(|status: TaskStatus<u64>| {
                let old = kept.take().expect("it was kept");
                let _ = old.started("x".to_string()); // the ids of both tasks may be the same
                status.started(3)
            });
            assert!(started.map_or(true, |value| value == 3));
            Ok(())
        })
    })
    .unwrap();
}

#[test]
fn a_value_may_start_tasks_when_it_is_dropped() {
    struct Starts<'scope, 'env>(&'scope Nursery<'scope, 'env>, &'scope Cell<u32>, u32);
    impl Drop for Starts<'_, '_> {
        fn drop(&mut self) {
            let (nursery, count, left) = (self.0, self.1, self.2);
            count.set(count.get() + 1);
            if left > 0 {
                nursery.spawn(move || drop(Starts(nursery, count, left - 1))).unwrap();
            }
        }
    }
    let (clock, count) = (VirtualClock::autojump().unwrap(), Cell::new(0));
    run_with(&RunOptions::new().clock(&clock), || {
        open_nursery(|nursery| {
            let task = nursery.spawn_task(|| -> Result<Starts> {
                sleep(Duration::from_secs(1))?;
                Ok(Starts(nursery, &count, 3))
            })?;
            task.wait()?;
            nursery.cancel() // and drops the value, in a nursery that takes no pains any more
        })
    })
    .unwrap();
    assert_eq!(count.get(), 4);
}

#[test]
fn an_error_that_another_thread_may_read_does_not_change() {
    let kept = RefCell::new(None);
    let failed = run(|| {
        open_nursery(|outer| {
            outer.task().name("passes it on").spawn(|| {
                let error = open_nursery(|_| -> Result<()> { Err(Error::Closed) }).unwrap_err();
                kept.replace(Some((error.clone(), format!("{error:?}"))));
                Err::<(), _>(error)
            })
        })
    });
    assert!(matches!(failed, Err(Error::Group(_))));
    let (error, before) = kept.take().expect("it was kept");
    assert_eq!(format!("{error:?}"), before);
}
