"""Memory channels."""

import math
import unittest
import weakref
from typing import Any

import structio
from structio import (
    BrokenResourceError,
    ClosedResourceError,
    EndOfChannel,
    WouldBlock,
    open_memory_channel,
)
from structio.testing import wait_all_tasks_blocked

from .support import Case, at_once


class Channels(Case):
    @at_once
    async def test_capacity(self) -> None:
        """CHAN-01, CHAN-02"""
        with self.assertRaises(TypeError):
            open_memory_channel(1.0)
        with self.assertRaises(ValueError):
            open_memory_channel(-1)
        tx, rx = open_memory_channel[int](2)
        tx.send_nowait(1)
        await self.assertCheckpoint(tx.send(2))
        with self.assertRaises(WouldBlock):
            tx.send_nowait(3)
        self.assertEqual(await self.assertCheckpoint(rx.receive()), 1)
        self.assertEqual(rx.receive_nowait(), 2)
        with self.assertRaises(WouldBlock):
            rx.receive_nowait()
        tx, rx = open_memory_channel(math.inf)
        for n in range(1000):
            tx.send_nowait(n)
        self.assertEqual(rx.statistics().max_buffer_size, math.inf)
        tx.close()
        self.assertEqual([n async for n in rx], list(range(1000)))

    def test_outside_of_a_run(self) -> None:
        with self.assertRaises(RuntimeError):
            open_memory_channel(0)

    @at_once
    async def test_producers_and_consumers(self) -> None:
        """CHAN-06"""
        tx, rx = open_memory_channel(0)
        got = []

        async def producer(end: structio.MemorySendChannel[tuple[int, int]], n: int) -> None:
            async with end:
                for i in range(3):
                    await end.send((n, i))

        async with structio.open_nursery() as nursery:
            async with tx:
                for n in range(10):
                    nursery.start_soon(producer, tx.clone(), n)
            async with rx:
                async for item in rx:
                    got.append(item)
        self.assertEqual(sorted(got), [(n, i) for n in range(10) for i in range(3)])

    @at_once
    async def test_the_very_objects(self) -> None:
        tx, rx = open_memory_channel(1)
        item = object()
        await tx.send(item)
        self.assertIs(await rx.receive(), item)
        await tx.send(None)
        self.assertIsNone(await rx.receive())

    @at_once
    async def test_ends(self) -> None:
        """CHAN-04, CHAN-08, CHAN-09, CHAN-10, CHAN-11"""
        tx, rx = open_memory_channel(0)

        async def fails(error: type[Exception], fn: Any, *args: object) -> None:
            with self.assertRaises(error):
                await fn(*args)

        async with structio.open_nursery() as nursery:
            nursery.start_soon(fails, ClosedResourceError, tx.send, None)
            await wait_all_tasks_blocked()
            tx.close()
            tx.close()
        with self.assertRaises(ClosedResourceError):
            tx.send_nowait(1)
        with self.assertRaises(EndOfChannel):
            await rx.receive()
        with self.assertRaises(EndOfChannel):
            rx.receive_nowait()

        tx, rx = open_memory_channel(0)
        async with structio.open_nursery() as nursery:
            nursery.start_soon(fails, BrokenResourceError, tx.send, None)
            await wait_all_tasks_blocked()
            await rx.aclose()
        with self.assertRaises(BrokenResourceError):
            tx.send_nowait(1)
        with self.assertRaises(ClosedResourceError):
            await rx.receive()

        tx, rx = open_memory_channel(0)
        async with structio.open_nursery() as nursery:
            nursery.start_soon(fails, ClosedResourceError, rx.receive)
            await wait_all_tasks_blocked()
            rx.close()

    @at_once
    async def test_clones(self) -> None:
        """CHAN-12, CHAN-16"""
        tx, rx = open_memory_channel(0)
        rx2 = rx.clone()
        rx3 = rx2.clone()
        with rx, rx2:
            pass
        with self.assertRaises(ClosedResourceError):
            rx.clone()
        with self.assertRaises(WouldBlock):
            tx.send_nowait(1)
        self.assertEqual(tx.statistics(), rx3.statistics())
        self.assertEqual(tx.statistics().open_receive_channels, 1)
        rx3.close()
        with self.assertRaises(BrokenResourceError):
            tx.send_nowait(1)

    @at_once
    async def test_a_dropped_end_is_closed(self) -> None:
        tx, rx = open_memory_channel(0)
        del tx
        with self.assertRaises(EndOfChannel):
            await rx.receive()

    @at_once
    async def test_what_is_buffered_goes_with_the_last_receiver(self) -> None:
        """CHAN-22"""

        class Item:
            pass

        tx, rx = open_memory_channel(3)
        item = Item()
        alive = weakref.ref(item)
        tx.send_nowait(item)
        del item
        self.assertIsNotNone(alive())
        rx.close()
        self.assertIsNone(alive())

    @at_once
    async def test_what_was_handed_over_outlives_the_last_receiver(self) -> None:
        """CHAN-21"""
        tx, rx = open_memory_channel(1)
        got = []

        async def receives() -> None:
            got.append(await rx.receive())

        async with structio.open_nursery() as nursery:
            nursery.start_soon(receives)
            await wait_all_tasks_blocked()
            tx.send_nowait("his")
            tx.send_nowait("nobody's")
            rx.close()
        self.assertEqual(got, ["his"])
        self.assertEqual(tx._items.objects, {})

    @at_once
    async def test_what_is_buffered_goes_with_dropped_receivers(self) -> None:
        """CHAN-22"""

        class Item:
            def __del__(self) -> None:
                tx.close()  # the library is not in the middle of something

        tx, rx = open_memory_channel(3)
        item = Item()
        alive = weakref.ref(item)
        await tx.send(item)
        del item
        del rx
        self.assertIsNone(alive())
        self.assertEqual(tx.statistics().open_send_channels, 0)

    @at_once
    async def test_cancelled(self) -> None:
        """CHAN-05, CHAN-18, CHAN-23"""
        tx, rx = open_memory_channel(1)
        with structio.move_on_after(0.001) as scope:
            await rx.receive()
        self.assertTrue(scope.cancelled_caught)
        tx.send_nowait("kept")
        with structio.move_on_after(0.001) as scope:
            await tx.send("not sent")
        self.assertTrue(scope.cancelled_caught)
        self.assertEqual(tx.statistics().tasks_waiting_send, 0)
        self.assertEqual(await rx.receive(), "kept")
        with self.assertRaises(WouldBlock):
            rx.receive_nowait()
        self.assertEqual(tx._items.objects, {})

    @at_once
    async def test_handed_over(self) -> None:
        """CHAN-19, CHAN-21"""
        tx, rx = open_memory_channel(0)
        with self.assertRaises(WouldBlock):
            tx.send_nowait(1)
        with self.assertRaises(WouldBlock):
            rx.receive_nowait()
        got = []

        async def receives() -> None:
            got.append(await rx.receive())

        async with structio.open_nursery() as nursery:
            nursery.start_soon(receives)
            await wait_all_tasks_blocked()
            self.assertEqual(tx.statistics().tasks_waiting_receive, 1)
            tx.send_nowait("his")
            with self.assertRaises(WouldBlock):
                rx.receive_nowait()
        self.assertEqual(got, ["his"])

    def test_after_the_run(self) -> None:
        async def main() -> Any:
            return open_memory_channel(1)

        tx, rx = structio.run(main)
        tx.close()
        with rx:
            pass


if __name__ == "__main__":
    unittest.main()
