#!/usr/bin/env python3
"""Compiles each installed header alone, in every language that it promises to speak.

C headers: C99, C23, C++11, C++20; headers of the face: C++20. Pedantic, and every warning is an
error. Each compiler found is asked: $CC and $CXX, else gcc and clang. With --brief each language of
the oldest standard by one compiler, C and C++ by different ones.
"""
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-Wshadow", "-Wconversion"]
C_ONLY = ["-Wstrict-prototypes", "-Wmissing-prototypes"]


def compilers():
    """Pairs of a C and a C++ compiler."""
    if os.environ.get("CC") and os.environ.get("CXX"):
        return [(os.environ["CC"], os.environ["CXX"])]
    pairs = [("gcc", "g++"), ("clang", "clang++")]
    found = [p for p in pairs if shutil.which(p[0]) and shutil.which(p[1])]
    return found or [("cc", "c++")]


def jobs(brief):
    headers = sorted(glob.glob(os.path.join(ROOT, "include", "structio", "**", "*.h*"),
                               recursive=True))
    for header in headers:
        name = os.path.relpath(header, os.path.join(ROOT, "include"))
        languages = [("c++", "c++20")]
        if name.endswith(".h"):
            languages = [("c", "c99"), ("c++", "c++11")]
            if not brief:
                languages += [("c", "c2x"), ("c++", "c++20")]
        for language, standard in languages:
            pairs = compilers()
            if brief:
                pairs = pairs[:1] if language == "c" else pairs[-1:]
            for pair in pairs:
                compiler = pair[0] if language == "c" else pair[1]
                yield name, language, standard, compiler


def compile_one(job):
    name, language, standard, compiler = job
    extra = C_ONLY if language == "c" else []
    # Twice, so that a missing include guard is seen; the declaration keeps the unit from being empty.
    source = f"#include <{name}>\n#include <{name}>\nextern int structio_unit_is_not_empty;\n"
    run = subprocess.run(
        [compiler, "-x", language, f"-std={standard}", *WARNINGS, *extra, "-fsyntax-only",
         "-I", os.path.join(ROOT, "include"), "-"],
        input=source, capture_output=True, text=True)
    return job, run.returncode, run.stderr


def main():
    failures, count = 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, _, standard, compiler), status, errors in pool.map(compile_one, jobs("--brief" in sys.argv)):
            count += 1
            if status != 0:
                failures += 1
                print(f"{name} alone as {standard} with {compiler}:\n{errors}")
    print(f"headers: {count} compiled, {failures} faults")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
