"""Cancel scopes."""

from __future__ import annotations

import math
from ctypes import addressof, c_int64, c_void_p
from types import TracebackType
from typing import Final

from ._abi import ScopeOptions, ScopeStorage, Unique, function
from ._failure import cancelled_group, free, has_cancelled
from ._time import nanoseconds, seconds
from ._status import (
    ECANCELLED,
    EGROUP,
    EMISUSE,
    ENOTASK,
    EPAYLOAD,
    Cancelled,
    TooSlowError,
    check,
    exception,
)
from ._task import current_run

_init = function("scope_init", "ipp")
_destroy = function("scope_destroy", "ip")
_enter = function("scope_enter", "ip")
_leave = function("scope_leave", "ipip")
_cancel = function("scope_cancel", "ips")
_set_deadline = function("scope_set_deadline", "ipq")
_set_shield = function("scope_set_shield", "ipi")
_deadline = function("scope_deadline", "ipp")
_timeout = function("scope_timeout", "ipp")
_set_timeout = function("scope_set_timeout", "ipq")
_cancelled_caught = function("scope_cancelled_caught", "ip")
_cancel_called = function("scope_cancel_called", "ip")
_current_deadline = function("current_deadline", "q")

ABSOLUTE: Final = 1
RELATIVE: Final = 2


class ScopeView(Unique):
    """What can be asked of a scope, and done to it, from anywhere in its run."""

    _storage: object
    _address: int
    _left: bool
    _caught: bool
    _called: bool
    _moment: float
    _shield: bool

    def cancel(self, reason: str | None = None) -> None:
        """Cancels everything inside; again: nothing."""
        if reason is not None and not isinstance(reason, str):
            raise TypeError("CancelScope.cancel: the reason must be a str or None")
        if self._left:
            self._called = True
            return
        text = None if reason is None else reason.encode("utf-8", "replace")
        check(_cancel(self._address, text))

    @property
    def cancel_called(self) -> bool:
        """Whether it was cancelled, by a call or its deadline."""
        if self._left:
            return self._called
        return bool(_cancel_called(self._address) == 1)

    @property
    def cancelled_caught(self) -> bool:
        """Whether it has absorbed a Cancelled at its end."""
        return self._caught

    @property
    def deadline(self) -> float:
        """A moment of the run's clock; `math.inf`: none."""
        if self._left:
            return self._moment
        out = c_int64()
        if _deadline(self._address, addressof(out)) < 0:
            return self._moment
        return seconds(out.value)

    @deadline.setter
    def deadline(self, moment: float) -> None:
        ns = nanoseconds("CancelScope.deadline", moment)
        if not self._left:
            check(_set_deadline(self._address, ns))
        self._moment = moment

    @property
    def shield(self) -> bool:
        """Whether cancellation from outside is kept out."""
        return self._shield

    @shield.setter
    def shield(self, on: bool) -> None:
        if not isinstance(on, bool):
            raise TypeError("CancelScope.shield: must be a bool")
        if not self._left:
            check(_set_shield(self._address, on))
        self._shield = on

    def _view(self, address: int, deadline: float, shield: bool) -> None:
        self._address = address
        self._left = self._caught = self._called = False
        self._moment = deadline
        self._shield = shield

    def _snapshot(self) -> None:
        """Just before its end: what can be asked for later, without a run."""
        self._moment = self.deadline
        self._called = bool(_cancel_called(self._address) == 1)
        self._left = True

    def _ended(self) -> None:
        """The same for a scope that has been left."""
        self._snapshot()
        self._caught = bool(_cancelled_caught(self._address) == 1)


class CancelScope(ScopeView):
    """A block of code that can be cancelled: `with CancelScope(deadline=...) as scope:`."""

    def __init__(
        self,
        *,
        deadline: float = math.inf,
        relative_deadline: float = math.inf,
        shield: bool = False,
    ) -> None:
        self._entered = True  # nothing is to be freed yet
        if relative_deadline == math.inf:
            self._make(deadline, ABSOLUTE if deadline != math.inf else 0, shield)
        elif deadline == math.inf:
            if relative_deadline < 0:
                raise ValueError("CancelScope: the relative deadline is negative")
            self._make(relative_deadline, RELATIVE, shield)
        else:
            raise ValueError("CancelScope: give a deadline or a relative one, not both")

    def _make(self, deadline: float, kind: int, shield: bool) -> None:
        if not isinstance(shield, bool):
            raise TypeError("CancelScope: shield must be a bool")
        ns = nanoseconds("CancelScope", deadline) if kind else 0
        options = ScopeOptions(deadline=ns, deadline_kind=kind, shield=shield)
        self._storage = storage = ScopeStorage()
        address = addressof(storage)
        check(_init(address, addressof(options)))
        self._view(address, deadline if kind == ABSOLUTE else math.inf, shield)
        self._entered = False

    @property
    def relative_deadline(self) -> float:
        """Seconds that count from entry; `math.inf`: none. Only before that."""
        self._check_unentered()
        out = c_int64()
        if _timeout(self._address, addressof(out)) < 0:
            return math.inf
        return seconds(out.value)

    @relative_deadline.setter
    def relative_deadline(self, timeout: float) -> None:
        self._check_unentered()
        check(_set_timeout(self._address, nanoseconds("CancelScope.relative_deadline", timeout)))

    def _check_unentered(self) -> None:
        if self._entered:
            raise RuntimeError("CancelScope.relative_deadline: the scope was entered, see deadline")

    def __enter__(self) -> CancelScope:
        run = current_run("CancelScope")
        if self._entered:
            raise RuntimeError("CancelScope: a scope is good for one block; it was entered before")
        check(_enter(self._address))
        self._entered = True
        run.kept[self._address] = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        run = current_run("CancelScope")
        address = self._address
        self._snapshot()
        if exc is None:
            left = _leave(address, 0, None)
            if left not in (EMISUSE, ENOTASK):  # then the library may still have it
                run.kept.pop(address, None)
            check(left)
            return False
        if isinstance(exc, Cancelled):
            left = _leave(address, ECANCELLED, None)
        elif isinstance(exc, BaseExceptionGroup) and has_cancelled(exc):
            left = _leave_with_group(address)
        else:
            left = _leave(address, EPAYLOAD, None)
        if left not in (EMISUSE, ENOTASK):
            run.kept.pop(address, None)
        if left == 0:
            self._caught = True
            try:
                return absorbed(exc)
            finally:
                del exc, trace
        if left not in (ECANCELLED, EPAYLOAD, EGROUP):
            raise exception(left) from exc
        return False

    def __del__(self) -> None:
        if not getattr(self, "_entered", True):
            _destroy(self._address)

    def __repr__(self) -> str:
        state = "exited" if self._left else "active" if self._entered else "unentered"
        if self.cancel_called:
            state += ", cancelled"
        return f"<structio.CancelScope at {id(self):#x}, {state}>"


def _leave_with_group(address: int) -> int:
    failure = c_void_p(cancelled_group())
    if not failure.value:
        return int(_leave(address, EPAYLOAD, None))
    left = _leave(address, EGROUP, addressof(failure))
    if failure.value:
        free(failure.value)
    return int(left)


def absorbed(exc: BaseException) -> bool:
    """What an `__exit__` does with an exception whose cancellations it has absorbed."""
    if isinstance(exc, Cancelled):
        return True
    assert isinstance(exc, BaseExceptionGroup)
    rest = exc.split(Cancelled)[1]
    if rest is None:
        return True
    try:
        raise_as_it_was(rest)
    finally:
        del rest, exc  # or its traceback would lead back to it
    return False


def raise_as_it_was(exc: BaseException) -> None:
    """Raises inside an `__exit__` without a new __context__."""
    context = exc.__context__
    try:
        raise exc
    finally:
        BaseException.__setattr__(exc, "__context__", context)  # its class may refuse it
        del exc, context


def _relative(what: str, seconds: float, shield: bool) -> CancelScope:
    if seconds < 0:
        raise ValueError(f"{what}: the timeout is negative")
    scope = CancelScope.__new__(CancelScope)
    scope._entered = True
    scope._make(seconds, RELATIVE if seconds != math.inf else 0, shield)
    return scope


def move_on_after(seconds: float, *, shield: bool = False) -> CancelScope:
    """A scope that is cancelled so many seconds after its entry."""
    return _relative("structio.move_on_after", seconds, shield)


def move_on_at(deadline: float, *, shield: bool = False) -> CancelScope:
    """A scope that is cancelled at a moment of the run's clock."""
    return CancelScope(deadline=deadline, shield=shield)


class _Failing:
    """A scope whose deadline is an error."""

    __slots__ = ("_scope",)

    def __init__(self, scope: CancelScope) -> None:
        self._scope = scope

    def __enter__(self) -> CancelScope:
        return self._scope.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        swallowed = self._scope.__exit__(kind, exc, trace)
        if self._scope._caught:
            raise TooSlowError("the deadline passed before the block ended")
        return swallowed


def fail_after(seconds: float, *, shield: bool = False) -> _Failing:
    """The same as `move_on_after`, but raises TooSlowError when the deadline has cut the block."""
    return _Failing(_relative("structio.fail_after", seconds, shield))


def fail_at(deadline: float, *, shield: bool = False) -> _Failing:
    """The same as `move_on_at`, but raises TooSlowError when the deadline has cut the block."""
    return _Failing(CancelScope(deadline=deadline, shield=shield))


def current_effective_deadline() -> float:
    """The earliest deadline that the task is under: `math.inf` for none, `-math.inf` when it is
    cancelled already."""
    current_run("structio.current_effective_deadline")
    return seconds(_current_deadline())
