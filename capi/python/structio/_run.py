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
from ._handlers import Handler, Handlers
from ._status import InternalError, exception, raised_by_handler
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
    virtual = None if clock is None else _address_of(clock)
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
        failure=ctypes.addressof(failure),
        clock=virtual,
    )
    put_off: list[tuple[Handler, int]] = []
    with _interrupt.handled(state, options) as interrupts, hooked(generators):
        state.interrupts = interrupts
        if threading.current_thread() is threading.main_thread():
            state.handlers = Handlers(state, set() if interrupts is None else {signal.SIGINT})
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
        ended: BaseException | None = None
        if failure.value:
            ended = _interrupt.collapsed(_failure.consume(failure.value))
        elif status < 0:
            ended = exception(status)
        if state.posted_failed is not None:
            if isinstance(ended, InternalError):
                ended.__cause__ = state.posted_failed
            else:
                _failure.report(state.posted_failed)
        noted = interrupts is not None and interrupts.noted
        if noted or put_off or raised_by_handler and state.handlers is not None:
            ended = _after_signals(ended, noted, put_off)
        if ended is not None:
            raise ended
        return main.result  # type: ignore[no-any-return]
    finally:
        ended = None
        main.result = state.main = state.current = state.interrupts = None
        state.handlers = state.posted_failed = None
        coro.close()


def _address_of(clock: Clock) -> int:
    if not hasattr(clock, "_native"):
        raise TypeError(f"structio.run: {clock!r} is no clock")
    return clock._native()


def _after_signals(
    ended: BaseException | None, interrupted: bool, put_off: list[tuple[Handler, int]]
) -> BaseException | None:
    """What leaves the run when signals came too late for the main task: the last exception, with
    the others as its context."""
    late = list(raised_by_handler)
    raised_by_handler.clear()
    if interrupted and not isinstance(ended, KeyboardInterrupt):
        late.append(KeyboardInterrupt())
    for handler, signum in put_off:
        try:
            handler(signum, None)
        except BaseException as exc:
            late.append(exc)
    for later in late:
        if later.__context__ is None and later is not ended:
            BaseException.__setattr__(later, "__context__", ended)
        ended = later
    return ended
