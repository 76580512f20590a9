"""Event, Semaphore, Lock, Condition."""

from __future__ import annotations

from ctypes import addressof
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from ._abi import (
    ConditionStorage,
    EventStorage,
    MutexStatistics,
    MutexStorage,
    SemaphoreStatistics,
    SemaphoreStorage,
    Unique,
    WaitingStatistics,
    function,
    op,
)
from ._status import FOREVER, check, exception, saturated
from ._task import Run, Task, call, current_run

_task_current = function("task_current", "Q")

ALL: Final = 2**64 - 1

# Storage of objects that were dropped while the library would not let go of them.
_lost: Final[list[object]] = []


class Block(Unique):
    """An object of the library that lives in memory of ours."""

    _address: int = 0
    _discard: Any = None

    def _allocate(self, kind: Any, init: Any, *args: int) -> None:
        storage = self._storage = kind()
        address = addressof(storage)
        check(init(address, *args))
        self._address = address

    def __del__(self) -> None:
        if self._address and type(self)._discard(self._address) < 0:
            _lost.append(self._storage)


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EventStatistics:
    tasks_waiting: int


class Event(Block):
    """Something that happens once."""

    _discard = function("event_discard", "ip")
    _init = function("event_init", "ip")
    _set = function("event_set", "ip")
    _is_set = function("event_is_set", "ip")
    _statistics = function("event_get_statistics", "ipp")
    _OP_WAIT = op("event_wait")

    def __init__(self) -> None:
        self._allocate(EventStorage, Event._init)

    def is_set(self) -> bool:
        """Whether it has happened."""
        return bool(Event._is_set(self._address) == 1)

    def set(self) -> None:
        """Wakes all who wait; who comes later does not wait."""
        check(Event._set(self._address))

    async def wait(self) -> None:
        """Waits until it has been set."""
        await call(self, Event._OP_WAIT, self._address)

    def statistics(self) -> EventStatistics:
        out = WaitingStatistics()
        check(Event._statistics(self._address, addressof(out)))
        return EventStatistics(out.waiting)


# --- semaphores -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class SemaphoreStatisticsView:
    tasks_waiting: int


class AsyncContext:
    """`async with` of what has acquire and release."""

    async def acquire(self) -> None:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class Semaphore(Block, AsyncContext):
    """A counter of units that are there."""

    _discard = function("semaphore_discard", "ip")
    _init = function("semaphore_init", "ipqq")
    _try = function("semaphore_try_acquire", "ip")
    _release = function("semaphore_release", "ip")
    _value = function("semaphore_value", "qp")
    _statistics = function("semaphore_get_statistics", "ipp")
    _OP_ACQUIRE = op("semaphore_acquire")

    def __init__(self, initial_value: int, *, max_value: int | None = None) -> None:
        if not isinstance(initial_value, int):
            raise TypeError("Semaphore: initial_value must be an int")
        if max_value is not None and not isinstance(max_value, int):
            raise TypeError("Semaphore: max_value must be an int or None")
        initial, bound = saturated(initial_value), saturated(max_value or 0)
        if max_value is None:
            bound = FOREVER
        self._allocate(SemaphoreStorage, Semaphore._init, initial, bound)
        self._max_value = max_value

    @property
    def value(self) -> int:
        return int(Semaphore._value(self._address))

    @property
    def max_value(self) -> int | None:
        return self._max_value

    def acquire_nowait(self) -> None:
        """Takes a unit, or raises WouldBlock."""
        check(Semaphore._try(self._address))

    async def acquire(self) -> None:
        """Takes a unit as soon as there is one."""
        await call(self, Semaphore._OP_ACQUIRE, self._address)

    def release(self) -> None:
        """Puts a unit back; ValueError when `max_value` are there."""
        check(Semaphore._release(self._address))

    def statistics(self) -> SemaphoreStatisticsView:
        out = SemaphoreStatistics()
        check(Semaphore._statistics(self._address, addressof(out)))
        return SemaphoreStatisticsView(out.waiting)

    def __repr__(self) -> str:
        return f"<structio.Semaphore at {id(self):#x}, value {self.value}>"


# --- locks ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LockStatistics:
    locked: bool
    owner: Task | None
    tasks_waiting: int


def _known(run: Run) -> None:
    """Makes the current task one that can be found by the library's id for it."""
    task = run.current
    assert task is not None
    if not task.number:
        task.number = _task_current()
        run.by_number[task.number] = task


class Lock(Block, AsyncContext):
    """Mutual exclusion among tasks; first come, first served; not recursive.

    When a task ends with the lock, all who wait for it get BrokenResourceError.
    """

    _discard = function("mutex_discard", "ip")
    _init = function("mutex_init", "ip")
    _try = function("mutex_try_lock", "ip")
    _unlock = function("mutex_unlock", "ip")
    _locked = function("mutex_locked", "ip")
    _statistics = function("mutex_get_statistics", "ipp")
    _OP_LOCK = op("mutex_lock")

    def __init__(self) -> None:
        self._allocate(MutexStorage, Lock._init)

    def locked(self) -> bool:
        """Whether a task has it."""
        return bool(Lock._locked(self._address) == 1)

    def acquire_nowait(self) -> None:
        """Takes it, or raises WouldBlock."""
        _known(current_run("Lock.acquire_nowait"))
        check(Lock._try(self._address))

    async def acquire(self) -> None:
        """Takes it as soon as it is free."""
        _known(current_run("Lock.acquire"))
        await call(self, Lock._OP_LOCK, self._address)

    def release(self) -> None:
        """Hands it over to who has waited longest; RuntimeError when the task does not have it."""
        check(Lock._unlock(self._address))

    def statistics(self) -> LockStatistics:
        run = current_run("Lock.statistics")
        out = MutexStatistics()
        check(Lock._statistics(self._address, addressof(out)))
        owner = run.by_number.get(out.owner) if out.locked else None
        return LockStatistics(bool(out.locked), owner, out.waiting)

    def __repr__(self) -> str:
        state = "locked" if self.locked() else "unlocked"
        return f"<structio.Lock at {id(self):#x}, {state}>"


# --- conditions -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ConditionStatistics:
    tasks_waiting: int
    lock_statistics: LockStatistics


class Condition(Block, AsyncContext):
    """For waiting until something that a lock protects has changed."""

    _discard = function("condition_discard", "ip")
    _init = function("condition_init", "ipp")
    _notify = function("condition_notify", "qpz")
    _statistics = function("condition_get_statistics", "ipp")
    _OP_WAIT = op("condition_wait")

    def __init__(self, lock: Lock | None = None) -> None:
        if lock is None:
            lock = Lock()
        if type(lock) is not Lock:
            raise TypeError("Condition: lock must be a structio.Lock")
        self._lock = lock
        self._allocate(ConditionStorage, Condition._init, lock._address)

    def locked(self) -> bool:
        return self._lock.locked()

    def acquire_nowait(self) -> None:
        self._lock.acquire_nowait()

    async def acquire(self) -> None:
        await self._lock.acquire()

    def release(self) -> None:
        self._lock.release()

    async def wait(self) -> None:
        """Gives the lock up, waits for a notification, and has the lock again."""
        await call(self, Condition._OP_WAIT, self._address)

    def notify(self, n: int = 1) -> None:
        """Wakes the first `n` who wait."""
        if n < 0:
            raise ValueError("Condition.notify: n is negative")
        self._check_notified(Condition._notify(self._address, min(n, ALL)))

    def notify_all(self) -> None:
        """Wakes all who wait."""
        self._check_notified(Condition._notify(self._address, ALL))

    def _check_notified(self, result: int) -> None:
        if result < 0:
            raise exception(result)

    def statistics(self) -> ConditionStatistics:
        out = WaitingStatistics()
        check(Condition._statistics(self._address, addressof(out)))
        return ConditionStatistics(out.waiting, self._lock.statistics())
