#!/usr/bin/env python3
"""Holds the comments of the C headers to what the implementation does, as far as that can be read.

Usage: manual.py. (That each function has a comment at all is seen when the reference is made.)

* Waiting: what can wait says "Checkpoint" or "schedule point" in its comment, or in that of the
  group that it stands in; what never waits does not claim to be one (capi/op_info.cpp).
* Cancelling: what a cancellation ends says so, itself, by naming another function, or in the words
  of its part of the header.
* Threads: "any thread" is said where the implementation asks neither for a task nor for a run, "any
  task or hook" where it asks for a run, "a question" where it asks for none and uses the object;
  nothing is said where it asks for a task (rule 8 of structio.h).
* Ownership (rule 12): what is given out as a handle has a function that frees it, and what returns
  a pointer says how long that is good.
* The C++ face: a header of it that calls nothing of C is in the table of docs/bindings.md.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What the functions of the C ABI begin with, by what it asks for (capi/check.hpp).
TASK = {"in_task", "in_body", "in_task_without_waiting", "find_for_task", "find_for_owner"}
RUN = {"in_run", "find_for_any", "current_runtime", "current_job", "run_job_here"}
FUNCTION = re.compile(r"^(?!namespace|struct |class |enum|using|return|//|#|static_assert)"
                      r"[\w:<>&\*, ]+?[\s\*&](\w+)\(([^;{}]*)\)(?: const)?(?: noexcept)? \{\n"
                      r"(.*?)^\}", re.M | re.S)
CALL = re.compile(r"\b(\w+)(?:<[^;()]*>)?\(")
# Made and ended outside of runs, or on several threads in turn, by a rule of their own that their
# comments tell.
OWN_RULE = re.compile(r"\bThreads:|[Aa]ny (thread|once)[^.]*\b(after the run|once the run|once "
                      r"structio_run)|, or any thread after|as long as nobody else uses|no hooks")
NOT_HANDLES = {"structio_nursery", "structio_scope", "structio_limiter"}  # storage
FREED_BY = {"structio_signal_receiver": "structio_signal_free",
            "structio_clock": "structio_virtual_clock_free"}


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def waiting():
    """Functions that can wait, with what they have done when they are cancelled; none: they go on."""
    return {"structio_" + name: checkpoint == "true" and effect for name, checkpoint, effect in
            re.findall(r"X\((\w+), (true|false), (\w+)\)", read("capi", "op_info.cpp"))}


def comment_text(comment):
    return " ".join(re.sub(r"^ \*", "", comment, flags=re.M).split())


def declared(path):
    """Names with their result, parameters, line, and the comment above them or their group."""
    text = read(path)
    comment = ""
    for match in re.finditer(r"/\*.*?\*/|^STRUCTIO_API ([^;(]*?)\b(structio_\w+)\(([^;]*)\);", text,
                             re.S | re.M):
        if match.group(2):
            yield (match.group(2), match.group(1).strip(), match.group(3),
                   text.count("\n", 0, match.start()) + 1, comment)
        elif text[match.start() - 1] == "\n" or match.start() == 0:
            comment = comment_text(match.group(0))


def implementation():
    """What each function of the C ABI asks for: the names of TASK and RUN that it comes to."""
    bodies = {}
    for path in glob.glob(os.path.join(ROOT, "capi", "*.?pp")):
        for name, _, body in FUNCTION.findall(read(path)):
            bodies[name] = bodies.get(name, "") + body
    asks = {name: {name} for name in TASK | RUN}
    grown = True
    while grown:
        grown = False
        for name, body in bodies.items():
            if name in TASK | RUN:
                continue
            found = set().union(*(asks[other] for other in set(CALL.findall(body)) if other in asks))
            if found - asks.get(name, set()):
                asks[name] = asks.get(name, set()) | found
                grown = True
    return {name: asks.get(name, set()) for name in bodies if name.startswith("structio_")}


def thread_words(head, comments):
    """Of each function, what its comment says: any, hook, question, task, or own (its own rule)."""
    every = re.search(r"All of them: any thread", head) is not None
    asked = re.search(r"the questions \(([\w, ]+)\): any thread", head)
    suffixes = ["init", "destroy", "discard"] + asked.group(1).split(", ") if asked else []
    for name, comment in comments.items():
        like = re.search(r"Threads: as (structio_\w+)", comment)
        setting = re.search(r"_set_|_try_", name) is not None
        said = comments.get(like.group(1), comment) if like else comment
        if every or any(name.endswith("_" + suffix) for suffix in suffixes) and not setting:
            yield name, "own"
        elif OWN_RULE.search(said):
            yield name, "own"
        elif re.search(r"\bquestion\b", said) and not setting:
            yield name, "question"
        elif re.search(r"\bany thread\b", said, re.I):
            yield name, "any"
        elif re.search(r"\bany task or hook\b", said, re.I):
            yield name, "hook"
        else:
            yield name, "task"


def thread_fault(words, asks):
    task, run = asks & TASK, asks & RUN
    if words == "any" and (task or "in_run" in run or "find_for_any" in run):
        return 'says "any thread", and asks for a ' + ("task" if task else "run")
    if words == "question" and task:
        return 'says that it is a question, and asks for a task'
    if words == "hook" and not asks:
        return 'says "any task or hook", and asks for no run'
    if words == "hook" and task and not run:
        return 'says "any task or hook", and asks for a task'
    if words == "task" and not asks:
        return "does not say who may call it, and asks neither for a task nor for a run"
    if words == "task" and not task and run <= {"in_run", "find_for_any"}:
        return 'asks for no task, and does not say "any task or hook"'
    return None


def ownership_fault(result, parameters, comment, head, names):
    """What is given out has an end that somebody can find."""
    for kind in re.findall(r"(?<!const )(structio_\w+)\*\* ?\w+", parameters):
        if FREED_BY.get(kind, kind + "_free") not in names and kind not in NOT_HANDLES:
            return f"gives out a {kind}, and there is no {kind}_free"
    words = r"[Vv]alid|[Ss]tatic|\byours\b|\bborrowed\b|[Tt]he stream is the process's|ends with"
    if result.endswith("*") and not re.search(words, comment) and \
            "that a function returns are borrowed" not in head:
        return "returns a pointer, and does not say whose it is and how long it is good"
    return None


def face_faults():
    page = read("docs", "bindings.md")
    for path in sorted(glob.glob(os.path.join(ROOT, "include", "structio", "**", "*.hpp"),
                                 recursive=True)):
        name = os.path.relpath(path, os.path.join(ROOT, "include", "structio"))
        code = re.sub(r"//.*|#include.*", "", read(path))
        if name.startswith("detail/") or "{" not in code:
            continue
        if not re.search(r"\bstructio_\w+\b", code) and os.path.basename(name) not in page:
            yield f"include/structio/{name}: calls nothing of C, and docs/bindings.md does not " \
                  "say what C has in its place"


def main():
    ops = waiting()
    asks = implementation()
    faults = list(face_faults())
    paths = sorted(glob.glob(os.path.join(ROOT, "include", "structio", "*.h")))
    names = {name for path in paths for name, *_ in declared(path)}
    for path in paths:
        functions = list(declared(path))
        head = comment_text(read(path).split("*/")[0])
        words = dict(thread_words(head, {name: comment for name, _, _, _, comment in functions}))
        for name, result, parameters, line, comment in functions:
            place = f"{os.path.relpath(path, ROOT)}:{line}: {name}"
            says = re.search(r"(?<!not a )\bcheckpoint\b|schedule point|cancel half", comment,
                             re.I) is not None
            if ops.get(name, False) and not says:
                faults.append(f"{place} can wait, and does not say that it is a checkpoint")
            told = re.search(r"CANCELLED|cancelled|\b[aA]s (structio_|above|for)|[Tt]he same",
                             comment + head, re.I)
            if ops.get(name, "none") not in (False, "none") and not told:
                faults.append(f"{place} can be cancelled, and does not say what has happened then")
            if name not in ops and re.search(r"\bCheckpoint\.", comment):
                faults.append(f"{place} says that it is a checkpoint, and is not in "
                              "capi/op_info.cpp")
            if name not in asks:
                faults.append(f"{place} is not found in capi/*.cpp")
            # Of a group, those that wait are a task's whatever is said of the others.
            word = "task" if words[name] == "hook" and name in ops else words[name]
            for fault in (thread_fault(word, asks.get(name, set())),
                          ownership_fault(result, parameters, comment, head, names)):
                if fault:
                    faults.append(f"{place} {fault}")
    for fault in faults:
        print(fault)
    print(f"manual: {len(names)} functions, {len(ops)} that can wait, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
