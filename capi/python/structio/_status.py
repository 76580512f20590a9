"""Status codes as exceptions."""

from __future__ import annotations

import ctypes
import os
import socket
from typing import Final, NoReturn, final

from ._abi import CancelInfo, function

ECANCELLED: Final = -20001
EINVALID: Final = -20002
EMISUSE: Final = -20003
ENOTASK: Final = -20004
ECLOSED: Final = -20005
EBROKEN: Final = -20006
EBUSY: Final = -20007
EWOULDBLOCK: Final = -20008
EEND: Final = -20009
ETOOSLOW: Final = -20010
ENOMEM: Final = -20011
ESTALE: Final = -20012
ERUNFINISHED: Final = -20013
EDEADLOCK: Final = -20014
EINTERRUPTED: Final = -20015
EINTERNAL: Final = -20016
EGROUP: Final = -20017
EPAYLOAD: Final = -20018
EUNSUPPORTED: Final = -20021

FOREVER: Final = 2**63 - 1


def saturated(n: int) -> int:
    """The nearest number that the library knows; ctypes would take some bits of it."""
    return max(-FOREVER, min(n, FOREVER))

_SOURCES: Final = (
    "unknown",
    "explicit",
    "deadline",
    "nursery",
    "KeyboardInterrupt",
    "stop",
    "shutdown",
    "misnesting",
)


@final
class Cancelled(BaseException):
    """Raised at a checkpoint inside a cancelled scope. Let it pass: the scope absorbs it.

    `source` says what cancelled ("explicit", "deadline", "nursery", ...), `reason` is the text
    that was given to `cancel`, and `source_task` the name of the task that caused it.
    """

    source: str = "unknown"
    reason: str | None = None
    source_task: str | None = None

    def __init__(self) -> None:
        raise TypeError("Cancelled: only the library raises it; call a scope's cancel()")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Cancelled: is no base class")

    def __str__(self) -> str:
        text = f"cancelled due to {self.source}"
        if self.reason is not None:
            text += f" with reason {self.reason!r}"
        if self.source_task is not None:
            text += f" from task {self.source_task}"
        return text


class TooSlowError(Exception):
    """The deadline of `fail_after` or `fail_at` passed."""


class WouldBlock(Exception):
    """A method whose name ends with `_nowait` would have to wait."""


class EndOfChannel(Exception):
    """Every sender is closed, and all that was sent is received."""


class BusyResourceError(Exception):
    """Another task is doing this with the object already."""


class ClosedResourceError(Exception):
    """The object was closed on this side."""


class BrokenResourceError(Exception):
    """The other side, or the owner, of the object is gone."""


class RunFinishedError(RuntimeError):
    """The run that was to be called has ended."""


class DeadlockError(RuntimeError):
    """No task of the run could ever have gone on; the text has the tree of who waits for what."""


class InternalError(Exception):
    """The runtime, or one of its system tasks, failed."""


class StatusError(Exception):
    """A status that has no exception of its own; `code` is the number."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


_EXCEPTIONS: Final[dict[int, type[BaseException]]] = {
    EINVALID: ValueError,
    EMISUSE: RuntimeError,
    ENOTASK: RuntimeError,
    ECLOSED: ClosedResourceError,
    EBROKEN: BrokenResourceError,
    EBUSY: BusyResourceError,
    EWOULDBLOCK: WouldBlock,
    EEND: EndOfChannel,
    ETOOSLOW: TooSlowError,
    ENOMEM: MemoryError,
    ESTALE: ClosedResourceError,
    ERUNFINISHED: RunFinishedError,
    EDEADLOCK: DeadlockError,
    EINTERRUPTED: KeyboardInterrupt,
    EINTERNAL: InternalError,
    EUNSUPPORTED: NotImplementedError,
}

_last_message = function("last_message", "s")
_err_name = function("err_name", "si")
_cancel_reason = function("cancel_reason", "ip")


# What handlers of signals have raised, to be raised in the main task.
raised_by_handler: Final[list[BaseException]] = []


def text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def last_message() -> str:
    """What was wrong with the last call that failed on this thread."""
    return text(_last_message())


def cancelled() -> Cancelled:
    """The calling task's cancellation as an exception."""
    exc = Cancelled.__new__(Cancelled)
    info = CancelInfo()
    if _cancel_reason(ctypes.addressof(info)) == 1:
        exc.source = _SOURCES[info.source] if info.source < len(_SOURCES) else "unknown"
        exc.reason = None if info.reason is None else text(info.reason)
        exc.source_task = None if info.task_name is None else text(info.task_name)
    return exc


def exception(status: int, message: str | None = None) -> BaseException:
    """The exception for a negative status; its message is the thread's last one unless given."""
    if status == ECANCELLED:
        return cancelled()
    if message is None:
        message = last_message()
    if status == EINTERRUPTED:
        return raised_by_handler.pop(0) if raised_by_handler else KeyboardInterrupt()
    kind = _EXCEPTIONS.get(status)
    if kind is not None:
        return kind(message)
    name = text(_err_name(status))
    at = name.find("EAI_")
    if at >= 0 and hasattr(socket, name[at:]):
        return socket.gaierror(getattr(socket, name[at:]), message)
    if -4000 < status < 0 and os.strerror(-status) != f"Unknown error {-status}":
        return OSError(-status, message)
    return StatusError(message or name, status)


def check(status: int) -> int:
    """The status of a call that never waits, or its exception."""
    if status < 0:
        raise exception(status)
    return status
