"""Events, locks, semaphores, limiters, conditions."""

import math
import unittest
from typing import Any

import structio
from structio import CapacityLimiter, Condition, Event, Lock, Semaphore, WouldBlock, lowlevel
from structio._sync import LockStatistics
from structio.testing import wait_all_tasks_blocked

from .support import Case, at_once, in_run


class Events(Case):
    @at_once
    async def test_event(self) -> None:
        event = Event()
        woken = []

        async def child(n: int) -> None:
            await event.wait()
            woken.append(n)

        async with structio.open_nursery() as nursery:
            for n in range(3):
                nursery.start_soon(child, n)
            await wait_all_tasks_blocked()
            self.assertEqual(event.statistics().tasks_waiting, 3)
            self.assertFalse(event.is_set())
            event.set()
            event.set()
            self.assertTrue(event.is_set())
        self.assertEqual(woken, [0, 1, 2])
        await self.assertCheckpoint(event.wait())

    @at_once
    async def test_cancelled(self) -> None:
        event = Event()
        with structio.move_on_after(0) as scope:
            await event.wait()
        self.assertTrue(scope.cancelled_caught)
        self.assertEqual(event.statistics().tasks_waiting, 0)

    def test_made_without_a_run(self) -> None:
        event = Event()
        self.assertFalse(event.is_set())

        async def main() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(event.wait)
                event.set()

        structio.run(main)
        self.assertTrue(event.is_set())
        with self.assertRaises(RuntimeError):
            event.set()


class Locks(Case):
    @at_once
    async def test_lock(self) -> None:
        """LOCK-01, LOCK-02, LOCK-03"""
        lock = Lock()
        self.assertFalse(lock.locked())
        with self.assertRaises(RuntimeError):
            lock.release()
        await self.assertCheckpoint(lock.acquire())
        self.assertTrue(lock.locked())
        self.assertIn("Lock", repr(lock))
        with self.assertRaises(RuntimeError):
            await lock.acquire()
        with self.assertRaises(RuntimeError):
            lock.acquire_nowait()
        lock.release()

        holders = []

        async def holder() -> None:
            async with lock:
                holders.append(lowlevel.current_task())
                await structio.sleep_forever()

        async with structio.open_nursery() as nursery:
            nursery.start_soon(holder)
            await wait_all_tasks_blocked()
            nursery.start_soon(holder)
            await wait_all_tasks_blocked()
            with self.assertRaises(WouldBlock):
                lock.acquire_nowait()
            with self.assertRaises(RuntimeError):
                lock.release()
            statistics = lock.statistics()
            self.assertTrue(statistics.locked)
            self.assertIs(statistics.owner, holders[0])
            self.assertEqual(statistics.tasks_waiting, 1)
            nursery.cancel_scope.cancel()
        self.assertEqual(lock.statistics(), LockStatistics(False, None, 0))

    @at_once
    async def test_owner_that_ends(self) -> None:
        """LOCK-07"""
        lock = Lock()
        async with structio.open_nursery() as nursery:
            nursery.start_soon(lock.acquire, name="careless")
        with self.assertRaisesRegex(structio.BrokenResourceError, "careless"):
            await lock.acquire()

    @at_once
    async def test_mutual_exclusion_and_fairness(self) -> None:
        """LOCK-04, LOCK-05"""
        for lock in (Lock(), Semaphore(1), CapacityLimiter(1)):
            record: list[int] = []
            inside = 0

            async def worker(n: int, lock: Any = lock, record: list[int] = record) -> None:
                nonlocal inside
                for _ in range(5):
                    async with lock:
                        inside += 1
                        self.assertEqual(inside, 1)
                        record.append(n)
                        await lowlevel.checkpoint()
                        inside -= 1

            async with structio.open_nursery() as nursery:
                for n in range(3):
                    nursery.start_soon(worker, n)
            self.assertEqual(record, record[:3] * 5)

    @at_once
    async def test_dropped_while_locked(self) -> None:
        """The memory of a lock that nobody has any more is not used by anybody."""

        async def child() -> None:
            await Lock().acquire()

        for _ in range(20):
            async with structio.open_nursery() as nursery:
                nursery.start_soon(child)


class Semaphores(Case):
    @at_once
    async def test_values(self) -> None:
        """SEM-01, SEM-02, SEM-04"""
        with self.assertRaises(TypeError):
            Semaphore(1.0)  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            Semaphore(1, max_value=1.0)  # type: ignore[arg-type]
        with self.assertRaises(ValueError):
            Semaphore(-1)
        with self.assertRaises(ValueError):
            Semaphore(2, max_value=1)
        semaphore = Semaphore(0)
        self.assertIsNone(semaphore.max_value)
        with self.assertRaises(WouldBlock):
            semaphore.acquire_nowait()
        semaphore.release()
        self.assertEqual(semaphore.value, 1)
        await self.assertCheckpoint(semaphore.acquire())
        bounded = Semaphore(1, max_value=1)
        with self.assertRaises(ValueError):
            bounded.release()
        self.assertEqual((bounded.value, bounded.max_value), (1, 1))

    @at_once
    async def test_hands_over(self) -> None:
        """SEM-03"""
        semaphore = Semaphore(0)
        async with structio.open_nursery() as nursery:
            nursery.start_soon(semaphore.acquire)
            await wait_all_tasks_blocked()
            self.assertEqual(semaphore.statistics().tasks_waiting, 1)
            semaphore.release()
            self.assertEqual(semaphore.value, 0)
            with self.assertRaises(WouldBlock):
                semaphore.acquire_nowait()


class Limiters(Case):
    @at_once
    async def test_values(self) -> None:
        """LIM-01, LIM-03, LIM-04, LIM-08, LIM-10"""
        CapacityLimiter(0)
        with self.assertRaises(TypeError):
            CapacityLimiter(1.0)
        with self.assertRaises(ValueError):
            CapacityLimiter(-1)
        limiter = CapacityLimiter(math.inf)
        self.assertEqual((limiter.total_tokens, limiter.available_tokens), (math.inf, math.inf))
        with self.assertRaises(RuntimeError):
            limiter.release()
        await self.assertCheckpoint(limiter.acquire())
        with self.assertRaises(RuntimeError):
            await limiter.acquire()
        with self.assertRaises(RuntimeError):
            limiter.acquire_nowait()
        self.assertEqual((limiter.borrowed_tokens, limiter.available_tokens), (1, math.inf))
        with self.assertRaises(TypeError):
            limiter.total_tokens = 1.5
        with self.assertRaises(ValueError):
            limiter.total_tokens = -1
        limiter.total_tokens = 0
        self.assertEqual(limiter.available_tokens, -1)
        limiter.release()

    @at_once
    async def test_on_behalf(self) -> None:
        """LIM-05"""
        limiter = CapacityLimiter(2)
        limiter.acquire_on_behalf_of_nowait("a")
        await limiter.acquire_on_behalf_of("b")
        with self.assertRaises(WouldBlock):
            limiter.acquire_on_behalf_of_nowait("c")
        limiter.release_on_behalf_of("a")
        with self.assertRaises(RuntimeError):
            limiter.release_on_behalf_of("a")
        self.assertEqual(limiter.borrowed_tokens, 1)
        limiter.release_on_behalf_of("b")

    @at_once
    async def test_a_task_and_on_its_behalf(self) -> None:
        limiter = CapacityLimiter(2)
        await limiter.acquire()
        await limiter.acquire_on_behalf_of(lowlevel.current_task())
        self.assertEqual(limiter.available_tokens, 0)
        limiter.release_on_behalf_of(lowlevel.current_task())
        with self.assertRaises(RuntimeError):
            limiter.release_on_behalf_of(lowlevel.current_task())
        limiter.release()

    @at_once
    async def test_borrowers_are_who_they_are_equal_to(self) -> None:
        limiter = CapacityLimiter(2)
        limiter.acquire_on_behalf_of_nowait((1, 2))
        for _ in range(2):
            with self.assertRaises(RuntimeError):
                limiter.acquire_on_behalf_of_nowait(tuple([1, 2]))
            with self.assertRaises(RuntimeError):
                await limiter.acquire_on_behalf_of(tuple([1, 2]))
        with self.assertRaises(TypeError):
            limiter.acquire_on_behalf_of_nowait([])
        limiter.acquire_on_behalf_of_nowait(3)
        with structio.move_on_after(1):
            await limiter.acquire_on_behalf_of((3, 4))
        with self.assertRaises(RuntimeError):
            limiter.release_on_behalf_of((3, 4))
        limiter.release_on_behalf_of(tuple([1, 2]))
        limiter.release_on_behalf_of(3)
        self.assertEqual(limiter.borrowed_tokens, 0)
        self.assertEqual(limiter._borrowers, {})

    @at_once
    async def test_raising_and_lowering(self) -> None:
        """LIM-09"""
        limiter = CapacityLimiter(2)

        async def child() -> None:
            async with limiter:
                await structio.sleep_forever()

        async with structio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(child)
            await wait_all_tasks_blocked()
            self.assertEqual(limiter.statistics().tasks_waiting, 3)
            limiter.total_tokens += 2
            self.assertEqual(limiter.statistics().tasks_waiting, 1)
            self.assertEqual(limiter.borrowed_tokens, 4)
            nursery.cancel_scope.cancel()
        self.assertEqual(limiter.borrowed_tokens, 0)


class Conditions(Case):
    @at_once
    async def test_errors(self) -> None:
        """COND-01, COND-02"""
        with self.assertRaises(TypeError):
            Condition(Semaphore(1))  # type: ignore[arg-type]
        condition = Condition()
        condition.acquire_nowait()
        with self.assertRaises(RuntimeError):
            condition.acquire_nowait()
        condition.release()
        with self.assertRaises(RuntimeError):
            await condition.wait()
        with self.assertRaises(RuntimeError):
            condition.notify()
        with self.assertRaises(RuntimeError):
            condition.notify_all()
        lock = Lock()
        shared = Condition(lock)
        async with shared:
            self.assertTrue(lock.locked() and shared.locked())

    @at_once
    async def test_notify(self) -> None:
        """COND-03, COND-04"""
        condition = Condition()
        woken = []

        async def child(n: int) -> None:
            async with condition:
                await condition.wait()
                woken.append(n)

        async with structio.open_nursery() as nursery:
            for n in range(3):
                nursery.start_soon(child, n)
                await wait_all_tasks_blocked()
            async with condition:
                condition.notify(2)
                statistics = condition.statistics()
                self.assertEqual(statistics.tasks_waiting, 1)
                self.assertEqual(statistics.lock_statistics.tasks_waiting, 2)
            await wait_all_tasks_blocked()
            self.assertEqual(woken, [0, 1])
            async with condition:
                condition.notify_all()
        self.assertEqual(woken, [0, 1, 2])

    @at_once
    async def test_cancelled_wait_has_the_lock(self) -> None:
        """COND-06"""
        condition = Condition()
        with structio.move_on_after(0.001) as scope:
            async with condition:
                try:
                    await condition.wait()
                finally:
                    self.assertTrue(condition.locked())
        self.assertTrue(scope.cancelled_caught)
        self.assertFalse(condition.locked())


class Numbers(Case):
    @in_run
    async def test_larger_than_the_librarys(self) -> None:
        for huge in (2**63, 2**64, 2**64 + 1, 2**200):
            self.assertGreater(structio.Semaphore(huge).value, 2**62)
            semaphore = structio.Semaphore(3, max_value=huge)
            semaphore.release()
            self.assertEqual(semaphore.value, 4)
            limiter = structio.CapacityLimiter(huge)
            self.assertGreater(limiter.total_tokens, 2**62)
            limiter.total_tokens = 1
            limiter.total_tokens = huge
            self.assertGreater(limiter.available_tokens, 2**62)
            tx, rx = structio.open_memory_channel(huge)
            tx.send_nowait(1)
            self.assertGreater(tx.statistics().max_buffer_size, 2**62)
            for make in (Semaphore, CapacityLimiter, structio.open_memory_channel):
                with self.assertRaises(ValueError):
                    make(-huge)
            with self.assertRaises(ValueError):
                structio.Semaphore(3, max_value=-huge)

    @in_run
    async def test_notify_as_many_as_there_may_ever_be(self) -> None:
        condition = structio.Condition()

        async def waits() -> None:
            async with condition:
                await condition.wait()

        async with structio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(waits)
            await structio.testing.wait_all_tasks_blocked()
            async with condition:
                condition.notify(2**64 + 1)
                self.assertEqual(condition.statistics().lock_statistics.tasks_waiting, 3)
            nursery.cancel_scope.deadline = structio.current_time() + 5


if __name__ == "__main__":
    unittest.main()
