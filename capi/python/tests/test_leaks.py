"""Nothing is kept of what has ended."""

import gc
import os
import sys
import unittest
import weakref
from typing import Any

import structio
from structio import _failure, lowlevel

from .support import Case, descriptors, in_run

TASKS = 1_000_000
BATCH = 500


def resident() -> int:
    """Bytes of this process that are in memory; 0 where that cannot be told."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class Leaks(Case):
    @in_run
    async def test_many_tasks(self) -> None:
        async def child(n: int) -> None:
            if n % 2:
                await lowlevel.checkpoint()

        async def batch() -> None:
            async with structio.open_nursery() as nursery:
                for n in range(BATCH):
                    nursery.start_soon(child, n)

        for _ in range(10):
            await batch()
        gc.collect()
        objects, memory = len(gc.get_objects()), resident()
        for _ in range(TASKS // BATCH):
            await batch()
        gc.collect()
        self.assertLess(len(gc.get_objects()) - objects, 100)
        self.assertLess(resident() - memory, 4 << 20)
        self.assertEqual(len(lowlevel.current_task().run.tasks), 1)

    @in_run
    async def test_many_failures(self) -> None:
        async def child() -> None:
            raise ValueError

        async def batch() -> None:
            try:
                async with structio.open_nursery() as nursery:
                    for _ in range(50):
                        nursery.start_soon(child)
            except* ValueError:
                pass

        for _ in range(5):
            await batch()
        gc.collect()
        objects, memory = len(gc.get_objects()), resident()
        for _ in range(200):
            await batch()
        gc.collect()
        self.assertLess(len(gc.get_objects()) - objects, 100)
        self.assertLess(resident() - memory, 4 << 20)
        self.assertEqual(_failure._exceptions, {})
        self.assertEqual(_failure._mixed, set())

    def cycles(self, async_fn: Any) -> None:
        """What it leaves behind goes without the collector."""

        async def main() -> None:
            await async_fn()

        async def quietly() -> None:
            try:
                await main()
            except Exception:
                pass

        structio.run(quietly)
        gc.collect()
        gc.disable()
        try:
            structio.run(quietly)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            self.assertEqual([type(o) for o in gc.garbage if "structio" in type(o).__module__], [])
            self.assertEqual([o for o in gc.garbage if isinstance(o, BaseException)], [])
            self.assertEqual([o for o in gc.garbage if type(o).__name__ == "frame"], [])
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    def test_no_cycles(self) -> None:
        """CANCEL-29, CANCEL-30"""

        async def cancels() -> None:
            with structio.CancelScope() as scope:
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(structio.sleep_forever)
                    nursery.start_soon(structio.sleep_forever)
                    await structio.testing.wait_all_tasks_blocked()
                    scope.cancel()

        async def raises() -> None:
            await lowlevel.checkpoint()
            raise ValueError("it")

        async def fails() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(raises)
                await structio.sleep_forever()

        async def fails_in_body() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(structio.sleep_forever)
                raise ValueError

        async def mixed() -> None:
            async def child() -> None:
                try:
                    await structio.sleep_forever()
                finally:
                    raise ValueError

            with structio.CancelScope() as scope:
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(child)
                    nursery.start_soon(structio.sleep_forever)
                    await structio.testing.wait_all_tasks_blocked()
                    scope.cancel()

        async def start_fails() -> None:
            async def child(task_status: Any) -> None:
                raise ValueError

            async with structio.open_nursery() as nursery:
                await nursery.start(child)

        async def times_out() -> None:
            with structio.fail_after(0):
                await structio.sleep_forever()

        async def thread_fails() -> None:
            def works() -> None:
                raise ValueError

            await structio.to_thread.run_sync(works)

        for case in (
            cancels,
            fails,
            fails_in_body,
            mixed,
            raises,
            start_fails,
            times_out,
            thread_fails,
        ):
            with self.subTest(case.__name__):
                self.cycles(case)

    @in_run
    async def test_locals_go_at_once(self) -> None:
        """CANCEL-29"""

        class Local:
            pass

        alive: list[weakref.ref[Local]] = []

        async def child() -> None:
            local = Local()
            alive.append(weakref.ref(local))
            await structio.sleep_forever()

        async with structio.open_nursery() as nursery:
            nursery.start_soon(child)
            await structio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        self.assertIsNone(alive[0]())

    def test_a_finished_task_keeps_nothing(self) -> None:
        kept: list[lowlevel.Task] = []

        class Value:
            pass

        alive: list[weakref.ref[Value]] = []

        async def child(value: Value) -> Value:
            alive.append(weakref.ref(value))
            kept.append(lowlevel.current_task())
            return value

        async def main() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(child, Value())

        structio.run(main)
        self.assertIsNone(alive[0]())
        self.assertIn("child", kept[0].name)

    def test_runs(self) -> None:
        async def main() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(structio.sleep, 0)

        structio.run(main)
        before, memory = descriptors(), resident()
        for _ in range(500):
            structio.run(main)
        self.assertEqual(descriptors(), before)
        self.assertLess(resident() - memory, 4 << 20)

    @unittest.skipIf(resident() == 0, "how much memory is used cannot be told here")
    def test_idle_connections_take_little(self) -> None:
        connections = 200

        async def handler(stream: structio.SocketStream) -> None:
            await stream.receive_some()

        async def main() -> None:
            async with structio.open_nursery() as nursery:
                listeners = await nursery.start(structio.serve_tcp, handler, 0)
                port = listeners[0].address[1]
                await (await structio.open_tcp_stream("127.0.0.1", port)).aclose()
                await structio.testing.wait_all_tasks_blocked()
                before = resident()
                streams = []
                for _ in range(connections):
                    streams.append(await structio.open_tcp_stream("127.0.0.1", port))
                await structio.testing.wait_all_tasks_blocked()
                self.assertLess((resident() - before) // connections, 32 << 10)
                nursery.cancel_scope.cancel()

        structio.run(main)

    def test_references_to_the_result(self) -> None:
        value = object()
        before = sys.getrefcount(value)

        async def main() -> object:
            return value

        structio.run(main)
        self.assertEqual(sys.getrefcount(value), before)


if __name__ == "__main__":
    unittest.main()
