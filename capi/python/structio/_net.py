"""TCP."""

from __future__ import annotations

import ctypes
import errno
import mmap
import sys
from collections.abc import Awaitable, Callable
from ctypes import addressof, c_char, c_int64, c_size_t, c_uint16, c_void_p
from types import TracebackType
from typing import Any, Final, NoReturn

from ._abi import TcpConnectOptions, TcpListenOptions, Unique, function, op
from ._buffer import Pinned, address_of_bytes
from ._nursery import TASK_STATUS_IGNORED, Nursery, open_nursery
from ._time import nanoseconds, sleep
from ._status import FOREVER, check, exception, text
from ._task import Run, call, call_raw, current_run, transparent
from .lowlevel import checkpoint

RECEIVE_SIZE: Final = 64 * 1024
MAX_LISTENERS: Final = 64
MAX_BACKLOG: Final = 0xFFFF  # of the systems, at most
PAUSE: Final = 0.1
_OUT_OF_SOMETHING: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_OP_CONNECT = op("tcp_connect")
_OP_LISTEN_ALL = op("tcp_listen_all")
_OP_ACCEPT = op("listener_accept")
_OP_LISTENER_CLOSE = op("listener_close")
_OP_RECEIVE = op("stream_receive_some")
_OP_SEND = op("stream_send_all")
_OP_WAIT_SEND = op("stream_wait_send_might_not_block")
_OP_EOF = op("stream_send_eof")
_OP_CLOSE = op("stream_close")

_free_stream = function("stream_free", "ip")
_free_listener = function("listener_free", "ip")
_local_address = function("stream_local_address", "ippzp")
_peer_address = function("stream_peer_address", "ippzp")
_listener_address = function("listener_address", "ippzp")
_descriptor = function("stream_descriptor", "ipp")
_set_option = function("socket_set_option", "iqiipz")
_get_option = function("socket_get_option", "iqiipp")


def _address(ask: Any, handle: int) -> tuple[str, int]:
    host = (c_char * 64)()
    port = c_uint16()
    check(ask(handle, addressof(host), 64, addressof(port)))
    return text(host.value), port.value


class SocketStream(Unique):
    """A TCP connection: bytes both ways. Nagle's algorithm is off."""

    __slots__ = ("_run", "_handle", "_closed", "__weakref__")

    def __init__(self, run: Run, handle: int) -> None:
        self._run = run
        self._handle = handle
        self._closed = False
        if run.to_free:
            run._free_those()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Waits for bytes; returns at most `max_bytes` of them, none at the stream's end.

        One task at a time (BusyResourceError). Cancelled: nothing was taken.
        """
        if max_bytes is None:
            max_bytes = RECEIVE_SIZE
        elif not isinstance(max_bytes, int):
            raise TypeError("SocketStream.receive_some: max_bytes must be an int or None")
        elif max_bytes < 1:
            raise ValueError("SocketStream.receive_some: max_bytes must be at least 1")
        if max_bytes > RECEIVE_SIZE:
            space = bytearray(max_bytes)
            buffer = memoryview(space), addressof(c_char.from_buffer(space))
        else:
            run = self._run
            buffer = run.buffers.pop() if run.buffers else _new_buffer()
        got = await call_raw(buffer, _OP_RECEIVE, self._handle, buffer[1], max_bytes)
        if got < 0:
            failed = exception(got)
            if len(buffer[0]) == RECEIVE_SIZE:
                self._run.buffers.append(buffer)
            raise failed
        data = buffer[0][:got].tobytes()
        if len(buffer[0]) == RECEIVE_SIZE:
            self._run.buffers.append(buffer)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Sends everything. One task at a time. Cancelled: a part of it may have been sent."""
        if type(data) is bytes:
            await call(data, _OP_SEND, self._handle, address_of_bytes(data), len(data))
            return
        pin = Pinned(data)  # the task keeps it, should this coroutine be closed meanwhile
        result = await call_raw(pin, _OP_SEND, self._handle, pin.address, pin.size)
        pin.release()
        if result < 0:
            raise exception(result)

    async def wait_send_all_might_not_block(self) -> None:
        """Waits until `send_all` might not have to wait."""
        await call(None, _OP_WAIT_SEND, self._handle)

    async def send_eof(self) -> None:
        """Ends our direction; receiving goes on. Again: nothing."""
        await call(None, _OP_EOF, self._handle)

    async def aclose(self) -> None:
        """Closes the connection, also when cancelled. Again: a checkpoint."""
        self._closed = True
        if self._handle:
            await call(None, _OP_CLOSE, self._handle)
        else:
            await checkpoint()

    def _close_now(self) -> None:
        self._closed = True
        handle, self._handle = self._handle, 0
        if handle:
            self._run.free(_free_stream, handle)

    @property
    def local_address(self) -> tuple[str, int]:
        """This end: host and port."""
        return _address(_local_address, self._handle)

    @property
    def peer_address(self) -> tuple[str, int]:
        """The other end: host and port."""
        return _address(_peer_address, self._handle)

    def _number(self) -> int:
        out = c_int64()
        check(_descriptor(self._handle, addressof(out)))
        return out.value

    def setsockopt(
        self, level: int, option: int, value: int | bytes | bytearray | memoryview
    ) -> None:
        """As that of `socket.socket`, for an int or bytes."""
        _int_of_c(level), _int_of_c(option)
        pin = Pinned(_int_of_c(value) if isinstance(value, int) else value)
        check(_set_option(self._number(), level, option, pin.address, pin.size))

    def getsockopt(self, level: int, option: int) -> int:
        """As that of `socket.socket`, for options that are an int."""
        _int_of_c(level), _int_of_c(option)
        out, size = ctypes.c_int(), c_size_t(4)
        check(_get_option(self._number(), level, option, addressof(out), addressof(size)))
        return out.value

    def __aiter__(self) -> SocketStream:
        return self

    async def __anext__(self) -> bytes:
        data = await self.receive_some()
        if not data:
            raise StopAsyncIteration
        return data

    async def __aenter__(self) -> SocketStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        if self._closed:
            return f"<structio.SocketStream at {id(self):#x}, closed>"
        return f"<structio.SocketStream at {id(self):#x}>"

    def __del__(self) -> None:
        self._close_now()


def _int_of_c(value: int) -> bytes:
    """Its bytes; OverflowError when it is no int of C's."""
    return value.to_bytes(4, sys.byteorder, signed=True)


def _new_buffer() -> tuple[memoryview, int]:
    """Mapped, so that of a connection on which nothing comes no memory is used."""
    space = mmap.mmap(-1, RECEIVE_SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return memoryview(space), addressof(c_char.from_buffer(space))


class SocketListener(Unique):
    """A listening socket."""

    def __init__(self, run: Run, handle: int) -> None:
        self._run = run
        self._handle = handle

    async def accept(self) -> SocketStream:
        """Waits for a connection. Cancelled: none was taken."""
        out = c_void_p()
        await call(out, _OP_ACCEPT, self._handle, addressof(out))
        return SocketStream(self._run, out.value or 0)

    async def aclose(self) -> None:
        """Closes it; who waits here gets ClosedResourceError. Again: a checkpoint."""
        if self._handle:
            await call(None, _OP_LISTENER_CLOSE, self._handle)
        else:
            await checkpoint()

    def _close_now(self) -> None:
        handle, self._handle = self._handle, 0
        if handle:
            self._run.free(_free_listener, handle)

    @property
    def address(self) -> tuple[str, int]:
        """What it listens on: host and port."""
        return _address(_listener_address, self._handle)

    async def __aenter__(self) -> SocketListener:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._close_now()


def _host(host: str | bytes | None) -> bytes | None:
    if host is None:
        return None
    if isinstance(host, str):
        host = host.encode("ascii" if host.isascii() else "idna")
    if b"\0" in host:
        raise ValueError(f"{host!r} is no host: there is a null character in it")
    return host


async def open_tcp_stream(
    host: str | bytes,
    port: int,
    *,
    happy_eyeballs_delay: float | None = 0.25,
    local_address: str | None = None,
) -> SocketStream:
    """Connects to a name or an address. The addresses of a name are tried by Happy Eyeballs."""
    if host is None:
        raise ValueError("structio.open_tcp_stream: host must not be None")
    if not isinstance(port, int):
        raise TypeError(f"structio.open_tcp_stream: port must be an int, not {port!r}")
    run = current_run("structio.open_tcp_stream")
    delay = FOREVER
    if happy_eyeballs_delay is not None:
        delay = nanoseconds("structio.open_tcp_stream: the delay", happy_eyeballs_delay)
    options = TcpConnectOptions(
        host=_host(host), port=port, attempt_delay=delay, local_host=_host(local_address)
    )
    if not 0 <= port <= 65535:
        raise ValueError(f"structio.open_tcp_stream: {port} is no port")
    out = c_void_p()
    await call((options, out), _OP_CONNECT, addressof(options), addressof(out))
    return SocketStream(run, out.value or 0)


async def open_tcp_listeners(
    port: int, *, host: str | bytes | None = None, backlog: int | None = None
) -> list[SocketListener]:
    """Listens on every address of a host; None: on every address of this machine."""
    if not isinstance(port, int):
        raise TypeError(f"structio.open_tcp_listeners: port must be an int, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"structio.open_tcp_listeners: {port} is no port")
    if backlog is None:
        backlog = 0
    elif not isinstance(backlog, int):
        raise TypeError("structio.open_tcp_listeners: backlog must be an int or None")
    elif backlog < 0:
        raise ValueError("structio.open_tcp_listeners: backlog must not be negative")
    run = current_run("structio.open_tcp_listeners")
    options = TcpListenOptions(host=_host(host), port=port, backlog=min(backlog, MAX_BACKLOG))
    handles = (c_void_p * MAX_LISTENERS)()
    count = c_size_t()
    await call(
        (options, handles, count),
        _OP_LISTEN_ALL,
        addressof(options),
        addressof(handles),
        MAX_LISTENERS,
        addressof(count),
    )
    return [SocketListener(run, handles[i] or 0) for i in range(count.value)]


async def _handle(handler: Callable[[SocketStream], Awaitable[Any]], stream: SocketStream) -> None:
    try:
        await handler(stream)
    finally:
        stream._close_now()


async def _serve_one(
    listener: SocketListener,
    nursery: Nursery,
    handler: Callable[[SocketStream], Awaitable[Any]],
) -> NoReturn:
    async with listener:
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                if error.errno not in _OUT_OF_SOMETHING:
                    raise
                await sleep(PAUSE)
            else:
                nursery.start_soon(_handle, handler, stream, name=handler)
                del stream


async def serve_listeners(
    handler: Callable[[SocketStream], Awaitable[Any]],
    listeners: list[SocketListener],
    *,
    handler_nursery: Nursery | None = None,
    task_status: Any = TASK_STATUS_IGNORED,
) -> NoReturn:
    """Accepts for ever; each connection is a task, and is closed when its handler has ended. The
    listeners are closed in the end."""
    async with open_nursery() as nursery:
        for listener in listeners:
            nursery.start_soon(_serve_one, listener, handler_nursery or nursery, handler)
        task_status.started(listeners)
    raise AssertionError("it serves for ever")


async def serve_tcp(
    handler: Callable[[SocketStream], Awaitable[Any]],
    port: int,
    *,
    host: str | bytes | None = None,
    backlog: int | None = None,
    handler_nursery: Nursery | None = None,
    task_status: Any = TASK_STATUS_IGNORED,
) -> NoReturn:
    """Listens and serves; `nursery.start(serve_tcp, ...)` returns the listeners."""
    listeners = await open_tcp_listeners(port, host=host, backlog=backlog)
    try:
        await serve_listeners(
            handler, listeners, handler_nursery=handler_nursery, task_status=task_status
        )
    finally:
        for listener in listeners:
            listener._close_now()
    raise AssertionError("it serves for ever")


transparent[_handle.__code__] = False
