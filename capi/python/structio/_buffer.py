"""Where the bytes of Python's objects are."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_int, c_ssize_t, c_void_p
from typing import Final


class _Buffer(ctypes.Structure):
    """Py_buffer."""

    _fields_ = [
        ("buf", c_void_p),
        ("obj", ctypes.py_object),
        ("len", c_ssize_t),
        ("itemsize", c_ssize_t),
        ("readonly", c_int),
        ("ndim", c_int),
        ("format", c_void_p),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("suboffsets", c_void_p),
        ("internal", c_void_p),
    ]


_get = ctypes.pythonapi.PyObject_GetBuffer
_get.argtypes = [ctypes.py_object, c_void_p, c_int]
_get.restype = c_int
_release = ctypes.pythonapi.PyBuffer_Release
_release.argtypes = [c_void_p]
_release.restype = None


class Pinned:
    """A bytes-like object that cannot be resized until it is released, or this one goes."""

    __slots__ = ("address", "size", "_view")

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._view: _Buffer | None = None
        view = _Buffer()
        where = ctypes.addressof(view)
        _get(data, where, 0)
        self._view = view
        self.address: int = view.buf or where
        self.size: int = view.len

    def release(self) -> None:
        view, self._view = self._view, None
        if view is not None:
            _release(ctypes.addressof(view))

    def __del__(self) -> None:
        self.release()


def _slow_address(data: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(data), c_void_p).value or 0


def _quickest() -> Callable[[bytes], int]:
    """CPython's bytes lie at the end of the object: then nothing has to be asked."""
    header: Final = bytes.__basicsize__ - 1
    probe = bytes(range(1, 100))
    if id(probe) + header == _slow_address(probe):
        return lambda data: id(data) + header
    return _slow_address


address_of_bytes: Final = _quickest()
