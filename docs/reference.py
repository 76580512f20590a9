#!/usr/bin/env python3
"""Makes the reference from the headers: each comment with the declarations it belongs to.

Usage: reference.py OUTPUT.md. The headers are the manual; this only turns them into a page with a
table of contents, so there is nothing here to keep in step with them. It also looks whether the
links between the pages that are written by hand lead anywhere, and fails when one does not.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = os.path.join(ROOT, "include", "structio")
# Lines of a header that a reader of the reference has no use for.
NOISE = re.compile(r'^\s*(#\s*define \w+_H|#\s*(ifn?def|endif|include|pragma|if|else|elif|undef)\b.*'
                   r'|extern "C" \{|\}( +// namespace.*| namespace.*)?'
                   r'|(inline )?namespace [\w:]*(::inline v0)? \{)\s*$')


def text_of(comment):
    """The words of a comment, without its marks."""
    if comment.startswith("/*"):
        body = comment[2:-2].splitlines()
        lines = [re.sub(r"^\s*\*? ?", "", line, count=1) if i else line.strip()
                 for i, line in enumerate(body)]
    else:
        lines = [re.sub(r"^\s*///? ?", "", line) for line in comment.splitlines()]
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def blocks(text):
    """(comment, code) pairs in the order of the header."""
    pattern = re.compile(r"^(?:/\*.*?\*/[ \t]*$|(?:[ \t]*///?[^\n]*\n)+)", re.S | re.M)
    matches = list(pattern.finditer(text))
    for match, following in zip(matches, matches[1:] + [None]):
        code = text[match.end():following.start() if following else len(text)]
        lines = [line for line in code.splitlines() if not NOISE.match(line)]
        yield text_of(match.group(0)), "\n".join(lines).strip("\n")


def names_of(code):
    found = re.findall(r"\b(structio_\w+)\s*\(|\b(?:class|struct|enum)\s+(\w+)\s*[:{]", code)
    return [a or b for a, b in found]


def page(name):
    with open(os.path.join(INCLUDE, name), encoding="utf-8") as file:
        text = file.read()
    out = [f"\n## {name}\n"]
    language = "c" if name.endswith(".h") else "cpp"
    for number, (comment, code) in enumerate(blocks(text)):
        names = list(dict.fromkeys(names_of(code)))
        heading = "### " + ", ".join([f"`{n}`" for n in names[:4]] + ["..."] * (len(names) > 4))
        preformatted = re.search(r"^ {4}", comment, re.M)
        words = f"```text\n{comment}\n```" if preformatted else comment
        # The first comment is on the header as a whole.
        out += [words, heading] if number == 0 else [heading, words]
        if not names:
            out.remove(heading)
        if code:
            out.append(f"```{language}\n{code}\n```")
    return "\n\n".join(out)


def dead_links():
    """Relative links, in the pages written by hand, to files that are not there."""
    pages = [os.path.join(ROOT, "README.md"), os.path.join(ROOT, "CHANGELOG.md")]
    for name in pages + sorted(glob.glob(os.path.join(ROOT, "docs", "*.md"))):
        with open(name, encoding="utf-8") as file:
            text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", file.read(), flags=re.S | re.M)
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in link and not os.path.exists(os.path.join(os.path.dirname(name), link)):
                yield f"{os.path.relpath(name, ROOT)}: {link} is not there"


def main():
    names = sorted(n for n in os.listdir(INCLUDE) if n.endswith((".h", ".hpp")))
    names.sort(key=lambda n: (n.endswith(".hpp"), n not in ("structio.h", "structio.hpp"), n))
    contents = "\n".join(f"* [{n}](#{n.replace('.', '').lower()})" for n in names)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("# The reference of structio\n\nMade from the headers; do not edit.\n\n" + contents
                   + "\n" + "\n".join(page(n) for n in names) + "\n")
    dead = list(dead_links())
    print("".join(f"{line}\n" for line in dead), end="")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
