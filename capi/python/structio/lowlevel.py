"""Checkpoints and tasks."""

from __future__ import annotations

import types
from collections.abc import Generator

from ._abi import op
from ._status import exception
from ._task import Command, Task, _outside, current_run, local

__all__ = [
    "Task",
    "cancel_shielded_checkpoint",
    "checkpoint",
    "checkpoint_if_cancelled",
    "current_task",
]

_CHECKPOINT = Command((op("checkpoint"),))
_IF_CANCELLED = Command((op("checkpoint_if_cancelled"),))
_SHIELDED = Command((op("cancel_shielded_checkpoint"),))


def _fixed(command: Command) -> Generator[Command, int, None]:
    if local.run is None:
        raise _outside()
    result = yield command
    if result < 0:
        raise exception(result)


@types.coroutine
def checkpoint() -> Generator[Command, int, None]:
    """Lets other tasks run, and raises Cancelled when a scope around is cancelled."""
    if local.run is None:
        raise _outside()
    result = yield _CHECKPOINT
    if result < 0:
        raise exception(result)


@types.coroutine
def checkpoint_if_cancelled() -> Generator[Command, int, None]:
    """Raises Cancelled when a scope around is cancelled, else does nothing."""
    return _fixed(_IF_CANCELLED)


@types.coroutine
def cancel_shielded_checkpoint() -> Generator[Command, int, None]:
    """Lets other tasks run, cancelled or not."""
    return _fixed(_SHIELDED)


def current_task() -> Task:
    """The calling task."""
    task = current_run("structio.lowlevel.current_task").current
    assert task is not None
    return task
