//! Many tasks.

use std::cell::Cell;

use structio::{checkpoint, open_nursery, run, Event, Result};

#[test]
fn a_hundred_thousand_tasks_that_wait_at_once() {
    // Each stack is a mapping of its own or two, of which Linux allows 65530 by default.
    let at_once = 20_000;
    run(|| {
        let (begun, ended) = (Cell::new(0), Cell::new(0));
        for _ in 0..5 {
            let gate = Event::new();
            open_nursery(|n| {
                for _ in 0..at_once {
                    n.spawn(|| -> Result<()> {
                        begun.set(begun.get() + 1);
                        gate.wait()?;
                        ended.set(ended.get() + 1);
                        Ok(())
                    })?;
                }
                let before = ended.get();
                checkpoint()?;
                assert_eq!(begun.get() - before, at_once);
                gate.set()
            })?;
        }
        assert_eq!(ended.get(), 100_000);
        Ok(())
    })
    .unwrap();
}
