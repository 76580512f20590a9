"""Echo servers side by side: structio, asyncio (streams and protocols), and Trio where it is there.

    PYTHONPATH=capi/python STRUCTIO_LIBRARY=.../libstructio.so.0 python3 capi/python/bench/echo.py

Each server is a process of its own; one and the same client, plain epoll, sends each of its
connections a message and waits for it to come back. The servers take turns, several rounds, and the
median counts: what else the machine does meets all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time


def structio_server() -> None:
    import structio

    async def echo(stream: structio.SocketStream) -> None:
        while data := await stream.receive_some(65536):
            await stream.send_all(data)

    async def main() -> None:
        async with structio.open_nursery() as nursery:
            listeners = await nursery.start(
                lambda task_status: structio.serve_tcp(
                    echo, 0, host="127.0.0.1", task_status=task_status
                )
            )
            print(listeners[0].address[1], flush=True)

    structio.run(main)


def trio_server() -> None:
    import trio

    async def echo(stream: trio.SocketStream) -> None:
        while data := await stream.receive_some(65536):
            await stream.send_all(data)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(
                lambda task_status: trio.serve_tcp(
                    echo, 0, host="127.0.0.1", task_status=task_status
                )
            )
            print(listeners[0].socket.getsockname()[1], flush=True)

    trio.run(main)


def asyncio_streams_server() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(main())


def asyncio_protocol_server() -> None:
    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)  # type: ignore[attr-defined]

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(main())


SERVERS = {
    "structio": structio_server,
    "asyncio streams": asyncio_streams_server,
    "asyncio protocol": asyncio_protocol_server,
    "trio": trio_server,
}


def load(port: int, connections: int, size: int, seconds: float) -> float:
    """Round trips in each second."""
    message = b"x" * size
    poll = selectors.DefaultSelector()
    missing = {}
    for _ in range(connections):
        s = socket.create_connection(("127.0.0.1", port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.setblocking(False)
        poll.register(s, selectors.EVENT_READ, s)
        missing[s] = size
        s.send(message)
    done = 0
    begin = time.perf_counter()
    warm = begin + seconds / 5
    end = warm + seconds
    counted = False
    while (now := time.perf_counter()) < end:
        if not counted and now > warm:
            counted, done, begin = True, 0, now
        for key, _ in poll.select(1):
            s = key.data
            got = len(s.recv(65536))
            if got == 0:
                raise ConnectionError("the server has closed a connection")
            missing[s] -= got
            if missing[s] == 0:
                missing[s] = size
                s.send(message)
                done += 1
    rate = done / (time.perf_counter() - begin)
    for s in missing:
        s.close()
    poll.close()
    return rate


def measure(name: str, arguments: argparse.Namespace) -> float:
    server = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "--serve", name],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        return load(port, arguments.connections, arguments.size, arguments.seconds)
    finally:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Echo servers side by side.")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--size", type=int, default=100, help="bytes of a message")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        SERVERS[arguments.serve]()
        return
    names = [n for n in SERVERS if n != "trio" or importlib.util.find_spec("trio")]
    rates: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(arguments.rounds):
        for name in names:
            rates[name].append(measure(name, arguments))
    ours = statistics.median(rates["structio"])
    print(
        f"{arguments.connections} connections, messages of {arguments.size} bytes, median of"
        f" {arguments.rounds} rounds"
    )
    for name in names:
        rate = statistics.median(rates[name])
        print(f"{name:18} {rate:10.0f} round trips/s   structio is {ours / rate:.2f} times as fast")


if __name__ == "__main__":
    main()
