#!/usr/bin/env python3
"""Tests the log tailer: a file that grows, is emptied, rotated, gone for a while.

Usage: test_tail.py PROGRAM.
"""
import os
import signal
import subprocess
import sys
import tempfile

PATIENCE = 30


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        with open(log, "w") as f:
            f.write("before\n")
        process = subprocess.Popen([program, log], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)

        def expect(line):
            got = process.stdout.readline()
            assert got == line + "\n", (got, line)

        expect("before")
        with open(log, "a") as f:
            for i in range(100):
                f.write("line %d\n" % i)
                f.flush()
        for i in range(100):
            expect("line %d" % i)

        # Rotated: what was written to the old one at last comes first.
        with open(log, "a") as f:
            f.write("last of the old\n")
        os.rename(log, log + ".1")
        with open(log, "w") as f:
            f.write("first of the new\n")
        expect("last of the old")
        expect("first of the new")

        os.remove(log)
        with open(os.path.join(folder, "another"), "w") as f:
            f.write("nobody asked for this\n")
        with open(log, "w") as f:
            f.write("back again\n")
        expect("back again")

        with open(log, "w") as f:  # emptied, and begun anew
            f.write("anew\n")
        expect("anew")

        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out, err) == (0, "", ""), (process.returncode, out, err)


if __name__ == "__main__":
    main()
