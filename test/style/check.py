#!/usr/bin/env python3
"""Demands of the code what the house style promises: layers, budgets, banned idioms.

Prints one line for each fault, `file:line: what (why)`, and fails when there is any. Without
arguments it reads every source of the repository; with arguments the files named there.
A line that must do what is banned says why in a comment that begins with `style-ok:`.
"""
import os
import re
import subprocess
import sys

from cpp import functions, strip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENDINGS = (".c", ".h", ".cpp", ".hpp")

FILE_LINES = 500
FUNCTION_LINES = 70
LINE_COLUMNS = 100

# Folder of lib/ and its layer. A file includes its own folder and lower layers, nothing else.
LAYERS = {
    "base": 0,
    "context": 1, "reactor": 1,
    "runtime": 2,
    "sync": 3, "stream": 3, "net": 3, "fs": 3, "process": 3, "thread": 3,
    "testing": 4, "debug": 4,
}
# Neighbours in one layer that may meet all the same, each for a reason.
NEIGHBOURS = {
    ("fs", "stream"): "a file is a byte stream",
    ("fs", "sync"): "work on files borrows tokens of a limiter of its own",
    ("fs", "thread"): "files are worked on by threads",
    ("net", "stream"): "a TCP connection is a byte stream",
    ("net", "sync"): "looking up names borrows tokens of a limiter of its own",
    ("net", "thread"): "names are looked up by threads",
    ("process", "stream"): "a pipe is a byte stream",
    ("process", "sync"): "so many children are started at once, no more",
    ("process", "thread"): "starting a program may block, and so may waiting for it",
    ("thread", "sync"): "a worker borrows a token of a limiter on behalf of its job",
}

LIB = r"lib/"
INNER = r"(lib|capi)/"
HEADERS = r"(lib|include)/.*\.(h|hpp)$"
C_HEADERS = r"include/structio/[^/]*\.h$"

# Pattern, files it is banned from, files excepted (or ""), why.
BANS = [
    (r"\b(shared_ptr|make_shared)\b", INNER, r"lib/base/log\.cpp",
     "ownership is a tree here; what is shared has an explicit count"),
    (r"\bstd::(malloc|calloc|realloc|free)\(|\bnothrow\b|\bstrdup\(|(?<!= )\bdelete\b", INNER,
     r"lib/base/memory\.cpp", "memory is the host's to give: base/memory.hpp"),
    (r"\bstd::function\b", INNER, "", "allocates; take a function and an argument"),
    (r"<(iostream|sstream|fstream|regex|future)>", r"(lib|capi|include)/", "",
     "static initialisers, locales or deep stacks"),
    (r"\b(std::cout|std::cerr|std::endl)\b", r"(lib|capi|include)/", "", "use base/log.hpp"),
    (r"(?<![\w:.>])throw\b", INNER, "", "nothing is thrown across a function of the library"),
    (r"\b(dynamic_cast|typeid)\b", INNER, "", "the library needs no RTTI"),
    (r"\bvirtual\b", INNER, r"lib/reactor/", "the reactor is the only table of functions"),
    (r"<uv\.h>|\buv_\w+\(|\bUV_E[A-Z0-9]+\b", INNER, r"lib/reactor/", "only lib/reactor names libuv"),
    (r"\b\w+_fcontext\b|<boost/", INNER, r"lib/context/(fiber\.cpp|switch\.hpp)",
     "only fiber.cpp and switch.hpp of lib/context name Boost.Context"),
    (r"\bspdlog\b", INNER, r"lib/base/log\.cpp", "only lib/base/log.cpp names spdlog"),
    (r"(?<!\w)assert\(", INNER, "", "use STRUCTIO_ASSERT"),
    (r"^\s*using namespace\b", HEADERS, "", "a header must not open namespaces for others"),
    (r"\bthis_thread::sleep_|\b(usleep|nanosleep)\(", r"(lib|capi|test)/", "",
     "blocks the thread of the loop; a test that waits by sleeping fails on a slow machine"),
    (r"\bthread_local\b", INNER, r"lib/runtime/(runtime|local)\.|lib/context/|lib/base/message\.|"
     r"lib/thread/job_context\.", "one thread-local finds the runtime, one a worker's job"),
    (r"\b__cxa_(get_globals|throw|begin_catch)\b[^;]*\{", INNER, "",
     "never interpose symbols of the C++ runtime"),
    (r"\b(long|inline)\b|\.\.\.", C_HEADERS, "",
     "the ABI has one size on every system and nothing that only a C compiler can call"),
    (r"^\s*#\s*ifn?def\s+\w*_(H|HPP|H_|HPP_)\b", r"(lib|include)/.*\.hpp$", "",
     "a header begins with #pragma once"),
]
# The same, but looked for in comments too.
BANNED_TEXT = [
    (r"\b(TODO|FIXME|XXX)\b", r".", r"test/style/", "finish it or open an issue"),
    (r"(//|/\*|\*|#)\s*[-=*~#/]{4,}", r".", r"test/style/", "no banners"),
    (r"\t", r".", "", "no tabs"),
    (r"[ \t]+$", r".", "", "no blanks at the end of a line"),
    (r"[^\x00-\x7f]", r"(lib|capi|include|bench|examples)/", "", "sources are plain ASCII"),
]


def sources(arguments):
    if arguments:
        return sorted(os.path.relpath(os.path.abspath(a), ROOT) for a in arguments)
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True)
    if listing.returncode == 0:
        names = listing.stdout.splitlines()
    else:
        names = [os.path.relpath(os.path.join(d, n), ROOT)
                 for top in ("include", "lib", "capi", "test", "bench", "examples")
                 for d, _, files in os.walk(os.path.join(ROOT, top)) for n in files]
    return sorted(n for n in names if n.endswith(ENDINGS) and os.path.exists(os.path.join(ROOT, n)))


class Report:
    def __init__(self):
        self.faults = []

    def add(self, name, line, what, why=""):
        self.faults.append(f"{name}:{line}: {what}" + (f" ({why})" if why else ""))


def check_layers(name, lines, report):
    """Every #include against the table of layers."""
    parts = name.split("/")
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match or "style-ok:" in line:
            continue
        quoted, path = match.group(1) == '"', match.group(2)
        folder = path.split("/")[0]
        if parts[0] == "lib":
            own = parts[1]
            if own not in LAYERS:
                report.add(name, number, f"lib/{own} has no layer", "name it in test/style/check.py")
                return
            if quoted and folder not in LAYERS:
                report.add(name, number, f'"{path}" is not written from lib/ as root')
            elif quoted and folder != own and (own, folder) not in NEIGHBOURS \
                    and LAYERS[folder] >= LAYERS[own]:
                report.add(name, number, f"lib/{own} includes lib/{folder}", "includes only point down")
            elif path.startswith("structio/") and path.endswith(".hpp"):
                report.add(name, number, "the library includes the C++ face", "the face stands on top")
        elif parts[0] == "include":
            beside = os.path.join(ROOT, os.path.dirname(name), path)
            if quoted and not (name.endswith(".h") and os.path.exists(beside)):
                report.add(name, number, f'"{path}": public headers are included as <structio/...>')
            if name.endswith(".h") and path.endswith(".hpp"):
                report.add(name, number, "a C header includes a C++ header")
            if folder in ("boost", "spdlog", "uv.h", "fmt"):
                report.add(name, number, f"<{path}> in an installed header",
                           "users need none of our dependencies")
        elif parts[0] == "capi" and path.startswith("structio/") and path.endswith(".hpp"):
            report.add(name, number, "the C ABI includes the C++ face", "the face stands on top")
        elif parts[0] == "examples" and quoted and folder in LAYERS:
            report.add(name, number, "an example includes the inside of the library")


def check_budgets(name, text, lines, report):
    if len(lines) > FILE_LINES:
        report.add(name, len(lines), f"the file has {len(lines)} lines, {FILE_LINES} are allowed")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS:
            report.add(name, number, f"{len(line)} columns, {LINE_COLUMNS} are allowed")
    for first, last, title in functions(text):
        if last - first + 1 > FUNCTION_LINES:
            report.add(name, first, f"{title}: {last - first + 1} lines, {FUNCTION_LINES} are allowed")


def check_bans(name, lines, bare_lines, report):
    for table, where in ((BANS, bare_lines), (BANNED_TEXT, lines)):
        for pattern, files, excepted, why in table:
            if not re.match(files, name) or (excepted and re.match(excepted, name)):
                continue
            for number, line in enumerate(where, 1):
                found = re.search(pattern, line)
                if found and "style-ok:" not in lines[number - 1]:
                    report.add(name, number, f"'{found.group(0).strip() or 'blank'}'", why)


def check_form(name, text, lines, report):
    if not text.strip():
        report.add(name, 1, "the file is empty")
        return
    if not re.match(r"\s*(//|/\*)", text):
        report.add(name, 1, "no head", "a file begins by saying what it is and who calls it")
    if not text.endswith("\n") or text.endswith("\n\n"):
        report.add(name, len(lines), "the file must end with one newline")
    if name.endswith(".hpp") and "#pragma once" not in text:
        report.add(name, 1, "no #pragma once")
    if re.match(C_HEADERS, name) and not re.search(r"#\s*(ifndef\s+STRUCTIO_\w*H\b|pragma once)", text):
        report.add(name, 1, "no include guard STRUCTIO_..._H")


def main():
    report = Report()
    names = sources(sys.argv[1:])
    for name in names:
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            text = file.read()
        lines = text.splitlines()
        check_layers(name, lines, report)
        check_budgets(name, text, lines, report)
        check_bans(name, lines, strip(text).splitlines(), report)
        check_form(name, text, lines, report)
    for fault in report.faults:
        print(fault)
    print(f"style: {len(names)} files, {len(report.faults)} faults")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
