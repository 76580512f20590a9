#!/usr/bin/env python3
"""Tests the chat: many clients, one that does not read and is dropped, one that leaves rudely.

Usage: test_chat.py PROGRAM.
"""
import signal
import socket
import subprocess
import sys

PATIENCE = 30


class Client:
    def __init__(self, port):
        self.conn = socket.socket()
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.conn.settimeout(PATIENCE)
        self.conn.connect(("127.0.0.1", port))
        self.name = "127.0.0.1:%d" % self.conn.getsockname()[1]
        self.lines = self.conn.makefile("r")

    def say(self, line):
        self.conn.sendall(line.encode() + b"\n")

    def hear(self, expected):
        """Reads until a line has come."""
        for line in self.lines:
            if line == expected + "\n":
                return
        raise AssertionError("never heard: " + expected)


def main():
    program = sys.argv[1]
    process = subprocess.Popen([program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    port = int(process.stdout.readline().split()[-1])

    first = Client(port)
    first.say("is anybody here?")
    others = []
    for _ in range(15):
        others.append(Client(port))
        first.hear(others[-1].name + " is here")
    others[0].say("hello")
    for one in [first, *others[1:]]:
        one.hear(others[0].name + ": hello")

    # One that resets its connection is gone; the others are told.
    rude = others.pop()
    rude.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    rude.lines.close()
    rude.conn.close()
    first.hear(rude.name + " has left")

    # One that does not read is dropped, and holds up nobody.
    slow = others.pop()
    long_line = "x" * 900
    left = False
    for number in range(20000):
        others[0].say(long_line)
        if number % 50 == 49:
            others[0].say("mark %d" % number)
            for line in first.lines:
                left = left or line == slow.name + " has left\n"
                if line == others[0].name + ": mark %d\n" % number:
                    break
            for one in others[1:]:
                one.hear(others[0].name + ": mark %d" % number)
        if left:
            break
    assert left, "a client that does not read was never dropped"

    # One that talks without end is dropped as well.
    others[1].conn.sendall(b"y" * 5000)
    first.hear(others[1].name + " has left")

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and out == "chat: everybody has left\n" and err == "", (out, err)


if __name__ == "__main__":
    main()
