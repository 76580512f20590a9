"""Checkpoints and tasks."""

from __future__ import annotations

import types
from collections.abc import Generator

from ._abi import op
from ._status import exception
from ._task import Command, Task, _outside, current_run, local
from ._token import Token, current_token

__all__ = [
    "Task",
    "Token",
    "cancel_shielded_checkpoint",
    "checkpoint",
    "checkpoint_if_cancelled",
    "current_task",
    "current_token",
]

_CHECKPOINT = Command((op("checkpoint"),))
_IF_CANCELLED = Command((op("checkpoint_if_cancelled"),))
_SHIELDED = Command((op("cancel_shielded_checkpoint"),))


@types.coroutine
def _perform(command: Command) -> Generator[Command, int, None]:
    if local.run is None:
        raise _outside()
    result = yield command
    if result < 0:
        raise exception(result)


async def checkpoint() -> None:
    """Lets other tasks run, and raises Cancelled when a scope around is cancelled."""
    await _perform(_CHECKPOINT)


async def checkpoint_if_cancelled() -> None:
    """Raises Cancelled when a scope around is cancelled, else does nothing."""
    await _perform(_IF_CANCELLED)


async def cancel_shielded_checkpoint() -> None:
    """Lets other tasks run, cancelled or not."""
    await _perform(_SHIELDED)


def current_task() -> Task:
    """The calling task."""
    task = current_run("structio.lowlevel.current_task").current
    assert task is not None
    return task
