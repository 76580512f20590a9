#!/usr/bin/env python3
"""Counts the instructions of an operation, by Valgrind's callgrind, and compares with counts.json.

Times need a quiet machine; counts are the same on a busy one. An operation's count is the
difference of two runs of a bench program, one longer than the other, by the number of operations
between them: the start and the end cancel out. The kernel's work is not in it, nor is a cache miss.

  counts.py DIR               DIR is a release build (`ninja bench-programs`)
  counts.py DIR --renew       writes this toolchain's record in counts.json anew
  counts.py DIR --only switch,spawn
  counts.py --self-test

Compared is only what the same compiler, libraries and processor made: for others the table is
printed and nothing fails.
"""

import argparse
import concurrent.futures
import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.json")

# What a count may be off by: how often the clock is looked at depends on how fast the machine is;
# ten busy neighbours made 1 %.
SHARE = 0.03
INSTRUCTIONS = 3.0


class Failed(Exception):
    """A program could not be counted; the text says why."""


@dataclass(frozen=True)
class Count:
    """The programs are bench_`program` and limit_`program`; `few` and `many` are operations."""

    program: str
    few: int
    many: int
    server: int = None  # the kind of socket, where messages are sent instead


COUNTS = {
    "switch": Count("switch", 10_000, 60_000),
    "spawn": Count("spawn", 5_000, 30_000),
    "batch_spawn": Count("spawn", 20_000, 60_000),
    "mutex": Count("mutex", 10_000, 60_000),
    "channel": Count("channel", 5_000, 30_000),
    "channel_128": Count("channel", 12_800, 128_000),
    "timeout": Count("timeout", 5_000, 30_000),
    "cancel_all": Count("cancel", 5_000, 15_000),
    "echo_1": Count("echo", 100, 600, socket.SOCK_STREAM),
    "udp_1": Count("udp", 100, 600, socket.SOCK_DGRAM),
}
PEERS = {"limit": "limit_", "structio": "bench_"}


def environment():
    """Ours without settings that change what a run does."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("STRUCTIO_", "VALGRIND_"))}


def under_callgrind(*command):
    return ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]


def collected(said):
    found = re.search(r"Collected : (\d+)", said)
    if not found:
        raise Failed((said.strip() or "callgrind said nothing").splitlines()[-1])
    return int(found.group(1))


def run_through(program, workload, n):
    done = subprocess.run(
        under_callgrind(program, "--workload", workload, "--n", str(n)), capture_output=True,
        text=True, timeout=120, check=False, env=environment())
    if done.returncode != 0:
        raise Failed((done.stderr.strip() or f"status {done.returncode}").splitlines()[-1])
    return collected(done.stderr)


def wait_until_asleep(pid):
    """A server that sleeps has looked in vain for more; only then is the next message sent, so that
    it goes the same way every time."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "S":
                return
        time.sleep(0)
    raise Failed("the server does not come to rest")


def serve(program, kind, n):
    """Sends n messages, one at a time."""
    server = subprocess.Popen(under_callgrind(program), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment())
    try:
        hello = server.stdout.readline()
        if not hello:
            raise Failed("the server did not start")
        with socket.socket(socket.AF_INET, kind) as peer:
            peer.settimeout(20)
            peer.connect(("127.0.0.1", json.loads(hello)["port"]))
            for _ in range(n):
                wait_until_asleep(server.pid)
                peer.send(bytes(64))
                got = 0
                while got < 64:
                    got += len(peer.recv(64)) or 64
            wait_until_asleep(server.pid)
            server.terminate()
            said = server.communicate(timeout=20)[1]
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from error
    finally:
        if server.poll() is None:
            server.kill()
            server.communicate()
    return collected(said)


def count_of(folder, workload, peer):
    """Instructions of one operation; nothing where the limit program is not built."""
    what = COUNTS[workload]
    program = os.path.join(folder, PEERS[peer] + what.program)
    if not os.access(program, os.X_OK):
        if peer == "limit":
            return None
        raise Failed(f"{program} is not there: ninja bench-programs")
    few, many = (serve(program, what.server, n) if what.server
                 else run_through(program, workload, n) for n in (what.few, what.many))
    return round((many - few) / (what.many - what.few), 1)


def measure(folder, workloads):
    """counts[workload][peer]"""
    counts = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        pending = {(w, p): pool.submit(count_of, folder, w, p) for w in workloads for p in PEERS}
        for (workload, peer), count in pending.items():
            try:
                if count.result() is not None:
                    counts.setdefault(workload, {})[peer] = count.result()
            except Failed as error:
                raise Failed(f"{workload}, {peer}: {error}") from error
    return counts


def introspected(build, what):
    with open(os.path.join(build, "meson-info", f"intro-{what}.json"), encoding="utf-8") as file:
        return json.load(file)


def compiler_of(build):
    """Name and major version of the C++ compiler, as its own macros tell them."""
    for target in introspected(build, "targets"):
        for sources in target["target_sources"]:
            if sources.get("language") == "cpp":
                said = subprocess.run([*sources["compiler"], "-dM", "-E", "-x", "c++", os.devnull],
                                      capture_output=True, text=True, check=True).stdout
                for name, macro in (("clang", "__clang_major__"), ("gcc", "__GNUC__")):
                    found = re.search(rf"#define {macro} (\d+)", said)
                    if found:
                        return f"{name} {found.group(1)}"
    return "some compiler"


def toolchain(build):
    """What counts depend on besides our code; the name of a record. Nothing where the build is not
    an optimised one, or not known."""
    try:
        options = {o["name"]: o["value"] for o in introspected(build, "buildoptions")}
        if options["buildtype"] != "release" or options["b_lto"]:
            return None
        versions = {d["name"]: ".".join(d["version"].split(".")[:2])
                    for d in introspected(build, "dependencies")}
        libraries = [f"{name} {versions.get(name, '?')}" for name in ("libuv", "boost")]
        return ", ".join([compiler_of(build), platform.machine(), *libraries,
                          " ".join(platform.libc_ver())])
    except (OSError, KeyError, subprocess.CalledProcessError):
        return None


def records():
    try:
        with open(RECORD, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def recorded(build):
    """What is on file for a build's toolchain, also where its folder of bench programs is given."""
    names = (toolchain(build), toolchain(os.path.dirname(build)))
    return next((record for name, record in records().items() if name in names), {})


def programs(build):
    """The targets to build, of those that this machine has libraries for."""
    wanted = {prefix + c.program for c in COUNTS.values() for prefix in PEERS.values()}
    return sorted(wanted & {t["name"] for t in introspected(build, "targets")})


def as_text(every):
    """A line for each workload, so that a difference of two versions can be read."""
    bodies = [json.dumps(name) + ": {\n" + ",\n".join(
        f"  {json.dumps(w)}: {json.dumps(record[w])}" for w in COUNTS if w in record) + "\n }"
        for name, record in sorted(every.items())]
    return "{\n " + ",\n ".join(bodies) + "\n}"


def renew(name, counts):
    every = records()
    every[name] = {**every.get(name, {}), **counts}
    with open(RECORD, "w", encoding="utf-8") as file:
        file.write(as_text(every) + "\n")


def compare(counts, known):
    """worse, better: lines about ours. What is not on file is worse than nothing: it is to be put
    there."""
    worse, better = [], []
    for workload, found in counts.items():
        now, then = found["structio"], known.get(workload, {}).get("structio")
        if then is None:
            worse.append(f"{workload}: {now:.1f} instructions, not on file")
            continue
        line = f"{workload}: {now:.1f} instructions, {then:.1f} on file ({now / then - 1:+.1%})"
        allowed = max(INSTRUCTIONS, SHARE * then)
        if now > then + allowed:
            worse.append(line)
        elif now < then - allowed:
            better.append(line)
    return worse, better


def measure_twice(folder, workloads, known):
    """The lesser of two counts where one was too high: a look at the clock costs something, and
    never saves anything."""
    counts = measure(folder, workloads)
    again = [line.split(":")[0] for line in compare(counts, known)[0]] if known else []
    for workload, found in measure(folder, again).items():
        if found["structio"] < counts[workload]["structio"]:
            counts[workload] = found
    return counts


def table(counts, known):
    rows = [("instructions of one", "ours", "on file", "limit", "ours / limit")]
    for workload, found in counts.items():
        ours, limit = found["structio"], found.get("limit")
        then = known.get(workload, {}).get("structio")
        rows.append((workload, f"{ours:.1f}", "-" if then is None else f"{then:.1f}",
                     f"{limit:.1f}" if limit else "-", f"{ours / limit:.2f}" if limit else "-"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def judge(name, counts):
    """Prints what is to be said; the status of the program."""
    if name not in records():
        print(f"counts: not compared: counts.json has no record of {name or 'such a build'}; "
              "./dev check counts-renew makes one")
        return 0
    worse, better = compare(counts, records()[name])
    for line in better:
        print(f"counts: better: {line}")
    for line in worse:
        print(f"counts: WORSE: {line}")
    if worse or better:
        print("counts: to take these into the file, when they are meant: ./dev check counts-renew")
    else:
        print(f"counts: as on file for {name}")
    return 1 if worse else 0


def self_test():
    """The comparison sees what it is there to see."""
    known = {"switch": {"structio": 100.0}, "spawn": {"structio": 1000.0, "limit": 10.0}}

    def answers(switch, spawn, more=()):
        counts = {"switch": {"structio": switch}, "spawn": {"structio": spawn}, **dict(more)}
        worse, better = compare(counts, known)
        return [line.split(":")[0] for line in worse], [line.split(":")[0] for line in better]

    assert answers(100.0, 1000.0) == ([], [])
    assert answers(103.0, 1030.0) == ([], []), "within what may be off"
    assert answers(103.5, 1000.0) == (["switch"], [])
    assert answers(100.0, 1031.0) == (["spawn"], [])
    assert answers(96.0, 1040.0) == (["spawn"], ["switch"]), "one does not make up for another"
    assert answers(97.5, 969.0) == ([], ["spawn"])
    new = {"echo_1": {"structio": 5.0, "limit": 1.0}}
    assert answers(100.0, 1000.0, new) == (["echo_1"], []), "nothing goes uncompared in silence"
    assert "| spawn               | 2000.0 | 1000.0  | 20.0  | 100.00       |" in table(
        {"spawn": {"structio": 2000.0, "limit": 20.0}}, known)
    assert json.loads(as_text({"a": known, "b": known})) == {"a": known, "b": known}
    assert collected("==1== Collected : 123\n") == 123
    assert {w for r in records().values() for w in r} <= set(COUNTS), "an unknown workload"
    print("counts: the comparison fails where it should")
    return 0


def main():
    parse = argparse.ArgumentParser(description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("build", nargs="?", default="build-release")
    parse.add_argument("--renew", action="store_true")
    parse.add_argument("--only", help="workloads, separated by commas: " + ", ".join(COUNTS))
    parse.add_argument("--programs", action="store_true", help="print the targets to build")
    parse.add_argument("--self-test", action="store_true")
    options = parse.parse_args()
    if options.self_test:
        return self_test()
    if options.programs:
        print(*programs(options.build))
        return 0
    name = toolchain(options.build)
    if options.renew and not name:
        sys.exit("counts: only a release build without LTO is put on file")
    known = records().get(name, {})
    try:
        workloads = options.only.split(",") if options.only else list(COUNTS)
        counts = measure_twice(os.path.join(options.build, "bench"), workloads,
                               {} if options.renew else known)
    except Failed as error:
        sys.exit(f"counts: {error}")
    print(table(counts, known))
    if options.renew:
        renew(name, counts)
        print(f"counts: on file for {name}")
        return 0
    return judge(name, counts)


if __name__ == "__main__":
    sys.exit(main())
