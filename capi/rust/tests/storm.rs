//! Random trees of tasks that fail, panic, are cancelled, wait for each other: whatever happens,
//! all ends, and each value is dropped once.

use std::cell::Cell;
use std::panic::{catch_unwind, panic_any, AssertUnwindSafe};
use std::time::Duration;

use structio::testing::VirtualClock;
use structio::{
    channel, checkpoint, move_on_after, open_nursery, run_with, shielded, sleep, wait, CancelScope,
    Error, Mutex, Nursery, Receiver, Result, RunOptions, Semaphore, Sender,
};

/// Counts itself as long as it lives.
struct Counted<'a>(&'a Cell<i64>);

impl<'a> Counted<'a> {
    fn new(living: &'a Cell<i64>) -> Self {
        living.set(living.get() + 1);
        Self(living)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

struct Storm<'a> {
    random: Cell<u64>,
    living: &'a Cell<i64>,
    tasks_left: Cell<u32>,
    mutex: Mutex<Vec<Counted<'a>>>,
    semaphore: Semaphore,
    scope: CancelScope,
    tx: Sender<Counted<'a>>,
    rx: Receiver<Counted<'a>>,
}

/// How a storm panics. Without a message, and so without a line on the terminal.
struct Thunder;

impl<'a> Storm<'a> {
    fn below(&self, bound: u64) -> u64 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        x % bound
    }

    fn pause(&self) -> Duration {
        Duration::from_millis(self.below(20))
    }

    /// One more task in `nursery`, of one of the kinds.
    fn grow<'scope, 'env>(&'env self, nursery: &'scope Nursery<'scope, 'env>) -> Result<()> {
        if self.tasks_left.get() == 0 {
            return Ok(());
        }
        self.tasks_left.set(self.tasks_left.get() - 1);
        let held = Counted::new(self.living);
        let body = move || {
            let _held = held;
            self.live(nursery)
        };
        match self.below(4) {
            0 => nursery.spawn_service(body),
            1 => {
                let task = nursery.spawn_task(body)?;
                match self.below(3) {
                    0 => task.cancel(),
                    1 => task.join(),
                    _ => Ok(()),
                }
            }
            2 => {
                let late = self.below(8) == 0;
                nursery.start(move |status| {
                    if !late {
                        checkpoint()?;
                        status.started(())?;
                    }
                    body()
                })
            }
            _ => nursery.spawn(body),
        }
    }

    fn live<'scope, 'env>(&'env self, around: &'scope Nursery<'scope, 'env>) -> Result<()> {
        for _ in 0..self.below(6) {
            let _held = Counted::new(self.living);
            match self.below(14) {
                0 => sleep(self.pause())?,
                1 | 2 => self.grow(around)?,
                3 | 4 => open_nursery(|inner| {
                    for _ in 0..self.below(4) {
                        self.grow(inner)?;
                    }
                    self.live(inner)
                })?,
                5 => move_on_after(self.pause(), |_| sleep(self.pause()))?.unwrap_or(()),
                6 => drop(self.tx.send(Counted::new(self.living))),
                7 => drop(move_on_after(self.pause(), |_| self.rx.receive())?),
                8 => {
                    let mut guard = self.mutex.lock()?;
                    guard.push(Counted::new(self.living));
                    sleep(self.pause())?;
                }
                9 => {
                    let _permit = self.semaphore.acquire()?;
                    sleep(self.pause())?;
                }
                10 => drop(shielded(self.pause(), |_| sleep(self.pause()))),
                11 => wait(async { sleep(self.pause()) })??,
                12 if self.below(12) == 0 => self.scope.cancel_with("lightning")?,
                13 if self.below(12) == 0 => return Err(Error::new("hail")),
                13 if self.below(12) == 0 => panic_any(Thunder),
                _ => checkpoint()?,
            }
        }
        Ok(())
    }
}

fn storm(seed: u64, living: &Cell<i64>) -> bool {
    let clock = VirtualClock::autojump().unwrap();
    let options = RunOptions::new().clock(&clock).seed(seed).deadlock_check(false);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run_with(&options, || {
            let (tx, rx) = channel(2)?;
            let storm = Storm {
                random: Cell::new(seed * 0x9E37_79B9 + 1),
                living,
                tasks_left: Cell::new(60),
                mutex: Mutex::default(),
                semaphore: Semaphore::new(2),
                scope: CancelScope::with_timeout(Duration::from_secs(2)),
                tx,
                rx,
            };
            storm.scope.enter(|| {
                open_nursery(|nursery| {
                    for _ in 0..5 {
                        storm.grow(nursery)?;
                    }
                    storm.live(nursery)
                })
            })
        })
    }));
    match ended {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            assert!(matches!(error, Error::Group(_) | Error::TaskCancelled | Error::Status { .. }));
            false
        }
        Err(payload) => {
            // Who has joined the task had the payload before: its text is left.
            assert!(payload.is::<Thunder>() || payload.is::<String>());
            false
        }
    }
}

#[test]
fn whatever_happens_each_value_is_dropped_once() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Thunder>() {
            usual(info);
        }
    }));
    let rounds = if std::env::var_os("STRUCTIO_STRESS").is_some() { 20_000 } else { 300 };
    let living = Cell::new(0);
    let mut well = 0;
    for seed in 1..=rounds {
        well += u64::from(storm(seed, &living));
        assert_eq!(living.get(), 0, "seed {seed}");
    }
    assert!(well > 0 && well < rounds, "{well} of {rounds}");
}
