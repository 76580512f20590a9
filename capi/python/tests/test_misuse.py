"""Wrong thread, wrong run, wrong order: each is an exception, and nothing breaks."""

import asyncio
import copy
import os
import pickle
import threading
import unittest
from collections.abc import Callable
from typing import Any
from unittest import mock

import structio
from structio import _failure, lowlevel

from .support import Case, descriptors, in_run, python


def on_another_thread(fn: Callable[[], Any]) -> Any:
    """What it returned, or the exception that left it."""
    result: list[Any] = []

    def body() -> None:
        try:
            result.append(fn())
        except BaseException as error:
            result.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return result[0]


class Misuse(Case):
    @in_run
    async def test_another_thread(self) -> None:
        event, lock = structio.Event(), structio.Lock()
        scope = structio.CancelScope()
        tx, rx = structio.open_memory_channel(1)
        async with structio.open_nursery() as nursery:
            nursery.start_soon(event.wait)
            await structio.testing.wait_all_tasks_blocked()
            with scope:
                for call in (
                    lambda: nursery.start_soon(structio.sleep, 0),
                    event.set,
                    lock.acquire_nowait,
                    scope.cancel,
                    nursery.cancel_scope.cancel,
                    lambda: tx.send_nowait(1),
                    rx.receive_nowait,
                    structio.current_time,
                    lowlevel.current_task,
                    lambda: structio.open_memory_channel(0),
                ):
                    self.assertIsInstance(on_another_thread(call), RuntimeError)
            self.assertEqual(len(nursery.child_tasks), 1)
            event.set()

    @in_run
    async def test_dropped_on_another_thread(self) -> None:
        """The collector may run anywhere."""
        (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
        streams = [await structio.open_tcp_stream("127.0.0.1", listener.address[1])]
        ends = [structio.open_memory_channel(1)]
        locks = [structio.Lock()]
        await locks[0].acquire()
        on_another_thread(lambda: (streams.clear(), ends.clear(), locks.clear()))
        await structio.sleep(0)
        await listener.aclose()

    @in_run
    async def test_what_was_dropped_there_is_closed_before_the_run_ends(self) -> None:
        async with structio.open_nursery() as nursery:
            (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
            for n in range(20):
                if n == 1:
                    before = descriptors()
                streams = [await structio.open_tcp_stream("127.0.0.1", listener.address[1])]
                streams.append(await listener.accept())
                on_another_thread(streams.clear)
            nursery.start_soon(structio.sleep, 0)
            await structio.testing.wait_all_tasks_blocked()
            self.assertLess(descriptors(), before)

    def test_after_its_run(self) -> None:
        async def first() -> Any:
            (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
            stream = await structio.open_tcp_stream("127.0.0.1", listener.address[1])
            async with structio.open_nursery() as nursery:
                pass
            return listener, stream, nursery, structio.open_memory_channel(1)

        listener, stream, nursery, (tx, rx) = structio.run(first)
        with self.assertRaises(RuntimeError):
            nursery.start_soon(structio.sleep, 0)
        nursery.cancel_scope.cancel()

        async def second() -> None:
            for call in (
                stream.receive_some,
                lambda: stream.send_all(b"x"),
                listener.accept,
                rx.receive,
                lambda: tx.send(1),
            ):
                with self.assertRaises((structio.ClosedResourceError, RuntimeError)):
                    await call()
            with self.assertRaises(RuntimeError):
                nursery.start_soon(structio.sleep, 0)

        structio.run(second)

    @in_run
    async def test_a_nursery_that_is_left_open(self) -> None:
        async def careless() -> None:
            manager = structio.open_nursery()
            nursery = await manager.__aenter__()
            nursery.start_soon(structio.sleep_forever)

        with self.assertRaises(ExceptionGroup) as caught:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(careless)
        self.assertIn("RuntimeError", repr(caught.exception.exceptions))

    @in_run
    async def test_a_scope_that_is_left_open(self) -> None:
        async def careless() -> None:
            structio.CancelScope().__enter__()

        with self.assertRaises(ExceptionGroup) as caught:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(careless)
        self.assertIn("RuntimeError", repr(caught.exception.exceptions))

    @in_run
    async def test_a_generator_with_a_nursery_is_dropped(self) -> None:
        async def numbers() -> Any:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(structio.sleep_forever)
                yield 1

        async def careless() -> None:
            async for _ in numbers():
                break

        with mock.patch("sys.unraisablehook") as told:
            with self.assertRaises(ExceptionGroup) as caught:
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(careless)
        self.assertIn("still open", str(caught.exception.exceptions[0]))
        self.assertIn("another task's", str(told.call_args[0][0].exc_value))
        self.assertEqual(_failure._exceptions, {})

    @in_run
    async def test_asyncio_inside(self) -> None:
        async def main() -> int:
            await asyncio.sleep(0)
            return 3

        self.assertEqual(await structio.to_thread.run_sync(lambda: asyncio.run(main())), 3)

    @in_run
    async def test_a_coroutine_is_awaited_by_two(self) -> None:
        coroutine = structio.sleep(0.01)

        async def waits() -> None:
            await coroutine

        with self.assertRaises(ExceptionGroup) as caught:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(waits)
                nursery.start_soon(waits)
        self.assertIsInstance(caught.exception.exceptions[0], RuntimeError)

    @in_run
    async def test_a_coroutine_is_closed_while_its_task_waits_in_it(self) -> None:
        """What the library uses meanwhile lives on."""
        (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
        stream = await structio.open_tcp_stream("127.0.0.1", listener.address[1])
        other = await listener.accept()
        tx, rx = structio.open_memory_channel(0)
        event = structio.Event()
        for coroutine, wakes in (
            (stream.receive_some(100_000), lambda: other.send_all(b"x" * 100_000)),
            (rx.receive(), lambda: tx.send(1)),
            (event.wait(), None),
        ):

            async def waits(coroutine: Any = coroutine) -> None:
                await coroutine

            try:
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(waits)
                    await structio.testing.wait_all_tasks_blocked()
                    coroutine.close()
                    if wakes is None:
                        event.set()
                    else:
                        await wakes()
            except* RuntimeError:  # it cannot be awaited any more
                pass

    @in_run
    async def test_a_coroutine_with_a_nursery_is_closed_while_its_task_waits(self) -> None:
        """The nursery cannot be closed then; it lives until its task has ended."""

        async def works() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(structio.sleep_forever)
                await structio.sleep(60)  # closed in here, not at the nursery's end

        async def waits(coroutine: Any) -> None:
            await coroutine

        async def looks(task: lowlevel.Task, event: structio.Event) -> None:
            await there.wait()
            await structio.sleep(0.01)
            self.assertIs(task.kept, event, "let go of while the library uses it")
            event.set()

        coroutines = [works() for _ in range(10)]
        event = structio.Event()
        there = structio.Event()
        async with structio.open_nursery() as outer:
            outer.start_soon(looks, lowlevel.current_task(), event)
            with self.assertRaises(ExceptionGroup) as caught:
                async with structio.open_nursery() as nursery:
                    for coroutine in coroutines:
                        nursery.start_soon(waits, coroutine)
                    await structio.testing.wait_all_tasks_blocked()
                    for coroutine in coroutines:
                        with self.assertRaises(RuntimeError):
                            coroutine.close()
                    del coroutine
                    coroutines.clear()
                    with structio.CancelScope(shield=True):
                        there.set()
                        await event.wait()
        for error in caught.exception.exceptions:
            self.assertIsInstance(error, RuntimeError)
            self.assertRegex(str(error), "while its task waited|still open")

    @in_run
    async def test_an_exception_is_thrown_into_one(self) -> None:
        async def works() -> None:
            async with structio.open_nursery():
                await structio.sleep(0.001)

        coroutine = works()

        async def waits() -> None:
            await coroutine

        with self.assertRaises(ExceptionGroup) as caught:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(waits)
                await structio.testing.wait_all_tasks_blocked()
                coroutine.throw(KeyError())
        self.assertRegex(str(caught.exception.exceptions[0]), "while its task waited|still open")
        del caught
        self.assertEqual(_failure._exceptions, {})

    @in_run
    async def test_swallowing_cancelled_for_ever_ends_some_day(self) -> None:
        rounds = 0

        async def stubborn() -> None:
            nonlocal rounds
            while rounds < 100:
                try:
                    await structio.sleep_forever()
                except structio.Cancelled:
                    rounds += 1

        async with structio.open_nursery() as nursery:
            nursery.start_soon(stubborn)
            await structio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        self.assertEqual(rounds, 100)


    @in_run
    async def test_forked(self) -> None:
        """The child cannot go on with the run, and does no harm to it."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                await structio.sleep(0.001)
            except RuntimeError as error:
                os.write(writer, str(error).encode())
            finally:
                os._exit(0)
        os.close(writer)
        await structio.sleep(0.001)
        with open(reader, encoding="utf-8") as told:
            self.assertIn("forked", told.read())
        self.assertEqual(os.waitpid(child, 0), (child, 0))


class Interpreters(Case):
    def test_other_interpreters_are_refused(self) -> None:
        """And leave this one as it is."""
        process = python(
            """
            import os, sys
            try:
                import _interpreters as interpreters
            except ImportError:
                import _xxsubinterpreters as interpreters
            import structio
            program = [
                f"import os, sys; sys.path[:] = {sys.path!r}",
                "try: import structio",
                "except ImportError as error: os.write(1, str(error).encode())",
            ]
            other = interpreters.create()
            interpreters.run_string(other, "\\n".join(program))
            interpreters.destroy(other)
            structio.run(structio.sleep, 0)
            """
        )
        out, err = process.communicate(timeout=20)
        self.assertEqual(err, "")
        self.assertRegex(out, "interpreter")


class Copies(Case):
    @in_run
    async def test_what_is_the_librarys_cannot_be_copied(self) -> None:
        """A copy would have the same memory, and free it a second time."""
        (listener,) = await structio.open_tcp_listeners(0, host="127.0.0.1")
        stream = await structio.open_tcp_stream("127.0.0.1", listener.address[1])
        tx, rx = structio.open_memory_channel(1)
        async with structio.open_nursery() as nursery:
            for thing in (
                structio.Event(),
                structio.Lock(),
                structio.Semaphore(1),
                structio.CapacityLimiter(1),
                structio.Condition(),
                structio.CancelScope(),
                structio.testing.MockClock(),
                lowlevel.current_token(),
                lowlevel.current_task(),
                nursery,
                nursery.cancel_scope,
                listener,
                stream,
                tx,
                rx,
            ):
                for copies in (copy.copy, copy.deepcopy, pickle.dumps):
                    with self.assertRaisesRegex(TypeError, "cannot be copied"):
                        copies(thing)


if __name__ == "__main__":
    unittest.main()
