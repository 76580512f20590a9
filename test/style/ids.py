#!/usr/bin/env python3
"""Prints, for each id of the catalogue of behaviours, the tests that pin it, and what none does.

The catalogue is a page of tables: one of areas (prefix, tier) and one for each area, whose rows
begin with an id such as NUR-08. A test pins an id that stands in its name or tags, "[NUR-08]"; in a
C program a comment does. A case that is answered otherwise, or not at all, is named in
docs/differences-from-trio.md. Fails when a case of Tier 1 is neither pinned nor named there. Where
the catalogue is not at hand it says so and passes.

Arguments: areas (NUR CANCEL) to look at, else all; --brief for counts and gaps alone; --catalogue
FILE for one that lies elsewhere.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CATALOGUE = os.path.join(ROOT, "..", "shared", "semantics.md")
DIFFERENCES = os.path.join(ROOT, "docs", "differences-from-trio.md")
ID = r"[A-Z][A-Z0-9]*-[A-Z0-9]*\d+[a-z]?"
CASE = re.compile(r"^\s*(?:STRUCTIO_)?(?:TEST_CASE|TEMPLATE_TEST_CASE|SCENARIO)\s*\(", re.M)
# One string after the other, as the compiler joins them; a comma begins the tags.
TEXT = re.compile(r'\s*"((?:[^"\\]|\\.)*)"')


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def area_of(name):
    return name.split("-")[0]


def catalogue(path):
    """Tier of each area, and all ids in order with whether they apply here."""
    text = read(path)
    tiers = dict(re.findall(r"^\|\s*([A-Z][A-Z0-9]*)\s*\|[^|]*\|[^|]*\|\s*(\d)\s*\|", text, re.M))
    rows = re.findall(rf"^\|\s*({ID})\s*\|(.*)", text, re.M)
    # The last column says whether a behaviour applies here.
    return tiers, {i: not re.search(r"\|\s*\*\*no\b", row) for i, row in rows}


def strings(text, at):
    """The strings from `at` on that follow each other, and where they end."""
    joined = ""
    while match := TEXT.match(text, at):
        joined += match.group(1)
        at = match.end()
    return joined, at


def cases(text):
    """Name and tags of each test case."""
    for case in CASE.finditer(text):
        name, at = strings(text, case.end())
        comma = re.compile(r"\s*,").match(text, at)
        yield name, strings(text, comma.end())[0] if comma else ""


def pins():
    """For each id the tests that name it, as "file: test"."""
    found = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "test", "**", "*"), recursive=True)):
        if not path.endswith((".c", ".cpp", ".hpp", ".h")):
            continue
        text = read(path)
        file = os.path.relpath(path, os.path.join(ROOT, "test"))
        named = set()
        for name, tags in cases(text):
            title = re.sub(rf"\s*\[{ID}\]", "", name)
            for i in dict.fromkeys(re.findall(rf"\[({ID})\]", name + tags)):
                named.add(i)
                found.setdefault(i, []).append(f"{file}: {title}")
        for i in dict.fromkeys(re.findall(rf"\[({ID})\]", text)):
            if i not in named:
                found.setdefault(i, []).append(file)
    return found


def differences():
    """Ids in the first column of the tables of differences: alone, or as "SOCK-01 to SOCK-05"."""
    page = read(DIFFERENCES) if os.path.exists(DIFFERENCES) else ""
    text = "\n".join(re.findall(r"^\|([^|]*)\|", page, re.M))
    named = set(re.findall(rf"\b({ID})\b", text))
    for area, first, last in re.findall(r"\b([A-Z]+)-(\d+) (?:to|through) (?:\1-)?(\d+)\b", text):
        named.update(f"{area}-{n:02}" for n in range(int(first), int(last) + 1))
    return named


def report_area(area, ids, pinned, named, brief):
    if not brief:
        for i in ids:
            tests = pinned.get(i) or (["(see the differences)"] if i in named else ["-"])
            print(f"  {i:<10} {tests[0]}")
            for test in tests[1:]:
                print(f"  {'':<10} {test}")
    lacking = [i for i in ids if i not in pinned]
    gaps = [i for i in lacking if i not in named]
    explained = [i for i in lacking if i in named]
    print(f"ids: {area}: {len(ids) - len(lacking)} of {len(ids)} pinned"
          + (f", answered otherwise: {' '.join(explained)}" if explained else "")
          + (f", NOT PINNED: {' '.join(gaps) if len(gaps) < len(ids) else 'all'}" if gaps else ""))
    return gaps


def main():
    arguments = sys.argv[1:]
    brief = "--brief" in arguments
    path = CATALOGUE
    if "--catalogue" in arguments:
        at = arguments.index("--catalogue")
        path = arguments[at + 1]
        del arguments[at:at + 2]
    wanted = [a for a in arguments if not a.startswith("--")]
    if not os.path.exists(path):
        print("ids: the catalogue of behaviours is not at hand: nothing was looked at")
        return 0
    tiers, known = catalogue(path)
    pinned, named = pins(), differences()
    areas = wanted or list(dict.fromkeys(area_of(i) for i in known))
    missing = []
    for area in areas:
        ids = [i for i, applies in known.items() if area_of(i) == area and applies]
        gaps = report_area(area, ids, pinned, named, brief)
        if tiers.get(area) == "1":
            missing += gaps
    for name in sorted(set(pinned) - set(known)):
        print(f"ids: {name} is in no catalogue: {'; '.join(pinned[name])}")
    total = [i for i, applies in known.items() if applies and area_of(i) in areas]
    print(f"ids: in all {sum(i in pinned for i in total)} of {len(total)} pinned, "
          f"{sum(i not in pinned and i in named for i in total)} answered otherwise")
    if missing:
        print(f"ids: {len(missing)} of Tier 1 are neither pinned by a test nor named in "
              f"docs/differences-from-trio.md: {' '.join(missing)}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
