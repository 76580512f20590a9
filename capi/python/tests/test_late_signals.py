"""Signals that come when the main task has no checkpoint left."""

import signal
import unittest

import structio

from .support import Case
from .test_interrupt import program

STRANGE = """
class Strange:
    '''Does something in code of the package.'''
    def __init__(self, *signals):
        self.signals = signals
    def __lt__(self, other):
        for signum in self.signals:
            os.kill(os.getpid(), signum)
        raise ValueError("also")
async def main(*signals):
    await structio.sleep(Strange(*signals))
"""


class Late(Case):
    def test_beside_an_error(self) -> None:
        lines = program(
            self,
            STRANGE
            + """
try:
    structio.run(main, signal.SIGINT)
except KeyboardInterrupt as one:
    print(repr(one.__context__))
""",
        )
        self.assertEqual(lines, ["ValueError('also')"])

    def test_handlers_are_called_all_the_same(self) -> None:
        lines = program(
            self,
            STRANGE
            + """
def handler(signum, frame):
    print("handled", signum == signal.SIGUSR1)
    raise SystemExit(int(signum))
signal.signal(signal.SIGUSR1, handler)
signal.signal(signal.SIGUSR2, handler)
try:
    structio.run(main, signal.SIGUSR1, signal.SIGUSR2)
except SystemExit as error:
    one, two = error, error.__context__
    print(sorted([one.code, two.code]) == sorted([signal.SIGUSR1, signal.SIGUSR2]))
    print(repr(two.__context__))
async def fine():
    return 3
print(structio.run(fine))
""",
        )
        self.assertEqual(sorted(lines[:2]), ["handled False", "handled True"])
        self.assertEqual(lines[2:], ["True", "ValueError('also')", "3"])

    def test_what_a_handler_raised_does_not_wait_for_the_next_run(self) -> None:
        """Whichever comes first: the main task's end, or what the handler has raised."""
        lines = program(
            self,
            """
            def handler(signum, frame):
                raise SystemExit(3)
            signal.signal(signal.SIGUSR1, handler)
            async def main(n):
                threading.Timer(0.0, os.kill, (os.getpid(), signal.SIGUSR1)).start()
                for _ in range(n):
                    await lowlevel.checkpoint()
                if n % 2:
                    raise ValueError
            async def fine():
                for _ in range(10):
                    await lowlevel.checkpoint()
            for n in range(300):
                try:
                    structio.run(main, n)
                    time.sleep(0.001)
                except (SystemExit, ValueError):
                    pass
                try:
                    time.sleep(0.001)
                except SystemExit:
                    pass
                structio.run(fine)
            """,
        )
        self.assertEqual(lines, [])


    def test_while_the_main_thread_calls_into_a_run(self) -> None:
        lines = program(
            self,
            """
            token, ready = [], threading.Event()
            async def main():
                token.append(lowlevel.current_token())
                ready.set()
                await structio.sleep(60)
            async def called():
                interrupt()
                await structio.sleep(0.01)
                print("called")
            threading.Thread(target=structio.run, args=(main,), daemon=True).start()
            ready.wait()
            try:
                structio.from_thread.run(called, token=token.pop())
            except KeyboardInterrupt:
                print("interrupted")
            sys.stdout.flush()
            """,
        )
        self.assertEqual(lines, ["called", "interrupted"])

    def test_beside_somebody_elses_wakeup_descriptor(self) -> None:
        """As that of asyncio, in whose callback the run may be: both are told."""
        lines = program(
            self,
            """
            import socket
            mine, its = socket.socketpair()
            mine.setblocking(False)
            its.setblocking(False)
            signal.set_wakeup_fd(its.fileno())
            def handler(signum, frame):
                print("handled")
                raise SystemExit
            signal.signal(signal.SIGUSR1, handler)
            async def main():
                threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGUSR1)).start()
                await structio.sleep(60)
            try:
                structio.run(main)
            except SystemExit:
                print(mine.recv(10) == bytes([signal.SIGUSR1]))
            print(signal.set_wakeup_fd(its.fileno()) == its.fileno())
            async def closes():
                its.close()
            structio.run(closes)
            print(signal.set_wakeup_fd(-1))
            """,
        )
        self.assertEqual(lines, ["handled", "True", "True", "-1"])

    def test_while_generators_are_closed(self) -> None:
        lines = program(
            self,
            """
            import gc
            async def numbers(*, waits):
                try:
                    yield 1
                finally:
                    if waits:
                        with structio.CancelScope(shield=True):
                            interrupt()
                            await structio.sleep(0.01)
                    else:
                        interrupt()
            async def at_the_end(waits):
                global kept
                kept = numbers(waits=waits)
                await anext(kept)
            async def dropped(waits):
                async for _ in numbers(waits=waits):
                    break
                gc.collect()
                await structio.sleep(5)
            sys.unraisablehook = lambda unraisable: None
            for main in at_the_end, dropped:
                for waits in False, True:
                    try:
                        structio.run(main, waits)
                    except KeyboardInterrupt:
                        print(main.__name__)
            """,
        )
        self.assertEqual(lines, ["at_the_end"] * 2 + ["dropped"] * 2)


class Begins(Case):
    def test_a_run_that_cannot_begin_leaves_handlers_alone(self) -> None:
        def handler(*args: object) -> None:
            pass

        async def main() -> None:
            pass

        before = signal.signal(signal.SIGUSR1, handler)
        try:
            with self.assertRaisesRegex(TypeError, "clock"):
                structio.run(main, clock=object())  # type: ignore[arg-type]
            self.assertIs(signal.getsignal(signal.SIGUSR1), handler)
        finally:
            signal.signal(signal.SIGUSR1, before)

    def test_a_run_without_descriptors_for_handlers(self) -> None:
        """Only its exception is told."""
        lines = program(
            self,
            """
            import socket, unittest.mock
            signal.signal(signal.SIGUSR1, lambda *args: None)
            with unittest.mock.patch("socket.socketpair", side_effect=OSError(24, "no more")):
                try:
                    structio.run(structio.sleep, 0)
                except OSError as error:
                    print(error)
            """,
        )
        self.assertEqual(lines, ["[Errno 24] no more"])


if __name__ == "__main__":
    unittest.main()
