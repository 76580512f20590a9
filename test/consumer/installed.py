#!/usr/bin/env python3
"""Compares what was installed with what should be: every public header of the tree, the libraries,
the files for pkg-config and CMake, and nothing else. Usage: installed.py TREE DESTDIR LIBDIR, where
LIBDIR is the folder of the library within DESTDIR."""
import os
import re
import sys

MACOS = sys.platform == "darwin"
LIBRARIES = (["libstructio.a", "libstructio.dylib", "libstructio.0.dylib"] if MACOS else
             ["libstructio.a", "libstructio.so", "libstructio.so.0", "libstructio.so.VERSION"])
SUPPORT = ["cmake/structio/structio-config.cmake", "cmake/structio/structio-config-version.cmake",
           "cmake/structio/structio-targets.cmake", "pkgconfig/structio.pc"]


def files_below(top):
    return {os.path.relpath(os.path.join(folder, name), top)
            for folder, _, names in os.walk(top) for name in names}


def main():
    tree, destdir, library = (os.path.abspath(path) for path in sys.argv[1:4])
    with open(os.path.join(tree, "meson.build"), encoding="utf-8") as build:
        version = re.search(r"version: '([0-9.]+)'", build.read()).group(1)
    include = next(os.path.join(folder, "include")
                   for folder, names, _ in os.walk(destdir) if "include" in names)

    def below(folder, names):
        return {os.path.relpath(os.path.join(folder, name), destdir) for name in names}

    headers = {name for name in files_below(os.path.join(tree, "include"))
               if name.endswith((".h", ".hpp"))}
    expected = below(include, headers)
    expected |= below(library, {name.replace("VERSION", version) for name in LIBRARIES + SUPPORT})
    found = files_below(destdir)
    for name in sorted(expected - found):
        print(f"installed.py: missing: {name}")
    for name in sorted(found - expected):
        print(f"installed.py: not expected: {name}")
    print(f"{len(found)} files are installed, {len(headers)} of them headers")
    return 0 if found == expected else 1


if __name__ == "__main__":
    sys.exit(main())
