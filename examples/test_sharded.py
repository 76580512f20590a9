#!/usr/bin/env python3
"""Tests the store on several cores: one truth for all shards, and a stop that all of them obey.

Usage: test_sharded.py PROGRAM. The clients are plain sockets. With this many connections it is all
but certain that every shard has some (the kernel deals them out by a hash), and then most requests
are for the key of another shard.
"""
import signal
import socket
import subprocess
import sys
import threading

from served import Served

PATIENCE = 30  # seconds, for what takes milliseconds unless the machine is very busy
SHARDS = 3
CLIENTS = 24
ROUNDS = 50


class Server(Served):
    def __init__(self, program, shards=SHARDS):
        super().__init__(program, "0", str(shards))

    def threads(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("Threads"))

    def ends_well(self):
        out, err = self.process.communicate(timeout=PATIENCE)
        status = self.process.returncode
        assert (status, out, err) == (0, "sharded: every connection is closed\n", ""), (
            status, out, err)


class Client:
    def __init__(self, server):
        self.conn = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self.lines = self.conn.makefile("r")

    def ask(self, line):
        self.conn.sendall(line.encode() + b"\n")
        return self.lines.readline().rstrip("\n")


def check_one_truth(program, shards):
    """What one client sets every other one reads; counters lose nothing."""
    with Server(program, shards) as server:
        clients = [Client(server) for _ in range(CLIENTS)]
        for number, client in enumerate(clients):
            assert client.ask(f"set key{number} value of {number}") == "ok"
        for client in clients:
            for number in range(CLIENTS):
                assert client.ask(f"get key{number}") == f"value of {number}"
        assert clients[0].ask("get nothing") == ""
        assert clients[0].ask("dance") == "what?"

        def count(client):
            for turn in range(ROUNDS):
                client.ask(f"incr counter{turn % 5}")

        counting = [threading.Thread(target=count, args=(client,)) for client in clients]
        for one in counting:
            one.start()
        for one in counting:
            one.join()
        for number in range(5):
            assert clients[number].ask(f"get counter{number}") == str(CLIENTS * ROUNDS // 5)

        requests = CLIENTS + CLIENTS * CLIENTS + 2 + CLIENTS * ROUNDS + 5 + 1
        told, connections = clients[-1].ask("stats").rsplit("=", 1)
        assert told == f"keys={CLIENTS + 5} requests={requests} connections", told
        # Somebody else on this machine may have looked who answers here.
        assert int(connections) >= CLIENTS, connections
        server.process.send_signal(signal.SIGTERM)
        for client in clients:
            assert client.lines.readline() == "", "an idle client sees the end of its connection"
        server.ends_well()


def check_stop(program, how):
    """Who has asked and does not read the answer holds the server up until the second signal."""
    with Server(program) as server:
        idle = [Client(server) for _ in range(CLIENTS)]
        assert idle[0].ask("set key " + "x" * 4000) == "ok"
        greedy = Client(server)
        greedy.conn.setblocking(False)
        # Until its shard, which answers the others all the while, does nothing more for it.
        quiet = before = 0
        while quiet < 20:
            try:
                while True:
                    greedy.conn.send(b"get key\n" * 1000)
            except BlockingIOError:
                pass
            requests = int(idle[1].ask("stats").split()[1].split("=")[1])
            quiet = quiet + 1 if requests == before + 1 else 0
            before = requests
        server.process.send_signal(how)
        for one in idle:
            assert one.lines.readline() == ""
        refused = 0
        while refused < SHARDS:  # which it is once the last of the listeners is closed
            try:
                socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                refused += 1
            except ConnectionResetError:
                pass
        assert server.process.poll() is None, "the server waits for the answer that was begun"
        assert server.threads() == SHARDS, "no shard ends before all have hung up"
        server.process.send_signal(how)
        server.ends_well()


def check_port_in_use(program):
    """Somebody else's port, who does not share it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        second = subprocess.run([program, str(port), "2"], capture_output=True, text=True,
                                timeout=PATIENCE, check=False)
        assert second.returncode == 1 and "address already in use" in second.stderr, second


def main():
    program = sys.argv[1]
    check_one_truth(program, SHARDS)
    check_one_truth(program, 1)
    check_stop(program, signal.SIGTERM)
    check_stop(program, signal.SIGINT)
    check_port_in_use(program)


if __name__ == "__main__":
    main()
