"""structio.run, and time."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Awaitable, Callable
from ctypes import c_void_p
from typing import Protocol, TypeVar

from . import _failure, _interrupt
from ._abi import RunOptions, Steps, function, op
from ._status import FOREVER, exception
from ._task import DRIVE, STEP, Run, Task, call, coroutine_of, current_run, local

T = TypeVar("T")

_run = function("run", "ippp", releases=True)
_in_run = function("in_run", "i")
_now = function("now", "q")

OP_SLEEP = op("sleep")
OP_SLEEP_UNTIL = op("sleep_until")
OP_SLEEP_FOREVER = op("sleep_forever")


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
    main = Task(state, coro, async_fn, name)
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
    with _interrupt.handled(state, options) as interrupts:
        state.interrupts = interrupts
        if clock is not None:
            options.clock = clock._native()
        local.run = state
        try:
            status = _run(DRIVE, ctypes.addressof(steps), ctypes.addressof(options))
        finally:
            local.run = None
            state.end()
    try:
        if main in state.tasks:  # it was never stepped: the run could not begin
            main.forget()
        if failure.value:
            raise _interrupt.collapsed(_failure.consume(failure.value))
        if status < 0:
            raise exception(status)
        if interrupts is not None and interrupts.noted:  # too late for the library
            raise KeyboardInterrupt
        return main.result  # type: ignore[no-any-return]
    finally:
        main.result = state.main = state.current = state.interrupts = None
        del coro


# --- time -----------------------------------------------------------------------------------------


def nanoseconds(what: str, seconds: float) -> int:
    """A duration or a moment, saturated."""
    try:
        exact = seconds * 1e9
        if -9e18 < exact < 9e18:
            return round(exact)
    except TypeError:
        raise TypeError(f"{what}: {seconds!r} is no number of seconds") from None
    if math.isnan(exact):
        raise ValueError(f"{what}: the time is not a number")
    return FOREVER if exact > 0 else -FOREVER


def seconds(ns: int) -> float:
    return math.inf if ns == FOREVER else ns / 1e9


def current_time() -> float:
    """The run's clock in seconds."""
    current_run("structio.current_time")
    return float(_now()) / 1e9


async def sleep(seconds: float) -> None:
    """Waits; 0 is a checkpoint."""
    if seconds < 0:
        raise ValueError("structio.sleep: the duration is negative")
    await call(None, OP_SLEEP, nanoseconds("structio.sleep", seconds))


async def sleep_until(deadline: float) -> None:
    """Waits until a moment of the run's clock; one that has passed is a checkpoint."""
    await call(None, OP_SLEEP_UNTIL, nanoseconds("structio.sleep_until", deadline))


async def sleep_forever() -> None:
    """Waits until cancelled."""
    await call(None, OP_SLEEP_FOREVER)
