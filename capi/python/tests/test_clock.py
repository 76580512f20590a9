"""The virtual clock."""

import time
import unittest

import structio
from structio.testing import MockClock, wait_all_tasks_blocked

from .support import Case


class Clock(Case):
    def test_stands_still(self) -> None:
        """CLOCK-02, CLOCK-03"""
        clock = MockClock()
        self.assertEqual((clock.rate, clock.current_time()), (0, 0))
        with self.assertRaises(ValueError):
            clock.rate = -1
        with self.assertRaises(ValueError):
            clock.jump(-1)
        with self.assertRaises(ValueError):
            clock.autojump_threshold = -1
        clock.jump(3)
        self.assertEqual(clock.current_time(), 3)

        async def main() -> float:
            return structio.current_time()

        self.assertEqual(structio.run(main, clock=clock), 3)

    def test_rate(self) -> None:
        """CLOCK-04, CLOCK-05"""
        clock = MockClock(rate=1000)

        async def main() -> None:
            await structio.sleep(20)

        before = time.monotonic()
        structio.run(main, clock=clock)
        self.assertGreaterEqual(time.monotonic() - before, 0.02)

    def test_autojump(self) -> None:
        """CLOCK-06"""

        async def main() -> None:
            for n in range(10):
                before = structio.current_time()
                await structio.sleep(10 * n)
                self.assertEqual(structio.current_time() - before, 10 * n)

        before = time.monotonic()
        structio.run(main, clock=MockClock(autojump_threshold=0))
        self.assertLess(time.monotonic() - before, 1)

    def test_threshold_can_be_changed(self) -> None:
        """CLOCK-08, CLOCK-10"""
        clock = MockClock(autojump_threshold=10_000)

        async def main() -> None:
            clock.autojump_threshold = 0
            await structio.sleep(100_000)
            self.assertEqual(structio.current_time(), 100_000)

        structio.run(main, clock=clock)

    def test_idle_waiters_come_before_jumps(self) -> None:
        """CLOCK-07, CLOCK-11"""
        order = []

        async def sleeps(seconds: float) -> None:
            await structio.sleep(seconds)
            order.append(seconds)

        async def main() -> None:
            async with structio.open_nursery() as nursery:
                nursery.start_soon(sleeps, 100)
                nursery.start_soon(sleeps, 1000)
                await wait_all_tasks_blocked()
                self.assertEqual(structio.current_time(), 0)
                order.append("woke")  # type: ignore[arg-type]

        structio.run(main, clock=MockClock(autojump_threshold=0))
        self.assertEqual(order, ["woke", 100, 1000])

    def test_one_run_at_a_time(self) -> None:
        clock = MockClock()

        async def inner() -> None:
            pass

        async def main() -> None:
            def other() -> None:
                with self.assertRaisesRegex(RuntimeError, "in use"):
                    structio.run(inner, clock=clock)

            await structio.to_thread.run_sync(other)

        structio.run(main, clock=clock)
        structio.run(inner, clock=clock)


if __name__ == "__main__":
    unittest.main()
