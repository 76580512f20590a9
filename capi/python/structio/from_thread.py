"""From a worker thread of `to_thread.run_sync` back into the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ctypes import addressof
from typing import TypeVar

from . import _failure
from ._abi import Steps, function
from ._status import exception
from ._task import DRIVE, STEP, Task, coroutine_of, no_coroutine, transparent
from ._token import Token
from .to_thread import host_of

__all__ = ["check_cancelled", "run", "run_sync"]

T = TypeVar("T")

_call = function("thread_call", "ipp", releases=True)
_check = function("thread_check_cancelled", "i")


def run(
    async_fn: Callable[..., Awaitable[T]], *args: object, token: Token | None = None
) -> T:
    """Runs `async_fn(*args)` in the task that waits for this thread, in its scopes; blocks the
    thread until that has ended. On any other thread: in a system task of the run that `token` (see
    `structio.lowlevel.current_token`) names, which is cancelled when the main task has ended."""
    if token is not None:
        return token._run_in_system_task("structio.from_thread.run", async_fn, args)
    host = host_of("structio.from_thread.run")
    coro = coroutine_of("structio.from_thread.run", async_fn, args)
    task = Task(host, coro, async_fn, None)
    steps = Steps(step=STEP, state=id(task))
    host.tasks.add(task)
    status = _call(DRIVE, addressof(steps))
    if task in host.tasks:
        task.forget()
    if status < 0:
        raise _failure.take(status)
    return task.result  # type: ignore[no-any-return]


def run_sync(fn: Callable[..., T], *args: object, token: Token | None = None) -> T:
    """The same for a plain function."""
    return run(_calls, fn, args, token=token)


async def _calls(fn: Callable[..., T], args: tuple[object, ...]) -> T:
    return no_coroutine("structio.from_thread.run_sync", fn, fn(*args))


def check_cancelled() -> None:
    """Raises Cancelled when the task that waits for this thread is cancelled."""
    host_of("structio.from_thread.check_cancelled")
    status = _check()
    if status < 0:
        raise exception(status)


transparent[_calls.__code__] = False
