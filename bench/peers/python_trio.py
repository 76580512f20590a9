"""Trio's share of the workloads: `python_trio.py --workload NAME --n N`, or an echo server."""

import trio
import trio.testing

from python_common import (HOUR, Random, arguments, cpu_now, nothing, report, report_port, trivial,
                           wall_now)


async def yields(n):
    for _ in range(n):
        await trio.lowlevel.checkpoint()


async def switch(n):
    begin = cpu_now()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(yields, n // 2)
        nursery.start_soon(yields, n // 2)
    return cpu_now() - begin


async def spawn(n):
    begin = cpu_now()
    for _ in range(n):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trivial)
    return cpu_now() - begin


async def batch_spawn(n):
    begin = cpu_now()
    for _ in range(n // 10000):
        async with trio.open_nursery() as nursery:
            for _ in range(10000):
                nursery.start_soon(yields, 1)
    return cpu_now() - begin


async def channel(n):
    there_tx, there_rx = trio.open_memory_channel(0)
    back_tx, back_rx = trio.open_memory_channel(0)

    async def ping():
        for i in range(n):
            await there_tx.send(i)
            await back_rx.receive()

    async def pong():
        for _ in range(n):
            await back_tx.send(await there_rx.receive())

    begin = cpu_now()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ping)
        nursery.start_soon(pong)
    return cpu_now() - begin


async def channel_128(n):
    tx, rx = trio.open_memory_channel(128)

    async def produce():
        for i in range(n):
            await tx.send(i)

    async def consume():
        for _ in range(n):
            await rx.receive()

    begin = cpu_now()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        nursery.start_soon(consume)
    return cpu_now() - begin


async def mutex(n):
    lock = trio.Lock()

    async def locks():
        for _ in range(n // 100):
            async with lock:
                await trio.lowlevel.checkpoint()

    begin = cpu_now()
    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(locks)
    return cpu_now() - begin


async def thread_call(n):
    begin = wall_now()
    for _ in range(n):
        await trio.to_thread.run_sync(nothing)
    return wall_now() - begin


async def sleepers(n):
    random = Random()
    begin = cpu_now()
    async with trio.open_nursery() as nursery:
        for _ in range(n):
            nursery.start_soon(trio.sleep, random.below_a_second())
    return cpu_now() - begin


async def cancel_all(n):
    random = Random()
    async with trio.open_nursery() as nursery:
        for _ in range(n):
            nursery.start_soon(trio.sleep, HOUR + random.below_a_second())
        await trio.testing.wait_all_tasks_blocked()
        begin = cpu_now()
        nursery.cancel_scope.cancel()
    return cpu_now() - begin


async def serve(stream):
    try:
        while data := await stream.receive_some(65536):
            await stream.send_all(data)
    except trio.BrokenResourceError:
        pass


async def echo():
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=1024)
    report_port("trio", listeners[0].socket.getsockname()[1])
    await trio.serve_listeners(serve, listeners)


def main():
    given = arguments({"switch": 200000, "spawn": 30000, "batch_spawn": 30000, "channel": 50000,
                       "channel_128": 100000, "mutex": 50000, "thread_call": 10000,
                       "sleepers": 20000, "cancel_all": 20000})
    if given.workload == "echo":
        trio.run(echo)
    work = {"switch": switch, "spawn": spawn, "batch_spawn": batch_spawn, "channel": channel,
            "channel_128": channel_128, "mutex": mutex, "thread_call": thread_call,
            "sleepers": sleepers, "cancel_all": cancel_all}[given.workload]
    report(given, "trio", trio.run(work, given.n))


if __name__ == "__main__":
    main()
