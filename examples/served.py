"""What the tests of servers share: a program that says on which port it listens."""
import subprocess


class Served:
    """The program on a port that the system chose; killed when the block is left."""

    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        assert "listening on 127.0.0.1 port" in first, first + self.process.stderr.read()
        self.port = int(first.split()[-1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
