#!/usr/bin/env python3
"""Runs the echo server that the README shows: it serves port 7000 for ten seconds and ends well.

Usage: test_readme_echo.py PROGRAM. Skipped where somebody else has the port.
"""
import socket
import subprocess
import sys
import time

ADDRESS = ("127.0.0.1", 7000)
SKIPPED = 77
PATIENCE = 60


def port_is_taken():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(ADDRESS)
        except OSError:
            return True
    return False


def connect(process):
    """As soon as it listens."""
    while True:
        try:
            return socket.create_connection(ADDRESS, timeout=PATIENCE)
        except ConnectionRefusedError:
            assert process.poll() is None, "the program has ended before it listened"
            time.sleep(0.01)


def main():
    if port_is_taken():
        print("port 7000 is taken")
        return SKIPPED
    begun = time.monotonic()
    with subprocess.Popen([sys.argv[1]]) as process:
        conns = [connect(process) for _ in range(10)]
        for number, conn in enumerate(conns):
            message = b"hello %d" % number
            conn.sendall(message)
            assert conn.recv(100) == message
        conns[0].close()
        status = process.wait(timeout=PATIENCE)
        assert status == 0, status
        assert time.monotonic() - begun >= 10, "it has ended early"
        assert conns[1].recv(1) == b"", "its end closes the connections that are left"
    return 0


if __name__ == "__main__":
    sys.exit(main())
