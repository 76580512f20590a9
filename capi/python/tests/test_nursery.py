"""Nurseries: children, failures, groups."""

import traceback
import unittest
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structio
from structio import lowlevel

from .support import Case, at_once, in_run


async def raises(error: BaseException) -> None:
    await lowlevel.checkpoint()
    raise error


async def raises_at_once(error: BaseException) -> None:
    raise error


class Nurseries(Case):
    @at_once
    async def test_waits_for_its_children(self) -> None:
        ended = []

        async def child(n: int) -> None:
            await structio.sleep(n)
            ended.append(n)

        start = structio.current_time()
        async with structio.open_nursery() as nursery:
            for n in (3, 1, 2):
                nursery.start_soon(child, n)
            self.assertEqual(len(nursery.child_tasks), 3)
            await structio.sleep(1.5)
            self.assertEqual(len(nursery.child_tasks), 2)
        self.assertEqual(ended, [1, 2, 3])
        self.assertEqual(structio.current_time() - start, 3)

    @in_run
    async def test_strict_even_for_one(self) -> None:
        error = ValueError("one")
        try:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(raises, error)
        except ExceptionGroup as group:
            self.assertLeaves(group, error)
        else:
            self.fail("nothing was raised")

    @in_run
    async def test_its_scope_is_one(self) -> None:
        async with structio.open_nursery() as nursery:
            scope = nursery.cancel_scope
            self.assertIsInstance(scope, structio.CancelScope)
            self.assertRegex(repr(scope), "CancelScope at .*, active")
            with self.assertRaisesRegex(RuntimeError, "one block"):
                scope.__enter__()
            with self.assertRaisesRegex(RuntimeError, "nursery's"):
                scope.__exit__(None, None, None)
            with self.assertRaisesRegex(RuntimeError, "was entered"):
                scope.relative_deadline = 3
            scope.deadline = structio.current_time() - 1
            await structio.sleep_forever()
        self.assertTrue(scope.cancelled_caught)
        self.assertIn("exited, cancelled", repr(scope))

    @in_run
    async def test_an_exception_that_cannot_be_changed(self) -> None:
        """Nobody but the interpreter writes to it."""

        @dataclass(frozen=True)
        class Frozen(Exception):
            n: int

        class FrozenGroup(ExceptionGroup[Exception]):
            def __setattr__(self, name: str, value: object) -> None:
                raise TypeError("frozen")

            def derive(self, members: Any) -> Any:
                return FrozenGroup(self.message, members)

        error = Frozen(1)
        with self.assertRaises(ExceptionGroup) as caught:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(raises, error)
        self.assertLeaves(caught.exception, error)

        async def child() -> None:
            try:
                await structio.sleep_forever()
            except structio.Cancelled as cancelled:
                group = FrozenGroup("frozen", [error])
                raise BaseExceptionGroup("mixed", [cancelled, group]) from None

        with self.assertRaises(ExceptionGroup) as caught:
            with structio.CancelScope() as scope:
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(child)
                    await structio.testing.wait_all_tasks_blocked()
                    scope.cancel()
        (mixed,) = caught.exception.exceptions
        self.assertIsInstance(mixed.exceptions[0], FrozenGroup)

    def test_a_frozen_group_at_the_end_of_a_scope(self) -> None:
        class Frozen(BaseExceptionGroup[BaseException]):
            def __setattr__(self, name: str, value: object) -> None:
                raise TypeError("frozen")

            def derive(self, members: Any) -> Any:
                return Frozen(self.message, members)

        error = ValueError()

        async def main() -> None:
            with structio.CancelScope() as scope:
                scope.cancel()
                try:
                    await lowlevel.checkpoint()
                except structio.Cancelled as cancelled:
                    raise Frozen("frozen", [cancelled, error]) from None

        with self.assertRaises(Frozen) as caught:
            structio.run(main)
        self.assertLeaves(caught.exception, error)

    @in_run
    async def test_the_bodys_own_exception(self) -> None:
        error = KeyError("body")
        try:
            async with structio.open_nursery():
                raise error
        except ExceptionGroup as group:
            self.assertLeaves(group, error)
            self.assertIsNone(group.__context__)

    @in_run
    async def test_body_and_children(self) -> None:
        errors = [ValueError(1), KeyError(2), OSError(3)]
        try:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(raises_at_once, errors[0])
                nursery.start_soon(raises_at_once, errors[1])
                nursery.start_soon(structio.sleep_forever)
                await lowlevel.cancel_shielded_checkpoint()
                raise errors[2]
        except ExceptionGroup as group:
            self.assertLeaves(group, *errors)

    @in_run
    async def test_base_exceptions_make_a_base_group(self) -> None:
        error = SystemExit(3)
        with self.assertRaises(BaseExceptionGroup) as caught:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(raises, error)
        self.assertNotIsInstance(caught.exception, ExceptionGroup)
        self.assertLeaves(caught.exception, error)

    @in_run
    async def test_nested_groups_keep_nesting(self) -> None:
        error = ValueError("deep")
        inner: list[BaseException] = []

        async def child() -> None:
            try:
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(raises, error)
            except ExceptionGroup as group:
                inner.append(group)
                raise

        try:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(child)
        except ExceptionGroup as group:
            self.assertLeaves(group, inner[0])
            self.assertLeaves(inner[0], error)  # type: ignore[arg-type]

    @in_run
    async def test_tracebacks_are_intact(self) -> None:
        async def innermost() -> None:
            raise ValueError("here")

        async def child() -> None:
            await lowlevel.checkpoint()
            await innermost()

        text = ""
        try:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(child)
        except ExceptionGroup as group:
            text = "".join(traceback.format_exception(group.exceptions[0]))
        self.assertIn("in child", text)
        self.assertIn("in innermost", text)
        self.assertNotIn("_task.py", text)

    @in_run
    async def test_cause_and_context_are_kept(self) -> None:
        cause, context = ValueError("cause"), OSError("context")

        async def child() -> None:
            try:
                raise context
            except OSError:
                raise KeyError("it") from cause

        try:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(child)
        except ExceptionGroup as group:
            self.assertIs(group.exceptions[0].__cause__, cause)
            self.assertIs(group.exceptions[0].__context__, context)

    @in_run
    async def test_failure_cancels_siblings(self) -> None:
        seen = []

        async def sibling() -> None:
            try:
                await structio.sleep_forever()
            except structio.Cancelled as cancelled:
                seen.append((cancelled.source, cancelled.source_task))
                raise

        async def fails() -> None:
            raise ValueError

        with self.assertRaises(ExceptionGroup) as caught:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(sibling)
                await structio.testing.wait_all_tasks_blocked()
                nursery.start_soon(fails, name="the culprit")
        self.assertEqual(len(caught.exception.exceptions), 1)
        self.assertEqual(seen, [("nursery", "the culprit")])

    @in_run
    async def test_closed(self) -> None:
        async with structio.open_nursery() as nursery:
            pass
        with self.assertRaisesRegex(RuntimeError, "closed to new arrivals"):
            nursery.start_soon(structio.sleep, 0)
        with self.assertRaisesRegex(RuntimeError, "closed to new arrivals"):
            await nursery.start(structio.sleep, 0)

    @at_once
    async def test_start_soon_from_a_child_after_the_body(self) -> None:
        seen = []

        async def grandchild() -> None:
            await structio.sleep(1)
            seen.append(structio.current_time())

        async def child(nursery: structio.Nursery) -> None:
            await structio.sleep(1)
            nursery.start_soon(grandchild)

        async with structio.open_nursery() as nursery:
            nursery.start_soon(child, nursery)
        self.assertEqual(seen, [2])

    @in_run
    async def test_cancelled_body_passes_outwards(self) -> None:
        with structio.CancelScope() as scope:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(structio.sleep_forever)
                scope.cancel()
                await structio.sleep_forever()
            self.fail("the cancellation went no further")
        self.assertTrue(scope.cancelled_caught)

    @in_run
    async def test_own_scope_absorbs(self) -> None:
        async with structio.open_nursery() as nursery:
            nursery.start_soon(structio.sleep_forever)
            nursery.cancel_scope.cancel("enough")
            await structio.sleep_forever()
        self.assertTrue(nursery.cancel_scope.cancel_called)
        self.assertTrue(nursery.cancel_scope.cancelled_caught)

    @in_run
    async def test_no_vestige_of_a_finished_child(self) -> None:
        async def child() -> None:
            pass

        async with structio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(child)
            await structio.testing.wait_all_tasks_blocked()
            self.assertEqual(nursery.child_tasks, frozenset())

    @in_run
    async def test_five_hundred_deep(self) -> None:
        error = ValueError("bottom")

        async def down(n: int) -> None:
            if n == 0:
                raise error
            async with structio.open_nursery() as nursery:
                nursery.start_soon(down, n - 1)

        try:
            await down(200)
        except ExceptionGroup as group:
            deepest: BaseException = group
            depth = 0
            while isinstance(deepest, BaseExceptionGroup):
                (deepest,) = deepest.exceptions
                depth += 1
            self.assertIs(deepest, error)
            self.assertEqual(depth, 200)


class Generators(Case):
    """Async generators with a nursery inside."""

    @in_run
    async def test_closed(self) -> None:
        ended = []

        async def waits() -> None:
            try:
                await structio.sleep_forever()
            finally:
                ended.append("child")

        async def numbers() -> AsyncGenerator[int, None]:
            try:
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(waits)
                    for n in range(10):
                        await lowlevel.checkpoint()
                        yield n
            finally:
                ended.append("generator")

        async with aclosing(numbers()) as generator:
            async for n in generator:
                if n == 3:
                    break
        self.assertEqual(ended, ["child", "generator"])

    @in_run
    async def test_exhausted(self) -> None:
        async def numbers() -> AsyncGenerator[int, None]:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(structio.sleep, 0)
                yield 1
                yield 2

        self.assertEqual([n async for n in numbers()], [1, 2])

    @in_run
    async def test_child_fails_while_closed(self) -> None:
        error = ValueError("child's")

        async def fails() -> None:
            try:
                await structio.sleep_forever()
            finally:
                raise error

        async def numbers() -> AsyncGenerator[int, None]:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(fails)
                await lowlevel.checkpoint()
                yield 1

        try:
            async with aclosing(numbers()) as generator:
                async for _ in generator:
                    break
        except ExceptionGroup as group:
            self.assertLeaves(group, error)
        else:
            self.fail("nothing was raised")


class Cancellations(Case):
    """Groups in which there is a Cancelled."""

    @in_run
    async def test_mixed_group_loses_what_the_scope_absorbs(self) -> None:
        """CANCEL-27"""
        error = ValueError("kept")

        async def child() -> None:
            try:
                await structio.sleep_forever()
            finally:
                raise error

        try:
            with structio.CancelScope() as scope:
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(child)
                    nursery.start_soon(structio.sleep_forever)
                    await structio.testing.wait_all_tasks_blocked()
                    scope.cancel()
        except ExceptionGroup as group:
            self.assertLeaves(group, error)
        self.assertTrue(scope.cancelled_caught)

    @in_run
    async def test_through_several_nurseries(self) -> None:
        """CANCEL-27: an error and a cancellation from far out, through two nurseries."""
        error = ValueError("kept")

        async def fails() -> None:
            try:
                await structio.sleep_forever()
            finally:
                raise error

        async def inner() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(fails)
                nursery.start_soon(structio.sleep_forever)

        got: BaseException | None = None
        try:
            with structio.CancelScope() as scope:
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(inner)
                    nursery.start_soon(structio.sleep_forever)
                    await structio.testing.wait_all_tasks_blocked()
                    scope.cancel()
        except BaseExceptionGroup as group:
            got = group
        assert isinstance(got, ExceptionGroup), repr(got)
        self.assertEqual(len(got.exceptions), 1)
        self.assertLeaves(got.exceptions[0], error)  # type: ignore[arg-type]
        self.assertTrue(scope.cancelled_caught)

    @in_run
    async def test_only_cancelled_vanishes(self) -> None:
        """CANCEL-28"""

        async def inner() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(structio.sleep_forever)
                nursery.start_soon(structio.sleep_forever)

        with structio.CancelScope() as scope:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(inner)
                nursery.start_soon(inner)
                await structio.testing.wait_all_tasks_blocked()
                scope.cancel()
        self.assertTrue(scope.cancelled_caught)

    @in_run
    async def test_a_users_group_around_cancelled(self) -> None:
        """CANCEL-28: made by the program itself."""
        error = ValueError("kept")

        async def child() -> None:
            try:
                await structio.sleep_forever()
            except structio.Cancelled as cancelled:
                raise BaseExceptionGroup("the user's", [cancelled, error]) from None

        try:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(child)
                await structio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
        except ExceptionGroup as group:
            (users,) = group.exceptions
            self.assertEqual(users.message, "the user's")  # type: ignore[attr-defined]
            self.assertLeaves(users, error)  # type: ignore[arg-type]
        else:
            self.fail("nothing was raised")


if __name__ == "__main__":
    unittest.main()
