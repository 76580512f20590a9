//! Panics of tasks: carried through nurseries, resumed where they stand.

use std::cell::Cell;
use std::panic::{catch_unwind, panic_any, AssertUnwindSafe};
use std::time::Duration;

use structio::{checkpoint, open_nursery, run, sleep, sleep_forever, CancelScope, Error, Result};

fn caught<T>(f: impl FnOnce() -> T) -> Box<dyn std::any::Any + Send> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("no panic came out"),
        Err(payload) => payload,
    }
}

#[derive(Debug, PartialEq)]
struct Payload(u32);

#[test]
fn a_panic_of_the_main_task_comes_out_of_run() {
    let payload = caught(|| run(|| -> Result<()> { panic_any(Payload(1)) }));
    assert_eq!(payload.downcast_ref(), Some(&Payload(1)));
    run(|| Ok(())).unwrap();
}

#[test]
fn a_panic_of_a_child_is_resumed_at_its_nursery() {
    run(|| {
        let ended = Cell::new(false);
        let payload = caught(|| {
            open_nursery(|n| {
                n.spawn(|| -> Result<()> {
                    let end = sleep_forever();
                    ended.set(true);
                    Err(end)
                })?;
                n.spawn(|| -> Result<()> { panic_any(Payload(2)) })
            })
        });
        assert_eq!(payload.downcast_ref(), Some(&Payload(2)));
        assert!(ended.get(), "the others have ended before");
        checkpoint()
    })
    .unwrap();
}

#[test]
fn a_panic_goes_through_nurseries_and_scopes() {
    let payload = caught(|| {
        run(|| {
            open_nursery(|outer| {
                outer.spawn(|| {
                    CancelScope::new()
                        .enter(|| {
                            open_nursery(|inner| inner.spawn(|| -> Result<()> { panic!("deep") }))
                        })
                        .map(drop)
                })
            })
        })
    });
    assert_eq!(payload.downcast_ref(), Some(&"deep"));
}

#[test]
fn a_panic_of_the_body_waits_for_the_children() {
    run(|| {
        let ended = Cell::new(false);
        let payload = caught(|| {
            open_nursery(|n| {
                n.spawn(|| -> Result<()> {
                    let end = sleep_forever();
                    ended.set(true);
                    Err(end)
                })?;
                checkpoint()?;
                panic_any(Payload(3))
            })
        });
        assert_eq!(payload.downcast_ref(), Some(&Payload(3)));
        assert!(ended.get());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_scope_is_left_by_a_panic() {
    run(|| {
        let scope = CancelScope::new();
        let payload = caught(|| scope.enter(|| -> Result<()> { panic!("inside") }));
        assert_eq!(payload.downcast_ref(), Some(&"inside"));
        scope.cancel()?;
        checkpoint()
    })
    .unwrap();
}

#[test]
fn who_joins_sees_the_panic_as_an_error() {
    run(|| {
        let payload = caught(|| {
            open_nursery(|n| {
                let task = n.spawn_task(|| -> Result<()> { panic!("joined") })?;
                let joined = structio::shielded(Duration::from_secs(60), |_| {
                    match task.join() {
                        Err(Error::Panic(panic)) => assert_eq!(panic.message(), "joined"),
                        other => panic!("{other:?}"),
                    }
                    Ok(())
                });
                joined.unwrap();
                Ok(())
            })
        });
        assert_eq!(payload.downcast_ref(), Some(&"joined"));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_panic_before_started_is_the_starters() {
    run(|| {
        open_nursery(|n| {
            let payload = caught(|| {
                n.start(|_: structio::TaskStatus<()>| -> Result<()> { panic_any(Payload(4)) })
            });
            assert_eq!(payload.downcast_ref(), Some(&Payload(4)));
            Ok(())
        })
    })
    .unwrap();
}

#[test]
fn several_panics_and_errors_at_once() {
    run(|| {
        let payload = caught(|| {
            open_nursery(|n| {
                n.spawn(|| Err::<(), _>("an error"))?;
                n.spawn(|| -> Result<()> { panic_any(Payload(5)) })?;
                n.spawn(|| -> Result<()> { panic_any(Payload(6)) })
            })
        });
        assert_eq!(payload.downcast_ref(), Some(&Payload(5)));
        Ok(())
    })
    .unwrap();
}

#[test]
fn waiting_in_a_destructor_of_a_panic_is_refused() {
    struct Waits<'a>(&'a Cell<u32>);
    impl Drop for Waits<'_> {
        fn drop(&mut self) {
            let refused = [
                sleep(Duration::ZERO).is_err(),
                open_nursery(|_| Ok(())).is_err(),
                structio::Event::new().wait().is_err(),
                structio::wait(async {}).is_err(),
                structio::run_in_thread(|| ()).is_err(),
            ];
            self.0.set(refused.iter().filter(|refused| **refused).count() as u32);
        }
    }
    run(|| {
        let refused = Cell::new(0);
        let payload = caught(|| {
            open_nursery(|n| {
                n.spawn(|| -> Result<()> {
                    let _waits = Waits(&refused);
                    panic!("unwinding")
                })
            })
        });
        assert_eq!(payload.downcast_ref(), Some(&"unwinding"));
        assert_eq!(refused.get(), 5);
        Ok(())
    })
    .unwrap();
}

#[test]
fn payloads_whose_destructor_panics_do_no_harm() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    run(|| {
        let payload = caught(|| {
            open_nursery(|n| {
                n.spawn(|| -> Result<()> { panic_any(Payload(7)) })?;
                n.spawn(|| -> Result<()> { panic_any(Bomb) })
            })
        });
        assert_eq!(payload.downcast_ref(), Some(&Payload(7)));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_panic_on_a_worker_thread_comes_back() {
    run(|| {
        let payload = caught(|| structio::run_in_thread(|| -> u8 { panic_any(Payload(8)) }));
        assert_eq!(payload.downcast_ref(), Some(&Payload(8)));
        let payload = caught(|| {
            structio::run_in_thread(|| structio::call_in_task(|| -> u8 { panic_any(Payload(9)) }))
        });
        assert_eq!(payload.downcast_ref(), Some(&Payload(9)));
        Ok(())
    })
    .unwrap();
}
