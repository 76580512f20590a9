"""Ctrl-C.

The library handles the signal: it calls Python's own handler, which sets a flag, and wakes the run.
Python then calls `_Interrupts.signalled` in whatever code runs next. In code of the user's the
exception is raised there and then, as everywhere in Python. In code of this package it would do
harm: there it is noted, and the main task gets it at its next checkpoint.
"""

from __future__ import annotations

import contextlib
import ctypes
import dis
import inspect
import os
import signal
import threading
import types
from collections.abc import Iterator
from ctypes import c_void_p
from types import FrameType
from typing import Final

from ._abi import InterruptFn, RunOptions
from ._task import Run, transparent

IGNORE: Final = 1
HANDLE: Final = 2

_CACHE: Final = dis.opmap.get("CACHE", 0)
_GET_AWAITABLE: Final = dis.opmap.get("GET_AWAITABLE", -1)
_COROUTINES: Final = (
    inspect.CO_COROUTINE
    | inspect.CO_ITERABLE_COROUTINE
    | inspect.CO_GENERATOR
    | inspect.CO_ASYNC_GENERATOR
)
_PACKAGE: Final = os.path.dirname(os.path.abspath(__file__)) + os.sep


class _Interrupts:
    """Those of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.noted = False

    def signalled(self, signum: int, frame: FrameType | None) -> None:
        """Python's handler of SIGINT during the run."""
        if in_users_code(frame):
            raise KeyboardInterrupt
        self.noted = True

    def asked(self) -> int:
        """Whether the main task shall get it."""
        noted, self.noted = self.noted, False
        return int(noted)


def _is_about_to_await(frame: FrameType) -> bool:
    """Between the call that makes a coroutine and its await: the `__aexit__` of a nursery would be
    lost, and the nursery left open."""
    code = frame.f_code.co_code
    at = frame.f_lasti + 2
    while at < len(code) and code[at] == _CACHE:
        at += 2
    return at < len(code) and code[at] == _GET_AWAITABLE


def in_users_code(frame: FrameType | None) -> bool:
    """Whether the nearest frame of this package is one that merely calls the user's code.

    What the driver of tasks calls are coroutines: a plain function there is a handler of another
    signal, which has interrupted the driver itself.
    """
    if frame is not None and _is_about_to_await(frame):
        return False
    above: types.CodeType | None = None
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_PACKAGE):
            if above is None or code not in transparent:
                return False
            return not transparent[code] or bool(above.co_flags & _COROUTINES)
        above = code
        frame = frame.f_back
    return True


def _asked(interrupts: _Interrupts) -> int:
    try:
        return interrupts.asked()
    except BaseException:
        return 1


_callback: Final = InterruptFn(_asked)
_ASKED: Final = ctypes.cast(_callback, c_void_p).value


@contextlib.contextmanager
def handled(run: Run, options: RunOptions) -> Iterator[_Interrupts | None]:
    """Takes Ctrl-C for a run, when it is Python's to deliver and nobody else has taken it."""
    options.interrupt = IGNORE
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield None
        return
    interrupts = _Interrupts(run)
    options.interrupt = HANDLE
    options.on_interrupt = _ASKED
    options.on_interrupt_arg = id(interrupts)
    handler = interrupts.signalled
    signal.signal(signal.SIGINT, handler)
    try:
        yield interrupts
    finally:
        if signal.getsignal(signal.SIGINT) is handler:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def collapsed(exc: BaseException) -> BaseException:
    """A group of nothing but KeyboardInterrupts is one, as far as the caller of `run` goes."""
    if isinstance(exc, BaseExceptionGroup) and exc.split(KeyboardInterrupt)[1] is None:
        one = KeyboardInterrupt()
        one.__cause__ = exc
        return one
    return exc
