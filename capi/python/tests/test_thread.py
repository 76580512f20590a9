"""Worker threads, and from them back into the run."""

import contextvars
import os
import signal
import subprocess
import threading
import unittest
from typing import Any
from unittest import mock

import structio
from structio import _sigmask, from_thread, lowlevel, to_thread
from structio.testing import wait_all_tasks_blocked

from .support import Case, in_run


class ToThread(Case):
    @in_run
    async def test_value_and_thread(self) -> None:
        main = threading.get_ident()

        def works(x: int) -> tuple[int, int]:
            return x, threading.get_ident()

        value, thread = await to_thread.run_sync(works, 3)
        self.assertEqual(value, 3)
        self.assertNotEqual(thread, main)

    @unittest.skipUnless(os.path.exists("/proc/self/status"), "needs /proc")
    def test_programs_that_it_starts_can_be_ended(self) -> None:
        """Worker threads block signals; what they start must not."""

        def blocked() -> str:
            with open("/proc/thread-self/status") as status:
                return next(line for line in status if line.startswith("SigBlk"))

        def works() -> int:
            with subprocess.Popen(["sleep", "60"]) as process:
                process.terminate()
                return process.wait()

        async def main() -> tuple[str, int]:
            return await to_thread.run_sync(blocked), await to_thread.run_sync(works)

        self.assertEqual(structio.run(main), (blocked(), -signal.SIGTERM))

    @in_run
    async def test_the_very_exception(self) -> None:
        error = ValueError("thread's")

        def fails() -> None:
            raise error

        try:
            await to_thread.run_sync(fails)
        except ValueError as caught:
            self.assertIs(caught, error)
            names = []
            trace = caught.__traceback__
            while trace is not None:
                names.append(trace.tb_frame.f_code.co_name)
                trace = trace.tb_next
            self.assertEqual(names[-1], "fails")

    @in_run
    async def test_others_run_meanwhile(self) -> None:
        flag = threading.Event()

        async def releases() -> None:
            flag.set()

        async with structio.open_nursery() as nursery:
            nursery.start_soon(releases)
            self.assertTrue(await to_thread.run_sync(flag.wait, 10))

    @in_run
    async def test_context(self) -> None:
        """THR-18"""
        variable = contextvars.ContextVar("variable", default=0)
        variable.set(5)

        def works() -> int:
            before = variable.get()
            variable.set(6)
            return before

        self.assertEqual(await to_thread.run_sync(works), 5)
        self.assertEqual(variable.get(), 5)

    @in_run
    async def test_cancelled_before(self) -> None:
        """THR-10"""
        ran = []
        with structio.CancelScope() as scope:
            scope.cancel()
            await to_thread.run_sync(ran.append, 1)
        self.assertTrue(scope.cancelled_caught)
        self.assertEqual(ran, [])
        self.assertEqual(to_thread._jobs, {})

    @in_run
    async def test_cancelled_meanwhile_waits(self) -> None:
        """THR-09"""
        flag = threading.Event()
        got = []

        async def child() -> None:
            got.append(await to_thread.run_sync(flag.wait, 10))
            await lowlevel.checkpoint()
            got.append("not reached")

        async with structio.open_nursery() as nursery:
            nursery.start_soon(child)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
            flag.set()
        self.assertEqual(got, [True])

    def test_abandoned(self) -> None:
        """THR-11"""
        flag, ended = threading.Event(), threading.Event()

        def works() -> None:
            flag.wait(10)
            ended.set()

        async def main() -> None:
            with structio.move_on_after(0.01) as scope:
                await to_thread.run_sync(
                    works, abandon_on_cancel=True, limiter=structio.CapacityLimiter(1)
                )
            self.assertTrue(scope.cancelled_caught)
            self.assertFalse(ended.is_set())

        structio.run(main)
        flag.set()
        self.assertTrue(ended.wait(10))

    @in_run
    async def test_abandoned_before_it_began_it_runs_all_the_same(self) -> None:
        ran = threading.Semaphore(0)
        for _ in range(50):
            with structio.CancelScope() as scope:
                async with structio.open_nursery() as nursery:

                    async def child() -> None:
                        await to_thread.run_sync(ran.release, abandon_on_cancel=True)

                    nursery.start_soon(child)
                    await lowlevel.checkpoint()
                    scope.cancel()
            self.assertTrue(ran.acquire(timeout=10))

    @in_run
    async def test_bad_arguments(self) -> None:
        """A block of another kind is smaller than a limiter."""
        for limiter in (structio.Event(), structio.Semaphore(1), 3):
            with self.assertRaisesRegex(TypeError, "CapacityLimiter"):
                await to_thread.run_sync(int, limiter=limiter)  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            await to_thread.run_sync(3)  # type: ignore[arg-type]

    @in_run
    async def test_abandoned_its_failure_is_thrown_away_however_soon_it_comes(self) -> None:
        begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
        exchange = _sigmask.exchange

        def exchanges(mask: Any) -> Any:
            """Called on the thread before and after its work."""
            if go_on.is_set():
                ended.set()
            return exchange(mask)

        def works() -> None:
            begun.set()
            go_on.wait()
            raise ValueError

        async def child() -> None:
            await to_thread.run_sync(works, abandon_on_cancel=True)

        with mock.patch("structio._sigmask.exchange", exchanges):
            async with structio.open_nursery() as nursery:
                nursery.start_soon(child)
                await wait_all_tasks_blocked()
                begun.wait()
                nursery.cancel_scope.cancel()
                go_on.set()
                ended.wait()  # the child is not told before

    @in_run
    async def test_limiter(self) -> None:
        limiter = structio.CapacityLimiter(2)
        lock = threading.Lock()
        running, most = 0, 0

        def works() -> None:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.002)
            with lock:
                running -= 1

        async def child() -> None:
            await to_thread.run_sync(works, limiter=limiter)

        async with structio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(child)
        self.assertEqual(most, 2)
        self.assertEqual(limiter.borrowed_tokens, 0)
        self.assertEqual(to_thread.current_default_thread_limiter().total_tokens, 40)

    def test_default_limiter(self) -> None:
        """One object, as long as its run."""

        async def main() -> structio.CapacityLimiter:
            limiter = to_thread.current_default_thread_limiter()
            self.assertIs(to_thread.current_default_thread_limiter(), limiter)
            limiter.acquire_on_behalf_of_nowait(limiter)
            self.assertEqual(limiter.borrowed_tokens, 1)
            limiter.release_on_behalf_of(limiter)
            return limiter

        for _ in range(3):
            limiter = structio.run(main)
            for call in (
                limiter.acquire_nowait,
                limiter.statistics,
                lambda: limiter.total_tokens,
                lambda: repr(limiter),
            ):
                with self.assertRaisesRegex(structio.RunFinishedError, "ended with its run"):
                    call()

        async def again(limiter: structio.CapacityLimiter) -> None:
            for call in (limiter.acquire(), to_thread.run_sync(int, limiter=limiter)):
                with self.assertRaisesRegex(structio.RunFinishedError, "ended with its run"):
                    await call

        structio.run(again, limiter)


class FromThread(Case):
    @in_run
    async def test_run(self) -> None:
        main = threading.get_ident()

        async def in_the_run(x: int) -> tuple[int, int]:
            await structio.sleep(0)
            return x + 1, threading.get_ident()

        def works() -> tuple[int, int]:
            return from_thread.run(in_the_run, 3)

        self.assertEqual(await to_thread.run_sync(works), (4, main))
        self.assertEqual(
            await to_thread.run_sync(lambda: from_thread.run_sync(threading.get_ident)), main
        )

    @in_run
    async def test_the_very_exception_there_and_back(self) -> None:
        error = KeyError("the run's")

        async def fails() -> None:
            await lowlevel.checkpoint()
            raise error

        def works() -> None:
            try:
                from_thread.run(fails)
            except KeyError as caught:
                self.assertIs(caught, error)
                raise

        try:
            await to_thread.run_sync(works)
        except KeyError as caught:
            self.assertIs(caught, error)
        else:
            self.fail("nothing was raised")

    @in_run
    async def test_in_the_tasks_scopes(self) -> None:
        def works() -> None:
            from_thread.run(structio.sleep_forever)

        with structio.move_on_after(0.01) as scope:
            await to_thread.run_sync(works)
        self.assertTrue(scope.cancelled_caught)

    @in_run
    async def test_check_cancelled(self) -> None:
        flag = threading.Event()

        def works() -> None:
            from_thread.check_cancelled()
            flag.wait(10)
            from_thread.check_cancelled()
            self.fail("not cancelled")

        async with structio.open_nursery() as nursery:
            nursery.start_soon(to_thread.run_sync, works)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
            flag.set()

    def test_elsewhere(self) -> None:
        for call in (
            lambda: from_thread.run(structio.sleep, 0),
            lambda: from_thread.run_sync(print),
            from_thread.check_cancelled,
        ):
            with self.assertRaisesRegex(RuntimeError, "on a thread of structio.to_thread.run_sync"):
                call()

    @in_run
    async def test_any_thread_with_a_token(self) -> None:
        token = lowlevel.current_token()
        self.assertIs(lowlevel.current_token(), token)
        main = threading.get_ident()
        got: list[object] = []
        error = KeyError("the run's")

        async def value() -> int:
            await structio.sleep(0)
            return threading.get_ident()

        async def fails() -> None:
            raise error

        def thread() -> None:
            got.append(from_thread.run(value, token=token))
            got.append(from_thread.run_sync(threading.get_ident, token=token))
            try:
                from_thread.run(fails, token=token)
            except KeyError as caught:
                got.append(caught)
            token.run_sync_soon(in_no_task)
            token.run_sync_soon(event.set)

        def in_no_task() -> None:
            with self.assertRaises(RuntimeError):
                lowlevel.current_task()
            got.append(threading.get_ident())

        event = structio.Event()
        other = threading.Thread(target=thread)
        other.start()
        await event.wait()
        other.join()
        self.assertEqual(got, [main, main, error, main])
        with self.assertRaisesRegex(RuntimeError, "inside a run"):
            from_thread.run(value, token=token)

    def test_a_token_after_its_run(self) -> None:
        async def main() -> lowlevel.Token:
            return lowlevel.current_token()

        token = structio.run(main)
        with self.assertRaises(structio.RunFinishedError):
            from_thread.run(structio.sleep, 0, token=token)
        with self.assertRaises(structio.RunFinishedError):
            token.run_sync_soon(print)

    def test_what_waits_in_the_run_is_cancelled_at_its_end(self) -> None:
        got: list[BaseException] = []

        def thread(token: lowlevel.Token) -> None:
            try:
                from_thread.run(structio.sleep_forever, token=token)
            except BaseException as caught:
                got.append(caught)

        async def main() -> threading.Thread:
            other = threading.Thread(target=thread, args=(lowlevel.current_token(),))
            other.start()
            await structio.sleep(0.01)
            return other

        structio.run(main).join()
        self.assertIsInstance(got[0], (structio.Cancelled, structio.RunFinishedError))

    def test_a_failure_in_run_sync_soon_ends_the_run(self) -> None:
        async def main() -> None:
            lowlevel.current_token().run_sync_soon(lambda: 1 / 0)
            await structio.sleep(10)

        with mock.patch("sys.unraisablehook") as told:
            with self.assertRaises(structio.InternalError) as caught:
                structio.run(main)
        self.assertIsInstance(caught.exception.__cause__, ZeroDivisionError)
        told.assert_not_called()

    @in_run
    async def test_async_where_plain_is_wanted_and_the_other_way_round(self) -> None:
        """THR-17"""
        with self.assertRaisesRegex(TypeError, "plain function"):
            await to_thread.run_sync(structio.sleep, 0)
        with self.assertRaisesRegex(TypeError, "plain function"):
            await to_thread.run_sync(lambda: from_thread.run_sync(structio.sleep, 0))
        with self.assertRaisesRegex(TypeError, "async function"):
            await to_thread.run_sync(lambda: from_thread.run(int))  # type: ignore[arg-type]

    @in_run
    async def test_starts_tasks(self) -> None:
        seen = []

        async def child() -> None:
            seen.append(threading.get_ident())

        async with structio.open_nursery() as nursery:
            await to_thread.run_sync(
                lambda: from_thread.run_sync(nursery.start_soon, child)
            )
        self.assertEqual(seen, [threading.get_ident()])


if __name__ == "__main__":
    unittest.main()
