#!/usr/bin/env python3
"""Prints `N passed, N failed` for the test runs whose logs lie in the build folders.

A Catch2 program counts its test cases, as its own summary tells them; any other test counts as one.
Usage: count.py [--steps "ok ok failed"] FOLDER, where FOLDER holds the build folders. A step that is
not a test run of its own counts as one test.
"""
import glob
import json
import os
import re
import sys


def count_one(entry):
    """(passed, failed) of one line of Meson's testlog.json."""
    result = entry["result"]
    if result == "SKIP":
        return 0, 0
    text = entry.get("stdout") or ""
    good = result in ("OK", "EXPECTEDFAIL")
    passed, failed = 0, 0
    whole = re.findall(r"^All tests passed \(.*? in (\d+) test cases?\)", text, re.M)
    parts = re.findall(r"^test cases:\s*\d+ \|(.*)$", text, re.M)
    if whole:
        passed = int(whole[-1])
    elif parts:
        passed = sum(int(n) for n in re.findall(r"(\d+) passed", parts[-1]))
        failed = sum(int(n) for n in re.findall(r"(\d+) failed(?! as expected)", parts[-1]))
    elif good:
        passed = 1
    if not good and not failed:
        failed = 1
    return passed, failed


def main():
    arguments = sys.argv[1:]
    passed, failed = 0, 0
    if arguments[:1] == ["--steps"]:
        steps = arguments[1].split()
        arguments = arguments[2:]
        passed = steps.count("ok")
        failed = steps.count("failed")
    tests_failed = 0
    for log in glob.glob(os.path.join(arguments[0], "build*", "meson-logs", "testlog*.json")):
        with open(log, encoding="utf-8") as file:
            for line in file:
                good, bad = count_one(json.loads(line))
                passed += good
                tests_failed += bad
    # A step that failed because tests failed is not one failure more.
    failed = tests_failed if tests_failed else failed
    print(f"{passed} passed, {failed} failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
