"""Async generators that are dropped before they were exhausted: closed in a task, as they may
wait."""

from __future__ import annotations

import sys
import warnings
import weakref
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from . import _failure
from ._abi import function
from ._scope import CancelScope
from ._status import Cancelled
from ._task import DRIVE, Run, Task, local, transparent

_start_system_task = function("start_system_task", "ippp")

Generator = AsyncGenerator[Any, Any]


class Generators:
    """Those that tasks of one run have begun."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._begun: weakref.WeakSet[Generator] = weakref.WeakSet()

    def begun(self, generator: Generator) -> None:
        self._begun.add(generator)

    def dropped(self, generator: Generator) -> None:
        """Called by the collector."""
        run = self._run
        name = getattr(generator, "__qualname__", repr(generator))
        warnings.warn(
            f"the async generator {name} was dropped before it was exhausted: surround its use with"
            " 'async with contextlib.aclosing(...)'",
            ResourceWarning,
            stacklevel=2,
            source=generator,
        )
        if run.closed or local.run is not run:
            return  # nobody can close it any more
        task = Task(run, _close(generator), _close, f"closes {name}")
        if _start_system_task(run.options_address, DRIVE, task.steps()) < 0:
            task.forget()

    async def end(self) -> None:
        """The main task is about to end."""
        while self._begun:
            generators = list(self._begun)
            self._begun.clear()
            for generator in generators:
                await _close(generator)


async def _close(generator: Generator) -> None:
    """In a cancelled scope, as everything that nobody waits for."""
    try:
        with CancelScope(shield=True) as scope:
            scope.cancel("the async generator is closed")
            await generator.aclose()
    except Cancelled:
        raise
    except BaseException as exc:
        _failure.report(exc)


async def main_with(generators: Generators, main: Coroutine[Any, Any, Any]) -> Any:
    """The main task's coroutine."""
    try:
        return await main
    finally:
        if generators._begun:
            await generators.end()


transparent[main_with.__code__] = True


@contextmanager
def hooked(generators: Generators) -> Iterator[None]:
    """Python's hooks for this thread are the run's meanwhile."""
    before = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(generators.begun, generators.dropped)
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(*before)
