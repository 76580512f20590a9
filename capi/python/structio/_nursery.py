"""Nurseries."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from ctypes import addressof, c_void_p
from types import TracebackType
from typing import Any, NoReturn, Protocol, TypeVar

from . import _failure
from ._abi import NurseryStorage, TaskOptions, Unique, function, op
from ._scope import CancelScope, raise_as_it_was
from ._status import ECANCELLED, ECLOSED, EMISUSE, Cancelled, check, exception
from ._task import (
    DRIVE,
    STACK_SIZE,
    Run,
    Task,
    call_raw,
    coroutine_of,
    current_run,
)

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

_open = function("nursery_open", "ip")
_scope = function("nursery_scope", "pp")
_spawn = function("nursery_spawn", "ipppp")
_started = function("started", "ip")

OP_CLOSE = op("nursery_close")
OP_START = op("nursery_start")


class TaskStatus(Protocol[T_contra]):
    """What `nursery.start` gives to the function as `task_status`."""

    def started(self, value: T_contra = ...) -> None: ...


class _Ignored:
    def started(self, value: Any = None) -> None:
        """Nobody waits for it."""

    def __repr__(self) -> str:
        return "TASK_STATUS_IGNORED"


TASK_STATUS_IGNORED: Any = _Ignored()


class _Status:
    """The starting end of `nursery.start`."""

    __slots__ = ("value", "called", "nursery", "task")

    def __init__(self, nursery: Nursery) -> None:
        self.value: Any = None
        self.called = False
        self.nursery = nursery
        self.task: Task | None = None

    def started(self, value: Any = None) -> None:
        run = current_run("task_status.started")
        if self.called:
            raise RuntimeError("task_status.started: called before, and once is enough")
        if run.current is not self.task:
            raise RuntimeError("task_status.started: must be called by the task that was started")
        check(_started(None))
        self.called = True
        self.value = value


class NurseryScope(CancelScope):
    """The scope of a nursery, which enters and leaves it."""

    def __init__(self, address: int, storage: object) -> None:
        self._entered = True
        self._storage = storage
        self._view(address, math.inf, False)

    def __exit__(self, *args: object) -> NoReturn:
        raise RuntimeError("CancelScope: it is its nursery's")


class Nursery(Unique):
    """Where tasks live. Made by `structio.open_nursery`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        storage = self._storage = NurseryStorage()
        self._address = addressof(storage)
        check(_open(self._address))
        run.kept[self._address] = self
        self._closed = False
        self.cancel_scope: CancelScope = NurseryScope(_scope(self._address), storage)
        self.parent_task = run.current

    @property
    def child_tasks(self) -> frozenset[Task]:
        """The tasks that live here now."""
        tasks = self._run.tasks  # threads that call into the run change it at any time
        return frozenset(task for task in tuple(tasks) if task.parent_nursery is self)

    def start_soon(
        self, async_fn: Callable[..., Awaitable[Any]], *args: object, name: object = None
    ) -> None:
        """Starts a child. It does not run before the caller's next checkpoint."""
        run = self._run
        coro = coroutine_of("nursery.start_soon", async_fn, args)
        task = Task(run, coro, async_fn, name)
        task.parent_nursery = self
        if self._closed:
            status = ECLOSED
        else:
            run.options.name = task.label
            status = _spawn(self._address, run.options_address, DRIVE, task.steps())
        if status < 0:
            task.forget()
            _refused(status, "nursery.start_soon")

    async def start(
        self, async_fn: Callable[..., Awaitable[Any]], *args: object, name: object = None
    ) -> Any:
        """Starts a child and waits until it calls `task_status.started(value)`; returns that."""
        run = current_run("nursery.start")
        if self._closed:
            _refused(ECLOSED, "nursery.start")
        status = _Status(self)
        coro = coroutine_of("nursery.start", async_fn, args, task_status=status)
        task = Task(run, coro, async_fn, name)
        task.parent_nursery = self
        status.task = task
        options = TaskOptions(name=task.label, stack_size=STACK_SIZE)
        try:
            result = await call_raw(
                options, OP_START, self._address, addressof(options), DRIVE, task.steps(), 0
            )
            if result < 0:
                failed = _failure.take(result)
                if task in run.tasks and task.slot is not None:  # never begun
                    task.forget()
                if result == EMISUSE and isinstance(failed, RuntimeError):
                    raise RuntimeError(f"{task.name} ended without calling task_status.started")
                raise failed
            return status.value
        finally:
            status.task = None
            failed = None  # type: ignore[assignment]


def _refused(status: int, what: str) -> NoReturn:
    if status == ECLOSED:
        raise RuntimeError(f"{what}: the nursery is closed to new arrivals")
    raise exception(status)


class _Manager:
    """`async with` of a nursery."""

    __slots__ = ("_nursery",)

    async def __aenter__(self) -> Nursery:
        nursery = self._nursery = Nursery(current_run("structio.open_nursery"))
        return nursery

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        nursery = self._nursery
        run = nursery._run
        failure = c_void_p()
        status = 0
        closed = isinstance(exc, GeneratorExit)  # an async generator around it is
        if closed:
            nursery.cancel_scope.cancel("the generator around the nursery was closed")
        elif exc is not None:
            status, failure.value = _failure.to_failure(exc)
        try:
            left = await call_raw(failure, OP_CLOSE, nursery._address, status, addressof(failure))
        except RuntimeError:  # nobody has asked the library
            if failure.value:
                _failure.free(failure.value)
            raise
        nursery.cancel_scope._ended()
        nursery._closed = True
        if left != EMISUSE:  # then the library may still have it
            run.kept.pop(nursery._address, None)
        del self._nursery
        if left >= 0:
            return not closed
        if left == ECANCELLED and isinstance(exc, Cancelled):
            if failure.value:
                _failure.free(failure.value)
            return False
        ended = _failure.consume(failure.value) if failure.value else exception(left)
        if ended is exc:
            return False
        try:
            raise_as_it_was(ended)
        finally:
            del ended, exc, trace
        return False


def open_nursery() -> _Manager:
    """`async with structio.open_nursery() as nursery:` waits at its end for every child."""
    return _Manager()
