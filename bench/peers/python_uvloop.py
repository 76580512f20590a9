"""asyncio on uvloop: `python_uvloop.py --workload NAME --n N`, or an echo server by a protocol,
which is the fastest that asyncio has. It has no channel without a buffer: `channel` uses queues
of one."""

import asyncio

import uvloop

from python_common import (HOUR, Random, arguments, cpu_now, nothing, report, report_port, trivial,
                           wall_now)


async def yields(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def switch(n):
    begin = cpu_now()
    await asyncio.gather(yields(n // 2), yields(n // 2))
    return cpu_now() - begin


async def spawn(n):
    begin = cpu_now()
    for _ in range(n):
        await asyncio.create_task(trivial())
    return cpu_now() - begin


async def batch_spawn(n):
    begin = cpu_now()
    for _ in range(n // 10000):
        await asyncio.gather(*[yields(1) for _ in range(10000)])
    return cpu_now() - begin


async def channel(n):
    there, back = asyncio.Queue(1), asyncio.Queue(1)

    async def ping():
        for i in range(n):
            await there.put(i)
            await back.get()

    async def pong():
        for _ in range(n):
            await back.put(await there.get())

    begin = cpu_now()
    await asyncio.gather(ping(), pong())
    return cpu_now() - begin


async def channel_128(n):
    queue = asyncio.Queue(128)

    async def produce():
        for i in range(n):
            await queue.put(i)

    async def consume():
        for _ in range(n):
            await queue.get()

    begin = cpu_now()
    await asyncio.gather(produce(), consume())
    return cpu_now() - begin


async def mutex(n):
    lock = asyncio.Lock()

    async def locks():
        for _ in range(n // 100):
            async with lock:
                await asyncio.sleep(0)

    begin = cpu_now()
    await asyncio.gather(*[locks() for _ in range(100)])
    return cpu_now() - begin


async def thread_call(n):
    loop = asyncio.get_running_loop()
    begin = wall_now()
    for _ in range(n):
        await loop.run_in_executor(None, nothing)
    return wall_now() - begin


async def sleepers(n):
    random = Random()
    begin = cpu_now()
    await asyncio.gather(*[asyncio.sleep(random.below_a_second()) for _ in range(n)])
    return cpu_now() - begin


async def cancel_all(n):
    random = Random()
    tasks = [asyncio.create_task(asyncio.sleep(HOUR + random.below_a_second())) for _ in range(n)]
    await asyncio.sleep(0)  # all of them sleep now
    begin = cpu_now()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return cpu_now() - begin


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport  # uvloop has set TCP_NODELAY

    def data_received(self, data):
        self.transport.write(data)


async def echo():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=1024)
    report_port("uvloop", server.sockets[0].getsockname()[1])
    await server.serve_forever()


def main():
    given = arguments({"switch": 500000, "spawn": 100000, "batch_spawn": 100000,
                       "channel": 100000, "channel_128": 500000, "mutex": 100000,
                       "thread_call": 10000, "sleepers": 20000, "cancel_all": 20000})
    uvloop.install()
    if given.workload == "echo":
        asyncio.run(echo())
    work = {"switch": switch, "spawn": spawn, "batch_spawn": batch_spawn, "channel": channel,
            "channel_128": channel_128, "mutex": mutex, "thread_call": thread_call,
            "sleepers": sleepers, "cancel_all": cancel_all}[given.workload]
    report(given, "uvloop", asyncio.run(work(given.n)))


if __name__ == "__main__":
    main()
