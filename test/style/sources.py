#!/usr/bin/env python3
"""Keeps the source lists of the meson.build files equal to the tree.

Each list stands between a line `NAME = files(` and a line `)`. Without arguments: prints what is
missing or gone and fails. With --write: rewrites the lists.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# folder of the meson.build, name of the list, folder of the sources, endings
LISTS = [(f"lib/{name}", f"{name}_sources", f"lib/{name}", (".cpp",))
         for name in ("base", "context", "reactor", "runtime", "sync", "stream", "net", "fs",
                      "process", "thread", "testing", "debug")]
LISTS += [
    ("capi", "capi_sources", "capi", (".cpp",)),
    ("test", "face_sources", "test", (".cpp",)),
    ("test", "base_test_sources", "test/base", (".cpp",)),
    ("test", "context_test_sources", "test/context", (".cpp",)),
    ("test", "reactor_test_sources", "test/reactor", (".cpp",)),
    ("test", "runtime_test_sources", "test/runtime", (".cpp",)),
    ("test", "fault_sources", "test/faults", (".cpp",)),
    ("test", "support_sources", "test/support", (".cpp",)),
    ("test", "crash_programs", "test/crash", (".cpp",)),
    ("test", "c_programs", "test/c", (".c",)),
    ("examples", "example_programs", "examples", (".c", ".cpp")),
    ("examples", "tutorial_programs", "examples/tutorial", (".cpp",)),
    ("include/structio", "header_files", "include/structio", (".h", ".hpp")),
    ("include/structio", "detail_header_files", "include/structio/detail", (".h", ".hpp")),
    ("include/structio", "testing_header_files", "include/structio/testing", (".h", ".hpp")),
]


def tree(folder, endings):
    """Names of the sources in `folder`, sorted; none when the folder is not there."""
    path = os.path.join(ROOT, folder)
    if not os.path.isdir(path):
        return []
    return sorted(n for n in os.listdir(path) if n.endswith(endings) and not n.startswith("."))


def main():
    write = "--write" in sys.argv[1:]
    failures = 0
    for home, name, folder, endings in LISTS:
        path = os.path.join(ROOT, home, "meson.build")
        wanted = tree(folder, endings)
        prefix = os.path.relpath(folder, home)
        prefix = "" if prefix == "." else prefix + "/"
        if not os.path.exists(path):
            if wanted:
                print(f"{home}/meson.build: not there, but {folder} has sources")
                failures += 1
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found = re.search(rf"^{name} = files\((.*?)\)", text, re.S | re.M)
        if not found:
            print(f"{home}/meson.build: no list {name}")
            failures += 1
            continue
        listed = re.findall(r"'([^']*)'", found.group(1))
        expected = [prefix + n for n in wanted]
        if listed == expected:
            continue
        if write:
            body = "".join(f"  '{n}',\n" for n in expected)
            body = f"{name} = files(\n{body})" if expected else f"{name} = files()"
            with open(path, "w", encoding="utf-8") as file:
                file.write(text[:found.start()] + body + text[found.end():])
            print(f"{home}/meson.build: {name} rewritten")
            continue
        for n in sorted(set(expected) - set(listed)):
            print(f"{home}/meson.build: {name} lacks '{n}' (`./dev sources` adds it)")
        for n in sorted(set(listed) - set(expected)):
            print(f"{home}/meson.build: {name} names '{n}', which is not there")
        if sorted(listed) == sorted(expected):
            print(f"{home}/meson.build: {name} is not sorted (`./dev sources` sorts it)")
        failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
