#!/usr/bin/env python3
"""Writes the functions of the C ABI as a list for the random caller: name, who may call it by its
comment (any, hook, question, task, own: see ../style/manual.py), its header, its parameters' names.

Usage: calls.py OUTPUT.
"""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "style"))
import manual  # noqa: E402


def names(parameters):
    """Names of the parameters, in order; a function pointer's stands within its type."""
    flat = re.sub(r"\(\*(\w+)\)\([^)]*\)", r"\1", parameters)
    return [] if flat == "void" else [re.search(r"(\w+)$", part.strip()).group(1)
                                      for part in flat.split(",")]


def lines():
    for path in sorted(glob.glob(os.path.join(manual.ROOT, "include", "structio", "*.h"))):
        functions = list(manual.declared(path))
        head = manual.comment_text(manual.read(path).split("*/")[0])
        words = dict(manual.thread_words(head, {f[0]: f[4] for f in functions}))
        header = re.sub(r"structio_|\.h$", "", os.path.basename(path))
        for name, _, parameters, _, _ in functions:
            quoted = ", ".join(f'"{p}"' for p in names(" ".join(parameters.split())))
            yield f'CALL({name}, "{words[name]}", "{header}", {{{quoted}}})'


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write("\n".join(lines()) + "\n")
