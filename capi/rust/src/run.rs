//! Running a main task.

use std::cell::Cell;
use std::ffi::CString;
use std::marker::PhantomData;
use std::mem::size_of;
use std::ptr;

use crate::call::{c_string, fatal, guarded, pointer, Callback};
use crate::error::{resume_panic, Error, Result};
use crate::failure::text;
use crate::sys;
use crate::testing::VirtualClock;

/// What a run does about SIGINT (Ctrl-C).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Interrupt {
    /// Handles it on the process's main thread, if it has its default disposition.
    #[default]
    Auto,
    /// Never touches it.
    Ignore,
    /// Handles it whatever was there; that is restored at the end.
    Handle,
}

/// How to run. `RunOptions::new()` is what [`run`] does.
#[derive(Clone, Debug, Default)]
pub struct RunOptions<'a> {
    name: Option<String>,
    stack_size: usize,
    budget: u32,
    seed: u64,
    interrupt: Interrupt,
    no_deadlock_check: bool,
    clock: Option<&'a VirtualClock>,
}

impl<'a> RunOptions<'a> {
    /// All defaults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Name of the main task; "main" unless set.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_string());
        self
    }
    /// Stack size of tasks in bytes, guard included; 0: 256 KiB.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }
    /// Checkpoints that a task may pass without giving way; 0: 32, or 1 on a virtual clock.
    pub fn budget(mut self, checkpoints: u32) -> Self {
        self.budget = checkpoints;
        self
    }
    /// Not 0: shuffles each batch of ready tasks, repeatably.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
    /// What to do about Ctrl-C.
    pub fn interrupt(mut self, mode: Interrupt) -> Self {
        self.interrupt = mode;
        self
    }
    /// False: a run in which nothing can ever happen waits for ever instead of failing.
    pub fn deadlock_check(mut self, on: bool) -> Self {
        self.no_deadlock_check = !on;
        self
    }
    /// Runs on a virtual clock.
    pub fn clock(mut self, clock: &'a VirtualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    fn raw(&self, name: &Option<CString>) -> sys::structio_run_options {
        sys::structio_run_options {
            struct_size: size_of::<sys::structio_run_options>(),
            version: sys::STRUCTIO_VERSION,
            budget: self.budget,
            seed: self.seed,
            name: pointer(name),
            stack_size: self.stack_size,
            cxa_get_globals: None,
            interrupt: self.interrupt as u32,
            no_overflow_report: 0,
            no_deadlock_check: u32::from(self.no_deadlock_check),
            reserved: 0,
            clock: self.clock.map_or(ptr::null_mut(), VirtualClock::raw),
            failure: ptr::null_mut(),
            on_interrupt: None,
            on_interrupt_arg: ptr::null_mut(),
            task_enter: None,
            task_leave: None,
            task_hooks_arg: ptr::null_mut(),
        }
    }
}

/// Runs `main` as the main task, on the calling thread, and returns when all that it started has
/// ended. Errors: what `main` returned; `STRUCTIO_EMISUSE` (inside a run), `STRUCTIO_EDEADLOCK` (no
/// task can ever be woken again), [`Error::Interrupted`], codes of the system.
///
/// Panics when the main task, or a task of one of its nurseries, has panicked.
pub fn run<T, F: FnOnce() -> Result<T>>(main: F) -> Result<T> {
    run_with(&RunOptions::new(), main)
}

/// [`run`] with options.
pub fn run_with<T, F: FnOnce() -> Result<T>>(options: &RunOptions<'_>, main: F) -> Result<T> {
    let name = options.name.as_deref().map(|name| c_string(name, "the name")).transpose()?;
    let mut raw = options.raw(&name);
    let mut failure = ptr::null_mut();
    raw.failure = &mut failure;
    let mut value = None;
    let living = Cell::new(false);
    let mut callback = Callback::new(|| {
        living.set(true);
        let code = guarded(|| {
            value = Some(main()?);
            Ok(())
        });
        living.set(false);
        code
    });
    let call = call_of(&callback);
    // SAFETY: the callback outlives the call, which calls it once; `guarded` does not unwind.
    let code = unsafe { sys::structio_run(call, callback.arg(), &raw) };
    drop(callback);
    if living.get() {
        // What it borrows is about to go. Only a task that ignores that its waits fail comes here.
        fatal("the run was given up in a deadlock, with its main task still waiting");
    }
    if code < 0 {
        // SAFETY: the library has given the reference to us.
        return Err(resume_panic(unsafe { Error::from_raw(code, failure) }));
    }
    // SAFETY: NULL is allowed; the reference is ours.
    unsafe { sys::structio_failure_free(failure) };
    value.ok_or_else(|| Error::status(sys::STRUCTIO_EINTERNAL, "the main task has no value"))
}

/// The function that calls such a callback.
pub(crate) fn call_of<F: FnOnce() -> std::os::raw::c_int>(
    _: &Callback<F>,
) -> sys::structio_task_fn {
    Callback::<F>::call
}

/// True in a task, where calls may wait.
pub fn in_task() -> bool {
    // SAFETY: no arguments; any thread.
    unsafe { sys::structio_in_task() != 0 }
}

/// Name of the calling task; `None` outside of tasks.
pub fn task_name() -> Option<String> {
    // SAFETY: any thread; the name lives as long as the task, which cannot end meanwhile.
    unsafe {
        let name = sys::structio_task_name(sys::structio_task_current());
        (!name.is_null()).then(|| text(name))
    }
}

/// Makes a type neither `Send` nor `Sync`: it belongs to its run's thread.
pub(crate) type OneThread = PhantomData<*mut ()>;
