#!/usr/bin/env python3
"""Runs ours, the limit programs and the peers side by side; prints their figures and the ratios.

Every program prints lines of JSON (see bench.h), so nothing is parsed here. Absolute figures do
not travel between machines; ratios within one run do. So all programs are interleaved, each
repetition in another random order, and a ratio is the median of the ratios of the single
repetitions. A run during which others took much of the core is repeated.

  run.py --build DIR            DIR holds the built programs (`ninja bench-programs`)
  run.py --build DIR --quick    a few seconds: does everything run?
  run.py --build DIR --only switch,spawn --json out.json
"""

import argparse
import functools
import json
import os
import platform
import random
import resource
import signal
import statistics
import subprocess
import sys
import time

import counts
from workloads import JOBS, LOADS, NEEDS, NOT_QUICK, PEERS, TARGETS, WORKLOADS

CORES = (0, 1)  # of the program, and of the load generator
ENOUGH = 10_100  # descriptors of a server or generator
MUCH = 0.12  # share of a core that others may take before a run is repeated


class Failed(Exception):
    """A program could not be run to its end; the text says why."""


def busy_seconds(cores):
    """How long these cores have been busy, with anything."""
    tick = os.sysconf("SC_CLK_TCK")
    total = 0.0
    try:
        with open("/proc/stat", encoding="ascii") as stat:
            for line in stat:
                fields = line.split()
                if fields[0] in {f"cpu{c}" for c in cores}:
                    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[1:9])
                    total += (user + nice + system + irq + softirq + steal) / tick
    except OSError:
        pass
    return total


def own_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def json_lines(text):
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            found.append(json.loads(line))
    return found


def call(command, timeout=120):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        what = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
        raise Failed(what)
    return json_lines(done.stdout)


@functools.lru_cache(maxsize=None)
def python_with(module):
    """An interpreter that has the module: ours, or the system's, for which packages are made."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([python, "-c", f"import {module}"], check=True, capture_output=True)
            return python
        except (OSError, subprocess.CalledProcessError):
            continue
    return None


def command_of(folder, program):
    """How a program is started; nothing where it is not there."""
    if program.endswith(".py"):
        python = python_with(program[len("python_"):-len(".py")])
        return [python, os.path.join(os.path.dirname(__file__), "peers", program)] if python else []
    path = os.path.join(folder, program)
    return [path] if os.access(path, os.X_OK) else []


def core_width(folder):
    """How much of the core is ours; nothing where it cannot be told."""
    try:
        return [call([os.path.join(folder, "bench_width"), "--cpu", str(CORES[0])])[0]["value"]]
    except (Failed, OSError, IndexError, subprocess.TimeoutExpired):
        return []


def run_plain(folder, job, quick):
    warm = os.path.join(folder, "bench_warm")
    if job.memory and not quick and os.access(warm, os.X_OK):
        call([warm, "--bytes", str(job.memory), "--cpu", str(CORES[0])])
    arguments = list(job.arguments) + list(job.quick if quick else ())
    return call([*command_of(folder, job.program), "--workload", job.workload,
                 "--peer", job.peer, "--cpu", str(CORES[0]), *arguments])


def run_echo(folder, job, quick, same_core):
    """Starts the server, loads it, and turns what the generator saw into the workload's value."""
    load = LOADS[job.workload]
    server = subprocess.Popen([*command_of(folder, job.program), "--cpu", str(CORES[0]),
                               *job.arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        hello = server.stdout.readline()
        if not hello:
            raise Failed("the server did not start")
        times = ("--warm-ms", "30", "--run-ms", "100") if quick else ()
        seen = call([os.path.join(folder, load.program), "--port", str(json.loads(hello)["port"]),
                     "--pid", str(server.pid), "--cpu", str(CORES[0 if same_core else 1]),
                     *load.arguments, *times])[0]
    finally:
        server.terminate()
        try:
            server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()
    seen["per_cpu_s"] = 1e6 / seen["cpu_us"] if seen["cpu_us"] else 0.0
    return [{"workload": job.workload, "peer": job.peer, "value": seen[load.value],
             "unit": WORKLOADS[job.workload].unit, "load": seen}]


def run_once(options, job):
    """One run; answers the lines it reported and the share of the cores that others took."""
    cores = CORES if job.workload in LOADS else CORES[:1]
    busy, own, begin = busy_seconds(cores), own_seconds(), time.monotonic()
    if job.workload in LOADS:
        lines = run_echo(options.folder, job, options.quick, options.same_core)
    else:
        lines = run_plain(options.folder, job, options.quick)
    wall = time.monotonic() - begin
    others = (busy_seconds(cores) - busy) - (own_seconds() - own)
    return lines, max(0.0, others / wall)


class Results:
    """values[workload][peer] is a list with one number per repetition, None where a run failed."""

    def __init__(self):
        self.values = {}
        self.extra = {}
        self.skipped = {}
        self.missing = {}  # workloads of each program that is not there
        self.failed = {}
        self.disturbance = []
        self.widths = []  # see width.c

    def add(self, repetition, line, job):
        workload, peer = line["workload"], job.rename or line.get("peer", job.peer)
        if workload != job.workload and workload not in job.also:
            return
        row = self.values.setdefault(workload, {}).setdefault(peer, [])
        row.extend([None] * (repetition + 1 - len(row)))
        row[repetition] = line["value"]
        if "load" in line:
            self.extra.setdefault(workload, {}).setdefault(peer, []).append(line["load"])

    def numbers(self, workload, peer):
        return [v for v in self.values.get(workload, {}).get(peer, []) if v is not None]

    def ratios(self, workload, peer, reference):
        """Ratios within the same repetition."""
        rows = self.values.get(workload, {})
        pairs = zip(rows.get(peer, []), rows.get(reference, []))
        return [a / b for a, b in pairs if a is not None and b]

    def peers(self):
        """All that reported something: the limit, the peers in their order, then variants."""
        found = {peer for row in self.values.values() for peer in row}
        first = ("limit", *PEERS)
        return [p for p in first if p in found] + sorted(found.difference(first))


def available_memory():
    try:
        with open("/proc/meminfo", encoding="ascii") as info:
            for line in info:
                if line.startswith("MemAvailable"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def choose(options, results):
    """The jobs that can run here; says why the others cannot."""
    wanted = set(options.only.split(",")) if options.only else set(WORKLOADS)
    chosen = []
    for job in JOBS:
        name = f"{job.rename or job.peer} ({job.workload})"
        if not wanted & {job.workload, *job.also}:
            continue
        if options.quick and (not job.in_quick or (job.workload in NOT_QUICK and not options.only)):
            continue
        if job.extra and not options.all:
            continue
        if not command_of(options.folder, job.program):
            results.missing.setdefault(job.program, set()).add(job.workload)
        elif job.memory > available_memory():
            results.skipped[name] = f"needs {job.memory >> 30} GiB of free memory"
        elif job.workload == "echo_10k" and options.descriptors < ENOUGH:
            results.skipped[name] = f"needs {ENOUGH} descriptors, {options.descriptors} are allowed"
        elif job.workload in LOADS and len(os.sched_getaffinity(0)) < 2 and not options.same_core:
            results.skipped[name] = "needs two cores, or --same-core"
        else:
            chosen.append(job)
    return chosen


def measure(options, results, jobs):
    order = random.Random(options.seed)
    for repetition in range(options.repeat):
        for workload in WORKLOADS:
            batch = [j for j in jobs if j.workload == workload and repetition < j.most]
            order.shuffle(batch)
            if batch and not options.quick:
                results.widths += core_width(options.folder)
            for job in batch:
                if not options.quiet:
                    print(f"\r{repetition + 1}/{options.repeat} {workload} {job.peer}".ljust(60),
                          end="", file=sys.stderr, flush=True)
                measure_job(options, results, job, repetition)
    if not options.quiet:
        print("\r".ljust(61) + "\r", end="", file=sys.stderr)


def measure_job(options, results, job, repetition):
    best = None
    try:
        for _ in range(1 if options.quick else 1 + options.patience):
            lines, others = run_once(options, job)
            if best is None or others < best[1]:
                best = (lines, others)
            if others <= MUCH:
                break
    except (Failed, OSError, ValueError, subprocess.TimeoutExpired) as why:
        results.failed[f"{job.rename or job.peer} ({job.workload})"] = str(why)
    if best is None:
        return
    results.disturbance.append(best[1])
    for line in best[0]:
        results.add(repetition, line, job)


def show(number):
    if number >= 100000:
        return f"{number / 1000:,.0f}k"
    if number >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"


def cell(results, workload, peer):
    numbers = results.numbers(workload, peer)
    if not numbers:
        return "-"
    text = show(statistics.median(numbers))
    if len(numbers) > 1:
        text += f" ({show(min(numbers))}-{show(max(numbers))})"
    return text


def verdict(results, workload, ours):
    """met, not met, or a tie: the quartiles of the ratios lie on both sides of the target."""
    answers = []
    for target in TARGETS.get(workload, ()):
        if target.reference is None:
            seen = results.numbers(workload, ours)
        else:
            seen = results.ratios(workload, ours, target.reference)
        if not seen:
            continue
        good = [v <= target.bound if target.at_most else v >= target.bound for v in seen]
        middle = statistics.median(seen)
        met = middle <= target.bound if target.at_most else middle >= target.bound
        if met:
            answers.append("yes")
        else:
            answers.append("tie" if 4 * sum(good) >= len(good) else "NO")
    for word in ("NO", "tie", "yes"):
        if word in answers:
            return word
    return "-"


def lines_of(rows):
    """Markdown that reads well as text too."""
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) + " |" for r in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def instructions(known, workload, peer):
    """What is on file of an operation's instructions (counts.py), for the build's toolchain."""
    count = known.get(workload, {}).get(peer)
    return "-" if count is None else f"{count:.0f}"


def figures(results, ours, known):
    """Medians, and the least and the greatest of the repetitions."""
    columns = [p for p in ("limit", ours, *PEERS) if p == ours or p in results.peers()]
    counted = [p for p in counts.PEERS if known and p in columns]
    rows = [["workload", *columns, *(f"instr, {p}" for p in counted), "variants"]]
    for name, workload in WORKLOADS.items():
        found = results.values.get(name)
        if not found:
            continue
        others = "; ".join(f"{p} {cell(results, name, p)}" for p in sorted(found)
                           if p not in columns)
        rows.append([f"{name}, {workload.unit}", *(cell(results, name, p) for p in columns),
                     *(instructions(known, name, p) for p in counted), others or "-"])
    return lines_of(rows)


def middle_ratio(results, workload, ours, reference):
    ratios = results.ratios(workload, ours, reference)
    return f"{statistics.median(ratios):.2f}" if ratios else "-"


def comparison(results, ours, quick):
    """Ours divided by each, within the same repetitions."""
    columns = [p for p in ("limit", *PEERS) if p in results.peers()]
    rows = [["ours /", *columns, "better is", "target", "met?"]]
    for name in WORKLOADS:
        if ours not in results.values.get(name, {}):
            continue
        more = "/" in WORKLOADS[name].unit
        rows.append([name, *(middle_ratio(results, name, ours, p) for p in columns),
                     "more" if more else "less",
                     ", ".join(t.text() for t in TARGETS.get(name, ())) or "-",
                     "-" if quick else verdict(results, name, ours)])
    return lines_of(rows) if len(rows) > 1 else ""


def what_to_install(program):
    for begin, packages in NEEDS.items():
        if program.startswith(begin):
            return f"apt install {packages}, or the like; then meson setup --wipe"
    return "ninja bench-programs"


def remarks(results, quick):
    """What is not in the tables, and why."""
    for program, names in sorted(results.missing.items()):
        yield f"missing: {program} ({', '.join(sorted(names))}): {what_to_install(program)}"
    for word, reasons in (("skipped", results.skipped), ("FAILED", results.failed)):
        for name, why in sorted(reasons.items()):
            yield f"{word}: {name}: {why}"
    if results.disturbance and not quick:
        yield (f"taken by others: median {statistics.median(results.disturbance):.0%}, worst "
               f"{max(results.disturbance):.0%} of the core; load {os.getloadavg()[0]:.1f}")
    if results.widths:
        yield (f"width of the core: {statistics.median(results.widths):.1f} "
               f"({min(results.widths):.1f}-{max(results.widths):.1f}) additions in the time of a "
               "multiplication; fewer than another time: a neighbour shares its pipeline")


def spread(numbers):
    if not numbers:
        return {"median": None, "min": None, "max": None, "values": []}
    return {"median": statistics.median(numbers), "min": min(numbers), "max": max(numbers),
            "values": numbers}


def as_json(results, options, known):
    body = {"machine": platform.machine(), "kernel": platform.release(),
            "cores": os.cpu_count(), "repeat": options.repeat, "quick": options.quick,
            "ours": options.ours, "skipped": results.skipped, "failed": results.failed,
            "missing": {program: {"workloads": sorted(names), "needs": what_to_install(program)}
                        for program, names in results.missing.items()},
            "disturbance": spread(results.disturbance), "width": spread(results.widths),
            "workloads": {}}
    for name, peers in results.values.items():
        entry = {"unit": WORKLOADS[name].unit, "what": WORKLOADS[name].what,
                 "met": verdict(results, name, options.ours),
                 "targets": [t.text() for t in TARGETS.get(name, ())],
                 "instr": known.get(name, {}), "peers": {}}
        for peer in peers:
            entry["peers"][peer] = {
                **spread(results.numbers(name, peer)),
                "to_limit": spread(results.ratios(name, peer, "limit")),
                "ours_to_it": spread(results.ratios(name, options.ours, peer)),
                "load": results.extra.get(name, {}).get(peer, [])}
        body["workloads"][name] = entry
    return body


def arguments():
    parse = argparse.ArgumentParser(description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--build", default="build", help="the build folder, or its bench folder")
    parse.add_argument("--only", help="workloads, separated by commas: " + ", ".join(WORKLOADS))
    parse.add_argument("--repeat", type=int, default=5)
    parse.add_argument("--patience", type=int, default=2, help="repeats of a disturbed run")
    parse.add_argument("--quick", action="store_true", help="one short run of everything")
    parse.add_argument("--all", action="store_true", help="also variants of ours and of the limit")
    parse.add_argument("--same-core", action="store_true", help="load generator beside the server")
    parse.add_argument("--ours", default="structio", help="the peer that targets are checked for")
    parse.add_argument("--json", metavar="FILE", help="write everything as JSON; - for stdout")
    parse.add_argument("--no-build", action="store_true", help="run what is there")
    parse.add_argument("--seed", type=int, default=None)
    parse.add_argument("--quiet", action="store_true", help="no progress on stderr")
    options = parse.parse_args()
    inner = os.path.join(options.build, "bench")
    options.folder = inner if os.path.isdir(inner) else options.build
    options.quiet = options.quiet or not sys.stderr.isatty()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    options.descriptors = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    if options.quick:
        options.repeat = 1
    return options


def main():
    options = arguments()
    if os.path.exists(os.path.join(options.build, "build.ninja")) and not options.no_build:
        # What does not build is missing from the table; the rest is measured all the same.
        built = subprocess.run(["ninja", "-k", "0", "-C", options.build, "bench-programs"],
                               capture_output=True, text=True, check=False)
        if built.returncode != 0:
            print(built.stdout[-4000:], file=sys.stderr)
    results = Results()
    jobs = choose(options, results)
    if not jobs:
        print(f"nothing to run in {options.folder}: ninja bench-programs", file=sys.stderr)
        return 1
    if options.descriptors >= ENOUGH:  # for 10,000 connections, in all servers
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (ENOUGH, hard))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        measure(options, results, jobs)
    except KeyboardInterrupt:
        print("interrupted; what there is:", file=sys.stderr)
    known = counts.recorded(options.build)
    if options.json != "-":
        print(figures(results, options.ours, known), end="\n\n")
        print(comparison(results, options.ours, options.quick), end="\n\n")
        print("\n".join(remarks(results, options.quick)))
    if options.json:
        with (sys.stdout if options.json == "-" else open(options.json, "w")) as out:
            json.dump(as_json(results, options, known), out, indent=1)
            out.write("\n")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
