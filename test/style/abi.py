#!/usr/bin/env python3
"""Compares the library with capi/structio.abi, the dump that libabigail made of its interface.

Usage: abi.py BUILD_FOLDER [--renew]. What breaks programs that exist makes it fail: a function that
has gone or takes something else, a struct or constant that has changed. Additions are told: new
functions, new values of enumerations, new fields behind the others of a struct that begins with
struct_size. --renew (`./dev check abi-renew`) writes the dump anew, for a release or on purpose.
"""
import os
import re
import subprocess
import sys
import tempfile

from layout import UNSTABLE, listed
from symbols import declared

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DUMP = os.path.join(ROOT, "capi", "structio.abi")
HEADERS = os.path.join(ROOT, "include", "structio")

# What abidiff answers, as bits.
FAILED, USAGE, CHANGED, INCOMPATIBLE = 1, 2, 4, 8


def allowed():
    """What abidiff is to keep quiet about."""
    growing = [name.split(",")[0] for kind, name in listed()
               if kind == "FIELD" and name.endswith(", struct_size")]
    unstable = [name for name, path in declared().items() if os.path.basename(path) in UNSTABLE]
    return f"""[suppress_type]
  type_kind = struct
  name_regexp = ^({"|".join(growing)})$
  has_data_member_inserted_at = end

[suppress_function]
  change_kind = function-subtype-change
  name_regexp = ^({"|".join(unstable)})$
"""


def difference(library, *arguments):
    result = subprocess.run(
        ["abidiff", "--exported-interfaces-only",
         "--no-show-locs", "--no-unreferenced-symbols", *arguments, DUMP, library],
        capture_output=True, text=True)
    if result.returncode & (FAILED | USAGE):
        sys.exit(f"abi: abidiff failed: {result.stdout}{result.stderr}")
    return result.returncode, result.stdout


def renew(library):
    subprocess.run(
        ["abidw", "--exported-interfaces-only", "--drop-private-types", "--headers-dir", HEADERS,
         "--no-show-locs", "--no-corpus-path", "--no-comp-dir-path", "--no-elf-needed",
         "--type-id-style", "hash", "--out-file", DUMP, library], check=True)
    with open(DUMP, encoding="utf-8") as file:
        text = file.read()
    # Where it was built is nobody's business.
    text = re.sub(r"(<abi-instr [^>]*path=')[^']*?(capi/[^']*')", r"\1\2", text)
    with open(DUMP, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    library = os.path.join(sys.argv[1], "libstructio.so")
    if "--renew" in sys.argv[2:]:
        renew(library)
        return 0
    with tempfile.NamedTemporaryFile("w", suffix=".abignore") as file:
        file.write(allowed())
        file.flush()
        broken, report = difference(library, "--no-added-syms", "--suppressions", file.name)
    if broken:
        print(report)
        print("abi: what is reported above breaks programs that exist; see docs/abi.md. When it has "
              "not been released: ./dev check abi-renew")
        return 1
    changed, report = difference(library)
    if changed:
        print(report)
        print("abi: there are additions only; ./dev check abi-renew takes them into the dump")
    else:
        print("abi: the library is what the dump says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
