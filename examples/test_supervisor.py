#!/usr/bin/env python3
"""Tests the supervisor of the examples with real programs: does it start them again, ever later, and
does it stop them all?

Usage: test_supervisor.py PROGRAM.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 30  # seconds, for what takes milliseconds unless the machine is very busy


class Supervisor:
    """Killed, should it still live, when the block is left."""

    def __init__(self, program, *commands, speed=1):
        environment = dict(os.environ, SUPERVISOR_SPEED=str(speed))
        self.process = subprocess.Popen([program, *commands], stdout=subprocess.PIPE, text=True,
                                        env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def line(self):
        line = self.process.stdout.readline()
        assert line, "the supervisor has ended"
        return line.rstrip("\n")

    def until(self, words):
        while words not in (line := self.line()):
            pass
        return line

    def started(self):
        return int(self.until("started as process").split()[-1])

    def ends_well(self):
        out, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, self.process.returncode
        assert out.endswith("supervisor: every program has ended\n"), out
        return out


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def check_back_off(program):
    """Each pause is twice the last; a program that was healthy begins anew."""
    with Supervisor(program, "exit 3", speed=20) as s:
        pauses = []
        while len(pauses) < 5:
            assert s.until("exited") == "program 1: exited with status 3"
            pauses.append(int(re.search(r"again in (\d+) ms", s.line())[1]))
        assert pauses == [5, 10, 20, 40, 80], pauses
        s.process.send_signal(signal.SIGTERM)
        s.ends_well()
    # Lives of 0, 0 and then longer than the 100 ms that are healthy at this speed.
    with tempfile.TemporaryDirectory() as folder:
        lives = os.path.join(folder, "lives")
        command = f"echo >> {lives}; [ $(wc -l < {lives}) -le 2 ] || sleep 0.15"
        with Supervisor(program, command, speed=100) as s:
            pauses = [int(re.search(r"again in (\d+) ms", s.until("again"))[1]) for _ in range(4)]
            assert pauses[:2] == [1, 2] and pauses[2:] == [1, 1], pauses
            s.process.send_signal(signal.SIGINT)
            s.ends_well()


def check_restart_of_the_killed(program):
    with Supervisor(program, "sleep 1000") as s:
        first = s.started()
        os.killpg(first, signal.SIGKILL)
        assert s.line() == "program 1: was killed by signal 9"
        second = s.started()
        assert second != first and is_alive(second)
        s.process.send_signal(signal.SIGTERM)
        assert "program 1: was killed by signal 15" in s.ends_well()
        assert not is_alive(second)


def check_stop(program):
    """Several programs: one ends when it is asked to, in its own way, one never would."""
    polite = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
    stubborn = "trap '' TERM; echo ready; while :; do sleep 0.01; done"
    with Supervisor(program, polite, stubborn, speed=20) as s:
        pids, ready = [], 0
        while len(pids) < 2 or ready < 2:
            line = s.line()
            if "started" in line:
                pids.append(int(line.split()[-1]))
            ready += line == "ready"
        begun = time.monotonic()
        s.process.send_signal(signal.SIGTERM)
        out = s.ends_well()
        assert 0.4 < time.monotonic() - begun < PATIENCE  # the grace is half a second
        assert "bye\n" in out and "program 1: exited with status 0" in out, out
        assert "again" not in out, out
        deadline = time.monotonic() + PATIENCE
        while any(map(is_alive, pids)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not any(map(is_alive, pids))


def main():
    program = sys.argv[1]
    check_back_off(program)
    check_restart_of_the_killed(program)
    check_stop(program)
    # Twice the same signal: nobody waits for the grace.
    with Supervisor(program, "trap '' TERM; echo ready; while :; do sleep 0.01; done") as s:
        s.until("ready")
        begun = time.monotonic()
        s.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        s.process.send_signal(signal.SIGTERM)
        s.ends_well()
        assert time.monotonic() - begun < 8
    wrong = subprocess.run([program], capture_output=True, text=True, timeout=PATIENCE)
    assert wrong.returncode == 1 and "usage" in wrong.stderr, wrong


if __name__ == "__main__":
    main()
