"""Tasks: coroutines that the library drives by steps.

A coroutine that waits yields a Command, which names a function of the library and its arguments.
The step hands that over; the next one brings what the function returned.
"""

from __future__ import annotations

import contextvars
import ctypes
import functools
import threading
import types
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Generator
from ctypes import c_int64, c_void_p
from typing import Any, Final, TypeVar

from . import _failure, _sigmask
from ._abi import OpInfo, StepFn, TaskOptions, Unique, address_of, function
from ._status import EPAYLOAD, exception, text

T = TypeVar("T")

STACK_SIZE: Final = 64 * 1024

_inject_interrupt = function("inject_interrupt", "i")

DONE: Final = 0
CALL: Final = 1

DRIVE: Final = address_of("drive")

# A structio_call as words: size, result, op, fn, eight arguments.
Words = c_int64 * 12
RESULT: Final = 1
OP: Final = 2
ARGUMENTS: Final = 4


class Command(tuple[int, ...]):
    """What a coroutine yields to its task: the function's index, then its arguments."""

    __slots__ = ()

    def __repr__(self) -> str:
        info = OpInfo()
        found = function("op_at", "izp")(self[0], ctypes.addressof(info)) >= 0
        name = text(info.name) if found else "?"
        return f"<{name}, to be awaited in a task of structio.run>"


class Run:
    """What the tasks of one run share."""

    def __init__(self) -> None:
        self.tasks: set[Task] = set()
        self.current: Task | None = None
        self.kept: dict[int, object] = {}  # open scopes and nurseries, by address
        self.buffers: list[tuple[memoryview, int]] = []  # for receiving
        self.to_free: list[tuple[Callable[[int], int], int]] = []
        self.token: weakref.ref[Any] | None = None
        self.by_number: dict[int, Task] = {}
        self.slots: list[tuple[ctypes.Array[c_int64], int]] = []
        self.main: Task | None = None
        self.interrupts: Any = None
        self.handlers: Any = None
        self.options = TaskOptions(stack_size=STACK_SIZE)
        self.options_address = ctypes.addressof(self.options)
        self.closed = False
        self.default_limiter: Any = None
        self.posted_failed: BaseException | None = None
        self.mask = _sigmask.present()

    def slot(self) -> tuple[ctypes.Array[c_int64], int]:
        """Memory for a structio_steps, which is copied when the task begins."""
        if self.to_free:
            self._free_those()
        if self.slots:
            return self.slots.pop()
        words = (c_int64 * 3)(24, STEP)
        return words, ctypes.addressof(words)

    def free(self, fn: Callable[[int], int], handle: int) -> None:
        """Frees a handle: now, or soon when the run is another thread's."""
        if local.run is self:
            fn(handle)
        else:
            self.to_free.append((fn, handle))
            if self.closed:
                self._free_those()

    def _free_those(self) -> None:
        while self.to_free:
            try:
                fn, handle = self.to_free.pop()
            except IndexError:  # another thread has had the last one
                return
            fn(handle)

    def end(self) -> None:
        """It is over; handles that are left may be freed on any thread."""
        self.closed = True
        if self.default_limiter is not None:
            self.default_limiter._end()
        self._free_those()


class _Local(threading.local):
    run: Run | None = None


local: Final = _Local()


def current_run(what: str) -> Run:
    """The run whose task is the caller, or RuntimeError."""
    run = local.run
    if run is None or run.current is None:
        raise RuntimeError(f"{what}: must be called from a task of structio.run")
    return run


def interrupt(run: Run) -> None:
    """As if Ctrl-C had come in code of this package."""
    if run.interrupts is not None:
        run.interrupts.noted = True  # it will be asked
    _inject_interrupt()


class Task(Unique):
    """A task. What `structio.lowlevel.current_task` returns."""

    __slots__ = (
        "label",
        "coro",
        "_name",
        "context",
        "parent_nursery",
        "run",
        "result",
        "enter",
        "send",
        "words",
        "slot",
        "number",
        "kept",
        "asked",
        "__weakref__",
    )

    def __init__(self, run: Run, coro: Coroutine[Any, Any, Any], fn: object, name: object) -> None:
        self._name = fn if name is None else name
        self.label = label_of(fn, name)
        context = contextvars.copy_context()
        self.coro: Coroutine[Any, Any, Any] | None = coro
        self.context = context
        self.parent_nursery: Any = None
        self.run = run
        self.result: Any = None
        self.enter: Callable[..., Any] | None = context.run
        self.send: Callable[[Any], Any] | None = coro.send
        self.words: ctypes.Array[c_int64] | None = None
        self.slot: tuple[ctypes.Array[c_int64], int] | None = None
        self.kept: object = None  # what the library uses while the task waits
        self.asked: Command | None = None  # the call that it waits in
        self.number = 0  # the library's, once somebody has asked for it

    @property
    def name(self) -> str:
        """The name it was given, or its function's."""
        name = self._name
        if not isinstance(name, str):
            name = self._name = _plain_name(name)
        return name

    def __repr__(self) -> str:
        return f"<Task {self.name!r} at {id(self):#x}>"

    def steps(self) -> int:
        """The address of a structio_steps for it; from now on it lives until its last step."""
        run = self.run
        slot = self.slot = run.slot()
        slot[0][2] = id(self)
        run.tasks.add(self)
        return slot[1]

    def forget(self) -> None:
        """The task was refused: it will never be stepped."""
        run = self.run
        run.tasks.discard(self)
        if self.slot is not None:
            run.slots.append(self.slot)
            self.slot = None
        if self.coro is not None:
            self.coro.close()
        self.end()

    def end(self) -> None:
        self.coro = self.enter = self.send = self.words = self.kept = self.asked = None
        self.parent_nursery = None
        if self.number:
            del self.run.by_number[self.number]
            self.number = 0


def _first_step(task: Task, address: int) -> ctypes.Array[c_int64]:
    words = task.words = Words.from_address(address)
    run = task.run
    if task.slot is not None:
        run.slots.append(task.slot)
        task.slot = None
    if task is run.main:
        if run.interrupts is not None and run.interrupts.noted:
            _inject_interrupt()  # it came before the library had the signal
        if run.handlers is not None:
            run.handlers.begin()
    return words


def _foreign(task: Task, command: object) -> Any:
    """Tells a coroutine that it awaited something of another library."""
    while type(command) is not Command:
        wrong = TypeError(
            f"structio got {command!r} from an await in task {task.name!r}; only what is made by"
            " structio can be awaited here (is it asyncio's?)"
        )
        assert task.coro is not None and task.enter is not None
        command = task.enter(task.coro.throw, wrong)
    return command


def _step(task: Task, address: int) -> int:
    try:
        words = task.words
        run = task.run
        run.current = task
        if words is None:
            words = _first_step(task, address)
            command = task.enter(task.send, None)  # type: ignore[misc]
        else:
            command = task.enter(task.send, words[1])  # type: ignore[misc]
        if type(command) is not Command:
            command = _foreign(task, command)
        task.asked = command
        words[2] = command[0]
        count = len(command)
        if count > 1:
            words[4] = command[1]
            if count > 2:
                words[5] = command[2]
                for i in range(3, count):
                    words[3 + i] = command[i]
        return CALL
    except StopIteration as stop:
        if task.parent_nursery is None:
            task.result = stop.value
        status = 0
    except BaseException as exc:
        status = EPAYLOAD
        try:
            status = _ended_with(exc)
            task.coro.close()  # type: ignore[union-attr]  # it was not even begun, perhaps
        except BaseException as worse:
            _failure.report(worse)
    try:
        Words.from_address(address)[1] = status
        task.run.tasks.discard(task)
        task.end()
    except BaseException as exc:
        _failure.report(exc)
    return DONE


def _ended_with(exc: BaseException) -> int:
    trace = exc.__traceback__
    while trace is not None and trace.tb_frame.f_code in transparent:
        trace = trace.tb_next
    BaseException.with_traceback(exc, trace)  # its class may have no setting of attributes
    del trace
    return _failure.fail(exc)


_step_callback: Final = StepFn(_step)
STEP: Final = ctypes.cast(_step_callback, c_void_p).value or 0

# Frames of these merely call code of the user's: coroutines here, anything where it is False.
transparent: Final[dict[types.CodeType, bool]] = {_step.__code__: True, _foreign.__code__: True}


@types.coroutine
def call_raw(kept: object, *arguments: int) -> Generator[Command, int, int]:
    """Has the library call a function that may wait; its result.

    `kept` is what the arguments point to: it lives until the function has returned, even when the
    coroutine is closed meanwhile.
    """
    run = local.run
    task = None if run is None else run.current
    if task is None:
        raise _outside()
    command = Command(arguments)
    task.kept = kept
    result = yield command
    if task.asked is not command:
        raise _not_asked()
    task.kept = None
    return result


@types.coroutine
def call(kept: object, *arguments: int) -> Generator[Command, int, int]:
    """The same; a negative result is raised as the exception for it."""
    result = yield from call_raw(kept, *arguments)
    if result < 0:
        raise exception(result)
    return result


def _not_asked() -> RuntimeError:
    """The result is that of another call, and the library knows nothing of this one."""
    return RuntimeError(
        "structio: somebody has closed the coroutine, or thrown into it, while its task waited"
    )


def _outside() -> RuntimeError:
    return RuntimeError("structio: must be awaited in a task of structio.run")


def coroutine_of(
    what: str, fn: Callable[..., Awaitable[Any]], args: tuple[Any, ...], **keywords: Any
) -> Coroutine[Any, Any, Any]:
    """Calls an async function, and says what is wrong when it is none."""
    if isinstance(fn, types.CoroutineType):
        fn.close()
        raise TypeError(
            f"{what} wants an async function and its arguments, not a coroutine: write"
            f" ({fn.__name__}, ...) instead of ({fn.__name__}(...))"
        )
    coro = fn(*args, **keywords)
    if type(coro) is types.CoroutineType or isinstance(coro, Coroutine):  # Cython's, for example
        return coro
    raise TypeError(f"{what} wants an async function, but {fn!r} returned {coro!r}")


def no_coroutine(what: str, fn: object, value: T) -> T:
    """What a plain function has returned, unless it was an async one."""
    if isinstance(value, types.CoroutineType):
        value.close()
        raise TypeError(f"{what} wants a plain function, but {fn!r} is an async one")
    return value


def label_of(fn: Any, name: object) -> bytes:
    """What the library calls a task: its room for names is short."""
    if name is not None:
        fn = name
    text = fn if isinstance(fn, str) else getattr(fn, "__name__", None)
    if not isinstance(text, str):
        text = _plain_name(fn).rpartition(".")[2]
    return text.encode("utf-8", "replace")


def _plain_name(fn: Any) -> str:
    while isinstance(fn, functools.partial):
        fn = fn.func
    try:
        return f"{fn.__module__}.{fn.__qualname__}"
    except AttributeError:
        return repr(fn)
