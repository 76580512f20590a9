"""structio.run."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Awaitable, Callable
from ctypes import c_void_p
from typing import Protocol, TypeVar

from . import _failure, _interrupt
from ._abi import RunOptions, Steps, function
from ._asyncgen import Generators, hooked, main_with
from ._handlers import Handlers
from ._status import exception
from ._task import DRIVE, STEP, Run, Task, coroutine_of, local

T = TypeVar("T")

_run = function("run", "ippp", releases=True)
_in_run = function("in_run", "i")


class Clock(Protocol):
    """What `run` takes as its clock: `structio.testing.MockClock`."""

    def _native(self) -> int: ...


def run(
    async_fn: Callable[..., Awaitable[T]],
    *args: object,
    clock: Clock | None = None,
    name: object = None,
    deadlock_check: bool = True,
) -> T:
    """Runs `async_fn(*args)` as the main task, with all that it starts; returns what it returned,
    or raises the very exception that left it.

    A run in which nothing can ever happen any more raises DeadlockError, with the tree of who waits
    for what. Without `deadlock_check` it waits for ever, which is for Ctrl-C.
    """
    if _in_run():
        raise RuntimeError("structio.run: this thread is inside a run already")
    coro = coroutine_of("structio.run", async_fn, args)
    state = Run()
    generators = Generators(state)
    main = Task(state, main_with(generators, coro), async_fn, name)
    state.main = main
    state.tasks.add(main)
    steps = Steps(step=STEP, state=id(main))
    failure = c_void_p()
    options = RunOptions(
        name=main.label,
        no_overflow_report=True,  # only the library's own code is ever on a task's stack
        no_deadlock_check=not deadlock_check,
        failure=ctypes.pointer(failure),
    )
    with _interrupt.handled(state, options) as interrupts, hooked(generators):
        state.interrupts = interrupts
        if threading.current_thread() is threading.main_thread():
            state.handlers = Handlers(state, set() if interrupts is None else {signal.SIGINT})
        put_off = []
        if clock is not None:
            options.clock = clock._native()
        local.run = state
        try:
            status = _run(DRIVE, ctypes.addressof(steps), ctypes.addressof(options))
        finally:
            local.run = None
            state.end()
            if state.handlers is not None:
                put_off = state.handlers.end()
    try:
        if main in state.tasks:  # it was never stepped: the run could not begin
            main.forget()
        if failure.value:
            raise _interrupt.collapsed(_failure.consume(failure.value))
        if status < 0:
            raise exception(status)
        if interrupts is not None and interrupts.noted:  # too late for the library
            raise KeyboardInterrupt
        for handler, signum in put_off:
            handler(signum, None)
        return main.result  # type: ignore[no-any-return]
    finally:
        main.result = state.main = state.current = state.interrupts = None
        state.handlers = None
        coro.close()
