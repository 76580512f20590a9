//! Cancel scopes, deadlines, shields.

use std::cell::Cell;
use std::time::Duration;

use structio::testing::VirtualClock;
use structio::{
    checkpoint, checkpoint_if_cancelled, fail_after, move_on_after, now, open_nursery, run,
    run_with, shielded, sleep, sleep_forever, sleep_until, CancelScope, Error, Moment, Result,
    RunOptions,
};

const SECOND: Duration = Duration::from_secs(1);

fn virtually(main: impl FnOnce() -> Result<()>) {
    let clock = VirtualClock::autojump().unwrap();
    run_with(&RunOptions::new().clock(&clock), main).unwrap();
}

#[test]
fn move_on_after_cuts_or_gives_the_value() {
    virtually(|| {
        let begin = now()?;
        assert_eq!(move_on_after(SECOND, |_| sleep(SECOND * 9))?, None);
        assert_eq!(now()? - begin, SECOND);
        assert_eq!(move_on_after(SECOND, |_| Ok(5))?, Some(5));
        checkpoint()
    });
}

#[test]
fn fail_after_is_timed_out() {
    virtually(|| {
        let late = fail_after(SECOND, |_| sleep(SECOND * 9));
        assert!(matches!(late, Err(Error::TimedOut)));
        assert_eq!(fail_after(SECOND, |_| Ok(5))?, 5);
        let own = fail_after(SECOND, |_| Err::<(), _>(Error::Closed));
        assert!(matches!(own, Err(Error::Closed)));
        Ok(())
    });
}

#[test]
fn deadlines_nest_and_can_be_moved() {
    virtually(|| {
        let begin = now()?;
        let cut = move_on_after(SECOND, |outer| {
            move_on_after(SECOND * 5, |_| sleep_or(outer, SECOND * 3))
        })?;
        assert_eq!(cut, None);
        assert_eq!(now()? - begin, SECOND * 3);
        Ok(())
    });
    fn sleep_or(outer: &CancelScope, timeout: Duration) -> Result<()> {
        outer.set_timeout(timeout)?;
        assert_eq!(outer.deadline()?, now()? + timeout);
        assert_eq!(structio::current_deadline()?, Some(now()? + timeout));
        Err(sleep_forever())
    }
}

#[test]
fn another_task_cancels_a_scope() {
    virtually(|| {
        let scope = CancelScope::new();
        open_nursery(|n| {
            n.spawn(|| {
                let cut = scope.enter(|| -> Result<()> {
                    let end = sleep_forever();
                    assert!(structio::cancel_reason().unwrap().contains("enough"));
                    assert!(checkpoint_if_cancelled().is_err(), "again and again");
                    Err(end)
                })?;
                assert_eq!(cut, None);
                checkpoint()
            })?;
            checkpoint()?;
            scope.cancel_with("enough")
        })?;
        assert!(scope.cancel_called() && scope.cancelled_caught());
        Ok(())
    });
}

#[test]
fn a_scope_is_good_for_one_block_and_may_be_cancelled_before() {
    virtually(|| {
        let scope = CancelScope::with_deadline(Moment::FOREVER);
        scope.cancel()?;
        assert_eq!(scope.enter(checkpoint)?, None);
        assert!(scope.enter(|| Ok(())).is_err());
        let dropped = CancelScope::new();
        dropped.cancel_with("never entered")?;
        Ok(())
    });
}

#[test]
fn a_completed_body_is_not_cut() {
    virtually(|| {
        let scope = CancelScope::new();
        let value = scope.enter(|| {
            scope.cancel()?;
            Ok(1)
        })?;
        assert_eq!(value, Some(1));
        assert!(scope.cancel_called() && !scope.cancelled_caught());
        Ok(())
    });
}

#[test]
fn a_shield_holds_until_its_own_deadline() {
    virtually(|| {
        let begin = now()?;
        let cut = move_on_after(SECOND, |_| {
            let result = sleep(SECOND * 9);
            shielded(SECOND * 10, |_| sleep(SECOND * 2))?;
            let late = shielded(SECOND, |_| sleep(SECOND * 2));
            assert!(matches!(late, Err(Error::TimedOut)));
            result
        })?;
        assert_eq!(cut, None);
        assert_eq!(now()? - begin, SECOND * 4);
        Ok(())
    });
}

#[test]
fn a_scope_absorbs_what_it_cancelled_inside_a_group() {
    virtually(|| {
        let error = move_on_after(SECOND, |_| {
            open_nursery(|n| {
                n.spawn(|| sleep(SECOND * 9))?;
                n.spawn(|| {
                    let end = sleep_forever();
                    assert!(end.is_cancelled());
                    Err::<(), _>("clean-up failed")
                })
            })
        })
        .unwrap_err();
        match error {
            Error::Group(group) => {
                assert_eq!(group.len(), 1);
                assert_eq!(group[0].to_string(), "clean-up failed");
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    });
}

#[test]
fn cancellation_that_nobody_absorbs_comes_out() {
    let seen = Cell::new(false);
    virtually(|| {
        let outer = move_on_after(SECOND, |_| {
            let inner = move_on_after(SECOND * 2, |_| sleep(SECOND * 3));
            seen.set(matches!(inner, Err(Error::Cancelled)));
            inner
        })?;
        assert!(outer.is_none());
        Ok(())
    });
    assert!(seen.get());
}

#[test]
fn a_stop_is_polite() {
    virtually(|| {
        let scope = CancelScope::new();
        open_nursery(|n| {
            n.spawn(|| {
                scope.enter(|| {
                    while !structio::stop_requested() {
                        sleep(SECOND)?;
                    }
                    Ok(())
                })
            })?;
            sleep(SECOND)?;
            scope.stop(SECOND * 100)
        })?;
        assert!(!scope.cancelled_caught());
        Ok(())
    });
}

#[test]
fn sleeping_until_a_moment() {
    virtually(|| {
        let begin = now()?;
        sleep_until(begin + SECOND)?;
        sleep_until(begin)?;
        assert_eq!(now()?, begin + SECOND);
        Ok(())
    });
}

#[test]
fn a_clock_that_is_moved_by_hand() {
    let clock = VirtualClock::new().unwrap();
    run_with(&RunOptions::new().clock(&clock), || {
        open_nursery(|n| {
            n.spawn(|| sleep(SECOND * 3))?;
            structio::testing::wait_all_tasks_blocked()?;
            clock.jump(SECOND * 3)
        })
    })
    .unwrap();
    assert_eq!(clock.now().unwrap().duration_since(clock.now().unwrap()), Duration::ZERO);
}

#[test]
fn cancellation_goes_through_io_errors() {
    run(|| {
        let cut = move_on_after(Duration::from_millis(5), |_| {
            let listener = structio::TcpListener::bind("127.0.0.1", 0)?;
            let port = listener.local_addr()?.port();
            let mut stream = structio::connect_tcp("127.0.0.1", port)?;
            std::io::Read::read_exact(&mut stream, &mut [0; 4])?;
            Ok(())
        })?;
        assert_eq!(cut, None);
        Ok(())
    })
    .unwrap();
}
