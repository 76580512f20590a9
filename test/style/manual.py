#!/usr/bin/env python3
"""Holds the comments of the C headers to the table of functions that can wait.

Usage: manual.py. What can wait says "Checkpoint" or "schedule point" in its comment, or in that of
the group that it stands in; what never waits does not claim to be one. (That each function has a
comment at all is seen when the reference is made.)
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def waiting():
    with open(os.path.join(ROOT, "capi", "op_info.cpp"), encoding="utf-8") as file:
        return {"structio_" + name: checkpoint == "true" for name, checkpoint in
                re.findall(r"X\((\w+), (true|false), \w+\)", file.read())}


def declared(path):
    """Names with the comment that stands above them or above their group."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    comment = ""
    for match in re.finditer(r"/\*.*?\*/|STRUCTIO_API[^;]*?\b(structio_\w+)\(", text, re.S):
        if match.group(1):
            yield match.group(1), text.count("\n", 0, match.start()) + 1, comment
        elif text[match.start() - 1] == "\n":
            comment = " ".join(re.sub(r"^ \*", "", match.group(0), flags=re.M).split())


def main():
    ops = waiting()
    faults = 0
    for path in sorted(glob.glob(os.path.join(ROOT, "include", "structio", "*.h"))):
        for name, line, comment in declared(path):
            place = f"{os.path.relpath(path, ROOT)}:{line}: {name}"
            says = re.search(r"(?<!not a )\bcheckpoint\b|schedule point|cancel half", comment,
                             re.I) is not None
            if ops.get(name, False) and not says:
                print(f"{place} can wait, and does not say that it is a checkpoint")
                faults += 1
            if name not in ops and re.search(r"\bCheckpoint\.", comment):
                print(f"{place} says that it is a checkpoint, and is not in capi/op_info.cpp")
                faults += 1
    print(f"manual: {len(ops)} functions that can wait, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
