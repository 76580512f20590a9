"""Exceptions as failures of the library, and back into the very same objects.

The library carries a number; the exception stays here until its failure is dropped.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from ctypes import addressof, c_void_p
from typing import Final

from ._abi import DescribeFn, DropFn, PayloadType, function
from ._status import ECANCELLED, EPAYLOAD, Cancelled, cancelled, exception, text

KIND_STATUS: Final = 1
KIND_PAYLOAD: Final = 2
KIND_CANCELLED: Final = 3
KIND_GROUP: Final = 4

GROUP_MESSAGE: Final = "Exceptions from a structio nursery"

_new_payload = function("failure_new_payload", "ippp")
_new_cancelled = function("failure_new_cancelled", "ip")
_new_group = function("failure_new_group", "ipzp")
free = function("failure_free", "ip")
_raise = function("failure_raise", "ip")
_take = function("failure_take", "p")
_kind = function("failure_get_kind", "ip")
_code = function("failure_code", "ip")
_message = function("failure_message", "sp")
_payload = function("failure_payload", "ppp")
_count = function("failure_count", "zp")
_member = function("failure_member", "ppz")

_exceptions: Final[dict[int, BaseException]] = {}
_mixed: Final[set[int]] = set()  # keys of groups with a Cancelled in them, see to_failure
_next_key: Final[Callable[[], int]] = itertools.count(1).__next__


def _drop(key: int) -> None:
    _exceptions.pop(key, None)
    _mixed.discard(key)


def _describe(key: int, where: int, size: int) -> None:
    if size == 0:
        return
    try:
        exc = _exceptions[key]
        line = f"{type(exc).__qualname__}: {exc}".splitlines()[0].encode("utf-8", "replace")
    except BaseException:  # its __str__ may do anything
        line = b"an exception of Python"
    line = line[: size - 1]
    ctypes.memmove(where, line + b"\0", len(line) + 1)


_callbacks: Final = DropFn(_drop), DescribeFn(_describe)
_own_mark: Final = ctypes.c_uint64()
_type: Final = PayloadType(
    name=b"Python exception",
    runtime=addressof(_own_mark),
    drop=ctypes.cast(_callbacks[0], c_void_p),
    describe=ctypes.cast(_callbacks[1], c_void_p),
)
_type_address: Final = addressof(_type)


def _payload_of(exc: BaseException, key: int) -> int:
    _exceptions[key] = exc
    out = c_void_p()
    status = _new_payload(_type_address, key, addressof(out))
    if status < 0:
        del _exceptions[key]
        return 0
    return out.value or 0


def has_cancelled(exc: BaseException) -> bool:
    """Whether there is a Cancelled in it, at any depth."""
    if isinstance(exc, BaseExceptionGroup):
        return any(has_cancelled(member) for member in exc.exceptions)
    return isinstance(exc, Cancelled)


def _group(*members: int) -> int:
    """A group that owns its members; 0, and they are freed, when that cannot be."""
    out = c_void_p()
    array = (c_void_p * len(members))(*members)
    if _new_group(addressof(array), len(members), addressof(out)) < 0:
        for member in members:
            free(member)
    return out.value or 0


def cancelled_group() -> int:
    """A group of nothing but the calling task's cancellation; 0 when it is not cancelled."""
    first = c_void_p()
    if _new_cancelled(addressof(first)) < 0:
        return 0
    return _group(first.value or 0)


def to_failure(exc: BaseException) -> tuple[int, int]:
    """A status, and a failure that the caller owns, or 0.

    A group with a Cancelled in it becomes a group of two: "cancelled", which the library takes out
    if it ends at a scope, and the exception as it is.
    """
    if isinstance(exc, Cancelled):
        return ECANCELLED, 0
    failure = 0
    if isinstance(exc, BaseExceptionGroup) and has_cancelled(exc):
        failure = _mixed_group(exc)
    if not failure:
        failure = _payload_of(exc, _next_key())
    return (_code(failure) if failure else EPAYLOAD), failure


def _mixed_group(exc: BaseExceptionGroup[BaseException]) -> int:
    if exc.split(Cancelled)[1] is None:
        return cancelled_group()
    first = c_void_p()
    if _new_cancelled(addressof(first)) < 0:
        return 0
    key = _next_key()
    failure = _payload_of(exc, key)
    if not failure:
        free(first.value)
        return 0
    _mixed.add(key)
    return _group(first.value or 0, failure)


def fail(exc: BaseException) -> int:
    """Makes it what the calling task fails with; returns the status to end with."""
    status, failure = to_failure(exc)
    return int(_raise(failure)) if failure else status


def from_failure(failure: int) -> BaseException:
    """The exception of a failure, which stays its owner's."""
    kind = _kind(failure)
    if kind == KIND_PAYLOAD:
        kind_of = c_void_p()
        key = _payload(failure, addressof(kind_of))
        if kind_of.value == _type_address:
            return _exceptions[key]
    elif kind == KIND_CANCELLED:
        return cancelled()
    elif kind == KIND_GROUP:
        return _from_group(failure)
    return exception(_code(failure), text(_message(failure)))


def _from_group(failure: int) -> BaseException:
    count = _count(failure)
    last = _member(failure, count - 1)
    if _payload(last, None) in _mixed:
        mixed = from_failure(last)
        if count == 2:
            return mixed
        assert isinstance(mixed, BaseExceptionGroup)
        rest = mixed.split(Cancelled)[1]
        return mixed if rest is None else rest
    exceptions = [from_failure(_member(failure, i)) for i in range(count)]
    return BaseExceptionGroup(GROUP_MESSAGE, exceptions)


class _Reporter:
    """What is raised by a finalizer goes to sys.unraisablehook."""

    __slots__ = ("exc",)

    def __init__(self, exc: BaseException) -> None:
        self.exc = exc

    def __del__(self) -> None:
        raise self.exc


def report(exc: BaseException) -> None:
    """Says what went wrong where nobody can be told."""
    _Reporter(exc)


def take(status: int) -> BaseException:
    """The exception for a call that failed: what it left in flight, or the status itself."""
    failure = _take()
    if not failure:
        return exception(status)
    try:
        return from_failure(failure)
    finally:
        free(failure)


def consume(failure: int) -> BaseException:
    """The exception of a failure that was handed over."""
    try:
        return from_failure(failure)
    finally:
        free(failure)
