"""All of them: `python3 -m tests`. Exits with 77, "skipped", where Python is too old."""

import sys

if sys.version_info < (3, 11):
    print(f"skipped: the package is for Python 3.11 and later, this is {sys.version.split()[0]}")
    sys.exit(77)

import os  # noqa: E402
import unittest  # noqa: E402

folder = os.path.dirname(os.path.abspath(__file__))
unittest.main(module=None, argv=["tests", "discover", "-s", folder, "-t", os.path.dirname(folder)])
