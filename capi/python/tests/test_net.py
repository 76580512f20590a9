"""TCP over real sockets."""

import errno
import math
import socket
import unittest
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structio
from structio import BrokenResourceError, BusyResourceError, ClosedResourceError, SocketStream
from structio.testing import wait_all_tasks_blocked

from .support import Case, descriptors, in_run


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[SocketStream, SocketStream]]:
    """Two ends of a connection."""
    (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        a = await structio.open_tcp_stream("127.0.0.1", listener.address[1])
        b = await listener.accept()
    async with a, b:
        yield a, b


class Streams(Case):
    @in_run
    async def test_bytes_both_ways(self) -> None:
        async with pair() as (a, b):
            await a.send_all(b"hello")
            self.assertEqual(await b.receive_some(), b"hello")
            await b.send_all(b"world")
            self.assertEqual(await a.receive_some(2), b"wo")
            self.assertEqual(await a.receive_some(2), b"rl")
            self.assertEqual(await a.receive_some(200_000), b"d")
            await a.send_eof()
            self.assertEqual(await b.receive_some(), b"")
            await b.send_all(b"still")
            self.assertEqual(await a.receive_some(), b"still")
            self.assertEqual(a.local_address, b.peer_address)

    @in_run
    async def test_whatever_is_like_bytes(self) -> None:
        data = bytes(range(256))
        async with pair() as (a, b):
            array = bytearray(data)
            for piece in (data, memoryview(data)[3:50], memoryview(array)[5:7], array):
                await a.send_all(piece)
                self.assertEqual(await b.receive_some(), bytes(piece))
            array.append(1)  # nobody holds it any more
            for empty in (b"", bytearray(), memoryview(b"")):
                await a.send_all(empty)
            with self.assertRaises(TypeError):
                await a.send_all("text")  # type: ignore[arg-type]
            with self.assertRaises((BufferError, ValueError)):
                await a.send_all(memoryview(data)[::2])

    @in_run
    async def test_buffer_is_kept_meanwhile(self) -> None:
        """The peer does not read: the bytes have to live while the call waits."""
        size = 8 << 20
        async with pair() as (a, b):

            async def sends() -> None:
                data = bytearray(b"x" * size)
                await a.send_all(data)
                del data
                await a.send_all(bytes(b"y" * size))
                await a.send_eof()

            async with structio.open_nursery() as nursery:
                nursery.start_soon(sends)
                await wait_all_tasks_blocked()
                got = bytearray()
                async for piece in b:
                    got += piece
            self.assertEqual(len(got), 2 * size)
            self.assertEqual((got.count(b"x"), got.count(b"y")), (size, size))

    @in_run
    async def test_a_buffer_in_use_cannot_be_resized(self) -> None:
        async with pair() as (a, b):
            data = bytearray(16 << 20)
            async with structio.open_nursery() as nursery:
                nursery.start_soon(a.send_all, data)
                await wait_all_tasks_blocked()
                with self.assertRaises(BufferError):
                    data.append(1)
                nursery.cancel_scope.cancel()
            data.append(1)

    @in_run
    async def test_nor_when_the_coroutine_was_closed(self) -> None:
        """The library goes on with the bytes until it has returned."""
        async with pair() as (a, b):
            data = bytearray(16 << 20)
            sending = a.send_all(data)

            async def sends() -> None:
                try:
                    await sending
                except RuntimeError:  # it cannot be awaited any more
                    pass

            async with structio.open_nursery() as nursery:
                nursery.start_soon(sends)
                await wait_all_tasks_blocked()
                sending.close()
                with self.assertRaises(BufferError):
                    data.append(1)
                got = 0
                while got < 16 << 20:
                    got += len(await b.receive_some())
            data.append(1)

    @in_run
    async def test_a_failure_does_not_keep_the_buffer(self) -> None:
        async with pair() as (a, _):
            data = bytearray(16)
            await a.aclose()
            with self.assertRaises(ClosedResourceError) as caught:
                await a.send_all(data)
            data.append(1)
            self.assertIsNotNone(caught.exception)

    @in_run
    async def test_bad_sizes(self) -> None:
        async with pair() as (a, _):
            with self.assertRaises(ValueError):
                await a.receive_some(0)
            with self.assertRaises(TypeError):
                await a.receive_some(1.5)  # type: ignore[arg-type]

    @in_run
    async def test_busy(self) -> None:
        async with pair() as (a, b):
            async with structio.open_nursery() as nursery:
                nursery.start_soon(a.receive_some)
                await wait_all_tasks_blocked()
                with self.assertRaises(BusyResourceError):
                    await a.receive_some()
                nursery.cancel_scope.cancel()
            await b.send_all(b"not lost")
            self.assertEqual(await a.receive_some(), b"not lost")

    @in_run
    async def test_closed(self) -> None:
        async with pair() as (a, b):

            async def waits() -> None:
                with self.assertRaises(ClosedResourceError):
                    await a.receive_some()

            async with structio.open_nursery() as nursery:
                nursery.start_soon(waits)
                await wait_all_tasks_blocked()
                await a.aclose()
            await a.aclose()
            self.assertIn("closed", repr(a))
            for call in (a.receive_some, lambda: a.send_all(b"x"), a.send_eof):
                with self.assertRaises(ClosedResourceError):
                    await call()
            self.assertEqual(await b.receive_some(), b"")
            with self.assertRaises(BrokenResourceError):
                for _ in range(1000):
                    await b.send_all(b"x" * 1000)

    @in_run
    async def test_closes_also_when_cancelled(self) -> None:
        async with pair() as (a, b):
            with structio.CancelScope() as scope:
                scope.cancel()
                await a.aclose()
            self.assertTrue(scope.cancelled_caught)
            self.assertEqual(await b.receive_some(), b"")

    @in_run
    async def test_a_dropped_stream_is_closed(self) -> None:
        async with pair():
            pass
        before = descriptors()
        (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
        async with listener:
            a = await structio.open_tcp_stream("127.0.0.1", listener.address[1])
            b = await listener.accept()
        del a
        self.assertEqual(await b.receive_some(), b"")
        del b, listener
        self.assertEqual(descriptors(), before)

    @in_run
    async def test_options(self) -> None:
        async with pair() as (a, _):
            self.assertEqual(a.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), 1)
            a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
            self.assertEqual(a.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), 0)
            with self.assertRaises(OSError):
                a.getsockopt(socket.IPPROTO_TCP, 12345)
            for one in (b"\1\0\0\0", bytearray(b"\1\0\0\0"), memoryview(b"\1\0\0\0")):
                a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
                a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, one)
                self.assertTrue(a.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            with self.assertRaises(TypeError):
                a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, "1")  # type: ignore[arg-type]
            for level, option in ((2**32 + socket.SOL_SOCKET, 9), (socket.SOL_SOCKET, 2**32 + 9)):
                with self.assertRaises(OverflowError):
                    a.setsockopt(level, option, 1)
                with self.assertRaises(OverflowError):
                    a.getsockopt(level, option)


class Connecting(Case):
    @in_run
    async def test_refused(self) -> None:
        (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.address[1]
        await listener.aclose()
        with self.assertRaises(ConnectionRefusedError) as caught:
            await structio.open_tcp_stream("127.0.0.1", port)
        self.assertEqual(caught.exception.errno, errno.ECONNREFUSED)
        self.assertIn(str(port), str(caught.exception))

    @in_run
    async def test_names(self) -> None:
        (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
        async with listener:
            async with await structio.open_tcp_stream("localhost", listener.address[1]):
                pass
        with self.assertRaises(socket.gaierror):
            await structio.open_tcp_stream("no such host", 80)

    @in_run
    async def test_bad_arguments(self) -> None:
        with self.assertRaises(ValueError):
            await structio.open_tcp_stream(None, 80)  # type: ignore[arg-type]
        with self.assertRaises(ValueError):
            await structio.open_tcp_stream("127.0.0.1\0.example.org", 80)
        for port, kind in ((70_000, ValueError), ("80", TypeError)):
            with self.assertRaises(kind):
                await structio.open_tcp_stream("127.0.0.1", port)  # type: ignore[arg-type]
            with self.assertRaises(kind):
                await structio.open_tcp_listeners(port)  # type: ignore[arg-type]
        with self.assertRaises(structio.ClosedResourceError):
            (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
            await listener.aclose()
            await listener.accept()

    @in_run
    async def test_numbers_of_any_size(self) -> None:
        for backlog in (2**31, 2**32 + 1, 2**100):
            (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1", backlog=backlog)
            async with listener:
                for delay in (math.inf, 1e300, 0, None):
                    async with await structio.open_tcp_stream(
                        "127.0.0.1", listener.address[1], happy_eyeballs_delay=delay
                    ):
                        pass
                with self.assertRaisesRegex(ValueError, "delay"):
                    await structio.open_tcp_stream(
                        "127.0.0.1", listener.address[1], happy_eyeballs_delay=math.nan
                    )
        for bad in (1.5, "3"):
            with self.assertRaisesRegex(TypeError, "backlog must be"):
                await structio.open_tcp_listeners(0, backlog=bad)  # type: ignore[arg-type]
        with self.assertRaises(ValueError):
            await structio.open_tcp_listeners(0, backlog=-(2**32) + 1)

    @in_run
    async def test_address_in_use(self) -> None:
        (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
        async with listener:
            with self.assertRaises(OSError) as caught:
                await structio.open_tcp_listeners(listener.address[1], host="127.0.0.1")
            self.assertEqual(caught.exception.errno, errno.EADDRINUSE)


class Serving(Case):
    @in_run
    async def test_plain_sockets_are_served(self) -> None:
        async def echo(stream: SocketStream) -> None:
            async for data in stream:
                await stream.send_all(data)

        def client(port: int) -> bytes:
            with socket.create_connection(("127.0.0.1", port)) as s:
                s.sendall(b"from afar")
                s.shutdown(socket.SHUT_WR)
                got = b""
                while piece := s.recv(100):
                    got += piece
                return got

        async with pair():
            pass
        await structio.to_thread.run_sync(descriptors)
        before = descriptors()
        got: list[bytes] = []

        async def asks(port: int) -> None:
            got.append(await structio.to_thread.run_sync(client, port))

        async with structio.open_nursery() as nursery:
            listeners = await nursery.start(structio.serve_tcp, echo, 0)
            async with structio.open_nursery() as clients:
                for _ in range(20):
                    clients.start_soon(asks, listeners[0].address[1])
            nursery.cancel_scope.cancel()
        self.assertEqual(got, [b"from afar"] * 20)
        del listeners
        self.assertEqual(descriptors(), before)

    @in_run
    async def test_listeners_are_closed_with_their_server(self) -> None:
        async def handler(stream: SocketStream) -> None:
            raise AssertionError

        listeners = await structio.open_tcp_listeners(0, host="127.0.0.1")
        async with structio.open_nursery() as nursery:
            nursery.start_soon(structio.serve_listeners, handler, listeners)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        with self.assertRaises(ClosedResourceError), structio.fail_after(5):
            await listeners[0].accept()

    @in_run
    async def test_a_handlers_failure_comes_out(self) -> None:
        error = KeyError("handler's")

        async def fails(stream: SocketStream) -> None:
            await stream.receive_some()
            raise error

        try:
            async with structio.open_nursery() as nursery:
                listeners = await nursery.start(structio.serve_tcp, fails, 0)
                async with await structio.open_tcp_stream(
                    "127.0.0.1", listeners[0].address[1]
                ) as stream:
                    await stream.send_all(b"x")
                    await structio.sleep_forever()
        except ExceptionGroup as group:
            found: Any = group
            while isinstance(found, BaseExceptionGroup):
                (found,) = found.exceptions
            self.assertIs(found, error)
        else:
            self.fail("nothing was raised")

    @in_run
    async def test_handlers_in_another_nursery(self) -> None:
        async def handler(stream: SocketStream) -> None:
            await stream.send_all(b"x")
            await structio.sleep_forever()

        async with structio.open_nursery() as handlers:
            async with structio.open_nursery() as nursery:
                listeners = await nursery.start(
                    lambda task_status: structio.serve_tcp(
                        handler, 0, handler_nursery=handlers, task_status=task_status
                    )
                )
                stream = await structio.open_tcp_stream("127.0.0.1", listeners[0].address[1])
                self.assertEqual(await stream.receive_some(), b"x")
                self.assertEqual(len(handlers.child_tasks), 1)
                nursery.cancel_scope.cancel()
            self.assertEqual(len(handlers.child_tasks), 1)
            handlers.cancel_scope.cancel()
        self.assertEqual(await stream.receive_some(), b"")
        await stream.aclose()


if __name__ == "__main__":
    unittest.main()
