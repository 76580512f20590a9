#!/usr/bin/env python3
"""Counts the memory that each task or connection has to itself: cache lines and pages, as Valgrind's
lackey sees them touched.

What lies in a cache when there are few has to be fetched when there are many; so these counts say
what a workload costs beyond its instructions. They are the difference of a run with many tasks (or
connections) and one with few, by the number of those between them: what all share cancels out. The
kernel's own memory is not in it.

  lines.py DIR               DIR is a release build (`ninja bench-programs`)
  lines.py DIR --only echo
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

LINE_BITS, PAGE_BITS = 6, 12
FEW, MANY = 500, 1500
FEW_CONNECTIONS, MANY_CONNECTIONS = 50, 150


@dataclass(frozen=True)
class Tasks:
    """All that a task touches from its spawn to its end; `size` is the option for how many."""

    program: str
    arguments: tuple
    size: str


@dataclass(frozen=True)
class Server:
    """What one message on each connection touches, when there have been some before."""

    program: str
    arguments: tuple = ()


COUNTS = {
    "batch_spawn": {
        "structio": Tasks("bench_spawn", ("--workload", "batch_spawn"), "--batch"),
        "limit": Tasks("limit_spawn", ("--workload", "batch_spawn"), "--batch")},
    "cancel_all": {
        "structio": Tasks("bench_cancel", (), "--n"),
        "limit": Tasks("limit_cancel", (), "--n"),
        "limit, with a heap": Tasks("limit_cancel", ("--heap", "1"), "--n")},
    "echo": {
        "structio": Server("bench_echo"),
        "structio, small buffers": Server("bench_echo", ("--buffer", "1024")),
        "libuv": Server("uv_echo"),
        "limit": Server("limit_echo")},
}


class Failed(Exception):
    """A program could not be traced; the text says why."""


def traced(log, *command):
    return ["valgrind", "--tool=lackey", "--trace-mem=yes", f"--log-file={log}", *command]


def touched(log, begin=0, end=None):
    """The number of accesses to data in that part of a trace, and their cache lines."""
    lines, accesses = set(), 0
    with open(log, "rb") as trace:
        trace.seek(begin)
        if begin:
            trace.readline()
        for entry in trace:
            if entry[:2] in (b" L", b" S", b" M"):
                accesses += 1
                lines.add(int(entry[3:].split(b",")[0], 16) >> LINE_BITS)
            if end is not None and trace.tell() >= end:
                break
    return accesses, lines


def run_through(folder, what, count, log):
    program = os.path.join(folder, what.program)
    number = ["--n", str(count)] if what.size != "--n" else []
    done = subprocess.run(
        traced(log, program, *what.arguments, *number, what.size, str(count)), check=False,
        capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise Failed((done.stderr.strip() or f"status {done.returncode}").splitlines()[-1])
    return touched(log)


def one_round(peers):
    for peer in peers:
        peer.send(bytes(64))
    for peer in peers:
        got = 0
        while got < 64:
            part = peer.recv(64)
            if not part:
                raise Failed("the server has hung up")
            got += len(part)


def settled_size(log):
    """The log's size once the server has nothing more to say."""
    before = -1
    while os.path.getsize(log) != before:
        before = os.path.getsize(log)
        time.sleep(0.3)
    return before


def serve(folder, what, count, log):
    program = os.path.join(folder, what.program)
    with subprocess.Popen(traced(log, program, *what.arguments), stdout=subprocess.PIPE,
                          text=True) as server:
        peers = []
        try:
            hello = server.stdout.readline()
            if not hello:
                raise Failed("the server did not start")
            port = json.loads(hello)["port"]
            for _ in range(count):
                peers.append(socket.create_connection(("127.0.0.1", port), timeout=60))
            one_round(peers)
            one_round(peers)
            begin = settled_size(log)
            one_round(peers)
            end = settled_size(log)
        finally:
            for peer in peers:
                peer.close()
            server.kill()
    return touched(log, begin, end)


def count_of(folder, what):
    """accesses, lines, pages of one."""
    if not os.access(os.path.join(folder, what.program), os.X_OK):
        return None
    trace, sizes = ((serve, (FEW_CONNECTIONS, MANY_CONNECTIONS)) if isinstance(what, Server)
                    else (run_through, (FEW, MANY)))
    totals = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            accesses, lines = trace(folder, what, size, os.path.join(place, "trace"))
        pages = {line >> PAGE_BITS - LINE_BITS for line in lines}
        totals.append((accesses, len(lines), len(pages)))
    return tuple((many - few) / (sizes[1] - sizes[0]) for few, many in zip(*totals))


def main():
    parse = argparse.ArgumentParser(description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("build", nargs="?", default="build-release")
    parse.add_argument("--only", help="workloads, separated by commas: " + ", ".join(COUNTS))
    options = parse.parse_args()
    workloads = options.only.split(",") if options.only else list(COUNTS)
    if unknown := sorted(set(workloads).difference(COUNTS)):
        parse.error("no such workload: " + ", ".join(unknown))
    nested = os.path.join(options.build, "bench")
    folder = nested if os.path.isdir(nested) else options.build
    print("| of one task, or one message on a connection | accesses | cache lines | pages |")
    print("|---|---|---|---|")
    for workload in workloads:
        for peer, what in COUNTS[workload].items():
            try:
                found = count_of(folder, what)
            except (Failed, OSError, subprocess.TimeoutExpired) as error:
                print(f"lines: {workload}, {peer}: {error}", file=sys.stderr)
                return 1
            if found:
                print(f"| {workload}, {peer} | {found[0]:.0f} | {found[1]:.1f} | {found[2]:.2f} |",
                      flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
