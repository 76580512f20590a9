"""Async generators that are dropped before they were exhausted."""

import gc
import sys
import unittest
import warnings
from collections.abc import AsyncGenerator
from unittest import mock

import structio
from structio import lowlevel
from structio.testing import MockClock

from .support import Case, at_once


class Dropped(Case):
    def setUp(self) -> None:
        self.ended: list[object] = []
        warnings.simplefilter("ignore", ResourceWarning)

    async def numbers(self) -> AsyncGenerator[int, None]:
        try:
            for n in range(10):
                yield n
        finally:
            self.ended.append(lowlevel.current_task().name)
            with structio.CancelScope(shield=True):
                await structio.sleep(1)
            self.ended.append("waited")

    @at_once
    async def test_closed_in_a_task_of_its_own(self) -> None:
        async for n in self.numbers():
            if n == 3:
                break
        gc.collect()
        await structio.sleep(2)
        self.assertEqual(self.ended, ["closes Dropped.numbers", "waited"])

    @at_once
    async def test_waits_in_a_cancelled_scope(self) -> None:
        ended = self.ended

        async def numbers() -> AsyncGenerator[int, None]:
            try:
                yield 1
            finally:
                try:
                    await structio.sleep_forever()
                except structio.Cancelled as cancelled:
                    ended.append(cancelled.reason)
                    raise

        async for _ in numbers():
            break
        gc.collect()
        await structio.sleep(1)
        self.assertEqual(ended, ["the async generator is closed"])

    def test_at_the_runs_end(self) -> None:
        kept = []

        async def main() -> int:
            kept.append(self.numbers())
            return await kept[0].__anext__()

        self.assertEqual(structio.run(main, clock=MockClock(autojump_threshold=0)), 0)
        self.assertEqual(self.ended[1:], ["waited"])
        self.assertTrue(str(self.ended[0]).endswith("main"))

    def test_at_the_end_of_a_run_that_fails(self) -> None:
        error = ValueError()

        async def main() -> None:
            generator = self.numbers()
            await generator.__anext__()
            raise error

        with self.assertRaises(ValueError) as caught:
            structio.run(main, clock=MockClock(autojump_threshold=0))
        self.assertIs(caught.exception, error)

    @at_once
    async def test_warns(self) -> None:
        async for _ in self.numbers():
            break
        with self.assertWarnsRegex(ResourceWarning, "numbers was dropped"):
            async for _ in self.numbers():
                break
            gc.collect()

    @at_once
    async def test_a_failure_is_reported(self) -> None:
        async def numbers() -> AsyncGenerator[int, None]:
            try:
                yield 1
            finally:
                raise ValueError("in its end")

        with mock.patch("sys.unraisablehook") as told:
            async for _ in numbers():
                break
            gc.collect()
            await structio.sleep(1)
        self.assertIn("in its end", str(told.call_args[0][0].exc_value))

    @at_once
    async def test_is_closed_even_when_warnings_are_errors(self) -> None:
        with mock.patch("sys.unraisablehook") as told, warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            async for _ in self.numbers():
                break
            gc.collect()
        self.assertIs(told.call_args[0][0].exc_type, ResourceWarning)
        await structio.sleep(2)
        self.assertIn("waited", self.ended)

    def test_dropped_on_another_thread(self) -> None:
        """The collector runs anywhere; it is closed in its run all the same."""

        async def main() -> None:
            for n in range(2):
                numbers = self.numbers()
                await anext(numbers)
                box = [numbers]
                del numbers
                await structio.to_thread.run_sync(box.clear)
                await structio.sleep(2)

        structio.run(main, clock=MockClock(autojump_threshold=0))
        self.assertEqual(self.ended.count("waited"), 2)

    @at_once
    async def test_its_task_has_a_name_of_its_own(self) -> None:
        async with structio.open_nursery() as nursery:
            nursery.start_soon(structio.sleep, 5, name="child")
            async for _ in self.numbers():
                break
            gc.collect()
            await structio.sleep(0.5)
            (tree,) = [task for task in lowlevel.current_task().run.tasks if "closes" in task.name]
            self.assertIn(b"closes", tree.label)
            self.assertNotEqual(lowlevel.current_task().run.options.name, tree.label)

    def test_hooks_are_restored(self) -> None:
        before = sys.get_asyncgen_hooks()
        structio.run(structio.sleep, 0)
        self.assertEqual(sys.get_asyncgen_hooks(), before)


if __name__ == "__main__":
    unittest.main()
