#!/usr/bin/env python3
"""Tests the TCP proxy between plain sockets: both directions, half close, failures, stopping.

Usage: test_tcp_proxy.py PROGRAM.
"""
import signal
import socket
import subprocess
import sys
import threading

PATIENCE = 30


def receive_all(conn):
    got = b""
    while True:
        piece = conn.recv(65536)
        if not piece:
            return got
        got += piece


def answer_backwards(listener):
    """For each connection: takes all of the request, answers with its bytes in reverse."""
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            return
        with conn:
            conn.sendall(receive_all(conn)[::-1])


def start(program, *arguments):
    process = subprocess.Popen([program, *map(str, arguments)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    first = process.stdout.readline()
    assert "listening on 127.0.0.1 port" in first, first + process.stderr.read()
    return process, int(first.split()[-1])


def ask(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as conn:
        sender = threading.Thread(target=lambda: (conn.sendall(request),
                                                  conn.shutdown(socket.SHUT_WR)))
        sender.start()
        got = receive_all(conn)
        sender.join()
        return got


def main():
    program = sys.argv[1]
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=answer_backwards, args=(server,), daemon=True).start()
    process, port = start(program, "localhost", server.getsockname()[1])
    assert ask(port, b"hello") == b"olleh"
    large = bytes(range(256)) * 8192
    assert ask(port, large) == large[::-1]
    answers = []
    clients = [threading.Thread(target=lambda i=i: answers.append(ask(port, b"%d" % i) ==
                                                                  (b"%d" % i)[::-1]))
               for i in range(20)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert answers == [True] * 20
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and out == "proxy: every connection is closed\n", (out, err)
    assert err == "", err

    # A server that is not there: the client sees the end, the proxy goes on and says so.
    server.close()
    process, port = start(program, "127.0.0.1", server_port_that_is_closed())
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as conn:
            assert conn.recv(1) == b""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and err.count("connection refused") == 2, (out, err)


def server_port_that_is_closed():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return gone.getsockname()[1]


if __name__ == "__main__":
    main()
