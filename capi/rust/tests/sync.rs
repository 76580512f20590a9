//! Event, mutex, semaphore.

use std::cell::{Cell, RefCell};
use std::mem;

use structio::{checkpoint, open_nursery, run, Error, Event, Mutex, Result, Semaphore};

#[test]
fn an_event_wakes_all_who_wait() {
    let event = Event::new();
    let woken = Cell::new(0);
    run(|| {
        open_nursery(|n| {
            for _ in 0..3 {
                n.spawn(|| -> Result<()> {
                    event.wait()?;
                    woken.set(woken.get() + 1);
                    Ok(())
                })?;
            }
            checkpoint()?;
            assert_eq!((woken.get(), event.is_set()), (0, false));
            event.set()
        })?;
        event.wait()
    })
    .unwrap();
    assert_eq!((woken.get(), event.is_set()), (3, true));
}

#[test]
fn a_mutex_is_held_across_checkpoints() {
    run(|| {
        let total = Mutex::new(0);
        open_nursery(|n| {
            for _ in 0..10 {
                n.spawn(|| -> Result<()> {
                    let mut guard = total.lock()?;
                    let before = *guard;
                    checkpoint()?;
                    *guard = before + 1;
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        assert_eq!(*total.lock()?, 10);
        assert!(!total.is_locked());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_mutex_is_not_recursive() {
    run(|| {
        let mutex = Mutex::new(());
        let guard = mutex.lock()?;
        assert!(matches!(mutex.lock(), Err(Error::Status { .. })));
        assert!(matches!(mutex.try_lock(), Err(Error::Status { .. })));
        open_nursery(|n| n.spawn(|| assert!(matches!(mutex.try_lock(), Err(Error::WouldBlock)))))?;
        drop(guard);
        drop(mutex.try_lock()?);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_forgotten_guard_breaks_the_mutex() {
    let mut mutex = Mutex::new(String::from("kept"));
    run(|| {
        open_nursery(|n| n.spawn(|| mutex.lock().map(mem::forget)))?;
        assert!(matches!(mutex.lock(), Err(Error::Broken)));
        Ok(())
    })
    .unwrap();
    run(|| {
        assert!(matches!(mutex.lock(), Err(Error::Broken)));
        let fresh = Mutex::new(Box::new(1));
        mem::forget(fresh.lock()?);
        drop(fresh);
        mem::forget(Mutex::new(1).lock()?);
        Ok(())
    })
    .unwrap();
    assert_eq!(mutex.get_mut(), "kept");
}

#[test]
fn a_guard_that_another_task_drops_breaks_the_mutex_and_no_more() {
    let mutex = Mutex::new(1);
    let passed = RefCell::new(None);
    run(|| {
        open_nursery(|n| {
            n.spawn(|| -> Result<()> {
                *passed.borrow_mut() = Some(mutex.lock()?);
                Ok(())
            })
        })?;
        assert!(matches!(mutex.lock(), Err(Error::Broken)));
        let guard = passed.borrow_mut().take().unwrap();
        assert_eq!(*guard, 1);
        drop(guard);
        assert!(matches!(mutex.lock(), Err(Error::Broken)));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_mutex_of_a_run_that_has_ended_gives_one_guard_at_most() {
    let mutex = Mutex::new(1);
    let kept = RefCell::new(None);
    run(|| {
        *kept.borrow_mut() = Some(mutex.lock()?);
        Ok(())
    })
    .unwrap();
    run(|| {
        assert!(mutex.lock().is_err());
        kept.borrow_mut().take();
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_semaphore_lets_so_many_in() {
    run(|| {
        let semaphore = Semaphore::new(2);
        let (inside, most) = (Cell::new(0), Cell::new(0));
        open_nursery(|n| {
            for _ in 0..9 {
                n.spawn(|| -> Result<()> {
                    let _permit = semaphore.acquire()?;
                    inside.set(inside.get() + 1);
                    most.set(most.get().max(inside.get()));
                    checkpoint()?;
                    inside.set(inside.get() - 1);
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        assert_eq!((most.get(), semaphore.available()), (2, 2));
        semaphore.acquire()?.forget();
        let last = semaphore.try_acquire()?;
        assert!(matches!(semaphore.try_acquire(), Err(Error::WouldBlock)));
        drop(last);
        semaphore.release()?;
        assert_eq!(semaphore.available(), 2);
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_waits_outside_of_a_run_is_refused() {
    assert!(Event::new().wait().is_err());
    assert!(Mutex::new(1).lock().is_err());
    assert!(Semaphore::new(1).acquire().is_err());
}
