"""Running a main task."""

import asyncio
import contextvars
import functools
import threading
import unittest
import warnings
from typing import Any
from unittest import mock

import structio
from structio import lowlevel
from structio.testing import MockClock

from .support import Case, at_once, in_run, python


class Run(Case):
    def test_returns_what_main_returns(self) -> None:
        """RUN-01"""
        value = object()

        async def at_once(x: object) -> object:
            return x

        async def after_a_checkpoint(x: object) -> object:
            await lowlevel.checkpoint()
            return x

        self.assertIs(structio.run(at_once, value), value)
        self.assertIs(structio.run(after_a_checkpoint, value), value)

    def test_wrong_arguments(self) -> None:
        """RUN-02"""

        async def main(x: int) -> int:
            return x

        with self.assertRaisesRegex(TypeError, "positional argument"):
            structio.run(main)
        with self.assertRaisesRegex(TypeError, "returned 1"):
            structio.run(lambda: 1)  # type: ignore[arg-type, return-value]
        self.assertEqual(structio.run(main, 3), 3)

    def test_raises_the_very_exception(self) -> None:
        """RUN-03"""
        error = ValueError(17)

        async def main() -> None:
            raise error

        try:
            structio.run(main)
        except ValueError as caught:
            self.assertIs(caught, error)
        names = []
        trace = error.__traceback__
        while trace is not None:
            names.append(trace.tb_frame.f_code.co_name)
            trace = trace.tb_next
        self.assertEqual(names[-1], "main")
        self.assertNotIn("_step", names)

    def test_base_exceptions_too(self) -> None:
        async def main() -> None:
            await lowlevel.checkpoint()
            raise SystemExit(3)

        with self.assertRaises(SystemExit) as caught:
            structio.run(main)
        self.assertEqual(caught.exception.code, 3)

    @in_run
    async def test_run_inside_a_run(self) -> None:
        """RUN-04"""

        async def main() -> None:
            pass

        with self.assertRaisesRegex(RuntimeError, "inside a run"):
            structio.run(main)
        await lowlevel.checkpoint()

    def test_runs_in_other_threads(self) -> None:
        results = []

        async def main(x: int) -> int:
            await structio.sleep(0.01)
            return x

        threads = [
            threading.Thread(target=lambda x=x: results.append(structio.run(main, x)))
            for x in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(results), [0, 1, 2, 3])

    @in_run
    async def test_time_goes_on(self) -> None:
        """RUN-08"""
        before = structio.current_time()
        await structio.sleep(0.001)
        self.assertGreaterEqual(structio.current_time() - before, 0.001)

    def test_clock_is_the_given_one(self) -> None:
        """RUN-09"""
        clock = MockClock()

        async def main() -> None:
            self.assertEqual(structio.current_time(), clock.current_time())
            clock.jump(3.15)
            self.assertEqual(structio.current_time(), 3.15)

        structio.run(main, clock=clock)

    def test_a_foreign_awaitable(self) -> None:
        """RUN-14"""

        class Foreign:
            def __await__(self):  # type: ignore[no-untyped-def]
                yield asyncio

        async def child() -> None:
            await Foreign()  # type: ignore[misc]

        async def main() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(structio.sleep_forever)
                nursery.start_soon(child)

        error: BaseException | None = None
        try:
            structio.run(main)
        except ExceptionGroup as caught:
            (error,) = caught.exceptions
        assert error is not None
        self.assertIsInstance(error, TypeError)
        self.assertIn("asyncio", str(error))
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        assert last is not None
        self.assertEqual(last.tb_frame.f_code.co_name, "__await__")

    @in_run
    async def test_a_foreign_awaitable_may_be_survived(self) -> None:
        class Foreign:
            def __await__(self):  # type: ignore[no-untyped-def]
                try:
                    yield "nonsense"
                except TypeError:
                    yield None

        with self.assertRaisesRegex(TypeError, "None"):
            await Foreign()  # type: ignore[misc]
        await structio.sleep(0)

    def test_an_asyncio_future_is_named(self) -> None:
        loop = asyncio.new_event_loop()
        future = loop.create_future()

        async def main() -> None:
            await future

        with self.assertRaisesRegex(TypeError, "Future"):
            structio.run(main)
        loop.close()

    def test_a_coroutine_instead_of_a_function(self) -> None:
        """RUN-15"""

        async def main() -> None:
            pass

        with self.assertRaisesRegex(TypeError, "write"):
            structio.run(main())  # type: ignore[arg-type]

        async def starts() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(main())  # type: ignore[arg-type]

        with self.assertRaises(ExceptionGroup) as caught:
            structio.run(starts)
        self.assertIsInstance(caught.exception.exceptions[0], TypeError)

    def test_never_awaited_is_reported(self) -> None:
        async def main() -> None:
            structio.sleep(1)

        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            structio.run(main)
        self.assertTrue(any("never awaited" in str(w.message) for w in seen))

    def test_outside_of_a_run(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "in a task of structio.run"):
            asyncio.run(structio.sleep(0))
        with self.assertRaisesRegex(RuntimeError, "in a task of structio.run"):
            asyncio.run(lowlevel.checkpoint())
        scope = structio.CancelScope()
        for outside in (structio.current_time, lowlevel.current_task, scope.__enter__):
            with self.assertRaisesRegex(RuntimeError, "from a task of structio.run"):
                outside()

    def test_deadlock_is_told(self) -> None:
        async def waits_for_nothing() -> None:
            await structio.Event().wait()

        with self.assertRaisesRegex(structio.DeadlockError, "waits_for_nothing"):
            structio.run(waits_for_nothing)

    def test_a_deadlock_may_be_what_is_wanted(self) -> None:
        lines = python(
            """
            import os, signal, structio, threading
            signal.signal(signal.SIGINT, signal.default_int_handler)
            async def main():
                threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()
                await structio.sleep_forever()
            try:
                structio.run(main, deadlock_check=False)
            except KeyboardInterrupt:
                print("interrupted")
            """
        ).communicate(timeout=20)
        self.assertEqual(lines, ("interrupted\n", ""))


class Time(Case):
    @at_once
    async def test_sleeps(self) -> None:
        """RUN-10"""
        start = structio.current_time()
        await structio.sleep(1.5)
        self.assertEqual(structio.current_time() - start, 1.5)
        await structio.sleep_until(start + 10)
        self.assertEqual(structio.current_time() - start, 10)
        await structio.sleep_until(start)
        self.assertEqual(structio.current_time() - start, 10)
        with structio.move_on_after(5) as scope:
            await structio.sleep(float("inf"))
        self.assertTrue(scope.cancelled_caught)
        with structio.move_on_after(5) as scope:
            await structio.sleep_forever()
        self.assertTrue(scope.cancelled_caught)

    @in_run
    async def test_bad_times(self) -> None:
        for bad in (-1, float("nan")):
            with self.assertRaises(ValueError):
                await structio.sleep(bad)
        with self.assertRaises(TypeError):
            await structio.sleep("1")  # type: ignore[arg-type]

    @in_run
    async def test_checkpoints(self) -> None:
        await self.assertCheckpoint(structio.sleep(0))
        await self.assertCheckpoint(lowlevel.checkpoint())
        await self.assertCheckpoint(lowlevel.cancel_shielded_checkpoint())
        with structio.CancelScope() as scope:
            scope.cancel()
            await lowlevel.cancel_shielded_checkpoint()
            with self.assertRaises(structio.Cancelled):
                await lowlevel.checkpoint()
            await lowlevel.checkpoint_if_cancelled()
        self.assertTrue(scope.cancelled_caught)
        await lowlevel.checkpoint_if_cancelled()


class Context(Case):
    def test_variables_of_the_caller_and_back(self) -> None:
        """LOCAL-06"""
        variable = contextvars.ContextVar("variable", default=0)
        variable.set(1)

        async def main() -> None:
            self.assertEqual(variable.get(), 1)
            variable.set(2)
            await lowlevel.checkpoint()
            self.assertEqual(variable.get(), 2)
            self.assertEqual(lowlevel.current_task().context[variable], 2)

        structio.run(main)
        self.assertEqual(variable.get(), 1)

    @in_run
    async def test_a_child_has_a_copy(self) -> None:
        """LOCAL-07, LOCAL-08"""
        variable = contextvars.ContextVar("variable", default="none")
        seen = []

        async def child() -> None:
            seen.append(variable.get())
            variable.set("child's")
            await lowlevel.checkpoint()
            self.assertEqual(variable.get(), "child's")

        async with structio.open_nursery() as nursery:
            nursery.start_soon(child)
            variable.set("later")
            await lowlevel.checkpoint()
            nursery.start_soon(child)
        self.assertEqual(seen, ["none", "later"])
        self.assertEqual(variable.get(), "later")

    @in_run
    async def test_all_that_waits_is_an_async_function(self) -> None:
        async with structio.open_nursery() as nursery:
            nursery.start_soon(lowlevel.checkpoint)
            nursery.start_soon(lowlevel.checkpoint_if_cancelled)
            nursery.start_soon(lowlevel.cancel_shielded_checkpoint)
            nursery.start_soon(structio.sleep, 0)
            nursery.start_soon(structio.testing.wait_all_tasks_blocked)

    @in_run
    async def test_current_task(self) -> None:
        task = lowlevel.current_task()
        self.assertTrue(task.name.endswith("test_current_task"), task.name)
        self.assertIsNone(task.parent_nursery)
        children = []

        async def child() -> None:
            children.append(lowlevel.current_task())
            await lowlevel.checkpoint()
            self.assertIs(lowlevel.current_task(), children[0])

        async with structio.open_nursery() as nursery:
            nursery.start_soon(child, name="somebody")
            await structio.testing.wait_all_tasks_blocked()
        self.assertEqual(children[0].name, "somebody")
        self.assertIs(lowlevel.current_task(), task)

    @in_run
    async def test_what_has_every_attribute_has_a_name(self) -> None:
        started = []

        class Anything:
            __name__ = 5

            def __getattr__(self, name: str) -> Any:
                if name.startswith("__"):
                    raise AttributeError(name)
                return Anything()

            async def __call__(self) -> None:
                started.append(lowlevel.current_task().name)

        async with structio.open_nursery() as nursery:
            nursery.start_soon(Anything())
            nursery.start_soon(functools.partial(mock.AsyncMock()))
            self.assertEqual(len([task.name for task in nursery.child_tasks]), 2)
        self.assertIn("Anything", started[0])


if __name__ == "__main__":
    unittest.main()
