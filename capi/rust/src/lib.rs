//! Structured concurrency on stackful fibers: tasks that live in nurseries, cancel scopes,
//! channels, streams. A safe binding of the C library `structio`.
//!
//! ```
//! use std::time::Duration;
//!
//! fn main() -> structio::Result<()> {
//!     structio::run(|| {
//!         let words = ["one", "two", "three"];
//!         structio::open_nursery(|nursery| {
//!             for word in &words {
//!                 nursery.spawn(move || -> structio::Result<()> {
//!                     structio::sleep(Duration::from_millis(word.len() as u64))?;
//!                     println!("{word}");
//!                     Ok(())
//!                 })?;
//!             }
//!             Ok(())
//!         }) // every task has ended here, so they may borrow `words`
//!     })
//! }
//! ```
//!
//! # Rules of the house
//!
//! * [`run`] turns the calling thread into a runtime until its main task ends. Tasks are fibers of
//!   that thread and never leave it: what a task captures needs to be neither `Send` nor `'static`,
//!   thread-locals work, and a `RefCell` is enough where nothing in between waits.
//! * A call that can wait is a *checkpoint*: there, and only there, other tasks run and
//!   cancellation arrives, as [`Error::Cancelled`], again and again until the scope is left. Pass
//!   it on with `?`. A call that says so has done nothing, unless its description says otherwise.
//! * Nurseries and scopes are functions that take a closure, never guards: there is nothing that a
//!   program could forget to drop.
//! * A task that panics fails its nursery: everything else in there is cancelled and awaited, and
//!   then the panic goes on, with the very payload, where the nursery stands. It goes on like that
//!   until somebody catches it, or out of [`run`]. Nothing unwinds through C.
//! * What is waited for in a destructor that runs because of a panic is refused
//!   (`STRUCTIO_EMISUSE`): other tasks would see a thread that panics.
//! * The standard library's blocking calls block the whole thread: use what is here, or
//!   [`run_in_thread`]. A lock of `std::sync` that is held across a checkpoint can deadlock.
//! * Tasks have stacks of a fixed size (256 KiB of address space unless told otherwise, of which
//!   only what is used is memory). A task that overflows its stack ends the process.
#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(missing_debug_implementations)]

mod call;
mod channel;
mod debug;
mod error;
mod failure;
mod future;
mod group;
mod net;
mod nursery;
mod run;
mod scope;
mod sync;
pub mod sys;
mod task;
pub mod testing;
mod thread;
mod time;

pub use channel::{channel, Iter, Receiver, SendError, Sender};
pub use error::{Error, Outcome, Panic, Result};
pub use failure::Failure;
pub use future::wait;
pub use group::Group;
pub use net::{connect_tcp, serve, ServeOptions, TcpListener, TcpStream};
pub use nursery::{open_nursery, open_nursery_with_value, Nursery, TaskBuilder, TaskStatus};
pub use run::{in_task, run, run_with, task_name, Interrupt, RunOptions};
pub use scope::{cancel_reason, fail_after, move_on_after, shielded, stop_requested, CancelScope};
pub use sync::{Event, Mutex, MutexGuard, Semaphore, SemaphorePermit};
pub use task::Task;
pub use thread::{call_in_task, run_in_thread, thread_check_cancelled, Portal};
pub use time::{
    checkpoint, checkpoint_if_cancelled, current_deadline, now, shielded_checkpoint, sleep,
    sleep_forever, sleep_until, Moment,
};

/// The examples in the README are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
