#!/usr/bin/env python3
"""Prints which ids of the catalogue of behaviours no test names.

The catalogue is a page of tables whose rows begin with an id such as NUR-08; a test carries the ids
that it proves as tags, "[NUR-08]". Where the page is not at hand there is nothing to say. Arguments:
areas (NUR, CANCEL) to look at; without any, each area that has at least one test.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CATALOGUE = os.path.join(ROOT, "..", "shared", "semantics.md")
ID = r"[A-Z][A-Z0-9]*-[A-Z0-9]*\d+[a-z]?"


def main():
    if not os.path.exists(CATALOGUE):
        return 0
    with open(CATALOGUE, encoding="utf-8") as file:
        rows = re.findall(rf"^\|\s*({ID})\s*\|(.*)", file.read(), re.M)
    # The last column says whether a behaviour applies here.
    known = list(dict.fromkeys(i for i, row in rows if not re.search(r"\|\s*\*\*no\b", row)))
    all_known = {i for i, _ in rows}
    named = set()
    for path in glob.glob(os.path.join(ROOT, "test", "**", "*"), recursive=True):
        if path.endswith((".c", ".cpp", ".hpp", ".h")):
            with open(path, encoding="utf-8") as file:
                named.update(re.findall(rf"\[({ID})\]", file.read()))
    areas = sys.argv[1:] or sorted({name.split("-")[0] for name in named})
    for area in areas:
        ids = [i for i in known if i.split("-")[0] == area]
        lacking = [i for i in ids if i not in named]
        print(f"ids: {area}: {len(ids) - len(lacking)} of {len(ids)}"
              + (", no test for " + " ".join(lacking) if lacking else ""))
    for name in sorted(named - all_known):
        print(f"ids: a test names {name}, which the catalogue does not have")
    return 0


if __name__ == "__main__":
    sys.exit(main())
