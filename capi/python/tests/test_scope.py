"""Cancel scopes."""

import gc
import math
import unittest

import structio
from structio import Cancelled, CancelScope, lowlevel
from structio.testing import MockClock, wait_all_tasks_blocked

from .support import Case, at_once, in_run


class Scopes(Case):
    @in_run
    async def test_level_triggered(self) -> None:
        """CANCEL-01, CANCEL-02"""
        with CancelScope() as scope:
            scope.cancel()
            scope.cancel()
            for _ in range(3):
                with self.assertRaises(Cancelled):
                    await structio.sleep_forever()
            await lowlevel.checkpoint()
            self.fail("not reached")
        self.assertTrue(scope.cancel_called)
        self.assertTrue(scope.cancelled_caught)

    @in_run
    async def test_without_a_checkpoint(self) -> None:
        """CANCEL-03"""
        with CancelScope() as scope:
            scope.cancel()
        self.assertTrue(scope.cancel_called)
        self.assertFalse(scope.cancelled_caught)
        await lowlevel.checkpoint()

    @in_run
    async def test_outermost_catches(self) -> None:
        """CANCEL-04"""
        with CancelScope() as first, CancelScope() as second, CancelScope() as third:
            third.cancel()
            second.cancel()
            await structio.sleep_forever()
        self.assertEqual(
            [(s.cancel_called, s.cancelled_caught) for s in (first, second, third)],
            [(False, False), (True, True), (True, False)],
        )

    @in_run
    async def test_shields(self) -> None:
        """CANCEL-05, CANCEL-06, CANCEL-08"""
        with CancelScope() as outer:
            with CancelScope() as inner:
                outer.cancel()
                with self.assertRaises(Cancelled):
                    await lowlevel.checkpoint()
                inner.shield = True
                await lowlevel.checkpoint()
                inner.shield = False
                with self.assertRaises(Cancelled):
                    await lowlevel.checkpoint()
                inner.shield = True
                inner.cancel()
                await lowlevel.checkpoint()
            self.assertTrue(inner.cancelled_caught)
        self.assertFalse(outer.cancelled_caught)

    @in_run
    async def test_shield_must_be_a_bool(self) -> None:
        """CANCEL-07"""
        scope = CancelScope(shield=True)
        with self.assertRaises(TypeError):
            scope.shield = 1  # type: ignore[assignment]
        self.assertIs(scope.shield, True)
        with self.assertRaises(TypeError):
            CancelScope(shield=None)  # type: ignore[arg-type]

    @in_run
    async def test_lowering_a_shield_aborts(self) -> None:
        """CANCEL-09"""
        with CancelScope() as outer:
            async with structio.open_nursery() as nursery:
                outer.cancel()
                nursery.cancel_scope.shield = True
                nursery.start_soon(structio.sleep_forever)
                await wait_all_tasks_blocked()
                self.assertEqual(len(nursery.child_tasks), 1)
                nursery.cancel_scope.shield = False
        self.assertTrue(outer.cancelled_caught)

    @in_run
    async def test_before_and_after_its_block(self) -> None:
        """CANCEL-11, CANCEL-13, CANCEL-14, CANCEL-15"""
        scope = CancelScope()
        scope.cancel()
        with scope:
            with self.assertRaisesRegex(RuntimeError, "one block"):
                scope.__enter__()
            await lowlevel.checkpoint()
        self.assertTrue(scope.cancelled_caught)
        with self.assertRaisesRegex(RuntimeError, "one block"):
            scope.__enter__()
        with CancelScope() as scope:
            pass
        self.assertFalse(scope.cancel_called)
        scope.cancel()
        self.assertTrue(scope.cancel_called)
        self.assertFalse(scope.cancelled_caught)

    @in_run
    async def test_entered_by_another_task(self) -> None:
        """CANCEL-12"""
        scope = CancelScope()

        async def child() -> None:
            with scope:
                await structio.sleep_forever()

        async with structio.open_nursery() as nursery:
            nursery.start_soon(child)
            await wait_all_tasks_blocked()
            scope.cancel()
        self.assertTrue(scope.cancelled_caught)

    def test_deadlines(self) -> None:
        """CANCEL-16, CANCEL-17, CANCEL-18, CANCEL-19"""
        clock = MockClock()

        async def main() -> None:
            now = structio.current_time
            scope = CancelScope(deadline=now() + 1)
            self.assertFalse(scope.cancel_called)
            scope.deadline = now()
            self.assertTrue(scope.cancel_called)
            scope.deadline = now() + 1
            self.assertTrue(scope.cancel_called)

            with CancelScope(deadline=now() + 1) as left_before:
                pass
            clock.jump(10)
            self.assertFalse(left_before.cancel_called)

            with CancelScope(deadline=now() + 1) as scope:
                self.assertEqual(scope.deadline, now() + 1)
                clock.jump(2)
                await structio.sleep_forever()
            self.assertTrue(scope.cancelled_caught and scope.cancel_called)

            with CancelScope(deadline=now() + 10) as scope:
                scope.deadline = now() - 1
                with self.assertRaises(Cancelled):
                    await lowlevel.checkpoint()
                await lowlevel.checkpoint()
            self.assertTrue(scope.cancelled_caught)

        structio.run(main, clock=clock)

    @in_run
    async def test_bad_values(self) -> None:
        """CANCEL-20"""
        for make in (structio.move_on_after, structio.fail_after):
            with self.assertRaises(ValueError):
                make(-1)
        for make in (structio.move_on_after, structio.move_on_at, structio.fail_at):
            with self.assertRaises(ValueError):
                make(math.nan)
        scope = CancelScope(deadline=5)
        with self.assertRaises(ValueError):
            scope.deadline = math.nan
        self.assertEqual(scope.deadline, 5)

    @in_run
    async def test_reasons(self) -> None:
        with CancelScope() as scope:
            for bad in (3, b"bytes"):
                with self.assertRaisesRegex(TypeError, "str"):
                    scope.cancel(bad)  # type: ignore[arg-type]
            scope.cancel("half a \udcff character")
            with self.assertRaisesRegex(Cancelled, "half a . character"):
                await lowlevel.checkpoint()

    def test_cancelled_is_made_by_the_library_only(self) -> None:
        with self.assertRaises(TypeError):
            Cancelled()
        with self.assertRaises(TypeError):
            type("Mine", (Cancelled,), {})

    @in_run
    async def test_deadlines_without_end(self) -> None:
        with CancelScope(deadline=-math.inf) as scope:
            self.assertEqual(scope.deadline, -math.inf)
            self.assertEqual(structio.current_effective_deadline(), -math.inf)
            await lowlevel.checkpoint()
        self.assertTrue(scope.cancelled_caught)
        self.assertEqual(scope.deadline, -math.inf)
        for moment in (1e300, math.inf):
            with CancelScope(deadline=moment) as scope:
                self.assertEqual(scope.deadline, math.inf)

    @at_once
    async def test_relative(self) -> None:
        """CANCEL-20, CANCEL-21"""
        with self.assertRaises(ValueError):
            CancelScope(deadline=1, relative_deadline=1)
        for bad in (-1, math.nan):
            with self.assertRaises(ValueError):
                CancelScope(relative_deadline=bad)
        scope = CancelScope(relative_deadline=3)
        self.assertEqual(scope.relative_deadline, 3)
        scope.relative_deadline = 5
        self.assertEqual(scope.relative_deadline, 5)
        with self.assertRaises(ValueError):
            scope.relative_deadline = -1
        await structio.sleep(10)
        with scope:
            self.assertEqual(scope.deadline, 15)
            with self.assertRaises(RuntimeError):
                scope.relative_deadline = 7
            await structio.sleep_forever()
        self.assertEqual(structio.current_time(), 15)
        self.assertEqual(CancelScope().relative_deadline, math.inf)

    @in_run
    async def test_text(self) -> None:
        """CANCEL-22"""
        scope = CancelScope()
        self.assertIn("unentered", repr(scope))
        with scope:
            self.assertIn("active", repr(scope))
            scope.cancel()
            self.assertIn("cancelled", repr(scope))
        self.assertIn("exited", repr(scope))

    @at_once
    async def test_effective_deadline(self) -> None:
        """CANCEL-23"""
        effective = structio.current_effective_deadline
        self.assertEqual(effective(), math.inf)
        with CancelScope(deadline=50) as outer, CancelScope(deadline=70) as inner:
            self.assertEqual(effective(), 50)
            inner.deadline = 40
            self.assertEqual(effective(), 40)
            inner.shield = True
            outer.deadline = 5
            self.assertEqual(effective(), 40)
            inner.cancel()
            self.assertEqual(effective(), -math.inf)

    @in_run
    async def test_many_nested(self) -> None:
        """CANCEL-24"""
        from contextlib import ExitStack

        with ExitStack() as stack:
            outermost = stack.enter_context(CancelScope())
            for _ in range(5000):
                stack.enter_context(CancelScope())
            outermost.cancel()
            await structio.sleep_forever()
        self.assertTrue(outermost.cancelled_caught)

    @in_run
    async def test_other_groups_pass(self) -> None:
        """CANCEL-26"""
        group = ExceptionGroup("two", [RuntimeError(), RuntimeError()])
        try:
            with CancelScope() as scope:
                scope.cancel()
                raise group
        except ExceptionGroup as caught:
            self.assertIs(caught, group)
        self.assertFalse(scope.cancelled_caught)

    @in_run
    async def test_a_group_of_the_users(self) -> None:
        """CANCEL-27, CANCEL-28"""
        error = ValueError()
        try:
            with CancelScope() as scope:
                scope.cancel()
                try:
                    await lowlevel.checkpoint()
                except Cancelled as cancelled:
                    raise BaseExceptionGroup("mixed", [cancelled, error]) from None
        except ExceptionGroup as caught:
            self.assertEqual(caught.message, "mixed")
            self.assertLeaves(caught, error)
        self.assertTrue(scope.cancelled_caught)
        with CancelScope() as scope:
            scope.cancel()
            try:
                await lowlevel.checkpoint()
            except Cancelled as cancelled:
                inner = BaseExceptionGroup("inner", [cancelled])
                raise BaseExceptionGroup("outer", [inner, cancelled]) from None
        self.assertTrue(scope.cancelled_caught)

    @in_run
    async def test_why(self) -> None:
        with CancelScope() as scope:
            scope.cancel("no longer needed")
            with self.assertRaises(Cancelled) as caught:
                await lowlevel.checkpoint()
        why = caught.exception
        self.assertEqual((why.source, why.reason), ("explicit", "no longer needed"))
        self.assertEqual(why.source_task, "test_why")
        self.assertIn("explicit", str(why))
        self.assertIn("no longer needed", str(why))

    @in_run
    async def test_wrong_nesting_is_an_error(self) -> None:
        async def child() -> None:
            outer, inner = CancelScope(), CancelScope()
            outer.__enter__()
            inner.__enter__()
            with self.assertRaisesRegex(RuntimeError, "still open"):
                outer.__exit__(None, None, None)
            inner.__exit__(None, None, None)

        async with structio.open_nursery() as nursery:
            nursery.start_soon(child)

    @in_run
    async def test_a_nursery_inside_keeps_a_scope_open(self) -> None:
        outer = CancelScope()
        outer.__enter__()
        nursery = structio.open_nursery()
        (await nursery.__aenter__()).start_soon(lowlevel.checkpoint)
        with self.assertRaisesRegex(RuntimeError, "may block"):
            outer.__exit__(None, None, None)
        gc.collect()
        await nursery.__aexit__(None, None, None)
        outer.__exit__(None, None, None)


class Timeouts(Case):
    @at_once
    async def test_move_on(self) -> None:
        with structio.move_on_after(3) as scope:
            await structio.sleep_forever()
        self.assertTrue(scope.cancelled_caught)
        self.assertEqual(structio.current_time(), 3)
        with structio.move_on_at(5) as scope:
            await structio.sleep_forever()
        self.assertTrue(scope.cancelled_caught)
        self.assertEqual(structio.current_time(), 5)
        with structio.move_on_after(3) as scope:
            await structio.sleep(2)
        self.assertFalse(scope.cancelled_caught)
        with structio.move_on_after(math.inf) as scope:
            await structio.sleep(2)
        self.assertEqual(scope.deadline, math.inf)

    @at_once
    async def test_counts_from_entry(self) -> None:
        timeout = structio.move_on_after(3)
        await structio.sleep(10)
        with timeout as scope:
            self.assertEqual(scope.deadline, 13)
            await structio.sleep_forever()
        self.assertEqual(structio.current_time(), 13)

    @at_once
    async def test_fail(self) -> None:
        for make in (lambda: structio.fail_after(3), lambda: structio.fail_at(6)):
            with self.assertRaises(structio.TooSlowError):
                with make() as scope:
                    await structio.sleep_forever()
            self.assertTrue(scope.cancelled_caught)
        with structio.fail_after(3):
            await structio.sleep(1)
        with self.assertRaises(KeyError):
            with structio.fail_after(3):
                raise KeyError

    @at_once
    async def test_not_for_an_outer_cancellation(self) -> None:
        with structio.move_on_after(1) as outer:
            with structio.fail_after(3):
                await structio.sleep_forever()
        self.assertTrue(outer.cancelled_caught)

    @at_once
    async def test_zero(self) -> None:
        with structio.move_on_after(0) as scope:
            await lowlevel.checkpoint()
        self.assertTrue(scope.cancelled_caught)


if __name__ == "__main__":
    unittest.main()
