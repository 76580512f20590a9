//! Which types may go to other threads.

use structio::*;

/// Does not compile when the type has the trait: then two implementations fit.
macro_rules! not {
    ($trait:path: $($type:ty),*) => {$(
        const _: fn() = || {
            trait Ambiguous<A> {
                fn name() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Has;
            impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
            let _ = <$type as Ambiguous<_>>::name;
        };
    )*};
}

not! { Send: Nursery<'_, '_>, Task<'_, u8>, TaskBuilder<'_, '_>, TaskStatus<u8>, CancelScope, Event,
Mutex<u8>, MutexGuard<'_, u8>, Semaphore, SemaphorePermit<'_>, Sender<u8>, Receiver<u8>,
TcpStream, TcpListener, RunOptions<'_>, testing::VirtualClock }
not! { Sync: Nursery<'_, '_>, Task<'_, u8>, TaskBuilder<'_, '_>, TaskStatus<u8>, CancelScope, Event,
Mutex<u8>, MutexGuard<'_, u8>, Semaphore, SemaphorePermit<'_>, Sender<u8>, Receiver<u8>,
TcpStream, TcpListener, RunOptions<'_>, testing::VirtualClock }

#[test]
fn what_other_threads_may_have() {
    fn both<T: Send + Sync>() {}
    both::<Portal>();
    both::<Error>();
    both::<Group>();
    both::<Panic>();
    both::<Failure>();
    both::<Moment>();
}

#[test]
fn debug_shows_the_state_and_needs_no_run() {
    assert_eq!(format!("{:?}", Event::new()), "Event { is_set: false }");
    assert_eq!(format!("{:?}", Semaphore::new(3)), "Semaphore { available: 3 }");
    assert_eq!(format!("{:?}", Mutex::new(3)), "Mutex { locked: false, .. }");
    let scope = CancelScope::new();
    assert_eq!(
        format!("{scope:?}"),
        "CancelScope { cancel_called: false, cancelled_caught: false }"
    );
    run(|| {
        let listener = TcpListener::bind("127.0.0.1", 0)?;
        assert!(format!("{listener:?}").contains("127.0.0.1"));
        let (tx, _rx) = channel::<u8>(1)?;
        assert_eq!(format!("{tx:?}"), "Sender { .. }");
        Ok(())
    })
    .unwrap();
}
