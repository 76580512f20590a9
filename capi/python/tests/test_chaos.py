"""Random trees of tasks that do all there is, are cancelled and fail: seeded, on virtual time."""

import gc
import os
import random
import threading
import unittest
from typing import Any

import structio
from structio import _failure, lowlevel, to_thread
from structio.testing import MockClock

from .support import Case, descriptors

SEEDS = 2000 if os.environ.get("STRUCTIO_STRESS") else 150


class Chaos(Exception):
    """What a task fails of."""


class World:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lock = structio.Lock()
        self.semaphore = structio.Semaphore(2)
        self.limiter = structio.CapacityLimiter(2)
        self.condition = structio.Condition()
        self.event = structio.Event()
        self.tx, self.rx = structio.open_memory_channel(1)
        self.scopes: list[structio.CancelScope] = []
        self.port = 0

    def seconds(self) -> float:
        return self.random.choice((0, 0.1, 0.5, 1, 3))

    async def task(self, depth: int, task_status: Any = structio.TASK_STATUS_IGNORED) -> None:
        for _ in range(self.random.randrange(4)):
            await self.step(depth)
        if self.random.random() < 0.7:
            task_status.started(depth)
        for _ in range(self.random.randrange(3)):
            await self.step(depth)

    async def step(self, depth: int) -> None:
        with structio.CancelScope(shield=self.random.random() < 0.05) as scope:
            self.scopes.append(scope)
            scope.deadline = structio.current_time() + self.random.choice((0, 1, 5, 5, 10))
            steps = [
                self.waits,
                self.locks,
                self.sends,
                self.receives,
                self.notified,
                self.fails,
                self.cancels,
                self.thread,
                self.talks,
            ]
            if depth > 0:
                steps += [self.nests, self.nests, self.starts]
            step = self.random.choice(steps)
            if step in (self.nests, self.starts):
                await step(depth - 1)  # type: ignore[call-arg]
            else:
                await step()  # type: ignore[call-arg]

    async def nests(self, depth: int) -> None:
        async with structio.open_nursery() as nursery:
            for _ in range(self.random.randrange(4)):
                nursery.start_soon(self.task, depth)
            if self.random.random() < 0.3:
                await self.step(depth)
            if self.random.random() < 0.1:
                nursery.cancel_scope.cancel("chaos")

    async def starts(self, depth: int) -> None:
        async with structio.open_nursery() as nursery:
            try:
                await nursery.start(self.task, depth)
            except RuntimeError as error:
                if "without calling" not in str(error):
                    raise

    async def waits(self) -> None:
        await structio.sleep(self.seconds())

    async def locks(self) -> None:
        lock = self.random.choice((self.lock, self.semaphore, self.limiter))
        try:
            async with lock:
                await structio.sleep(self.seconds())
        except structio.BrokenResourceError:
            self.lock = structio.Lock()

    async def sends(self) -> None:
        await self.tx.send(object())

    async def receives(self) -> None:
        if self.random.random() < 0.5:
            await self.rx.receive()
        else:
            try:
                self.rx.receive_nowait()
            except structio.WouldBlock:
                await lowlevel.checkpoint()

    async def notified(self) -> None:
        async with self.condition:
            if self.random.random() < 0.5:
                self.condition.notify_all()
            else:
                await self.condition.wait()

    async def fails(self) -> None:
        kind = self.random.random()
        if kind < 0.2:
            raise Chaos
        try:
            await structio.sleep(1)
        finally:
            if kind < 0.5:
                raise Chaos

    async def cancels(self) -> None:
        self.random.choice(self.scopes).cancel()
        await lowlevel.checkpoint()

    async def thread(self) -> None:
        def works() -> None:
            structio.from_thread.run_sync(lowlevel.current_task)
            if self.random.random() < 0.2:
                raise Chaos

        await to_thread.run_sync(works, abandon_on_cancel=self.random.random() < 0.5)

    async def talks(self) -> None:
        async with await structio.open_tcp_stream("127.0.0.1", self.port) as stream:
            await stream.send_all(b"x" * self.random.choice((1, 1000, 100_000)))
            await stream.receive_some()

    async def echo(self, stream: structio.SocketStream) -> None:
        try:
            async for data in stream:
                await stream.send_all(data)
        except structio.BrokenResourceError:
            pass


async def main(seed: int) -> None:
    world = World(seed)
    async with structio.open_nursery() as servers:
        listeners = await servers.start(
            lambda task_status: structio.serve_tcp(
                world.echo, 0, host="127.0.0.1", task_status=task_status
            )
        )
        world.port = listeners[0].address[1]
        try:
            with structio.move_on_after(100):
                async with structio.open_nursery() as nursery:
                    for _ in range(4):
                        nursery.start_soon(world.task, 3)
        except* Chaos:
            pass
        servers.cancel_scope.cancel()


class Seeds(Case):
    def test_seeds(self) -> None:
        structio.run(main, 1, clock=MockClock(autojump_threshold=0.001))
        before = descriptors()
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                structio.run(main, seed, clock=MockClock(autojump_threshold=0.001))
        gc.collect()
        self.assertEqual(descriptors(), before)
        self.assertEqual((_failure._exceptions, _failure._mixed), ({}, set()))
        for _ in range(1000):  # abandoned threads may outlive their run
            if not to_thread._jobs:
                break
            threading.Event().wait(0.01)
        self.assertEqual(to_thread._jobs, {})


if __name__ == "__main__":
    unittest.main()
