"""An echo server: sends back whatever comes.

    python3 echo.py [PORT] [HOST]        then, say: nc localhost PORT

Ctrl-C ends it. A connection on which nothing comes for a minute is closed.
"""

import sys

import structio


async def echo(stream: structio.SocketStream) -> None:
    host, port = stream.peer_address
    print(f"{host} port {port} is here")
    count = 0
    with structio.move_on_after(60) as idle:
        async for data in stream:
            idle.deadline = structio.current_time() + 60
            await stream.send_all(data)
            count += len(data)
    print(f"{host} port {port} is gone after {count} bytes")


async def main(port: int, host: str | None) -> None:
    async with structio.open_nursery() as nursery:
        for listener in await nursery.start(start_serving, port, host):
            print("listening on {} port {}".format(*listener.address), flush=True)


async def start_serving(
    port: int,
    host: str | None,
    task_status: structio.TaskStatus[list[structio.SocketListener]],
) -> None:
    await structio.serve_tcp(serve_one, port, host=host, task_status=task_status)


async def serve_one(stream: structio.SocketStream) -> None:
    """What goes wrong with one connection does not end the others."""
    try:
        await echo(stream)
    except structio.BrokenResourceError:
        print("a connection was reset")


if __name__ == "__main__":
    try:
        structio.run(
            main,
            int(sys.argv[1]) if len(sys.argv) > 1 else 0,
            sys.argv[2] if len(sys.argv) > 2 else None,
        )
    except KeyboardInterrupt:
        print("bye")
