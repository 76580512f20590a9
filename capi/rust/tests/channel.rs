//! Channels: order, ends, what is dropped when.

use std::cell::Cell;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use structio::{channel, checkpoint, move_on_after, open_nursery, run, Error, Result};

#[test]
fn items_arrive_in_order_and_then_the_end() {
    for capacity in [0, 3, usize::MAX] {
        let received = run(|| {
            let (tx, rx) = channel(capacity)?;
            let mut received = Vec::new();
            open_nursery(|n| {
                n.spawn(move || -> Result<()> {
                    for number in 0..100 {
                        tx.send(format!("item {number}"))?;
                    }
                    Ok(())
                })?;
                for item in &rx {
                    received.push(item?);
                }
                assert!(matches!(rx.receive(), Err(Error::End)));
                Ok(())
            })?;
            Ok(received)
        })
        .unwrap();
        assert_eq!(received, (0..100).map(|n| format!("item {n}")).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_not_sent_comes_back() {
    run(|| {
        let (tx, rx) = channel(1)?;
        tx.try_send(Box::new(1))?;
        let full = tx.try_send(Box::new(2)).unwrap_err();
        assert_eq!(*full.item, 2);
        assert!(matches!(full.error, Error::WouldBlock));
        assert_eq!(*rx.try_receive()?, 1);
        assert!(matches!(rx.try_receive(), Err(Error::WouldBlock)));
        drop(rx);
        let broken = tx.send(Box::new(3)).unwrap_err();
        assert_eq!((*broken.item, broken.to_string().is_empty()), (3, false));
        assert!(matches!(Error::from(broken), Error::Broken));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_cancelled_receive_has_taken_nothing() {
    run(|| {
        let (tx, rx) = channel::<u8>(0)?;
        assert!(move_on_after(Duration::from_millis(1), |_| rx.receive())?.is_none());
        let late = move_on_after(Duration::from_millis(1), |_| Ok(tx.send(7)?))?;
        assert!(late.is_none());
        open_nursery(|n| {
            n.spawn(|| tx.send(8).map_err(Error::from))?;
            assert_eq!(rx.receive()?, 8);
            Ok(())
        })
    })
    .unwrap();
}

struct Counted(Rc<Cell<u32>>);
impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn every_item_is_dropped_once() {
    let drops = Rc::new(Cell::new(0));
    run(|| {
        let (tx, rx) = channel(10)?;
        for _ in 0..5 {
            tx.send(Counted(drops.clone()))?;
        }
        drop(rx.receive()?);
        assert_eq!(drops.get(), 1);
        drop(rx);
        assert_eq!(drops.get(), 5);
        assert!(tx.send(Counted(drops.clone())).is_err());
        assert_eq!(drops.get(), 6);
        Ok(())
    })
    .unwrap();
}

#[test]
fn items_that_borrow_are_not_dropped_late() {
    struct Borrows<'a>(&'a Cell<u32>);
    impl Drop for Borrows<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    run(|| {
        let drops = Cell::new(0);
        let (tx, rx) = channel(1)?;
        tx.send(Borrows(&drops))?;
        mem::forget(tx);
        mem::forget(rx); // the item is lost, and must not be dropped when the run ends
        Ok(())
    })
    .unwrap();
}

#[test]
fn items_without_a_size_and_with_a_destructor_that_panics() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in an item's destructor");
        }
    }
    run(|| {
        let (tx, rx) = channel(9)?;
        tx.send(())?;
        tx.send(())?;
        drop(tx);
        assert_eq!(rx.iter().count(), 2);
        let (tx, rx) = channel(9)?;
        tx.send(Bomb)?;
        drop(rx);
        Ok(())
    })
    .unwrap();
}

#[test]
fn ends_are_cloned_closed_and_outlive_their_run() {
    let left = run(|| {
        let (tx, rx) = channel(9)?;
        let more = tx.try_clone()?;
        let other = rx.try_clone()?;
        tx.send(1)?;
        drop(tx);
        more.send(2)?;
        assert_eq!((rx.receive()?, other.receive()?), (1, 2));
        open_nursery(|n| {
            n.spawn(|| assert!(matches!(other.receive(), Err(Error::Closed))))?;
            checkpoint()?;
            other.close()
        })?;
        more.send(3)?;
        more.close()?;
        assert!(matches!(more.send(4), Err(refused) if matches!(refused.error, Error::Closed)));
        Ok((more, rx))
    })
    .unwrap();
    assert!(left.0.send(5).is_err());
    assert!(left.1.receive().is_err());
}
