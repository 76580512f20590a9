#!/usr/bin/env python3
"""Runs a program of the tutorial and compares what it prints with what its page says.

Usage: test_tutorial.py PROGRAM PAGE. The page has that in a block behind a line which ends with
"prints:".
"""
import re
import subprocess
import sys


def main():
    program, page = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        expected = re.findall(r"prints:\n\n```text\n(.*?)^```$", file.read(), re.S | re.M)
    assert len(expected) == 1, f"{page} should say once what the program prints"
    ran = subprocess.run([program], stdout=subprocess.PIPE, text=True, timeout=100, check=True)
    assert ran.stdout == expected[0], f"printed:\n{ran.stdout}and {page} says:\n{expected[0]}"


if __name__ == "__main__":
    main()
