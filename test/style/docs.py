#!/usr/bin/env python3
"""Holds the pages of the documentation to what is there: code, names, links.

Usage: docs.py [--cc "COMMAND"] [--cxx "COMMAND"]. Prints one line for each fault, and fails when
there is any. What must hold:

* A block of C or C++ is one of three things. A program (it has a main function) is named in
  examples/meson.build, which builds and runs it as it stands in the page. A block behind a line
  that ends with a link to a file of examples/ and a colon is an excerpt of that file. Anything else
  is a fragment, and is compiled here: on its own when it defines functions, inside of one when it
  does not. What it takes for granted stands before it, in a comment that readers do not see:
  `<!-- with: void talk(structio::tcp_stream&); -->`.
* Blocks of other languages say which, and blocks that are no code say `text`. Of shell blocks, the
  commands exist; blocks of Python can be parsed, and its own tests run them, as Cargo's do those of
  Rust; each line of CMake, Meson and Zig stands in a project that the tests build.
* Relative links lead to files, and to headings, that exist; every page of docs/ can be reached
  from docs/index.md.
* A name of ours in code, `structio_x` or `structio::x`, is in the headers; in docs/migration.md so
  is every name that is called or reached in the columns that are ours.
"""
import argparse
import ast
import concurrent.futures
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LANGUAGES = {"c", "cpp", "sh", "text", "meson", "python", "rust", "zig", "cmake", "json", "toml",
             "ini"}
COMMANDS = {"c++", "cc", "meson", "ninja", "pkg-config", "cmake", "cargo", "zig", "python3", "pip",
            "git", "cd", "nc", "export", "sudo", "apt-get", "npm", "ldconfig", "mkdir", "cp", "tar",
            "nm", "objdump", "ldd", "abidw", "abidiff", "pkgconf", "musl-gcc", "node", "pypy3"}
# A first line at the left margin that only fits outside of functions.
OUTSIDE = re.compile(r"^(template\b|STRUCTIO_TEST_CASE\b|(struct|class|enum|typedef)\b"
                     r"|(static |inline |constexpr )*[\w:]+[\w:<>&* ]* [&*]*\w+\([^;]*\{)", re.M)
# Where the lines of a block stand that is built as part of a project of the tests.
BUILT = {"cmake": ["test/consumer/cmake/*"], "meson": ["test/consumer/meson/*"],
         "zig": ["capi/zig/test/**/*.zig", "capi/zig/test/**/*.zon"]}
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused", "-fsyntax-only"]
# Words in the code of tables that are not ours to have.
FOREIGN = {"std", "main", "co_await", "scoped_lock", "unique_lock", "stop_token", "thread", "fn"}


class Block:
    def __init__(self, page, line, language, text, before):
        self.page, self.line, self.language, self.text = page, line, language, text
        hidden = re.search(r"<!-- with:\s*((?:(?!-->).)*?)\s*-->\s*\Z", before, re.S)
        self.needs = hidden.group(1) if hidden else ""
        source = re.search(r"\]\(([^)\s]*examples/[^)\s]+)\)[^\n\[]*:\s*\Z", before)
        self.source = source.group(1) if source else None

    def at(self):
        return f"{self.page}:{self.line}"


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def pages():
    found = ["README.md", "CHANGELOG.md"]
    for pattern in ("docs/**/*.md", "capi/*/README.md"):
        found += sorted(os.path.relpath(p, ROOT)
                        for p in glob.glob(os.path.join(ROOT, pattern), recursive=True))
    return found


def blocks_of(page, text):
    for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.S | re.M):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(page, line, match.group(1).strip(), match.group(2), text[:match.start()])


def without_blocks(text):
    """The text with its blocks blank, so that lines keep their numbers."""
    return re.sub(r"^```.*?^```$", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S | re.M)


def excerpt_fault(block):
    path = os.path.normpath(os.path.join(os.path.dirname(block.page), block.source))
    if not os.path.exists(os.path.join(ROOT, path)):
        return f"{path} is not there"
    whole = read(path)
    lines = block.text.splitlines()
    for shift in range(0, 13, 2):
        shifted = "".join((" " * shift + one if one else "") + "\n" for one in lines)
        if "\n" + shifted in "\n" + whole:
            return None
    return f"is not what {path} says"


def tutorial_faults():
    for path in sorted(glob.glob(os.path.join(ROOT, "examples", "tutorial", "*"))):
        name = os.path.relpath(path, ROOT)
        if read(name).count("\n") > 80:
            yield f"{name}: a step of the tutorial has more than 80 lines"


def program_faults(all_blocks):
    """Programs of the pages against the list that builds them."""
    listed = re.findall(r"^  \['([^']+)', '(c|cpp)', (\d+), '\w+'\],$",
                        read("examples/meson.build"), re.M)
    counts = {}
    for block in all_blocks:
        if block.language in ("c", "cpp") and not block.source and "int main(" in block.text:
            key = (block.page, block.language)
            counts[key] = counts.get(key, 0) + 1
            if (*key, str(counts[key])) not in listed:
                yield f"{block.at()}: a program that examples/meson.build does not name"
    for page, language, number in listed:
        if counts.get((page, language), 0) < int(number):
            yield f"examples/meson.build: {page} has no program {number} in {language}"


def fragment(block, number):
    """A fragment as part of a unit: its includes, and the rest."""
    includes = re.findall(r"^#include [^\n]*\n", block.needs + "\n" + block.text, re.M)
    body = re.sub(r"^#include [^\n]*$", "", block.text, flags=re.M)
    where = f'#line {block.line + 1} "{block.page}"\n'
    if not OUTSIDE.search(block.text):
        body = f"int fragment() {{\n{where}{body}return 0;\n}}\n"
    if block.language == "c":
        own = f"int fragment_{number}(void)"
        body = body.replace("int fragment()", f"{own};\n{own}")
        return includes, f"{block.needs}\n{where}{body}"
    needs = re.sub(r"^#include [^\n]*$", "", block.needs, flags=re.M)
    return includes, f"namespace fragment_{number} {{\n{needs}\n{where}{body}}}\n"


def unit(language, fragments):
    """(language, source) of all fragments that can be compiled together."""
    head = ["#include <structio/structio.h>\n", "#include <structio/structio_testing.h>\n",
            "#include <structio/structio_debug.h>\n"]
    tail = ""
    if language == "cpp":
        head = ["#include <structio/structio.hpp>\n", "#include <structio/testing.hpp>\n",
                "#include <structio/debug.hpp>\n"]
        tail = "using namespace std::chrono_literals;\n"
    bodies = []
    for number, block in enumerate(fragments):
        includes, body = fragment(block, number)
        head += [i for i in includes if i not in head]
        bodies.append(body)
    return language, "".join(head) + tail + "\n".join(bodies)


def compile_unit(job):
    (language, source), command, flags = job
    standard = ["-x", "c", "-std=c99"] if language == "c" else ["-x", "c++", "-std=c++20"]
    include = ["-I", os.path.join(ROOT, "include")]
    ran = subprocess.run([*command, *standard, *WARNINGS, *flags, *include, "-"], input=source,
                         capture_output=True, text=True)
    return ran.stderr if ran.returncode else ""


def fragment_faults(all_blocks, cc, cxx):
    fragments = [b for b in all_blocks if b.language in ("c", "cpp") and not b.source
                 and "int main(" not in b.text]
    catch = [b for b in fragments if "STRUCTIO_TEST_CASE" in b.text]
    plain = [b for b in fragments if b.language == "cpp" and b not in catch]
    jobs = [(unit("c", [b for b in fragments if b.language == "c"]), cc, []),
            (unit("cpp", plain), cxx, [])]
    flags = subprocess.run(["pkg-config", "--cflags", "catch2"], capture_output=True, text=True) \
        if shutil.which("pkg-config") else None
    if flags and flags.returncode == 0:
        jobs.append((unit("cpp", catch), cxx, shlex.split(flags.stdout)))
    elif catch:
        print("docs: Catch2 is not installed; the test cases in the pages were not compiled")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for complaint in pool.map(compile_unit, jobs):
            if complaint:
                yield complaint.rstrip()


def shell_faults(block):
    helped = set(re.findall(r"^\./dev (\w+)|^    (\w[\w-]*) ", read("dev"), re.M))
    words = {w for pair in helped for w in pair} | {"help"}
    text = re.sub(r"\\\n", " ", block.text)
    for line in text.splitlines():
        for command in re.split(r"&&|\|", re.sub(r"#.*", "", line)):
            parts = [w for w in command.split() if not re.match(r"[A-Z_]+=", w)]
            if not parts:
                continue
            if parts[0] == "./dev":
                if len(parts) > 1 and parts[1] not in words:
                    yield f"{block.at()}: ./dev has no command '{parts[1]}'"
            elif not parts[0].startswith("./") and parts[0] not in COMMANDS:
                yield f"{block.at()}: unknown command '{parts[0]}'"


def unbuilt_lines(block):
    """The lines of a block that stand in no project of the tests."""
    def bare(line):
        line = re.sub(r"\s(#|//)\s.*", "", " " + line).strip()
        return re.sub(r'"(path/to|\.\.)/[^"]*"', '"PATH"', line)

    there = set()
    for pattern in BUILT[block.language]:
        for name in glob.glob(os.path.join(ROOT, pattern), recursive=True):
            there |= {bare(line) for line in read(name).split("\n")}
    for offset, line in enumerate(block.text.split("\n")):
        if bare(line) and bare(line) not in there:
            yield f"{block.page}:{block.line + 1 + offset}: in none of {BUILT[block.language]}"


def block_faults(all_blocks):
    for block in all_blocks:
        if block.language not in LANGUAGES:
            yield f"{block.at()}: a block in the language '{block.language}' (no code? say text)"
        if block.language in ("c", "cpp") and block.source:
            fault = excerpt_fault(block)
            if fault:
                yield f"{block.at()}: the block {fault}"
        if block.language == "sh":
            yield from shell_faults(block)
        if block.language in BUILT:
            yield from unbuilt_lines(block)
        if block.language == "python":
            try:
                compile(block.text, block.at(), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            except SyntaxError as wrong:
                yield f"{block.at()}: {wrong}"


def anchors(text):
    """The names that a page's headings get, as the common renderers make them."""
    for heading in re.findall(r"^#+ (.*)$", without_blocks(text), re.M):
        bare = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        yield re.sub(r"[^\w\- ]", "", bare).strip().replace(" ", "-")


def link_faults(texts):
    reached = {page: set() for page in texts}
    for page, text in texts.items():
        bare = re.sub(r"``?[^`\n]*``?(?!\])", lambda m: "x" * len(m.group(0)), without_blocks(text))
        for match in re.finditer(r"\]\(([^)\s]+)\)", bare):
            link, _, anchor = match.group(1).partition("#")
            if "://" in link:
                continue
            at = f"{page}:{bare.count(chr(10), 0, match.start()) + 1}"
            target = os.path.normpath(os.path.join(os.path.dirname(page), link)) if link else page
            if not os.path.exists(os.path.join(ROOT, target)):
                yield f"{at}: {target} is not there"
            elif anchor and anchor not in anchors(texts.get(target) or read(target)):
                yield f"{at}: {target} has no heading '{anchor}'"
            reached[page].add(target)
    seen, left = set(), ["docs/index.md"]
    while left:
        page = left.pop()
        if page not in seen and page in reached:
            seen.add(page)
            left += sorted(reached[page])
    for page in texts:
        if page.startswith("docs/") and page not in seen:
            yield f"{page}: no way leads here from docs/index.md"


def spans(text):
    for match in re.finditer(r"``?([^`\n]+)``?", text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1)


def name_faults(texts):
    files = glob.glob(os.path.join(ROOT, "include", "structio", "**", "*.h*"), recursive=True)
    known = set(re.findall(r"\w+", " ".join(read(f) for f in files)))
    known |= {f"STRUCTIO_E{name}" for name in re.findall(r"\bX\((\w+),", read(
        "include/structio/structio_errors.h"))}
    # Variables of the environment, versions of symbols, targets of CMake: not in the headers.
    inner = " ".join(read(f) for pattern in ("lib/**/*.cpp", "capi/**/*.py", "capi/**/*.rs", "dev")
                     for f in glob.glob(os.path.join(ROOT, pattern), recursive=True))
    other = set(re.findall(r'\$\{(STRUCTIO_\w+)|(?:env|var|get)\w*\("(STRUCTIO_\w+)"', inner))
    other = {name for pair in other for name in pair}
    for name in ("capi/structio.map", "packaging/structio-config.cmake.in",
                 "packaging/structio-targets.cmake.in"):
        other |= set(re.findall(r"\bSTRUCTIO_\w+|(?<=structio::)\w+", read(name)))
    for page, text in texts.items():
        if page == "CHANGELOG.md":
            continue  # speaks of the past
        for line, span in spans(without_blocks(text)):
            for name in re.findall(r"\bstructio_\w+|\bSTRUCTIO_\w+|(?<=structio::)\w+", span):
                if name not in known | other and not os.path.exists(
                        os.path.join(ROOT, "include/structio", name + ".h")):
                    yield f"{page}:{line}: the headers have no '{name}'"
    if "docs/cancellation.md" in texts:
        yield from effect_faults("docs/cancellation.md", texts["docs/cancellation.md"])
    if "docs/migration.md" in texts:
        yield from table_faults("docs/migration.md", texts["docs/migration.md"], known)


def effect_faults(page, text):
    """Who may have done something when cancelled: the rows of the page against the library's."""
    for effect in ("PREFIX", "CLOSED", "BODY"):
        rows = [line for line in text.splitlines() if f"`STRUCTIO_EFFECT_{effect}`" in line]
        told = set(re.findall(r"`structio_(\w+)`", rows[0])) if rows else set()
        true = set(re.findall(rf"X\((\w+), \w+, {effect}\)", read("capi/op_info.cpp")))
        for name in sorted(told ^ true):
            yield f"{page}: structio_{name}: STRUCTIO_EFFECT_{effect} there or in op_info.cpp only"


def table_faults(page, text, known):
    column = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            column = None
            continue
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if column is None:
            ours = [i for i, c in enumerate(cells) if c.startswith("structio")]
            column = ours[0] if ours else -1
        elif column >= 0:
            for _, span in spans(cells[column] if column < len(cells) else ""):
                bare = re.sub(r'"[^"]*"|std::\w+(::\w+)*', "", span)
                for name in re.findall(r"[a-z_]\w*(?=[({<])|(?<=[.:])[a-z_]\w*", bare):
                    if name not in known | FOREIGN:
                        yield f"{page}:{number}: the headers have no '{name}'"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cc", default=os.environ.get("CC") or "cc")
    parser.add_argument("--cxx", default=os.environ.get("CXX") or "c++")
    given = parser.parse_args()
    texts = {page: read(page) for page in pages()}
    all_blocks = [b for page, text in texts.items() for b in blocks_of(page, text)]
    faults = [*block_faults(all_blocks), *program_faults(all_blocks), *tutorial_faults(),
              *link_faults(texts), *name_faults(texts),
              *fragment_faults(all_blocks, shlex.split(given.cc), shlex.split(given.cxx))]
    print("".join(f"{fault}\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
