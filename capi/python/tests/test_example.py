"""The examples do what they say; so does the README."""

import pathlib
import re
import signal
import socket
import subprocess
import sys
import unittest

from .support import Case, environment, python

HERE = pathlib.Path(__file__).resolve().parents[1]


class Examples(Case):
    def test_echo(self) -> None:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "examples" / "echo.py"), "0", "127.0.0.1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            self.assertRegex(line, r"listening on 127.0.0.1 port \d+")
            with socket.create_connection(("127.0.0.1", int(line.split()[-1]))) as s:
                s.sendall(b"hello")
                self.assertEqual(s.recv(100), b"hello")
                s.shutdown(socket.SHUT_WR)
                self.assertEqual(s.recv(100), b"")
            self.assertIn("is here", process.stdout.readline())
            self.assertIn("is gone after 5 bytes", process.stdout.readline())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
            self.assertEqual((out, err, process.returncode), ("bye\n", "", 0))
        finally:
            process.kill()
            process.communicate()

    def test_readme(self) -> None:
        (program,) = re.findall("```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
        out, err = python(program.replace("sleep(1)", "sleep(0.01)")).communicate(timeout=20)
        self.assertEqual((sorted(out.split("\n")), err), (["", "hello world", "hello you"], ""))

    def test_readme_names_what_is_there(self) -> None:
        import structio

        table = (HERE / "README.md").read_text().split("## What is there")[1].split("\n\n")[1]
        for name in re.findall(r"`([\w.]+)`", table):
            where: object = structio
            for part in name.split("."):
                self.assertTrue(hasattr(where, part), name)
                where = getattr(where, part)


if __name__ == "__main__":
    unittest.main()
