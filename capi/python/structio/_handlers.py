"""Handlers of signals that the program has installed before the run.

Python calls them in whatever code of the main thread runs next. In the user's code that is as ever.
In code of this package an exception of theirs would do harm: there the call is put off until a
system task makes it, which every signal wakes, and what it raises is raised in the main task.
"""

from __future__ import annotations

import functools
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

from . import _status
from ._abi import function, op
from ._interrupt import in_users_code
from ._task import DRIVE, Run, Task, call, interrupt

_OP_READABLE = op("wait_readable")
_start_system_task = function("start_system_task", "ippp")

Handler = Callable[[int, FrameType | None], Any]


class Handlers:
    """Those of one run on the main thread."""

    def __init__(self, run: Run, but: set[int]) -> None:
        """`but`: signals that are somebody else's affair."""
        self._run = run
        self._wrapped: dict[int, tuple[Handler, Any]] = {}
        self._put_off: list[tuple[Handler, int]] = []
        self._before = -1  # the descriptor that was told of signals before
        self._reader: socket.socket | None = None
        self._writer: socket.socket | None = None
        for signum in signal.valid_signals():
            if signum in but:
                continue
            handler = signal.getsignal(signum)
            if callable(handler) and handler is not signal.default_int_handler:
                wrapper = functools.partial(self._signalled, handler)
                signal.signal(signum, wrapper)
                self._wrapped[signum] = handler, wrapper

    def _signalled(self, handler: Handler, signum: int, frame: FrameType | None) -> None:
        if in_users_code(frame):
            handler(signum, frame)
        else:
            self._put_off.append((handler, signum))

    def begin(self) -> None:
        """In the main task's first step."""
        if not self._wrapped:
            return
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        self._before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._reader, self._writer = reader, writer
        task = Task(self._run, self._watch(reader), self._watch, "handlers of signals")
        if _start_system_task(self._run.options_address, DRIVE, task.steps()) < 0:
            task.forget()
        if self._put_off:
            writer.send(b"\0")

    async def _watch(self, reader: socket.socket) -> None:
        while True:
            await call(None, _OP_READABLE, reader.fileno())
            self._pass_on(reader)
            while self._put_off:
                handler, signum = self._put_off.pop(0)
                try:
                    handler(signum, None)
                except BaseException as exc:
                    _status.raised_by_handler.append(exc)
                    interrupt(self._run)

    def _pass_on(self, reader: socket.socket) -> None:
        """What has come, to whom it had come before: asyncio, perhaps, in whose callback we are."""
        try:
            signals = reader.recv(4096).replace(b"\0", b"")
            if signals and self._before != -1:
                os.write(self._before, signals)
        except OSError:  # nothing, or his is full
            pass

    def end(self) -> list[tuple[Handler, int]]:
        """Puts back what was there; the calls that are left."""
        for signum, (handler, wrapper) in self._wrapped.items():
            if signal.getsignal(signum) is wrapper:
                signal.signal(signum, handler)
        if self._reader is not None and self._writer is not None:
            try:
                present = signal.set_wakeup_fd(self._before)
            except (OSError, ValueError):  # closed meanwhile
                present = signal.set_wakeup_fd(-1)
            if present != self._writer.fileno():  # somebody has replaced it
                signal.set_wakeup_fd(present)
            self._pass_on(self._reader)
            self._reader.close()
            self._writer.close()
        self._wrapped.clear()
        left, self._put_off = self._put_off, []
        return left
