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
from ._task import DRIVE, Run, Task, current_run, interrupt, local, transparent

_start_system_task = function("start_system_task", "ippp")

Generator = AsyncGenerator[Any, Any]


class Generators:
    """Those that tasks of one run have begun."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._begun: weakref.WeakSet[Generator] = weakref.WeakSet()
        self._elsewhere: list[Generator] = []  # dropped, perhaps on another thread

    def begun(self, generator: Generator) -> None:
        self._begun.add(generator)
        if self._elsewhere:
            self._close_those()

    def dropped(self, generator: Generator) -> None:
        """Called by the collector, which may run on any thread."""
        run = self._run
        if not run.closed:
            self._elsewhere.append(generator)
            if local.run is run:
                self._close_those()
        # The last step: it may well be an exception.
        name = getattr(generator, "__qualname__", repr(generator))
        warnings.warn(
            f"the async generator {name} was dropped before it was exhausted: surround its use with"
            " 'async with contextlib.aclosing(...)'",
            ResourceWarning,
            stacklevel=2,
            source=generator,
        )

    def _close_those(self) -> None:
        run = self._run
        while self._elsewhere:
            generator = self._elsewhere.pop()
            name = getattr(generator, "__qualname__", repr(generator))
            task = Task(run, _close(generator), _close, f"closes {name}")
            before = run.options.name  # somebody may be about to start a task
            run.options.name = task.label
            if _start_system_task(run.options_address, DRIVE, task.steps()) < 0:
                task.forget()
            run.options.name = before

    async def end(self) -> None:
        """The main task is about to end."""
        while self._begun or self._elsewhere:
            generators = [*self._begun, *self._elsewhere]
            self._begun.clear()
            self._elsewhere.clear()
            for generator in generators:
                await _close(generator)


async def _close(generator: Generator) -> None:
    """In a cancelled scope, as everything that nobody waits for."""
    run = current_run("async generator")
    try:
        with CancelScope(shield=True) as scope:
            scope.cancel("the async generator is closed")
            await generator.aclose()
    except Cancelled:
        raise
    except KeyboardInterrupt:
        interrupt(run)  # for the main task, or the end of the run
    except BaseException as exc:
        _failure.report(exc)


async def main_with(generators: Generators, main: Coroutine[Any, Any, Any]) -> Any:
    """The main task's coroutine."""
    try:
        return await main
    finally:
        if generators._begun or generators._elsewhere:
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
