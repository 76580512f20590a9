"""The library: where it is found, its functions and the C types that they take.

`quick` keeps the interpreter's lock while it calls: for what never waits. `slow` releases it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import c_char_p, c_double, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Final, NoReturn

VERSION: Final = (0, 1)


def _interpreter(which: str) -> Any:
    ask = ctypes.pythonapi["PyInterpreterState_" + which]
    ask.argtypes, ask.restype = [], c_void_p
    return ask()


def _load() -> tuple[ctypes.PyDLL, ctypes.CDLL]:
    if _interpreter("Get") != _interpreter("Main"):
        raise ImportError("structio: works in the main interpreter only")  # callbacks run there
    usual = "libstructio.0.dylib" if sys.platform == "darwin" else "libstructio.so.0"
    path = os.environ.get("STRUCTIO_LIBRARY") or usual
    try:
        keeps, releases = ctypes.PyDLL(path), ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(
            f"structio: cannot load the library ({error}); install it, or set STRUCTIO_LIBRARY to"
            " the path of libstructio.so.0"
        ) from None
    keeps.structio_version.restype = c_uint32
    found = keeps.structio_version()
    if (found >> 16, found >> 8 & 255) != VERSION:
        raise ImportError(
            f"structio: {path} is version {found >> 16}.{found >> 8 & 255}, but this package is"
            f" for {VERSION[0]}.{VERSION[1]}"
        )
    return keeps, releases


quick, slow = _load()

# --- structs --------------------------------------------------------------------------------------


class Sized(ctypes.Structure):
    """A struct that begins with its own size."""

    struct_size: int

    def __init__(self, **fields: Any) -> None:
        super().__init__(ctypes.sizeof(self), **fields)


class OpInfo(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("checkpoint", c_uint32),
        ("effect", c_uint32),
        ("index", c_uint32),
        ("arguments", c_uint32),
        ("signature", c_char_p),
    ]


class Steps(Sized):
    _fields_ = [("struct_size", c_size_t), ("step", c_void_p), ("state", c_void_p)]


class Call(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("result", c_int64),
        ("op", c_uint32),
        ("reserved", c_uint32),
        ("fn", c_void_p),
        ("arguments", c_uint64 * 8),
    ]


class RunOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("version", c_uint32),
        ("budget", c_uint32),
        ("seed", c_uint64),
        ("name", c_char_p),
        ("stack_size", c_size_t),
        ("cxa_get_globals", c_void_p),
        ("interrupt", c_uint32),
        ("no_overflow_report", c_uint32),
        ("no_deadlock_check", c_uint32),
        ("reserved", c_uint32),
        ("clock", c_void_p),
        ("failure", c_void_p),  # a pointer to one
        ("on_interrupt", c_void_p),
        ("on_interrupt_arg", c_void_p),
        ("task_enter", c_void_p),
        ("task_leave", c_void_p),
        ("task_hooks_arg", c_void_p),
    ]


class TaskOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("stack_size", c_size_t),
        ("storage_size", c_size_t),
        ("storage_init", c_void_p),
    ]


class ScopeOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("deadline", c_int64),
        ("deadline_kind", c_uint32),
        ("shield", c_uint32),
        ("ends_on_stop", c_uint32),
        ("hold_interrupt", c_uint32),
    ]


class CancelInfo(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("source", c_uint32),
        ("reserved", c_uint32),
        ("reason", c_char_p),
        ("task_name", c_char_p),
        ("task", c_uint64),
    ]


class PayloadType(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("runtime", c_void_p),
        ("drop", c_void_p),
        ("describe", c_void_p),
    ]


class VirtualClockOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("start", c_int64),
        ("autojump", c_int64),
        ("rate", c_double),
    ]


class TcpListenOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("host", c_char_p),
        ("port", ctypes.c_uint16),
        ("reuse_port", ctypes.c_uint8),
        ("ipv6_only", ctypes.c_uint8),
        ("backlog", ctypes.c_int32),
    ]


class TcpConnectOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("host", c_char_p),
        ("port", ctypes.c_uint16),
        ("attempt_delay", c_int64),
        ("local_host", c_char_p),
    ]


class ThreadOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("limiter", c_void_p),
        ("tokens", c_void_p),
        ("name", c_char_p),
        ("drop", c_void_p),
        ("abandon_on_cancel", c_uint32),
        ("reserved", c_uint32),
    ]


class MutexStatistics(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("owner", c_uint64),
        ("waiting", c_uint64),
        ("locked", c_uint32),
        ("broken", c_uint32),
    ]


class WaitingStatistics(Sized):
    """Of events and conditions."""

    _fields_ = [("struct_size", c_size_t), ("waiting", c_uint64)]


class SemaphoreStatistics(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("value", c_int64),
        ("max", c_int64),
        ("waiting", c_uint64),
    ]


class LimiterStatistics(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("total", c_int64),
        ("borrowed", c_int64),
        ("available", c_int64),
        ("waiting", c_uint64),
    ]


class ItemType(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("size", c_size_t),
        ("move", c_void_p),
        ("destroy", c_void_p),
        ("copy", c_void_p),
    ]


class ChannelStatistics(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("buffer_used", c_int64),
        ("capacity", c_int64),
        ("open_senders", c_int64),
        ("open_receivers", c_int64),
        ("waiting_senders", c_int64),
        ("waiting_receivers", c_int64),
        ("peak_buffer_used", c_int64),
    ]


# Storage of what lives in its owner's memory, by the number of its words.
ScopeStorage = c_uint64 * 24
NurseryStorage = c_uint64 * 56
EventStorage = c_uint64 * 12
MutexStorage = c_uint64 * 24
SemaphoreStorage = c_uint64 * 14
ConditionStorage = c_uint64 * 16
LimiterStorage = c_uint64 * 44

StepFn = ctypes.CFUNCTYPE(c_int, ctypes.py_object, c_void_p)
TaskFn = ctypes.CFUNCTYPE(c_int, c_void_p)
InterruptFn = ctypes.CFUNCTYPE(c_int, ctypes.py_object)
DropFn = ctypes.CFUNCTYPE(None, c_void_p)
DescribeFn = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)


class Unique:
    """What lives in memory that the library knows: a copy would share it, and free it as well."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"a {type(self).__qualname__} cannot be copied or pickled")


# --- functions ------------------------------------------------------------------------------------

_TYPES: Final[dict[str, Any]] = {
    "v": None,
    "i": c_int,
    "u": c_uint32,
    "q": c_int64,
    "Q": c_uint64,
    "z": c_size_t,
    "p": c_void_p,
    "s": c_char_p,
    "d": c_double,
}


def function(name: str, signature: str, *, releases: bool = False) -> Any:
    """A function by its name behind `structio_` and its result and arguments, a letter each."""
    f = (slow if releases else quick)["structio_" + name]
    f.restype = _TYPES[signature[0]]
    f.argtypes = [_TYPES[letter] for letter in signature[1:]]
    return f


def address_of(name: str) -> int:
    """Where a function of the library is, for handing it to another."""
    return ctypes.cast(quick["structio_" + name], c_void_p).value or 0


_op_find = function("op_find", "isp")


def op(name: str) -> int:
    """The index by which a step names a function that may wait."""
    info = OpInfo()
    if _op_find(b"structio_" + name.encode(), ctypes.addressof(info)) < 0:
        raise ImportError(f"structio: the library has no structio_{name} that can wait")
    return int(info.index)
