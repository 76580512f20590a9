"""nursery.start."""

import unittest
from typing import Any

import structio
from structio import TASK_STATUS_IGNORED, lowlevel

from .support import Case, at_once, in_run


class Start(Case):
    @at_once
    async def test_value_and_times(self) -> None:
        """START-01"""

        async def slowly(
            seconds: float, *, task_status: structio.TaskStatus[float] = TASK_STATUS_IGNORED
        ) -> None:
            await structio.sleep(seconds)
            task_status.started(seconds)
            await structio.sleep(seconds)

        async with structio.open_nursery() as nursery:
            self.assertEqual(await nursery.start(slowly, 1), 1)
            self.assertEqual(structio.current_time(), 1)
            self.assertEqual(len(nursery.child_tasks), 1)
        self.assertEqual(structio.current_time(), 2)
        await slowly(1)  # START-03
        self.assertEqual(structio.current_time(), 4)

    @in_run
    async def test_without_the_keyword(self) -> None:
        """START-02"""

        async def no_status() -> None:
            pass

        async with structio.open_nursery() as nursery:
            with self.assertRaisesRegex(TypeError, "task_status"):
                await nursery.start(no_status)

    @in_run
    async def test_twice(self) -> None:
        """START-04"""

        async def child(task_status: Any) -> None:
            task_status.started(1)
            with self.assertRaisesRegex(RuntimeError, "called before"):
                task_status.started(2)

        async with structio.open_nursery() as nursery:
            self.assertEqual(await nursery.start(child), 1)

    @in_run
    async def test_fails_before(self) -> None:
        """START-05, START-06, START-07: bare, and the nursery is not disturbed."""
        cause = OSError("cause")
        for error in (KeyError("it"), ExceptionGroup("own", [ValueError()])):

            async def child(task_status: Any) -> None:
                await lowlevel.checkpoint()
                raise error from cause

            async with structio.open_nursery() as nursery:
                try:
                    await nursery.start(child)
                except Exception as caught:
                    self.assertIs(caught, error)
                    self.assertIs(caught.__cause__, cause)
                else:
                    self.fail("nothing was raised")
                self.assertFalse(nursery.cancel_scope.cancel_called)
                await lowlevel.checkpoint()

    @in_run
    async def test_fails_after(self) -> None:
        """START-08"""
        error = KeyError("it")

        async def child(task_status: Any) -> None:
            task_status.started("ready")
            raise error

        try:
            async with structio.open_nursery() as nursery:
                self.assertEqual(await nursery.start(child), "ready")
                await structio.sleep_forever()
        except ExceptionGroup as group:
            self.assertLeaves(group, error)
        else:
            self.fail("nothing was raised")

    @in_run
    async def test_ends_without(self) -> None:
        """START-09"""

        async def child(task_status: Any) -> None:
            await lowlevel.checkpoint()

        async with structio.open_nursery() as nursery:
            with self.assertRaisesRegex(RuntimeError, "without calling task_status.started"):
                await nursery.start(child)

    @in_run
    async def test_in_a_cancelled_scope(self) -> None:
        """START-10, START-11, START-12"""

        async def looks(task_status: Any) -> None:
            task_status.started("hi")
            await lowlevel.checkpoint()

        async def returns(task_status: Any) -> None:
            task_status.started("hi")

        async def fails(task_status: Any) -> None:
            task_status.started("hi")
            raise KeyError("it")

        async with structio.open_nursery() as nursery:
            with structio.CancelScope() as scope:
                scope.cancel()
                with self.assertRaises(structio.Cancelled):
                    await nursery.start(looks)
            with structio.CancelScope() as scope:
                scope.cancel()
                await nursery.start(returns)
            self.assertFalse(scope.cancelled_caught)
            with structio.CancelScope() as scope:
                scope.cancel()
                with self.assertRaises(KeyError):
                    await nursery.start(fails)

    @at_once
    async def test_keeps_the_nursery_open(self) -> None:
        """START-14, START-15"""

        async def child(task_status: Any) -> None:
            await structio.sleep(2)
            task_status.started()
            await structio.sleep(3)

        async def crashes(task_status: Any) -> None:
            await structio.sleep(7)
            raise KeyError("it")

        async def starter(fn: Any, nursery: structio.Nursery) -> None:
            await nursery.start(fn)

        async with structio.open_nursery() as outer:
            async with structio.open_nursery() as target:
                outer.start_soon(starter, child, target)
                await structio.sleep(1)
                outer.start_soon(starter, child, target)
                await structio.testing.wait_all_tasks_blocked()
            self.assertEqual(structio.current_time(), 6)
        begin = structio.current_time()

        async def survives(nursery: structio.Nursery) -> None:
            with self.assertRaises(KeyError):
                await nursery.start(crashes)

        async with structio.open_nursery() as outer:
            async with structio.open_nursery() as target:
                outer.start_soon(survives, target)
                await lowlevel.checkpoint()
                await lowlevel.checkpoint()
            self.assertEqual(structio.current_time() - begin, 7)

    @in_run
    async def test_only_by_the_task_itself(self) -> None:
        async def other(task_status: Any) -> None:
            with self.assertRaisesRegex(RuntimeError, "by the task that was started"):
                task_status.started()

        async def child(task_status: Any) -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(other, task_status)
            task_status.started(3)

        async with structio.open_nursery() as nursery:
            self.assertEqual(await nursery.start(child), 3)


if __name__ == "__main__":
    unittest.main()
