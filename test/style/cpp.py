"""Just enough reading of C and C++ for the style checks: no comments, no strings, function bodies.

It relies on the sources being formatted by clang-format and compiled before they are checked, so
braces are balanced and raw strings are well formed.
"""
import re

TOKEN = re.compile(
    r'R"(?P<delim>[^()\\\s]{0,16})\(.*?\)(?P=delim)"'
    r"|//(?:[^\n\\]|\\.)*"
    r"|/\*.*?\*/"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'",
    re.S)


def strip(text, keep_strings=False):
    """The text without comments and with empty strings; every line keeps its number."""
    def blank(match):
        token = match.group(0)
        if token.startswith(("//", "/*")):
            return "\n" * token.count("\n") or " "
        if keep_strings or re.search(r'#\s*include\s*$', text[:match.start()].rsplit("\n", 1)[-1]):
            return token
        return token[0] + "\n" * token.count("\n") + token[-1] if token[0] in "\"'" else '""'
    return TOKEN.sub(blank, text)


def functions(text):
    """(first line, last line, name) of every function body that is not inside another one."""
    bare = re.sub(r"^\s*#(?:[^\n\\]|\\.|\\\n)*", lambda m: "\n" * m.group(0).count("\n"),
                  strip(text), flags=re.M)
    found, stack = [], []  # an entry of the stack: (is a function, line where it begins, name)
    begin = 0              # where the text of the current declaration begins
    depth = 0              # of round brackets: a brace inside them opens no body of its own
    inside = 0             # how many entries of the stack are functions
    for position, char in enumerate(bare):
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == ";" and depth == 0:
            begin = position + 1
        elif char == "{":
            head = bare[begin:position]
            name = None if inside or depth else function_name(head)
            first = bare.count("\n", 0, begin + len(head) - len(head.lstrip())) + 1
            stack.append((name is not None, first, name, depth))
            inside += name is not None
            begin, depth = position + 1, 0
        elif char == "}" and stack:
            is_function, first, name, depth = stack.pop()
            if is_function:
                inside -= 1
                found.append((first, bare.count("\n", 0, position) + 1, name))
            if depth == 0:
                begin = position + 1
    return found


def function_name(head):
    """The name of the function whose body follows `head`; None when it is something else."""
    head = re.sub(r"\[\[.*?\]\]", "", head, flags=re.S).strip()
    if re.match(r"(inline\s+)?(namespace|class|struct|union|enum|extern\s*\"\")\b", head) and \
            not re.search(r"\)\s*(const)?\s*(noexcept)?\s*$", head):
        return None
    if "(" not in head or head.endswith("="):
        return None
    match = re.search(r"([~\w:]+|operator\s*\S+)\s*\(", head)
    return match.group(1) if match else None
