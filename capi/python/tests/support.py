"""What the tests share."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import textwrap
import unittest
from collections.abc import Awaitable, Callable
from typing import Any

import structio
from structio.testing import MockClock

Test = Callable[[Any], Awaitable[None]]


def in_run(test: Test) -> Callable[[Any], None]:
    """A test that is the main task of a run."""

    @functools.wraps(test)
    def wrapper(self: Any) -> None:
        structio.run(test, self)

    return wrapper


def at_once(test: Test) -> Callable[[Any], None]:
    """The same on a virtual clock that jumps as soon as everybody waits."""

    @functools.wraps(test)
    def wrapper(self: Any) -> None:
        structio.run(test, self, clock=MockClock(autojump_threshold=0))

    return wrapper


class Case(unittest.TestCase):
    def assertLeaves(self, group: BaseExceptionGroup[Any], *expected: object) -> None:
        """The group's direct members are these very objects, in any order."""
        self.assertEqual({id(e) for e in group.exceptions}, {id(e) for e in expected})

    async def assertCheckpoint(self, awaitable: Awaitable[Any]) -> Any:
        """Others have run meanwhile."""
        ran = []

        async def other() -> None:
            ran.append(1)

        async with structio.open_nursery() as nursery:
            nursery.start_soon(other)
            value = await awaitable
            self.assertTrue(ran, "no other task has run")
        return value


def environment() -> dict[str, str]:
    """For a child process that is to find this very package."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(structio.__file__)))
    path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
    return dict(os.environ, PYTHONUNBUFFERED="1", PYTHONPATH=path)


def python(program: str, **options: Any) -> subprocess.Popen[str]:
    """A child process that runs a program with this very library."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        **options,
    )


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
