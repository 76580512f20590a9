#!/usr/bin/env python3
"""What Doxygen reads in place of a file: the same text in its notation. Usage: filter.py FILE.

The headers are written to be read as they are. Here their comments become comments of Doxygen's:
the first is on the file, one before a declaration is on that, also on those that follow it without
a blank line, one behind a member is on the member; what has none is shown all the same. What is
nobody's business (`detail`, the inline namespace) is left out. In pages, headings get labels and
links lead to them.
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
NAMESPACES = {
    "structio": "The C++ face.",
    "structio::debug": "Looking inside a run.",
    "structio::from_thread": "What code on a worker thread can do with the task that waits for it.",
    "structio::testing": "For tests of one's own.",
}
# What a comment on its neighbour is not on as well.
NO_OVERLOAD = re.compile(r"friend\b|namespace\b|using\b|extern\b|~|.*operator="
                         r"|.*= (delete|default);|(explicit )?(?P<type>\w+)\((const )?(?P=type)&"
                         r"|(template <[^;{}]*>)?(class|struct) \w+;")


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


def opened_scope(declaration):
    """'class', 'struct', 'enum' or 'namespace' when the text up to its brace opens one."""
    while declaration.startswith("template"):
        depth = 0
        for at, letter in enumerate(declaration):
            depth += {"<": 1, ">": -1}.get(letter, 0)
            if letter == ">" and depth == 0:
                declaration = declaration[at + 1:].lstrip()
                break
        else:
            return None
    found = re.search(r"^(?:requires .*|inline )?\b(class|struct|enum|namespace)\b[^()=;]*\{$",
                      declaration)
    return found.group(1) if found else None


class CppReader:
    """Takes the lines of a header of C++; `out` is what Doxygen shall read."""

    def __init__(self):
        self.out, self.scopes = [], [("namespace", True)]  # with whether it is public here
        self.documented, self.last, self.declaration, self.balance = False, [], None, 0
        self.continued = False

    def line(self, line, following):
        stripped = line.strip()
        if self.declaration is None:
            if stripped.startswith("///"):
                self.comment(line)
                return
            if self.continued or not stripped or re.match(r"//|#|\}|\w+:$", stripped):
                self.between(stripped)
                self.out.append(line)
                self.continued = line.endswith("\\")
                return
            self.begin(line, stripped + ("" if ";" in line else following.strip()))
        before, mark, behind = line.partition("///<")
        if not mark and self.scopes[-1][0] == "enum" and re.match(r"\w+( = [^,]*)?,?$", stripped):
            mark, behind = " ///<", " &nbsp;"
        elif mark:
            behind = escaped(behind)
        self.out.append(before + mark + behind)
        self.follow(re.sub(r"//.*|\"(\\\\.|[^\"])*\"|'(\\\\.|[^'])*'", "", before))

    def comment(self, line):
        if not self.documented:
            self.last = []
        self.last.append(line[:line.index("///")] + "///" + escaped(line.strip()[3:]))
        self.out.append(self.last[-1])
        self.documented = True

    def between(self, stripped):
        if not stripped:
            self.last = []
        if stripped.startswith("}") and len(self.scopes) > 1:
            self.scopes.pop()
        if re.match(r"(public|private|protected):", stripped):
            self.scopes[-1] = (self.scopes[-1][0], stripped.startswith("public"))
        self.documented = False

    def begin(self, line, stripped):
        self.declaration, self.balance = "", 0
        if self.documented or self.scopes[-1][0] == "enum" or not self.scopes[-1][1]:
            return
        if not NO_OVERLOAD.match(stripped) and "///<" not in line:
            is_function = re.match(r"template|requires|[^=]*\(", stripped)
            words = re.match(r"(?:enum )?(?:class|struct) (\w+).*\{", stripped)
            words = words.group(1).replace("_", " ").capitalize() + "." if words else "&nbsp;"
            blank = line[:len(line) - len(line.lstrip())] + "/// " + words
            self.out += self.last if self.last and is_function else [blank]

    def follow(self, code):
        self.declaration = (self.declaration + " " + code.strip()).strip()
        self.balance += sum(map(code.count, "({[")) - sum(map(code.count, ")}]"))
        kind = opened_scope(self.declaration) if self.balance == 1 else None
        if kind:
            self.scopes.append((kind, kind != "class"))
            self.last = []
        if kind or self.scopes[-1][0] == "enum" and not self.balance \
                or self.balance <= 0 and re.search(r"[;}]\s*$", code):
            self.declaration, self.documented = None, False


def cpp_header(name, text):
    text = re.sub(r"^(inline namespace v0 \{|\}  // namespace v0)$", "", text, flags=re.M)
    text = without_regions(text, r"detail|detail_testing|inner")
    reader = CppReader()
    lines = text.split("\n")
    head = next(i for i, line in enumerate(lines) if not line.startswith("//"))
    reader.out = [f"/// @file {name}"] + ["/// " + escaped(one[2:].removeprefix(" "))
                                          for one in lines[:head]]
    for line, following in zip(lines[head:], [*lines[head + 1:], ""]):
        reader.line(line, following)
    if name == "structio/structio.hpp":
        for space, words in NAMESPACES.items():
            reader.out.append(f"/// {words}\nnamespace {space} {{}}")
    return "\n".join(reader.out)


def label(page, anchor=""):
    name = re.sub(r"\W", "_", page)
    return "page_" + name + ("_" + re.sub(r"\W", "_", anchor) if anchor else "")


def slug(heading):
    bare = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", bare).strip().replace(" ", "-")


def page(name, text):
    folder = os.path.dirname(name)

    def link(match):
        words = " ".join(match.group(1).split())  # Doxygen wants them in one line
        target, _, anchor = match.group(2).partition("#")
        if "://" in target:
            return f"[{words}]({target})"
        path = os.path.normpath(os.path.join(folder, target)) if target else name
        if not PAGE.fullmatch(path):
            return f"[{words}](source/{path})"
        if name == "docs/tutorial/index.md" and path.startswith(folder) and path != name:
            return f'@subpage {label(path)} "{words}"'
        return f"[{words}](@ref {label(path, anchor)})"

    def heading(match):
        marks, words = match.groups()
        own = label(name) if marks == "#" else label(name, slug(words))
        return f"{marks} {words} {{#{own}}}"

    parts = re.split(r"(^```.*?^```$)", text, flags=re.S | re.M)
    parts[::2] = [re.sub(r"\[([^][]*)\]\(([^)\s]+)\)", link, part) for part in parts[::2]]
    parts[::2] = [re.sub(r"^(#+) (.*)$", heading, part, flags=re.M) for part in parts[::2]]
    known = {"c": "c", "cpp": "cpp", "python": "py"}
    parts[1::2] = [re.sub(r"^```(\w+)", lambda m: f"```{{.{known.get(m.group(1), 'txt')}}}", one)
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
