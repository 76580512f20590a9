//! Many tasks.

use std::cell::Cell;

use structio::{checkpoint, open_nursery, run, Event, Result};

#[test]
fn a_hundred_thousand_tasks_that_wait_at_once() {
    const TASKS: u32 = 100_000;
    run(|| {
        let (begun, ended) = (Cell::new(0), Cell::new(0));
        let gate = Event::new();
        open_nursery(|n| {
            for _ in 0..TASKS {
                n.spawn(|| -> Result<()> {
                    begun.set(begun.get() + 1);
                    gate.wait()?;
                    ended.set(ended.get() + 1);
                    Ok(())
                })?;
            }
            checkpoint()?;
            assert_eq!((begun.get(), ended.get()), (TASKS, 0));
            gate.set()
        })?;
        assert_eq!(ended.get(), TASKS);
        Ok(())
    })
    .unwrap();
}
