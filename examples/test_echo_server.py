#!/usr/bin/env python3
"""Tests an echo server of the examples from outside, as a process: does it echo, and does it drain?

Usage: test_echo_server.py PROGRAM. The client is a plain socket, and nc as well where there is one.
What must hold on SIGTERM and SIGINT: nobody new is let in, those who are idle see a clean end, a
line that was begun can be finished and is answered, and the program ends with status 0.
"""
import shutil
import signal
import socket
import subprocess
import sys
import time

from served import Served

PATIENCE = 30  # seconds, for what takes milliseconds unless the machine is very busy


class Server(Served):
    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def stop(self, how):
        """Asks it to stop and waits until it says that it does."""
        self.process.send_signal(how)
        assert self.process.stdout.readline() == "echo: stopping\n"

    def ends_well(self):
        out, err = self.process.stdout.read(), self.process.stderr.read()
        status = self.process.wait(timeout=PATIENCE)
        assert (status, out, err) == (0, "echo: every connection is closed\n", ""), (status, out, err)


def receive(conn, size):
    """Exactly that many bytes, or fewer at the end of the stream."""
    got = b""
    while len(got) < size:
        more = conn.recv(size - len(got))
        if not more:
            break
        got += more
    return got


def check_echo(program):
    """Some clients at once, small pieces and large ones; some leave rudely."""
    with Server(program) as server:
        conns = [server.connect() for _ in range(20)]
        for number, conn in enumerate(conns):
            conn.sendall(b"hello %d\n" % number)
        for number, conn in enumerate(conns):
            expected = b"hello %d\n" % number
            assert receive(conn, len(expected)) == expected
        # More than the buffers of both sides hold.
        large = b"0123456789abcde\n" * 65536
        conns[0].setblocking(False)
        sent = 0
        got = b""
        while len(got) < len(large):
            try:
                sent += conns[0].send(large[sent:]) if sent < len(large) else 0
            except BlockingIOError:
                pass
            try:
                got += conns[0].recv(65536)
            except BlockingIOError:
                time.sleep(0.001)
        assert got == large
        # A reset is the business of the one who sends it.
        conns[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        conns[1].close()
        conns[2].sendall(b"still there?\n")
        assert receive(conns[2], 13) == b"still there?\n"
        server.stop(signal.SIGTERM)
        server.ends_well()


def check_drain(program, how):
    with Server(program) as server:
        idle = server.connect()
        idle.sendall(b"done\n")
        assert receive(idle, 5) == b"done\n"
        begun = server.connect()
        begun.sendall(b"half a ")
        assert receive(begun, 7) == b"half a "  # now it is known to be in the middle of a line
        server.stop(how)
        try:
            server.connect()
            raise AssertionError("a server that stops lets new clients in")
        except ConnectionRefusedError:
            pass
        assert receive(idle, 1) == b"", "an idle client sees the end of its connection"
        assert server.process.poll() is None, "the server waits for the line that was begun"
        begun.sendall(b"line\n")
        assert receive(begun, 5) == b"line\n", "a line that was begun is answered"
        assert receive(begun, 1) == b""
        server.ends_well()


def check_second_signal(program):
    """Who does not want to wait for the grace asks twice."""
    with Server(program) as server:
        begun = server.connect()
        begun.sendall(b"half a line")
        assert receive(begun, 11) == b"half a line"
        server.stop(signal.SIGTERM)
        server.process.send_signal(signal.SIGTERM)
        server.ends_well()


def check_port_in_use(program):
    with Server(program) as server:
        second = subprocess.run([program, str(server.port)], capture_output=True, text=True,
                                timeout=PATIENCE)
        assert second.returncode == 1 and "address already in use" in second.stderr, second
        server.stop(signal.SIGINT)
        server.ends_well()


def check_netcat(program):
    nc = shutil.which("nc") or shutil.which("ncat")
    if not nc:
        print("nc is not installed: plain sockets only")
        return
    with Server(program) as server:
        client = subprocess.Popen([nc, "127.0.0.1", str(server.port)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        client.stdin.write(b"hello from nc\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"hello from nc\n"
        server.stop(signal.SIGTERM)
        server.ends_well()
        client.stdin.close()  # some go on as long as either side has something to say
        assert client.stdout.read() == b"", "nc sees the end of its connection"
        client.wait(timeout=PATIENCE)


def main():
    program = sys.argv[1]
    check_echo(program)
    check_drain(program, signal.SIGTERM)
    check_drain(program, signal.SIGINT)
    check_second_signal(program)
    check_port_in_use(program)
    check_netcat(program)


if __name__ == "__main__":
    main()
