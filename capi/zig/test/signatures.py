#!/usr/bin/env python3
"""Compares the functions that src/c.zig and src/c_testing.zig declare with the prototypes of the header.

Sizes and constants are compared by abi.zig, which needs zig; what a function takes and returns can
be seen without. Prints one line for each difference and fails when there is any.
"""
import os
import re
import sys

BINDING = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADERS = os.path.join(BINDING, "..", "..", "include", "structio")

PLAIN = {
    "int": "c_int", "int64_t": "i64", "uint64_t": "u64", "uint32_t": "u32", "uint16_t": "u16",
    "size_t": "usize", "void": "void", "char": "u8", "double": "f64",
}
# What a pointer to one of these stands for is a text that ends, or a buffer.
TEXT, BUFFER = "?[*:0]const u8", "?[*]u8"
# Arrays rather than single values.
MANY = {"const structio_piece*"}
# Texts that are never NULL.
NEVER_NULL = {"structio_strerror", "structio_err_name", "structio_last_message",
              "structio_failure_message"}


def zig_type(text):
    """The Zig type for a C type such as `const structio_scope*`."""
    text = re.sub(r"\s+", " ", text.replace("*", " * ")).strip().replace(" *", "*")
    if text == "const char*":
        return TEXT
    if text == "char*":
        return BUFFER
    if text in MANY:
        return "?[*]const " + text[6:-1]
    if text.endswith("*"):
        inner = text[:-1].strip()
        constant = inner.startswith("const ") and not inner.endswith("*")
        bare = inner[6:] if constant else inner
        target = "anyopaque" if bare == "void" else zig_type(inner if "*" in inner else bare)
        return "?*" + ("const " if constant else "") + target
    if text.endswith("_fn"):
        return "?" + text
    return PLAIN.get(text, text)


def parameter(text):
    """Type of `const void* buffer`, without the name."""
    text = text.strip()
    return zig_type(re.sub(r"\b\w+$", "", text) if not text.endswith("*") else text)


def prototypes():
    """name: (result, parameters) of the header, as Zig types."""
    found = {}
    for name in sorted(os.listdir(HEADERS)):
        if not name.endswith(".h"):
            continue
        with open(os.path.join(HEADERS, name), encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        for result, function, rest in re.findall(
                r"STRUCTIO_API\s+([\w\s*]+?)\s*\b(structio_\w+)\(((?:[^()]|\([^()]*\))*)\);", text):
            parameters = [] if rest.strip() == "void" else rest.split(",")
            if "(" not in rest:
                found[function] = (zig_type(result), [parameter(p) for p in parameters])
    return found


def declarations():
    """The same of the binding."""
    text = ""
    for name in ("c.zig", "c_testing.zig"):
        with open(os.path.join(BINDING, "src", name), encoding="utf-8") as file:
            text += re.sub(r"\s*//.*", "", file.read())
    found = {}
    for function, rest, result in re.findall(
            r"extern fn (structio_\w+)\((.*?)\)\s*([^;]+);", text, flags=re.S):
        parts = [p.split(":", 1)[1].strip() for p in re.split(r",\s+|,$", rest.strip()) if p]
        found[function] = (result.strip(), parts)
    return found


def main():
    header, binding = prototypes(), declarations()
    faults = []
    for name, declared in sorted(binding.items()):
        wanted = header.get(name)
        if wanted and name in NEVER_NULL:
            wanted = (wanted[0].lstrip("?"), wanted[1])
        if wanted != declared:
            faults.append(f"{name}: declared {declared}, the header has {wanted}")
    if len(binding) < 100:
        faults.append(f"only {len(binding)} declarations were understood")
    for fault in faults:
        print(fault)
    print(f"{len(binding)} functions compared with {len(header)} prototypes")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
