#!/usr/bin/env python3
"""What Doxygen reads in place of a file: the same text in its notation. Usage: filter.py FILE.

The headers are written to be read as they are. Here their comments become comments of Doxygen's:
the first is on the file, one before a declaration is on that, also on those that follow it without
a blank line, one behind a member is on the member. What is nobody's business (`detail`, the inline
namespace) is left out. In pages, headings get labels and links lead to them.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MEMBER = re.compile(r"\s+(?!\s|\w+ opaque|size_t struct_size|\w+ reserved)"
                    r"([\w *()]+[\w\])]+(\(.*\))?;|[A-Z]\w+( = .*)?,?)$")
DECLARATION = re.compile(r"\s*(STRUCTIO_API|typedef|enum|struct|#define|extern)\b")

# What is a page of the site; links to other files lead to copies of them.
PAGE = re.compile(r"docs/.*\.md|README\.md|CHANGELOG\.md|capi/\w+/README\.md")
# What a comment on its neighbour is not on as well.
NO_OVERLOAD = re.compile(r"\}|//|#|\w+:$|friend\b|~|.*operator=|\w+\((const )?\w+&&?( \w+)?\)")


def escaped(text):
    """Text in which only the Markdown that we use means anything: code spans and indented code."""
    def line(one):
        if re.match(r"\s{4,}\S", one):
            return one
        parts = re.split(r"(`[^`]*`)", one)
        parts[::2] = [re.sub(r"([\\@<>#%&*$])", r"\\\1", part).replace("::", "\\::")
                      for part in parts[::2]]
        return re.sub(r"^(\s*)\\\* ", r"\1* ", "".join(parts))
    return "\n".join(line(one) for one in text.split("\n"))


def body_of(comment):
    """The words of a block comment of C."""
    lines = comment[2:-2].split("\n")
    lines = [lines[0].strip()] + [re.sub(r"^\s*\* ?", "", one) for one in lines[1:]]
    lines = [re.sub(r"^ (\d\. )", r"\1", one) for one in lines]  # numbers that are not aligned
    return "\n".join(one.rstrip() for one in lines).strip("\n")


def doc(text, mark="/**", indent=""):
    return indent + mark + " " + escaped(text).replace("\n", "\n" + indent) + " */"


def c_units(text):
    """('comment', its text, code before it on its line) and ('code', a line)."""
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        opening = re.search(r'/\*', re.sub(r'"[^"]*"', lambda m: "x" * len(m.group(0)), line))
        if opening:
            start = at + opening.start()
            close = text.index("*/", start) + 2
            yield "comment", text[start:close], text[at:start]
            at = close
            if text[at:at + 1] == "\n":
                at += 1
        else:
            yield "code", line, ""
            at = end + 1


def c_header(file_name, text):
    out, last, pending, first, depth = [], None, None, True, 0
    for kind, what, before in c_units(text):
        if kind == "comment":
            body = body_of(what)
            if first:
                out.append(f"/** @file {file_name}\n{escaped(body)} */")
                first = False
            elif before.strip():
                behind = not before.strip().startswith("#")
                out.append(before.rstrip() + " " + (doc(body, "/**<") if behind else ""))
            elif not re.match(r"-{3}", body):
                pending = body
            continue
        commented = pending is not None
        if pending is not None:
            if what.strip():
                out.append(doc(pending))
                last = pending if depth == 0 else last
            else:  # on no declaration: a remark on this part of the header
                out.append("/** @file\n" + escaped(pending) + " */")
            pending = None
        elif depth == 0 and DECLARATION.match(what) and last is not None:
            out.append(doc(last))
        elif depth == 0 and re.match(r"typedef struct (\w+) \1;", what):
            out.append(doc("A handle."))
        elif depth == 0 and re.match(r"(typedef struct|enum) \w+ \{", what):
            name = re.search(r"(\w+) \{", what).group(1)
            block = re.search(rf"\b{name} \{{\n\s+uint64_t opaque", text)
            out.append(doc("Block storage of the caller's." if block else "Its members are:"))
        elif depth > 0 and not commented and MEMBER.match(what):
            what += " /**< &nbsp; */"  # shown, as it speaks for itself
        if not what.strip() and depth == 0:
            last = None
        what = re.sub(r"^(\s*size_t struct_size;)$", r"\1 /**< sizeof the struct. */", what)
        what = re.sub(r"^(\s*uint64_t opaque\[\d+\];)$", r"\1 /**< Storage. */", what)
        what = re.sub(r"^(\s*uint32_t reserved;)$", r"\1 /**< 0. */", what)
        depth += what.count("{") - what.count("}") if 'extern "C"' not in what else 0
        depth = max(depth, 0)
        out.append(what)
    return "\n".join(out) + "\n"


def errors(text):
    """The list of codes as the enumeration that it makes."""
    rows = re.findall(r'X\((\w+), (-\d+),\s*"([^"]*)"\)', text)
    values = "".join(f"  STRUCTIO_E{n} = {v}, /**< {escaped(t)} */\n" for n, v, t in rows)
    head = text[:text.index("#define STRUCTIO_ERROR_MAP")]
    return (head + "/* Codes that structio adds to those of the system. */\nenum structio_error {\n"
            + values + "  STRUCTIO_OK = 0 /**< All is well. */\n};\n#endif\n")


def without_regions(text, pattern):
    """Without the namespaces whose names match, which end at a comment that says so."""
    return re.sub(rf"^namespace ({pattern}) \{{\n.*?^\}}  // namespace \1\n",
                  lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S | re.M)


def cpp_header(name, text):
    text = re.sub(r"^(inline namespace v0 \{|\}  // namespace v0)$", "", text, flags=re.M)
    text = without_regions(text, r"detail|detail_testing|inner")
    out, last, head = [], [], True
    balance = None  # of the brackets of what the last comment is on; None: that has ended
    for line in text.split("\n"):
        stripped = line.strip()
        if head and stripped.startswith("//"):
            out.append((f"/// @file {name}\n" if not out else "") + "/// "
                       + escaped(stripped[2:].removeprefix(" ")))
            continue
        head = False
        if stripped.startswith("///"):
            if balance is not None or not (out and out[-1].strip().startswith("///")):
                last = []
            last.append(line[:line.index("///")] + "///" + escaped(stripped[3:]))
            out.append(last[-1])
            balance = None
            continue
        if not stripped:
            last = []
        elif last and balance is None and not NO_OVERLOAD.match(stripped):
            if not (out and out[-1].strip().startswith("///")):
                out += last  # another one that the same comment is on
            balance = 0
        before, mark, behind = line.partition("///<")
        out.append(before + mark + escaped(behind) if mark else line)
        if balance is not None:
            code = re.sub(r"//.*|\"[^\"]*\"|'[^']*'", "", before)
            balance += sum(code.count(c) for c in "({[") - sum(code.count(c) for c in ")}]")
            if balance <= 0 and re.search(r"[;}]\s*$", code):
                balance = None
    return "\n".join(out)


def label(page, anchor=""):
    name = re.sub(r"\W", "_", page)
    return "page_" + name + ("_" + re.sub(r"\W", "_", anchor) if anchor else "")


def slug(heading):
    bare = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", bare).strip().replace(" ", "-")


def page(name, text):
    folder = os.path.dirname(name)

    def link(match):
        target, _, anchor = match.group(1).partition("#")
        if "://" in target:
            return match.group(0)
        path = os.path.normpath(os.path.join(folder, target)) if target else name
        if PAGE.fullmatch(path):
            return f"](@ref {label(path, anchor)})"
        return f"](source/{path})"

    def heading(match):
        marks, words = match.groups()
        own = label(name) if marks == "#" else label(name, slug(words))
        return f"{marks} {words} {{#{own}}}"

    parts = re.split(r"(^```.*?^```$)", text, flags=re.S | re.M)
    parts[::2] = [re.sub(r"\[([^][]*)\]\(", lambda m: f"[{' '.join(m.group(1).split())}](", part)
                  for part in parts[::2]]  # Doxygen wants the text of a link in one line
    parts[::2] = [re.sub(r"\]\(([^)\s]+)\)", link, part) for part in parts[::2]]
    parts[::2] = [re.sub(r"^(#+) (.*)$", heading, part, flags=re.M) for part in parts[::2]]
    known = {"c": "c", "cpp": "cpp", "python": "py"}
    parts[1::2] = [re.sub(r"^```(\w+)\n", lambda m: f"```{{.{known.get(m.group(1), 'txt')}}}\n", one)
                   for one in parts[1::2]]
    return re.sub(r"<!--.*?-->", "", "".join(parts), flags=re.S)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    name = os.path.relpath(os.path.abspath(sys.argv[1]), ROOT)
    short = name.removeprefix("include/")
    if name.endswith(".md"):
        text = page(name, text)
    elif name.endswith("structio_errors.h"):
        text = c_header(short, errors(text))
    elif name.endswith(".h"):
        text = c_header(short, text)
    elif name.endswith(".hpp"):
        text = cpp_header(short, text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
