#!/usr/bin/env python3
"""Run by `meson dist`: gives everything in the archive the time of the commit, so that the archive
of one commit is the same whenever it is made. SOURCE_DATE_EPOCH, if set, is the time instead."""
import os
import subprocess


def main():
    root = os.environ["MESON_DIST_ROOT"]
    moment = os.environ.get("SOURCE_DATE_EPOCH")
    if not moment:
        source = os.environ["MESON_SOURCE_ROOT"]
        moment = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=source, check=True,
                                capture_output=True, text=True).stdout
    for folder, _, names in os.walk(root, topdown=False):
        for path in [os.path.join(folder, name) for name in names] + [folder]:
            os.utime(path, (int(moment), int(moment)), follow_symlinks=False)


if __name__ == "__main__":
    main()
