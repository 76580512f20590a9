"""Which signals a thread blocks.

The library's worker threads block all, and programs that are started on a thread inherit that: one
that SIGTERM does not reach would be a nuisance. So jobs run with what the run's thread had before.
"""

from __future__ import annotations

import ctypes
import signal
from ctypes import addressof, c_int, c_void_p
from typing import Final

# Room for a sigset_t, whatever its size.
Mask = ctypes.c_ubyte * 256

_set: Final = ctypes.PyDLL(None).pthread_sigmask
_set.argtypes = [c_int, c_void_p, c_void_p]
_set.restype = c_int


def present() -> ctypes.Array[ctypes.c_ubyte]:
    """What the calling thread blocks."""
    mask = Mask()
    _set(signal.SIG_BLOCK, None, addressof(mask))
    return mask


def exchange(mask: ctypes.Array[ctypes.c_ubyte]) -> ctypes.Array[ctypes.c_ubyte]:
    """Makes the calling thread block just these; what it blocked before."""
    before = Mask()
    _set(signal.SIG_SETMASK, addressof(mask), addressof(before))
    return before
