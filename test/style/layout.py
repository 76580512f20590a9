#!/usr/bin/env python3
"""Keeps capi/layout.txt: the size of each public struct, the place of each field, each constant.

The list is what test/c/abi.c compares the compiler's opinion with. Without arguments: prints what
the headers have and the list lacks, or the other way round, and fails. With --write (what `./dev
sources` does): writes it anew by asking the compiler ($CC or cc). An entry is of the version that
brought it. What was released stays as it is, but for the size of an option struct (one that begins
with struct_size) that has new fields behind all others; --write refuses anything else.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

from cpp import strip
from symbols import version

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(ROOT, "capi", "layout.txt")
HEAD = """/* What is fixed about the structs and constants of the C headers, on systems with pointers of eight
 * bytes, each with the version that brought it. `./dev sources` adds what is new; what was released
 * does not change. Compared with the compiler's opinion by test/c/abi.c. */
"""
ENTRY = re.compile(r'^(SIZE|FIELD|VALUE)\("([\d.]+)", ([\w., ]+), (-?\d+)\)$', re.M)


# What may still change between releases.
UNSTABLE = ("structio_debug.h", "structio_testing.h", "structio_testing_stream.h")


def headers():
    paths = glob.glob(os.path.join(ROOT, "include", "structio", "*.h"))
    return sorted(p for p in paths if os.path.basename(p) not in UNSTABLE)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def wanted():
    """Keys in the order of the headers: ("SIZE", struct), ("FIELD", "struct, field"), ("VALUE", n)."""
    keys = []
    for path in headers():
        text = strip(read(path))
        for match in re.finditer(r"typedef struct \w+ \{(.*?)\n\} (\w+);", text, re.S):
            keys.append(("SIZE", match.group(2)))
            keys += [("FIELD", f"{match.group(2)}, {name}") for name in fields(match.group(1))]
        if path.endswith("structio_errors.h"):
            keys += [("VALUE", "STRUCTIO_E" + name)
                     for name in re.findall(r"^\s*X\((\w+), -?\d+", text, re.M)]
        else:
            for body in re.findall(r"\benum \w* ?\{(.*?)\}", text, re.S):
                keys += [("VALUE", name) for name in re.findall(r"\b(STRUCTIO_\w+)\b\s*(?:=|,|$)", body)]
        keys += [("VALUE", name) for name in
                 re.findall(r"^#define (STRUCTIO_(?!VERSION|\w*_H\b)\w+) +[\w(]", text, re.M)
                 if not name.endswith(("_INIT", "_API"))]
    return list(dict.fromkeys(keys))


def fields(body):
    names = []
    for part in body.split(";"):
        part = part.strip()
        pointer = re.search(r"\(\*(\w+)\)\s*\(", part)
        if pointer:
            names.append(pointer.group(1))
        elif part:
            names += re.findall(r"(\w+)(?:\[[^\]]*\])*(?=,|$)", part)
    return names


def listed():
    if not os.path.exists(LIST):
        return {}
    return {(kind, name): (since, int(value)) for kind, since, name, value in ENTRY.findall(read(LIST))}


def ask_compiler(keys):
    """What each key amounts to here."""
    expression = {"SIZE": "sizeof({})", "FIELD": "offsetof({})", "VALUE": "{}"}
    lines = [f'  printf("%lld\\n", (long long)({expression[kind].format(name)}));' for kind, name in keys]
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "ask.c"), os.path.join(folder, "ask")
        with open(source, "w", encoding="utf-8") as file:
            file.write("\n".join(["#include <stddef.h>", "#include <stdio.h>",
                                  "#include <structio/structio.h>", "int main(void) {", *lines, "  return 0;", "}", ""]))
        subprocess.run([*os.environ.get("CC", "cc").split(), "-std=c99", "-w",
                        "-I" + os.path.join(ROOT, "include"), source, "-o", program], check=True)
        out = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return dict(zip(keys, map(int, out.split())))


def grew_behind(key, keys, before, now):
    """An option struct that has got larger by fields behind its former end."""
    own = [k for k in keys if k[0] == "FIELD" and k[1].startswith(key[1] + ", ")]
    new = [k for k in own if k not in before]
    return own and own[0][1].endswith(", struct_size") and new and \
        all(now[k] >= before[key][1] for k in new)


def write():
    keys, before, current = wanted(), listed(), version()
    now = ask_compiler(keys)
    faults = [f"{kind} {name} has gone" for (kind, name), (since, _) in before.items()
              if since != current and (kind, name) not in now]
    for key in keys:
        since, value = before.get(key, (current, now[key]))
        if since == current or value == now[key]:
            continue
        if key[0] == "SIZE" and grew_behind(key, keys, before, now):
            print(f"layout: {key[1]} has grown from {value} to {now[key]} bytes")
        else:
            faults.append(f"{' '.join(key)} was {value} in {since} and is {now[key]}")
    for fault in faults:
        print(f"layout: {fault}: that breaks programs which exist (docs/abi.md)")
    if faults:
        return 1
    with open(LIST, "w", encoding="utf-8") as file:
        file.write(HEAD)
        for key in keys:
            since = before.get(key, (current, 0))[0]
            file.write(f'{key[0]}("{since}", {key[1]}, {now[key]})\n')
    return 0


def main():
    if "--write" in sys.argv[1:]:
        return write()
    keys, there = set(wanted()), set(listed())
    for kind, name in sorted(keys - there):
        print(f"capi/layout.txt lacks {kind} {name} (`./dev sources` adds it)")
    for kind, name in sorted(there - keys):
        print(f"capi/layout.txt has {kind} {name}, which no header declares")
    print(f"layout: {len(keys)} entries, {len(keys ^ there)} faults")
    return 1 if keys != there else 0


if __name__ == "__main__":
    sys.exit(main())
