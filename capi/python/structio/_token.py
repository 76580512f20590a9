"""How threads that the run has not started reach it."""

from __future__ import annotations

import ctypes
import itertools
import weakref
from collections.abc import Awaitable, Callable
from ctypes import addressof, c_void_p
from typing import Any, Final, TypeVar

from . import _failure
from ._abi import Steps, TaskFn, Unique, function
from ._status import EPAYLOAD, check, exception
from ._task import DRIVE, STEP, Run, Task, coroutine_of, current_run, local

T = TypeVar("T")

_new = function("portal_new", "ip")
_free = function("portal_free", "ip")
_post = function("portal_post", "ippp")
_call = function("portal_call", "ipppp", releases=True)

_posted: Final[dict[int, tuple[Callable[..., object], tuple[object, ...]]]] = {}
_next_key: Final = itertools.count(1).__next__


class Token(Unique):
    """Names a run for other threads. As long as one is there, no deadlock is reported: somebody may
    call. Made by `structio.lowlevel.current_token`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        out = c_void_p()
        check(_new(addressof(out)))
        self._portal = out.value

    def run_sync_soon(self, fn: Callable[..., object], *args: object) -> None:
        """Has the run call `fn(*args)` soon, outside of its tasks: it must not wait, and an
        exception that leaves it ends the run with InternalError. Any thread.

        RunFinishedError: the run has ended.
        """
        key = _next_key()
        _posted[key] = fn, args
        status = _post(self._portal, _CALLS, key)
        if status < 0:
            del _posted[key]
            raise exception(status)

    def _run_in_system_task(
        self, what: str, async_fn: Callable[..., Awaitable[T]], args: tuple[Any, ...]
    ) -> T:
        coro = coroutine_of(what, async_fn, args)
        task = Task(self._run, coro, async_fn, None)
        steps = Steps(step=STEP, state=id(task))
        self._run.tasks.add(task)
        failure = c_void_p()
        status = _call(self._portal, DRIVE, addressof(steps), addressof(failure))
        if task in self._run.tasks:
            task.forget()
        if failure.value:
            raise _failure.consume(failure.value)
        if status < 0:
            raise exception(status)
        return task.result  # type: ignore[no-any-return]

    def __del__(self) -> None:
        if getattr(self, "_portal", None):
            _free(self._portal)


def _calls(key: int) -> int:
    try:
        fn, args = _posted.pop(key)
        run = local.run
        if run is not None:
            run.current = None
        del run
        fn(*args)
        return 0
    except BaseException as exc:
        if local.run is None:
            _failure.report(exc)
        else:
            local.run.posted_failed = exc
        return EPAYLOAD


_callback: Final = TaskFn(_calls)
_CALLS: Final = ctypes.cast(_callback, c_void_p).value or 0


def current_token() -> Token:
    """The calling task's run, for other threads: `structio.from_thread.run(..., token=...)`."""
    run = current_run("structio.lowlevel.current_token")
    token = None if run.token is None else run.token()
    if token is None:
        token = Token(run)
        run.token = weakref.ref(token)
    return token
