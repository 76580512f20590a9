"""What the Python peers share: arguments, clocks, pinning, and the line of JSON for run.py."""

import argparse
import json
import os
import time


def arguments(usual):
    """`usual`: how many operations each workload takes when `--n` does not say."""
    parse = argparse.ArgumentParser()
    parse.add_argument("--workload", default="echo")
    parse.add_argument("--n", type=int)
    parse.add_argument("--cpu", type=int, default=-1)
    parse.add_argument("--peer")
    given = parse.parse_args()
    if given.cpu >= 0:
        os.sched_setaffinity(0, {given.cpu})
    if given.n is None:
        given.n = usual.get(given.workload, 0)
    return given


# CPU time of the process: being pre-empted by a neighbour must not count.
cpu_now = time.process_time_ns
wall_now = time.monotonic_ns

HOUR = 3600  # seconds, for those who sleep until they are cancelled

UNITS = {"sleepers": ("us CPU", 1000), "thread_call": ("us", 1000)}


async def trivial():
    pass


def nothing():
    pass


class Random:
    """The same sequence as bench_random in bench.h."""

    def __init__(self):
        self.state = 1

    def below_a_second(self):
        mask = 0xFFFFFFFFFFFFFFFF
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return ((z ^ (z >> 31)) % 1000000000) / 1e9


def report(given, peer, spent):
    """`spent` is the time of the whole workload in nanoseconds."""
    unit, per = UNITS.get(given.workload, ("ns", 1))
    print(json.dumps({"workload": given.workload, "peer": peer, "value": spent / given.n / per,
                      "unit": unit, "n": given.n}), flush=True)


def report_port(peer, port):
    print(json.dumps({"peer": peer, "port": port}), flush=True)
