"""Time: the run's clock, and sleeping."""

from __future__ import annotations

import math

from ._abi import function, op
from ._status import FOREVER
from ._task import call, current_run

_now = function("now", "q")

OP_SLEEP = op("sleep")
OP_SLEEP_UNTIL = op("sleep_until")
OP_SLEEP_FOREVER = op("sleep_forever")


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
    """The other way: what was saturated has no end."""
    if -FOREVER < ns < FOREVER:
        return ns / 1e9
    return math.inf if ns > 0 else -math.inf


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
