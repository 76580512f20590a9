#!/usr/bin/env python3
"""Tests the port scanner against ports that are open, closed, and too busy to answer.

Usage: test_port_scanner.py PROGRAM.
"""
import socket
import subprocess
import sys


def listen(backlog=16):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(backlog)
    return listener, listener.getsockname()[1]


def scan(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done
    *ports, totals = done.stdout.splitlines()
    return {int(line.split()[0]) for line in ports}, totals


def main():
    program = sys.argv[1]
    listeners = [listen() for _ in range(5)]
    open_ports = {port for _, port in listeners}
    first, last = min(open_ports) - 20, max(open_ports) + 20
    found, _ = scan(program, "127.0.0.1", max(first, 1024), min(last, 65535), 50, 20000)
    assert open_ports <= found, (open_ports, found)

    for listener, _ in listeners:
        listener.close()
    gone = min(open_ports)
    assert scan(program, "127.0.0.1", gone) == (set(), "1 closed, 0 filtered")

    # A queue that is full does not answer: the deadline decides.
    busy, port = listen(0)
    queued = [socket.socket() for _ in range(4)]
    for one in queued:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
    assert scan(program, "127.0.0.1", port, port, 1, 100) == (set(), "0 closed, 1 filtered")
    busy.close()

    wrong = subprocess.run([program, "127.0.0.1", "0"], capture_output=True, text=True, timeout=60)
    assert wrong.returncode == 1 and "usage" in wrong.stderr, wrong


if __name__ == "__main__":
    main()
