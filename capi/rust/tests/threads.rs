//! Worker threads, calls back into the task, portals.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use structio::{
    call_in_task, checkpoint, move_on_after, open_nursery, run, run_in_thread, sleep,
    thread_check_cancelled, Error, Event, Portal, Result,
};

#[test]
fn a_thread_borrows_and_gives_a_value() {
    run(|| {
        let mut numbers = vec![3, 1, 2];
        let here = thread::current().id();
        let there = run_in_thread(|| {
            numbers.sort_unstable();
            thread::current().id()
        })?;
        assert_eq!(numbers, [1, 2, 3]);
        assert_ne!(here, there);
        Ok(())
    })
    .unwrap();
}

#[test]
fn others_run_meanwhile() {
    run(|| {
        let (tx, rx) = mpsc::channel();
        open_nursery(|n| {
            n.spawn(move || run_in_thread(move || rx.recv().unwrap()).map(|v| assert_eq!(v, 5)))?;
            n.spawn(move || tx.send(5))
        })
    })
    .unwrap();
}

#[test]
fn a_thread_calls_its_task() {
    run(|| {
        let here = thread::current().id();
        let name = structio::task_name();
        let answer = run_in_thread(|| {
            call_in_task(|| {
                assert_eq!(thread::current().id(), here);
                assert_eq!(structio::task_name(), name);
                sleep(Duration::from_millis(1))?;
                Ok::<_, Error>(6)
            })
        })?;
        assert_eq!(answer??, 6);
        Ok(())
    })
    .unwrap();
    assert!(call_in_task(|| ()).is_err());
    assert!(thread_check_cancelled().is_err());
}

#[test]
fn a_thread_is_told_and_its_result_arrives() {
    run(|| {
        let result = move_on_after(Duration::from_millis(5), |_| {
            let told = run_in_thread(|| {
                while thread_check_cancelled().is_ok() {
                    thread::yield_now();
                }
                "told"
            })?;
            assert_eq!(told, "told");
            assert!(matches!(checkpoint(), Err(Error::Cancelled)));
            checkpoint()
        })?;
        assert!(result.is_none());
        let before = move_on_after(Duration::ZERO, |_| {
            checkpoint().ok();
            run_in_thread(|| panic!("must not begin"))
        })?;
        assert!(before.is_none());
        Ok(())
    })
    .unwrap();
}

#[test]
fn other_threads_come_in_by_a_portal() {
    run(|| {
        let portal = Portal::new()?;
        let done = Event::new();
        assert!(portal.call(|| ()).is_err(), "it would wait for itself");
        let (posted_tx, posted) = mpsc::channel();
        let from_there = portal.clone();
        let outside = thread::spawn(move || {
            let portal = from_there;
            let text = String::from("borrowed");
            let length = portal.call(|| {
                checkpoint()?;
                Ok::<_, Error>(text.len())
            });
            assert_eq!(length.unwrap().unwrap(), 8);
            let panicked =
                std::panic::catch_unwind(|| portal.call(|| -> u8 { panic!("through the portal") }));
            assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"through the portal"));
            portal.post(move || posted_tx.send(structio::in_task()).unwrap()).unwrap();
            portal
        });
        open_nursery(|n| {
            let (portal, posted) = (&portal, &posted);
            n.spawn(|| -> Result<()> {
                while posted.try_recv().map_or(true, |in_task| in_task) {
                    sleep(Duration::from_millis(1))?;
                }
                done.set()
            })?;
            done.wait()?;
            portal.post(|| ())
        })?;
        Ok(outside)
    })
    .map(|outside| {
        let portal = outside.join().unwrap();
        assert!(matches!(portal.call(|| ()), Err(Error::Status { .. })));
        assert!(portal.post(|| ()).is_err());
    })
    .unwrap();
}

#[test]
fn a_posted_call_that_panics_ends_the_run() {
    let error = run(|| {
        let portal = Portal::new()?;
        portal.post(|| panic!("posted"))?;
        let end = structio::sleep_forever();
        assert!(matches!(end, Error::Cancelled));
        Err::<(), _>(end)
    })
    .unwrap_err();
    match error {
        Error::Status { code, message } => {
            assert_eq!(code, structio::sys::STRUCTIO_EINTERNAL);
            assert!(message.contains("posted"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}
