"""CapacityLimiter."""

from __future__ import annotations

import math
from ctypes import addressof
from dataclasses import dataclass
from typing import Any

from ._abi import LimiterStatistics, LimiterStorage, function, op
from ._status import FOREVER, RunFinishedError, check, exception, saturated
from ._sync import AsyncContext, Block
from ._task import call, call_raw


@dataclass(frozen=True)
class CapacityLimiterStatistics:
    borrowed_tokens: int
    total_tokens: int | float
    tasks_waiting: int


def _tokens(total: int | float) -> int:
    if total == math.inf:
        return FOREVER
    if not isinstance(total, int):
        raise TypeError("CapacityLimiter: total_tokens must be an int or math.inf")
    if total < 0:
        raise ValueError("CapacityLimiter: total_tokens must not be negative")
    return saturated(total)


def _public(total: int) -> int | float:
    return math.inf if total == FOREVER else total


class CapacityLimiter(Block, AsyncContext):
    """So many tokens, each borrower has one at most, and only a borrower gives one back."""

    _discard = function("limiter_discard", "ip")
    _init = function("limiter_init", "ipq")
    _total = function("limiter_total", "qp")
    _set_total = function("limiter_set_total", "ipq")
    _try = function("limiter_try_acquire", "ip")
    _release = function("limiter_release", "ip")
    _try_on_behalf = function("limiter_try_acquire_on_behalf", "ipp")
    _release_on_behalf = function("limiter_release_on_behalf", "ipp")
    _statistics = function("limiter_get_statistics", "ipp")
    _OP_ACQUIRE = op("limiter_acquire")
    _OP_ON_BEHALF = op("limiter_acquire_on_behalf")

    def __init__(self, total_tokens: int | float) -> None:
        self._allocate(LimiterStorage, CapacityLimiter._init, _tokens(total_tokens))
        # Themselves, and who needs them: calls that wait, and the token that each may have.
        self._borrowers: dict[object, list[Any]] = {}

    @property
    def total_tokens(self) -> int | float:
        """How many there are; may be changed at any time."""
        return _public(check(CapacityLimiter._total(self._address)))

    @total_tokens.setter
    def total_tokens(self, total: int | float) -> None:
        check(CapacityLimiter._set_total(self._address, _tokens(total)))

    @property
    def borrowed_tokens(self) -> int:
        return self.statistics().borrowed_tokens

    @property
    def available_tokens(self) -> int | float:
        statistics = self.statistics()
        return statistics.total_tokens - statistics.borrowed_tokens

    def acquire_nowait(self) -> None:
        """Borrows one for the current task, or raises WouldBlock."""
        check(CapacityLimiter._try(self._address))

    async def acquire(self) -> None:
        """Borrows one for the current task as soon as there is one."""
        await call(self, CapacityLimiter._OP_ACQUIRE, self._address)

    def release(self) -> None:
        """Gives the current task's own back; RuntimeError when it has none."""
        check(CapacityLimiter._release(self._address))

    def acquire_on_behalf_of_nowait(self, borrower: object) -> None:
        """The same for any object; who is equal to it is the same borrower."""
        status = CapacityLimiter._try_on_behalf(self._address, self._known(borrower))
        if status < 0:
            self._forget(borrower)
            raise exception(status)

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        """The same for any object; who is equal to it is the same borrower."""
        known = self._known(borrower)
        status = await call_raw(self, CapacityLimiter._OP_ON_BEHALF, self._address, known)
        if status < 0:
            self._forget(borrower)
            raise exception(status)

    def release_on_behalf_of(self, borrower: object) -> None:
        """Gives that borrower's back; RuntimeError when it has none."""
        known = self._known(borrower)
        status = CapacityLimiter._release_on_behalf(self._address, known)
        self._forget(borrower)
        check(status)
        self._forget(borrower)

    def _known(self, borrower: object) -> int:
        """What the library knows it by, as long as this is not forgotten: one of its equals."""
        entry = self._borrowers.setdefault(borrower, [borrower, 0])
        entry[1] += 1
        return id(entry[0])

    def _forget(self, borrower: object) -> None:
        entry = self._borrowers[borrower]
        entry[1] -= 1
        if entry[1] == 0:
            del self._borrowers[borrower]

    def statistics(self) -> CapacityLimiterStatistics:
        out = LimiterStatistics()
        check(CapacityLimiter._statistics(self._address, addressof(out)))
        return CapacityLimiterStatistics(out.borrowed, _public(out.total), out.waiting)

    def __repr__(self) -> str:
        s = self.statistics()
        return (
            f"<structio.CapacityLimiter at {id(self):#x}, {s.borrowed_tokens}/{s.total_tokens}"
            f" with {s.tasks_waiting} waiting>"
        )


class RunsLimiter(CapacityLimiter):
    """A view of one that the library has, and frees at the run's end."""

    def __init__(self, address: int) -> None:
        self._where = address
        self._borrowers = {}

    @property
    def _address(self) -> int:  # type: ignore[override]
        if not self._where:
            raise RunFinishedError("CapacityLimiter: the default one has ended with its run")
        return self._where

    def _end(self) -> None:
        self._where = 0
        self._borrowers.clear()

    def __del__(self) -> None:
        """Nothing of it is ours."""
