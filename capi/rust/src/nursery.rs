//! Nurseries: the only place where tasks live.

use std::cell::{Cell, UnsafeCell};
use std::ffi::CString;
use std::marker::PhantomData;
use std::mem::{align_of, size_of, ManuallyDrop};
use std::os::raw::{c_int, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::rc::Rc;

use crate::call::{c_string, check, check_in_flight, fatal, guarded, may_wait, pointer, Bomb};
use crate::error::{resume_panic, Error, Outcome, Panic, Result};
use crate::run::OneThread;
use crate::scope::cancel_raw;
use crate::sys;
use crate::task::Task;

/// A place where tasks live, open during the function that [`open_nursery`] calls with it. Tasks
/// may borrow what outlives `'scope`: everything that was declared before the nursery was opened,
/// and the nursery itself, so that they can start more tasks in it.
pub struct Nursery<'scope, 'env: 'scope> {
    raw: UnsafeCell<sys::structio_nursery>,
    /// Invariant, so that neither can be made shorter or longer: as in `std::thread::Scope`.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
    thread: OneThread,
}

/// Opens a nursery, calls `body` with it, and waits until every task in it has ended, whatever
/// happened. When the body or a task fails, everything else in the nursery is cancelled.
///
/// Errors: [`Error::Group`] with all that failed; [`Error::Cancelled`] when nothing failed but a
/// scope around is cancelled. When the nursery's own scope was cancelled (by
/// [`Nursery::cancel`]) what is cut is no error. A schedule point; its wait cannot be cancelled,
/// but what it waits for can.
///
/// Panics when the body or a task has panicked, once all have ended.
///
/// A child that borrows what does not outlive the nursery does not compile:
///
/// ```compile_fail,E0373
/// structio::run(|| {
///     structio::open_nursery(|nursery| {
///         let mine = 1;
///         nursery.spawn(|| println!("{}", mine))?; // `mine` ends before the nursery does
///         Ok(())
///     })
/// }).unwrap();
/// ```
///
/// ```compile_fail,E0597
/// structio::run(|| {
///     structio::open_nursery(|nursery| {
///         let mine = String::new();
///         let borrow = &mine;
///         nursery.spawn(move || println!("{}", borrow))?;
///         Ok(())
///     })
/// }).unwrap();
/// ```
///
/// Nor can a nursery leave its function:
///
/// ```compile_fail
/// let mut escaped = None;
/// structio::open_nursery(|nursery| {
///     escaped = Some(nursery);
///     Ok(())
/// }).unwrap();
/// ```
pub fn open_nursery<'env, F>(body: F) -> Result<()>
where
    F: for<'scope> FnOnce(&'scope Nursery<'scope, 'env>) -> Result<()>,
{
    open_nursery_with_value(body).map(drop)
}

/// [`open_nursery`] with a body that gives a value: `None` when the body was cut by the
/// cancellation of the nursery's own scope.
pub fn open_nursery_with_value<'env, T, F>(body: F) -> Result<Option<T>>
where
    F: for<'scope> FnOnce(&'scope Nursery<'scope, 'env>) -> Result<T>,
{
    may_wait()?;
    let nursery = Nursery {
        raw: UnsafeCell::new(sys::structio_nursery::new()),
        scope: PhantomData,
        env: PhantomData,
        thread: PhantomData,
    };
    let raw = nursery.raw.get();
    // SAFETY: the storage stays where it is until the nursery is closed.
    check(unsafe { sys::structio_nursery_open(raw) })?;
    let bomb = Bomb::new("unwinding past an open nursery");
    let mut failure = ptr::null_mut();
    let (status, value) = match catch_unwind(AssertUnwindSafe(|| body(&nursery))) {
        Ok(Ok(value)) => (0, Some(value)),
        Ok(Err(error)) => {
            let (status, raw_failure) = error.into_raw();
            failure = raw_failure;
            (status, None)
        }
        Err(payload) => {
            let (status, raw_failure) = Error::Panic(Panic::new(payload)).into_raw();
            failure = raw_failure;
            (status, None)
        }
    };
    // SAFETY: this task has opened it; all that was opened within was closed by its function.
    let code = unsafe { sys::structio_nursery_close(raw, status, &mut failure) };
    if matches!(code, sys::STRUCTIO_EMISUSE | sys::STRUCTIO_ENOTASK | sys::STRUCTIO_EINVALID) {
        fatal("a nursery could not be closed");
    }
    bomb.defuse();
    if code < 0 {
        // SAFETY: the reference is ours.
        return Err(resume_panic(unsafe { Error::from_raw(code, failure) }));
    }
    Ok(value)
}

impl<'scope, 'env> Nursery<'scope, 'env> {
    /// Starts a task. It does not run before the caller's next checkpoint. An error, or a panic, is
    /// the nursery's to report. Errors: no memory.
    pub fn spawn<F, R>(&'scope self, f: F) -> Result<()>
    where
        F: FnOnce() -> R + 'scope,
        R: Outcome,
    {
        self.task().spawn(f)
    }

    /// Starts a task and gives a handle that can wait for its value. A failure of the task still is
    /// the nursery's as well.
    pub fn spawn_task<F, R>(&'scope self, f: F) -> Result<Task<'scope, R::Value>>
    where
        F: FnOnce() -> R + 'scope,
        R: Outcome,
        R::Value: 'scope,
    {
        self.task().spawn_task(f)
    }

    /// Starts a task that is cancelled once the body and every ordinary task have ended.
    pub fn spawn_service<F, R>(&'scope self, f: F) -> Result<()>
    where
        F: FnOnce() -> R + 'scope,
        R: Outcome,
    {
        self.task().spawn_service(f)
    }

    /// Starts a task and waits until it says that it is ready, with a value. See
    /// [`TaskBuilder::start`].
    pub fn start<T, F, R>(&'scope self, f: F) -> Result<T>
    where
        F: FnOnce(TaskStatus<T>) -> R + 'scope,
        R: Outcome,
        T: 'scope,
    {
        self.task().start(f)
    }

    /// A task with a name or a stack size of its own.
    pub fn task(&'scope self) -> TaskBuilder<'scope, 'env> {
        TaskBuilder { nursery: self, name: None, stack_size: 0 }
    }

    /// Cancels everything in the nursery, its body included.
    pub fn cancel(&self) -> Result<()> {
        self.cancel_raw(None)
    }

    /// [`cancel`](Self::cancel), for a reason that reports and
    /// [`cancel_reason`](crate::cancel_reason) tell.
    pub fn cancel_with(&self, reason: &str) -> Result<()> {
        self.cancel_raw(Some(c_string(reason, "the reason")?))
    }

    fn cancel_raw(&self, reason: Option<CString>) -> Result<()> {
        // SAFETY: the nursery is open, or has been and its storage is there.
        cancel_raw(unsafe { sys::structio_nursery_scope(self.raw.get()) }, reason)
    }
}

/// What a task shall be; made by [`Nursery::task`].
pub struct TaskBuilder<'scope, 'env: 'scope> {
    nursery: &'scope Nursery<'scope, 'env>,
    name: Option<String>,
    stack_size: usize,
}

impl<'scope, 'env> TaskBuilder<'scope, 'env> {
    /// Its name in reports; the starter's unless set.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_string());
        self
    }

    /// Its stack in bytes, guard included; 0: the run's default.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// As [`Nursery::spawn`].
    pub fn spawn<F, R>(self, f: F) -> Result<()>
    where
        F: FnOnce() -> R + 'scope,
        R: Outcome,
    {
        let nursery = self.nursery.raw.get();
        self.launch(
            || guarded(|| f().into_result().map(drop)),
            &Cell::new(false),
            // SAFETY: the nursery is open as long as `'scope`; the rest comes from `launch`.
            |options, f, arg| unsafe { sys::structio_nursery_spawn(nursery, options, f, arg) },
        )
    }

    /// As [`Nursery::spawn_service`].
    pub fn spawn_service<F, R>(self, f: F) -> Result<()>
    where
        F: FnOnce() -> R + 'scope,
        R: Outcome,
    {
        let nursery = self.nursery.raw.get();
        self.launch(
            || guarded(|| f().into_result().map(drop)),
            &Cell::new(false),
            // SAFETY: as in `spawn`.
            |options, f, arg| unsafe {
                sys::structio_nursery_start_service(nursery, options, f, arg)
            },
        )
    }

    /// As [`Nursery::spawn_task`].
    pub fn spawn_task<F, R>(self, f: F) -> Result<Task<'scope, R::Value>>
    where
        F: FnOnce() -> R + 'scope,
        R: Outcome,
        R::Value: 'scope,
    {
        let nursery = self.nursery.raw.get();
        let slot = Rc::new(Cell::new(None));
        let result = Rc::clone(&slot);
        let mut handle = ptr::null_mut();
        let into = &mut handle;
        self.launch(
            move || {
                guarded(|| {
                    result.set(Some(f().into_result()?));
                    Ok(())
                })
            },
            &Cell::new(false),
            // SAFETY: as in `spawn`.
            |options, f, arg| unsafe {
                sys::structio_nursery_start_task(nursery, options, f, arg, into)
            },
        )?;
        // SAFETY: the handle is new and ours.
        Ok(unsafe { Task::from_raw(handle, slot) })
    }

    /// Starts a task and waits until it calls [`TaskStatus::started`], and gives the value that it
    /// said. Until then it runs in the caller's scopes, and its failure is the caller's. A schedule
    /// point. Errors: the task's own, [`Error::Cancelled`], `STRUCTIO_EMISUSE` (it ended without
    /// saying so). Panics when the task panics before it is ready.
    pub fn start<T, F, R>(self, f: F) -> Result<T>
    where
        F: FnOnce(TaskStatus<T>) -> R + 'scope,
        R: Outcome,
        T: 'scope,
    {
        may_wait()?;
        let nursery = self.nursery.raw.get();
        let value = Rc::new(Cell::new(None));
        let slot = Rc::clone(&value);
        let begun = Cell::new(false);
        let told: *const Cell<bool> = &begun;
        self.launch(
            move || {
                guarded(|| {
                    // SAFETY: a task that begins does so while its starter waits here.
                    unsafe { &*told }.set(true);
                    // SAFETY: no arguments; called in the task.
                    let task = unsafe { sys::structio_task_current() };
                    f(TaskStatus { slot, task }).into_result().map(drop)
                })
            },
            &begun,
            // SAFETY: as in `spawn`; nobody wants the untyped value.
            |options, f, arg| unsafe {
                sys::structio_nursery_start(nursery, options, f, arg, ptr::null_mut())
            },
        )
        .map_err(resume_panic)?;
        value.take().ok_or_else(|| Error::status(sys::STRUCTIO_EMISUSE, "start: no value was told"))
    }

    /// Hands `body` to a call that starts a task: small ones move to the task's own stack, others
    /// to the heap. When the call fails the body is dropped here, unless it has `begun`.
    fn launch<B, S>(self, body: B, begun: &Cell<bool>, start: S) -> Result<()>
    where
        B: FnOnce() -> c_int,
        S: FnOnce(*const sys::structio_task_options, sys::structio_task_fn, *mut c_void) -> c_int,
    {
        let name: Option<CString> =
            self.name.as_deref().map(|name| c_string(name, "the name of a task")).transpose()?;
        let mut options = sys::structio_task_options {
            struct_size: size_of::<sys::structio_task_options>(),
            name: pointer(&name),
            stack_size: self.stack_size,
            storage_size: 0,
            storage_init: None,
        };
        if (1..=MOST_ON_STACK).contains(&size_of::<B>()) && align_of::<B>() <= ALIGNMENT {
            options.storage_size = size_of::<B>();
            options.storage_init = Some(move_in::<B>);
            let mut body = ManuallyDrop::new(body);
            let arg: *mut ManuallyDrop<B> = &mut body;
            let launched = check_in_flight(start(&options, run_stored::<B>, arg.cast()));
            if launched.is_err() && !begun.get() {
                // SAFETY: nobody has run it or will, so this is the only one.
                unsafe { ManuallyDrop::drop(&mut body) };
            }
            return launched.map(drop);
        }
        let boxed = Box::into_raw(Box::new(body));
        let launched = check_in_flight(start(&options, run_boxed::<B>, boxed.cast()));
        if launched.is_err() && !begun.get() {
            // SAFETY: as above.
            drop(unsafe { Box::from_raw(boxed) });
        }
        launched.map(drop)
    }
}

/// More than that does not go on a task's stack.
const MOST_ON_STACK: usize = 2048;
/// What the library's storage is aligned for: any object of C.
const ALIGNMENT: usize = 2 * size_of::<usize>();

/// # Safety
/// `storage` has room for a `B`, and `arg` is one that its owner forgets.
unsafe extern "C" fn move_in<B>(storage: *mut c_void, arg: *mut c_void) {
    // SAFETY: as promised by the caller.
    unsafe { ptr::copy_nonoverlapping(arg.cast::<B>(), storage.cast::<B>(), 1) };
}

/// # Safety
/// `storage` holds a `B` that is this call's. It must not unwind.
unsafe extern "C" fn run_stored<B: FnOnce() -> c_int>(storage: *mut c_void) -> c_int {
    // SAFETY: as promised by the caller.
    let body = unsafe { storage.cast::<B>().read() };
    body()
}

/// # Safety
/// `arg` is a box of a `B` that is this call's. It must not unwind.
unsafe extern "C" fn run_boxed<B: FnOnce() -> c_int>(arg: *mut c_void) -> c_int {
    // SAFETY: as promised by the caller.
    let body = unsafe { Box::from_raw(arg.cast::<B>()) };
    body()
}

/// By what a task that was begun by [`Nursery::start`] says that it is ready.
pub struct TaskStatus<T> {
    slot: Rc<Cell<Option<T>>>,
    task: sys::structio_task_id,
}

impl<T> TaskStatus<T> {
    /// Gives `value` to the starter, which goes on, and moves the task to its nursery. Errors:
    /// `STRUCTIO_EMISUSE` (called by another task than the one that was started).
    pub fn started(self, value: T) -> Result<()> {
        // SAFETY: no arguments; anywhere.
        if unsafe { sys::structio_task_current() } != self.task {
            return Err(Error::status(
                sys::STRUCTIO_EMISUSE,
                "started: only the task that was started can say so",
            ));
        }
        self.slot.set(Some(value));
        // SAFETY: in the task that was started; the value is told by the slot.
        check(unsafe { sys::structio_started(ptr::null_mut()) }).map(drop)
    }
}
