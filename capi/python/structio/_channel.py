"""Channels between tasks."""

from __future__ import annotations

import ctypes
import itertools
import math
import weakref
from ctypes import addressof, c_int64, c_void_p
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from . import _failure
from ._abi import ChannelStatistics, DropFn, ItemType, Unique, function, op
from ._status import FOREVER, EndOfChannel, check, exception, saturated
from ._task import Run, call_raw, current_run
from .lowlevel import checkpoint

T = TypeVar("T")
Self = TypeVar("Self", bound="_End[Any]")

# An item of the library's is two numbers, the object's and the channel's; the object stays in the
# channel's `_Items`.
Words = c_int64 * 2
_new = function("channel_new", "ipqpp")


@dataclass(frozen=True)
class MemoryChannelStatistics:
    current_buffer_used: int
    max_buffer_size: int | float
    open_send_channels: int
    open_receive_channels: int
    tasks_waiting_send: int
    tasks_waiting_receive: int


class _Items:
    """What is on its way in one channel, by number; and memory for the numbers."""

    __slots__ = ("run", "number", "objects", "destroyed", "next", "slots", "__weakref__")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.number = _next_number()
        self.objects: dict[int, Any] = {}
        self.destroyed: list[Any] = []
        self.next = itertools.count(1).__next__
        self.slots: list[tuple[ctypes.Array[c_int64], int]] = []
        _channels[self.number] = self

    def slot(self) -> tuple[ctypes.Array[c_int64], int]:
        if self.slots:
            return self.slots.pop()
        words = Words(0, self.number)
        return words, addressof(words)


_channels: Final[weakref.WeakValueDictionary[int, _Items]] = weakref.WeakValueDictionary()
_next_number: Final = itertools.count(1).__next__


def _destroy(address: int) -> None:
    """Nobody will receive it. The object goes once the library has returned: who knows what it does
    when it goes."""
    try:
        key, number = Words.from_address(address)
        items = _channels.get(number)
        if items is not None:
            items.destroyed.append(items.objects.pop(key, None))
    except BaseException as exc:
        _failure.report(exc)


_destroy_callback: Final = DropFn(_destroy)
_item_type: Final = ItemType(size=16, destroy=ctypes.cast(_destroy_callback, c_void_p))


class _End(Unique, Generic[T]):
    """What both ends have in common."""

    _close: Any
    _free: Any
    _clone: Any
    _get_statistics: Any

    def __init__(self, items: _Items, handle: int) -> None:
        self._items = items
        self._handle = handle

    def clone(self: Self) -> Self:
        """One more handle to this end, which is to be closed as well."""
        out = c_void_p()
        check(type(self)._clone(self._handle, addressof(out)))
        return type(self)(self._items, out.value or 0)

    def close(self) -> None:
        """Closes this handle; who waits at it gets ClosedResourceError. Again: nothing.

        After the last handle of the receiving end, what is buffered is dropped.
        """
        items = self._items
        if not items.run.closed:
            check(type(self)._close(self._handle))
            items.destroyed.clear()

    async def aclose(self) -> None:
        """Closes it, and is a checkpoint."""
        self.close()
        await checkpoint()

    def statistics(self) -> MemoryChannelStatistics:
        out = ChannelStatistics()
        check(type(self)._get_statistics(self._handle, addressof(out)))
        return MemoryChannelStatistics(
            out.buffer_used,
            math.inf if out.capacity == FOREVER else out.capacity,
            out.open_senders,
            out.open_receivers,
            out.waiting_senders,
            out.waiting_receivers,
        )

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        handle = getattr(self, "_handle", 0)
        if handle:
            self._items.run.free(type(self)._free, handle)
            self._items.destroyed.clear()


class MemorySendChannel(_End[T]):
    """Where objects are put in."""

    _close = function("sender_close", "ip")
    _free = function("sender_free", "ip")
    _clone = function("sender_clone", "ipp")
    _get_statistics = function("sender_get_statistics", "ipp")
    _try = function("sender_try_send", "ipp")
    _OP_SEND = op("sender_send")

    def send_nowait(self, value: T) -> None:
        """Sends it, or raises WouldBlock."""
        items = self._items
        slot = items.slot()
        key = slot[0][0] = items.next()
        items.objects[key] = value
        status = MemorySendChannel._try(self._handle, slot[1])
        items.slots.append(slot)
        if status < 0:
            del items.objects[key]
            raise exception(status)

    async def send(self, value: T) -> None:
        """Sends it as soon as there is room. Cancelled: it was not sent."""
        items = self._items
        slot = items.slot()
        key = slot[0][0] = items.next()
        items.objects[key] = value
        status = await call_raw(slot, MemorySendChannel._OP_SEND, self._handle, slot[1])
        items.slots.append(slot)
        if status < 0:
            items.objects.pop(key, None)
            raise exception(status)


class MemoryReceiveChannel(_End[T]):
    """Where objects are taken out."""

    _close = function("receiver_close", "ip")
    _free = function("receiver_free", "ip")
    _clone = function("receiver_clone", "ipp")
    _get_statistics = function("receiver_get_statistics", "ipp")
    _try = function("receiver_try_receive", "ipp")
    _OP_RECEIVE = op("receiver_receive")

    def receive_nowait(self) -> T:
        """The next object, or WouldBlock."""
        items = self._items
        slot = items.slot()
        status = MemoryReceiveChannel._try(self._handle, slot[1])
        key = slot[0][0]
        items.slots.append(slot)
        if status < 0:
            raise exception(status)
        return items.objects.pop(key)  # type: ignore[no-any-return]

    async def receive(self) -> T:
        """The next object. EndOfChannel: there will be none."""
        items = self._items
        slot = items.slot()
        status = await call_raw(slot, MemoryReceiveChannel._OP_RECEIVE, self._handle, slot[1])
        key = slot[0][0]
        items.slots.append(slot)
        if status < 0:
            raise exception(status)
        return items.objects.pop(key)  # type: ignore[no-any-return]

    def __aiter__(self) -> MemoryReceiveChannel[T]:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.receive()
        except EndOfChannel:
            raise StopAsyncIteration from None


class _OpenMemoryChannel:
    """A function that may be subscripted with the type of the objects."""

    def __call__(
        self, max_buffer_size: int | float
    ) -> tuple[MemorySendChannel[Any], MemoryReceiveChannel[Any]]:
        """A channel through a buffer of so many objects; `math.inf`: without a bound."""
        if max_buffer_size == math.inf:
            capacity = FOREVER
        elif not isinstance(max_buffer_size, int):
            raise TypeError("structio.open_memory_channel: the size must be an int or math.inf")
        elif max_buffer_size < 0:
            raise ValueError("structio.open_memory_channel: the size must not be negative")
        else:
            capacity = saturated(max_buffer_size)
        items = _Items(current_run("structio.open_memory_channel"))
        tx, rx = c_void_p(), c_void_p()
        check(_new(addressof(_item_type), capacity, addressof(tx), addressof(rx)))
        return (
            MemorySendChannel(items, tx.value or 0),
            MemoryReceiveChannel(items, rx.value or 0),
        )

    def __getitem__(self, kind: object) -> _OpenMemoryChannel:
        return self


open_memory_channel = _OpenMemoryChannel()
