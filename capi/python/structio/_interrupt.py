"""Ctrl-C."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ._abi import RunOptions
from ._task import Run


@contextlib.contextmanager
def handled(run: Run, options: RunOptions) -> Iterator[None]:
    options.interrupt = 1
    yield


def collapsed(exc: BaseException) -> BaseException:
    return exc
