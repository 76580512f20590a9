#!/usr/bin/env python3
"""Writes a program that stands in a page of the documentation to a file, so that it can be built.

Usage: page_program.py PAGE LANGUAGE NUMBER OUTPUT takes the NUMBER-th block of that LANGUAGE which
has a main function, and changes nothing in it: what the pages show is what the tests run.
"""
import re
import sys


def main():
    page, language, number, output = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", file.read(), re.S | re.M)
    programs = [block for block in blocks if "int main(" in block]
    if len(programs) < int(number):
        sys.exit(f"{page} has {len(programs)} programs in {language}, not {number}")
    with open(output, "w", encoding="utf-8") as file:
        file.write(programs[int(number) - 1])


if __name__ == "__main__":
    main()
