#!/usr/bin/env python3
"""Three lists of exported names that must be one: the headers, capi/symbols.txt, the library.

symbols.txt names each function with the version that brought it; a name that was released may never
leave. Usage: symbols.py BUILD_FOLDER, or symbols.py --write to append what the headers have new.
"""
import glob
import os
import re
import subprocess
import sys

from cpp import strip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(ROOT, "capi", "symbols.txt")
HEAD = """# Every name that the library exports, with the version that brought it. A name is never removed
# and never changes its meaning; `./dev sources` appends new ones, `./dev check symbols` compares.
"""
# What the linker itself defines: the node of the version script.
ALLOWED = {"STRUCTIO_0"}


def declared():
    """Names of the functions that the C headers declare with STRUCTIO_API, with their places."""
    names = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "include", "structio", "*.h"))):
        with open(path, encoding="utf-8") as file:
            text = strip(file.read())
        text = re.sub(r"^\s*#\s*define\b(?:[^\n\\]|\\.|\\\n)*", "", text, flags=re.M)
        for match in re.finditer(r"\bSTRUCTIO_API\b[^;{]*?\b(\w+)\s*\(", text):
            names[match.group(1)] = os.path.relpath(path, ROOT)
    return names


def listed():
    """Name to version, from symbols.txt."""
    names = {}
    if os.path.exists(LIST):
        with open(LIST, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    name, version = line.split()
                    names[name] = version
    return names


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                         capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines() if line.strip()}


def version():
    with open(os.path.join(ROOT, "meson.build"), encoding="utf-8") as file:
        return re.search(r"version: '([\d.]+)'", file.read()).group(1)


def header_version():
    with open(os.path.join(ROOT, "include", "structio", "structio_base.h"), encoding="utf-8") as file:
        return ".".join(re.findall(r"#define STRUCTIO_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", file.read()))


def write():
    names, now = listed(), version()
    for name in declared():
        names.setdefault(name, now)
    # A name of the version that is being made has not been released: it may still go.
    kept = sorted(n for n, v in names.items() if n in declared() or v != now)
    with open(LIST, "w", encoding="utf-8") as file:
        file.write(HEAD)
        file.writelines(f"{n} {names[n]}\n" for n in kept)


def main():
    if "--write" in sys.argv[1:]:
        write()
        return 0
    library = os.path.join(sys.argv[1], "libstructio.so")
    in_headers, in_list, in_library = declared(), listed(), exported(library) - ALLOWED
    faults = []
    for name in sorted(set(in_headers) - set(in_list)):
        faults.append(f"{in_headers[name]} declares {name}, which capi/symbols.txt lacks")
    for name in sorted(set(in_list) - set(in_headers)):
        faults.append(f"capi/symbols.txt names {name}, which no header declares")
    for name in sorted(set(in_headers) - in_library):
        faults.append(f"{in_headers[name]} declares {name}, which the library does not export")
    for name in sorted(in_library - set(in_headers)):
        faults.append(f"the library exports {name}, which no header declares")
    for name in sorted(in_headers):
        if not re.fullmatch(r"structio_[a-z0-9_]+", name):
            faults.append(f"{in_headers[name]}: {name} does not begin with structio_")
    if header_version() != version():
        faults.append(f"structio_base.h says {header_version()}, meson.build says {version()}")
    for fault in faults:
        print(fault)
    print(f"symbols: {len(in_library)} exported, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
