"""What would block the run, on a worker thread."""

from __future__ import annotations

import contextvars
import ctypes
import itertools
import threading
from collections.abc import Callable
from ctypes import addressof, c_void_p
from typing import Any, Final, TypeVar

from . import _failure, _sigmask
from ._abi import DropFn, TaskFn, ThreadOptions, function, op
from ._limiter import CapacityLimiter, RunsLimiter
from ._status import ECANCELLED, Cancelled, exception
from ._task import Run, call_raw, current_run, no_coroutine

__all__ = ["current_default_thread_limiter", "run_sync"]

T = TypeVar("T")

_OP_RUN = op("run_in_thread")
_default_limiter = function("default_thread_limiter", "p")


class _Job:
    """What a worker thread does."""

    __slots__ = ("run", "fn", "args", "context", "value", "error")

    def __init__(self, run: Run, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.run: Run | None = run
        self.fn = fn
        self.args = args
        self.context = contextvars.copy_context()
        self.value: Any = None
        self.error: BaseException | None = None


class _Worker(threading.local):
    run: Run | None = None  # whose job this thread does


_worker: Final = _Worker()


def host_of(what: str) -> Run:
    """The run whose job the calling thread does, or RuntimeError."""
    run = _worker.run
    if run is None:
        raise RuntimeError(f"{what}: must be called on a thread of structio.to_thread.run_sync")
    return run


_jobs: Final[dict[int, _Job]] = {}
_next_key: Final = itertools.count(1).__next__


def _work(key: int) -> int:
    try:
        job = _jobs.pop(key)
        run = _worker.run = job.run
        before = None if run is None else _sigmask.exchange(run.mask)
        del run
        try:
            value = job.context.run(job.fn, *job.args)
            job.value = no_coroutine("structio.to_thread.run_sync", job.fn, value)
            del value
        except BaseException as exc:
            trace = exc.__traceback__
            job.error = BaseException.with_traceback(exc, trace and trace.tb_next)
            del trace
        if before is not None:
            _sigmask.exchange(before)
        _worker.run = job.run = None
        status = ECANCELLED if isinstance(job.error, Cancelled) else 0
        job.fn = job.args = job.context = None  # type: ignore[assignment]
        del job
        return status
    except BaseException as exc:
        _failure.report(exc)
        return 0


def _drop(key: int) -> None:
    """Once for each job: it was done, or it will never be."""
    _jobs.pop(key, None)


_callback: Final = TaskFn(_work)
_drop_callback: Final = DropFn(_drop)
_DROP: Final = ctypes.cast(_drop_callback, c_void_p).value
_WORK: Final = ctypes.cast(_callback, c_void_p).value or 0


async def run_sync(
    sync_fn: Callable[..., T],
    *args: object,
    thread_name: str | None = None,
    abandon_on_cancel: bool = False,
    limiter: CapacityLimiter | None = None,
) -> T:
    """Calls `sync_fn(*args)` on a worker thread and returns what it returned.

    Cancelled meanwhile, it waits for the thread all the same, unless `abandon_on_cancel` is true:
    then the thread is left alone, and its result is thrown away.
    """
    run = current_run("structio.to_thread.run_sync")
    if limiter is not None and not isinstance(limiter, CapacityLimiter):
        raise TypeError("structio.to_thread.run_sync: limiter must be a structio.CapacityLimiter")
    job = _Job(run, sync_fn, args)
    key = _next_key()
    options = ThreadOptions(
        limiter=limiter._address if limiter is not None else None,
        name=None if thread_name is None else thread_name.encode(),
        abandon_on_cancel=bool(abandon_on_cancel),
        drop=_DROP,
    )
    if limiter is not None and abandon_on_cancel:
        run.kept[limiter._address] = limiter  # it has to outlive the thread
    _jobs[key] = job
    status = await call_raw(options, _OP_RUN, _WORK, key, addressof(options))
    if status < 0 and not (status == ECANCELLED and isinstance(job.error, Cancelled)):
        raise exception(status)  # it was not run, or abandoned, whatever it has done by now
    if job.error is not None:
        try:
            raise job.error
        finally:
            job.error = None
            del job
    return job.value  # type: ignore[no-any-return]


def current_default_thread_limiter() -> CapacityLimiter:
    """The run's own limiter of threads: 40 at a time, unless that is changed."""
    run = current_run("structio.to_thread.current_default_thread_limiter")
    if run.default_limiter is None:
        address = _default_limiter()
        if not address:
            raise MemoryError
        run.default_limiter = RunsLimiter(address)
    limiter: CapacityLimiter = run.default_limiter
    return limiter
