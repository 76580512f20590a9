#!/usr/bin/env python3
"""Makes the site: the pages of docs/ and the reference from the headers, by Doxygen.

Usage: site.py OUTPUT_FOLDER. Fails when Doxygen 1.9 warns of anything, when a function of the C ABI
is not in the reference, or when a page links to something that is not there. The site is all in
its folder; nothing is loaded from elsewhere.
"""
import glob
import html
import os
import re
import shutil
import subprocess
import sys
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def make(site):
    """Runs Doxygen; returns what it has warned of."""
    version = re.search(r"^  version: '([^']+)'", read(ROOT, "meson.build"), re.M).group(1)
    readmes = glob.glob(os.path.join("capi", "*", "README.md"), root_dir=ROOT)  # of the bindings
    environment = dict(os.environ, STRUCTIO_SITE=site, STRUCTIO_VERSION=version,
                       STRUCTIO_READMES=" ".join(sorted(readmes)))
    ran = subprocess.run(["doxygen", "docs/doxygen/Doxyfile"], cwd=ROOT, env=environment,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    complaints = [line.replace(ROOT + "/", "") for line in ran.stderr.splitlines()]
    if ran.returncode:
        complaints.append(f"doxygen failed with status {ran.returncode}")
    elif not doxygen_version().startswith("1.9."):
        print("".join(f"{line}\n" for line in complaints), end="")  # another taste than Debian's
        complaints = []
    return complaints


def doxygen_version():
    return subprocess.run(["doxygen", "--version"], stdout=subprocess.PIPE, text=True).stdout


def missing_functions(pages):
    shown = set(re.findall(r"\b(structio_\w+)", " ".join(
        " ".join(re.findall(r'class="memname">([^<]*(?:<[^>]*>[^<]*)*?)</td>', text))
        for name, text in pages.items() if name.startswith("structio__"))))
    for line in read(ROOT, "capi", "symbols.txt").splitlines():
        name = line.split()[0] if line.strip() else ""
        if name.startswith("structio_") and name not in shown:
            yield f"the reference lacks {name}: its declaration has no comment"


def dead_links(site, pages):
    """Links of the pages; files of the sources that they name are copied into the site."""
    names = {name: set(re.findall(r'(?:id|name)="([^"]+)"', text)) for name, text in pages.items()}
    for page, text in pages.items():
        for raw in re.findall(r'(?:href|src)="([^"]+)"', text):
            target, _, anchor = urllib.parse.unquote(html.unescape(raw)).partition("#")
            if re.match(r"\w+:|$", target):
                if re.match(r"(?:src)=\"https?:", raw):
                    yield f"{page}: loads {raw}"
                continue
            path = os.path.join(site, target)
            origin = os.path.join(ROOT, target.removeprefix("source/"))
            if target.startswith("source/") and os.path.isfile(origin):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                shutil.copyfile(origin, path)
            elif target.startswith("source/") and os.path.isdir(origin):
                shutil.copytree(origin, path, dirs_exist_ok=True)
            elif not os.path.exists(path):
                yield f"{page}: {target} is not there"
            elif anchor and target in names and anchor not in names[target]:
                yield f"{page}: {target} has nothing named {anchor}"


def main():
    site = os.path.abspath(sys.argv[1])
    shutil.rmtree(site, ignore_errors=True)
    os.makedirs(site)
    faults = make(site)
    pages = {os.path.basename(path): read(path) for path in glob.glob(os.path.join(site, "*.html"))}
    faults += [*missing_functions(pages), *dead_links(site, pages)]
    print("".join(f"{fault}\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
