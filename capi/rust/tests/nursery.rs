//! Nurseries: borrowing, values, failures, starting.

use std::cell::{Cell, RefCell};
use std::error::Error as StdError;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use structio::testing::VirtualClock;
use structio::{
    checkpoint, open_nursery, open_nursery_with_value, run, run_with, shielded, sleep,
    sleep_forever, Error, Result, RunOptions,
};

const SHORT: Duration = Duration::from_millis(1);

#[derive(Debug, PartialEq)]
struct Mine(u32);
impl fmt::Display for Mine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mine {}", self.0)
    }
}
impl StdError for Mine {}

#[test]
fn run_gives_the_value_of_the_main_task() {
    assert_eq!(run(|| Ok(42)).unwrap(), 42);
    assert!(matches!(run(|| Err::<(), _>(Error::Closed)), Err(Error::Closed)));
}

#[test]
fn children_borrow_what_outlives_the_nursery() {
    let log = RefCell::new(Vec::new());
    run(|| {
        let mut numbers = [1, 2, 3];
        open_nursery(|n| {
            for number in &mut numbers {
                let log = &log;
                n.spawn(move || {
                    *number *= 10;
                    log.borrow_mut().push(*number);
                })?;
            }
            Ok(())
        })?;
        assert_eq!(numbers, [10, 20, 30]);
        Ok(())
    })
    .unwrap();
    assert_eq!(*log.borrow(), [10, 20, 30]);
}

#[test]
fn children_start_more_children() {
    let count = Cell::new(0);
    run(|| {
        open_nursery(|n| {
            n.spawn(|| {
                count.set(count.get() + 1);
                n.spawn(|| count.set(count.get() + 10))
            })
        })
    })
    .unwrap();
    assert_eq!(count.get(), 11);
}

#[test]
fn what_is_not_send_goes_from_task_to_task() {
    run(|| {
        let shared = Rc::new(Cell::new(0));
        open_nursery(|n| {
            for _ in 0..10 {
                let mine = Rc::clone(&shared);
                n.spawn(move || {
                    let before = mine.get();
                    mine.set(before + 1);
                })?;
            }
            Ok(())
        })?;
        assert_eq!((shared.get(), Rc::strong_count(&shared)), (10, 1));
        Ok(())
    })
    .unwrap();
}

#[test]
fn large_and_overaligned_closures_arrive() {
    #[repr(align(64))]
    struct Wide(u8);
    run(|| {
        let sum = Cell::new(0_usize);
        open_nursery(|n| {
            let sum = &sum;
            let large = [1_u8; 5000];
            n.spawn(move || sum.set(sum.get() + large.iter().map(|b| *b as usize).sum::<usize>()))?;
            let wide = Wide(7);
            n.spawn(move || {
                let wide = wide;
                assert_eq!(&wide as *const Wide as usize % 64, 0);
                sum.set(sum.get() + wide.0 as usize);
            })?;
            n.spawn(|| ())
        })?;
        assert_eq!(sum.get(), 5007);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_failing_child_cancels_the_others_and_is_reported() {
    let cancelled = Cell::new(false);
    let failed = run(|| {
        open_nursery(|n| {
            n.spawn(|| -> Result<()> {
                let end = sleep_forever();
                cancelled.set(matches!(end, Error::Cancelled));
                Err(end)
            })?;
            n.spawn(|| Err::<(), Box<dyn StdError + Send + Sync>>(Box::new(Mine(5))))
        })
    });
    assert!(cancelled.get());
    let error = failed.unwrap_err();
    assert_eq!(error.downcast_ref::<Mine>(), Some(&Mine(5)));
    match &error {
        Error::Group(group) => {
            assert_eq!(group.len(), 1);
            assert!(group.tree().contains("mine 5"), "{}", group.tree());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(error.to_string(), "1 task failed: mine 5");
}

#[test]
fn errors_of_body_and_children_are_one_group() {
    let error = run(|| {
        open_nursery(|n| {
            n.spawn(|| Err::<(), _>(Mine(1)))?;
            assert!(matches!(checkpoint(), Err(Error::Cancelled)));
            Err(Error::new("the body"))
        })
    })
    .unwrap_err();
    match error {
        Error::Group(group) => {
            let mut texts: Vec<_> = group.iter().map(Error::to_string).collect();
            texts.sort();
            assert_eq!(texts, ["mine 1", "the body"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn groups_may_be_deeper_than_a_stack() {
    fn deeper(depth: u32) -> Result<()> {
        if depth == 0 {
            return Err(Error::new(Mine(7)));
        }
        open_nursery(|n| n.spawn(move || deeper(depth - 1)))
    }
    let error = run(|| open_nursery(|n| n.spawn(|| deeper(2000)))).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("1 task failed: 1 task failed: ") && text.len() < 200, "{text}");
    run(|| {
        assert_eq!(error.downcast_ref(), Some(&Mine(7)));
        drop(error.clone());
        drop(error);
        Ok(())
    })
    .unwrap();
}

#[test]
fn status_errors_keep_code_and_message() {
    let error =
        run(|| open_nursery(|n| n.spawn(|| structio::connect_tcp("127.0.0.1", 1).map(drop))))
            .unwrap_err();
    match error {
        Error::Group(group) => match &group[0] {
            Error::Status { code, message } => {
                assert!(*code < 0);
                assert!(message.contains("127.0.0.1"), "{message}");
                let io: std::io::Error = group[0].clone().into();
                assert_eq!(io.kind(), std::io::ErrorKind::ConnectionRefused);
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_nursery_gives_the_value_of_its_body() {
    run(|| {
        assert_eq!(open_nursery_with_value(|_| Ok(3))?, Some(3));
        let cut = open_nursery_with_value(|n| {
            n.cancel()?;
            sleep(SHORT)?;
            Ok(3)
        })?;
        assert_eq!(cut, None);
        open_nursery(|n| {
            n.cancel()?;
            sleep(SHORT)
        })
    })
    .unwrap();
}

#[test]
fn handles_give_typed_values() {
    run(|| {
        open_nursery(|n| {
            let one = n.spawn_task(|| Ok::<_, Error>(String::from("one")))?;
            let two = n.task().name("two").spawn_task(|| {
                assert_eq!(structio::task_name().as_deref(), Some("two"));
                sleep(SHORT)?;
                Ok::<_, Error>(2)
            })?;
            assert!(!two.is_finished());
            two.wait()?;
            assert!(two.is_finished());
            assert_ne!(one.id()?, two.id()?);
            assert_eq!((one.join()?, two.join()?), (String::from("one"), 2));
            Ok(())
        })
    })
    .unwrap();
}

#[test]
fn an_error_that_is_joined_and_passed_on_is_one_failure() {
    let joined = run(|| {
        open_nursery(|n| {
            let task = n.spawn_task(|| Err::<(), _>(Mine(6)))?;
            shielded(Duration::from_secs(60), |_| task.join())
        })
    });
    match joined {
        Err(Error::Group(group)) => {
            assert_eq!(group.len(), 1, "{}", group.tree());
            assert_eq!(group[0].downcast_ref(), Some(&Mine(6)));
        }
        other => panic!("{other:?}"),
    }
    let of_both = run(|| {
        open_nursery(|n| {
            let task = n.spawn_task(|| Err::<(), _>(Mine(6)))?;
            let seen = shielded(Duration::from_secs(60), |_| task.join());
            assert!(seen.is_err());
            Err(Error::new(Mine(7)))
        })
    });
    assert!(matches!(of_both, Err(Error::Group(group)) if group.len() == 2));
}

#[test]
fn a_task_can_be_cancelled_alone() {
    run(|| {
        structio::move_on_after(SHORT * 1000, |_| {
            open_nursery(|n| {
                let task = n.spawn_task(|| -> Result<()> { Err(sleep_forever()) })?;
                checkpoint()?;
                task.cancel_with("no need")?;
                assert!(matches!(task.join(), Err(Error::TaskCancelled)));
                Ok(())
            })
        })?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn start_waits_until_the_task_is_ready() {
    let clock = VirtualClock::autojump().unwrap();
    run_with(&RunOptions::new().clock(&clock), || {
        let done = Cell::new(false);
        open_nursery(|n| {
            let begin = structio::now()?;
            let port: u16 = n.start(|status| -> Result<()> {
                sleep(Duration::from_secs(1))?;
                status.started(8080)?;
                sleep(Duration::from_secs(1))?;
                done.set(true);
                Ok(())
            })?;
            assert_eq!((port, done.get()), (8080, false));
            assert_eq!(structio::now()? - begin, Duration::from_secs(1));
            Ok(())
        })?;
        assert!(done.get());
        Ok(())
    })
    .unwrap();
}

#[test]
fn start_fails_with_the_error_of_the_task() {
    struct Counted<'a>(&'a Cell<u32>);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    run(|| {
        let drops = Cell::new(0);
        open_nursery(|n| {
            let counted = Counted(&drops);
            let failed: Result<u16> = n.start(move |_status| {
                let _counted = counted;
                Err::<(), _>(Mine(9))
            });
            assert_eq!(failed.unwrap_err().downcast_ref(), Some(&Mine(9)));
            let silent: Result<u16> = n.start(|_status| ());
            assert!(matches!(silent, Err(Error::Status { .. })));
            Ok(())
        })?;
        assert_eq!(drops.get(), 1);
        Ok(())
    })
    .unwrap();
}

#[test]
fn another_task_cannot_say_started() {
    run(|| {
        let other = RefCell::new(None);
        open_nursery(|n| {
            let value: Result<u8> = n.start(|status| {
                *other.borrow_mut() = Some(status);
            });
            assert!(value.is_err());
            let status = other.borrow_mut().take().unwrap();
            assert!(matches!(status.started(1), Err(Error::Status { .. })));
            Ok(())
        })
    })
    .unwrap();
}

#[test]
fn services_end_with_the_nursery() {
    run(|| {
        let ended = Cell::new(false);
        open_nursery(|n| {
            n.spawn_service(|| -> Result<()> {
                let end = sleep_forever();
                ended.set(true);
                Err(end)
            })?;
            n.spawn(|| sleep(SHORT))
        })?;
        assert!(ended.get());
        Ok(())
    })
    .unwrap();
}

#[test]
fn misuse_is_an_error() {
    assert!(matches!(open_nursery(|_| Ok(())), Err(Error::Status { .. })));
    assert!(sleep(SHORT).is_err());
    assert!(structio::now().is_err());
    run(|| {
        let inner = run(|| Ok(()));
        assert!(inner.unwrap_err().to_string().contains("inside a run"));
        open_nursery(|n| {
            assert!(n.task().name("a\0b").spawn(|| ()).is_err());
            assert!(n.task().stack_size(usize::MAX).spawn(|| ()).is_err());
            Ok(())
        })
    })
    .unwrap();
}

#[test]
fn a_deadlock_is_reported_and_every_task_ends() {
    let ended = Cell::new(0);
    let error = run(|| {
        let event = structio::Event::new();
        open_nursery(|n| {
            for _ in 0..3 {
                n.spawn(|| {
                    let waited = event.wait();
                    ended.set(ended.get() + 1);
                    waited
                })?;
            }
            Ok(())
        })
    })
    .unwrap_err();
    assert!(error.to_string().contains("deadlock"), "{error}");
    assert_eq!(ended.get(), 3);
}

#[test]
fn an_interrupt_reaches_the_main_task() {
    let error = run(|| {
        structio::testing::inject_interrupt()?;
        sleep(SHORT * 1000)
    })
    .unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error:?}");
}
