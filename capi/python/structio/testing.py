"""Virtual time, and waiting until everybody waits."""

from __future__ import annotations

import math
from ctypes import addressof, c_int64, c_void_p

from ._abi import Unique, VirtualClockOptions, function, op
from ._time import nanoseconds
from ._status import check
from ._task import call

__all__ = ["MockClock", "wait_all_tasks_blocked"]

_new = function("virtual_clock_new", "ipp")
_free = function("virtual_clock_free", "ip")
_jump = function("virtual_clock_jump", "ipq")
_set_autojump = function("virtual_clock_set_autojump", "ipq")
_set_rate = function("virtual_clock_set_rate", "ipd")
_read = function("virtual_clock_now", "ipp")

_OP_WAIT = op("wait_all_tasks_blocked")


class MockClock(Unique):
    """A clock for `structio.run` that stands still unless it is made to move.

    `rate`: virtual seconds in each real one. `autojump_threshold`: after so much real time in
    which every task waits, it jumps to the next deadline; 0: at once; `math.inf`: never.
    """

    def __init__(self, rate: float = 0.0, autojump_threshold: float = math.inf) -> None:
        self._address: int | None = None
        out = c_void_p()
        options = VirtualClockOptions(start=0, autojump=-1, rate=0.0)
        check(_new(addressof(options), addressof(out)))
        self._address = out.value
        self.rate = rate
        self.autojump_threshold = autojump_threshold

    @property
    def rate(self) -> float:
        """Virtual seconds in each real one; can be changed at any time."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        check(_set_rate(self._address, float(rate)))
        self._rate = float(rate)

    @property
    def autojump_threshold(self) -> float:
        """Real seconds in which every task waits before the clock jumps."""
        return self._autojump

    @autojump_threshold.setter
    def autojump_threshold(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("MockClock.autojump_threshold: must not be negative")
        ns = -1 if seconds == math.inf else nanoseconds("MockClock.autojump_threshold", seconds)
        check(_set_autojump(self._address, ns))
        self._autojump = float(seconds)

    def jump(self, seconds: float) -> None:
        """Moves it forward at once."""
        if seconds < 0:
            raise ValueError("MockClock.jump: time does not go backwards")
        check(_jump(self._address, nanoseconds("MockClock.jump", seconds)))

    def current_time(self) -> float:
        """Its reading in seconds; a new one begins at 0."""
        out = c_int64()
        check(_read(self._address, addressof(out)))
        return out.value / 1e9

    def _native(self) -> int:
        assert self._address is not None
        return self._address

    def __repr__(self) -> str:
        return f"<MockClock at {id(self):#x}, rate {self._rate}>"

    def __del__(self) -> None:
        if self._address is not None:
            _free(self._address)


async def wait_all_tasks_blocked(cushion: float = 0.0) -> None:
    """Waits until every other task has been waiting for `cushion` seconds of real time."""
    ns = nanoseconds("structio.testing.wait_all_tasks_blocked", cushion)
    await call(None, _OP_WAIT, ns)
