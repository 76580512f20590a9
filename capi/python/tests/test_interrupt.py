"""Ctrl-C: a real SIGINT in a process of its own."""

import signal
import textwrap
import threading
import unittest

import structio

from .support import Case, python

PROLOGUE = """
import os, signal, sys, threading, time, structio
from structio import lowlevel
signal.signal(signal.SIGINT, signal.default_int_handler)
def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
"""


def program(case: Case, text: str, *, wait_for: str | None = None) -> list[str]:
    """Runs it; interrupts it once it has written `wait_for`; what it has written."""
    process = python(PROLOGUE + textwrap.dedent(text))
    assert process.stdout is not None
    lines = []
    if wait_for is not None:
        while (line := process.stdout.readline().strip()) != wait_for:
            case.assertNotEqual(line, "", process.stderr and process.stderr.read())
            lines.append(line)
        process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    case.assertEqual(process.returncode, 0, out + err)
    case.assertEqual(err, "")
    return lines + out.split("\n")[:-1]


class Interrupts(Case):
    program = program

    def test_while_main_waits(self) -> None:
        """KI-02, KI-11"""
        lines = self.program(
            """
            async def main():
                try:
                    print("ready")
                    await structio.sleep(60)
                finally:
                    print("cleaned up")
            try:
                structio.run(main)
            except KeyboardInterrupt:
                print("interrupted")
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
            """,
            wait_for="ready",
        )
        self.assertEqual(lines, ["cleaned up", "interrupted"])

    def test_while_a_child_computes(self) -> None:
        """KI-01, KI-02"""
        lines = self.program(
            """
            async def computes():
                try:
                    print("ready")
                    while True: pass
                except KeyboardInterrupt:
                    print("in the child")
                    raise
            async def sibling():
                try:
                    await structio.sleep(60)
                except structio.Cancelled as cancelled:
                    print(cancelled.source)
                    raise
            async def main():
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(sibling)
                    await structio.testing.wait_all_tasks_blocked()
                    nursery.start_soon(computes)
            try:
                structio.run(main)
            except KeyboardInterrupt:
                print("interrupted")
            """,
            wait_for="ready",
        )
        self.assertEqual(lines, ["in the child", "nursery", "interrupted"])

    def test_while_children_wait(self) -> None:
        """KI-03"""
        lines = self.program(
            """
            async def child(n):
                try:
                    if n == 2:
                        await structio.to_thread.run_sync(interrupt)
                    await structio.sleep_forever()
                except structio.Cancelled as cancelled:
                    print(cancelled.source)
                    raise
            async def main():
                async with structio.open_nursery() as nursery:
                    for n in range(3):
                        nursery.start_soon(child, n)
            try:
                structio.run(main)
            except KeyboardInterrupt as one:
                print("interrupted", type(one.__cause__).__name__)
            """
        )
        self.assertEqual(lines, ["KeyboardInterrupt"] * 3 + ["interrupted BaseExceptionGroup"])

    def test_another_error_beside_it_is_not_lost(self) -> None:
        lines = self.program(
            """
            async def child():
                try:
                    await structio.sleep_forever()
                finally:
                    raise ValueError("lost?")
            async def main():
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(child)
                    print("ready")
                    await structio.sleep(60)
            try:
                structio.run(main)
            except* KeyboardInterrupt:
                print("interrupted")
            except* ValueError as group:
                print(group.exceptions[0])
            """,
            wait_for="ready",
        )
        self.assertEqual(sorted(lines), ["interrupted", "lost?"])

    def test_while_a_thread_works(self) -> None:
        lines = self.program(
            """
            def works():
                print("ready")
                time.sleep(0.1)
                return 5
            async def main():
                value = await structio.to_thread.run_sync(works)
                print(value)
                try:
                    await lowlevel.checkpoint()
                except KeyboardInterrupt:
                    print("at the next checkpoint")
                    raise
            try:
                structio.run(main)
            except KeyboardInterrupt:
                print("interrupted")
            """,
            wait_for="ready",
        )
        self.assertEqual(lines, ["5", "at the next checkpoint", "interrupted"])

    def test_in_this_packages_own_code(self) -> None:
        """KI-03, KI-07, KI-09: delivered to the main task at its next checkpoint, once."""
        lines = self.program(
            """
            import structio._nursery as machinery
            before = machinery.copy = machinery.coroutine_of
            def interrupted(what, fn, args, **keywords):
                exec(compile("interrupt()", machinery.__file__, "exec"), globals())
                for _ in range(100): pass
                return before(what, fn, args, **keywords)
            interrupted.__code__ = interrupted.__code__.replace(co_filename=machinery.__file__)
            machinery.coroutine_of = interrupted
            async def child():
                print("child")
            async def main():
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(child)
                    print("started")
                    for _ in range(3):
                        await lowlevel.cancel_shielded_checkpoint()
                    print("shielded")
                    try:
                        await lowlevel.checkpoint()
                    except KeyboardInterrupt:
                        print("interrupted")
                    await lowlevel.checkpoint()
            structio.run(main)
            """
        )
        self.assertEqual(lines, ["started", "child", "shielded", "interrupted"])

    def test_outranks_cancellation(self) -> None:
        """KI-12"""
        lines = self.program(
            """
            async def main():
                with structio.CancelScope() as scope:
                    scope.cancel()
                    try:
                        interrupt()
                        await lowlevel.checkpoint()
                    except KeyboardInterrupt:
                        print("interrupted")
                    try:
                        await lowlevel.checkpoint()
                    except structio.Cancelled:
                        print("cancelled")
            structio.run(main)
            """
        )
        self.assertEqual(lines, ["interrupted", "cancelled"])

    def test_just_before_the_end(self) -> None:
        """KI-10"""
        lines = self.program(
            """
            async def main():
                interrupt()
            for _ in range(50):
                try:
                    structio.run(main)
                except KeyboardInterrupt:
                    continue
                print("lost")
            print("end")
            """
        )
        self.assertEqual(lines, ["end"])

    def test_before_main_begins(self) -> None:
        """KI-05"""
        lines = self.program(
            """
            import structio._run as machinery
            before = machinery._run
            def interrupted(*arguments):
                interrupt()
                for _ in range(100): pass
                return before(*arguments)
            interrupted.__code__ = interrupted.__code__.replace(co_filename=machinery.__file__)
            machinery._run = interrupted
            def interrupt(kill=os.kill, pid=os.getpid(), signum=signal.SIGINT):
                kill(pid, signum)
            interrupt.__code__ = interrupt.__code__.replace(co_filename=machinery.__file__)
            async def main():
                print("begins")
                try:
                    await structio.sleep(60)
                except KeyboardInterrupt:
                    print("interrupted")
            structio.run(main)
            """
        )
        self.assertEqual(lines, ["begins", "interrupted"])

    def test_several_times(self) -> None:
        lines = self.program(
            """
            async def main():
                for i in range(200):
                    try:
                        if i % 2:
                            interrupt()
                        async with structio.open_nursery() as nursery:
                            nursery.start_soon(structio.sleep, 0)
                            if i % 2 == 0:
                                interrupt()
                            await structio.sleep_forever()
                    except* KeyboardInterrupt as group:
                        assert group.split(KeyboardInterrupt)[1] is None
                    else:
                        print("lost")
                print("end")
            structio.run(main)
            """
        )
        self.assertEqual(lines, ["end"])

    def test_at_any_instant(self) -> None:
        """It never harms: whatever it meets, what comes out is a KeyboardInterrupt."""
        lines = self.program(
            """
            import faulthandler, gc
            faulthandler.dump_traceback_later(15, exit=True)
            async def child(n):
                with structio.move_on_after(0.001 * n):
                    await structio.sleep(0.002)
                raise ValueError
            async def main():
                tx, rx = structio.open_memory_channel(1)
                while True:
                    try:
                        async with structio.open_nursery() as nursery:
                            for n in range(3):
                                nursery.start_soon(child, n)
                            tx.send_nowait(1)
                            await rx.receive()
                    except* ValueError:
                        pass
            seen = 0
            for n in range(40):
                timer = threading.Timer(0.001 + n * 0.00037, interrupt)
                async def starts_timer():
                    timer.start()
                    await main()
                try:
                    structio.run(starts_timer)
                except KeyboardInterrupt:
                    seen += 1
                except BaseExceptionGroup as group:
                    assert group.split((KeyboardInterrupt, ValueError))[1] is None, repr(group)
                    seen += 1
                timer.join()
            print(seen)
            """
        )
        self.assertEqual(lines, ["40"])

    def test_a_handler_of_the_programs_own_is_left_alone(self) -> None:
        """KI-13"""
        lines = self.program(
            """
            def own(signum, frame):
                print("own")
            async def main():
                interrupt()
                await structio.sleep(0.001)
                signal.signal(signal.SIGINT, own)
                interrupt()
                await structio.sleep(0.001)
            try:
                structio.run(main)
            except KeyboardInterrupt:
                print("interrupted")
            async def installs():
                signal.signal(signal.SIGINT, own)
                interrupt()
                await structio.sleep(0.001)
            structio.run(installs)
            assert signal.getsignal(signal.SIGINT) is own
            structio.run(installs)
            assert signal.getsignal(signal.SIGINT) is own
            """
        )
        self.assertEqual(lines, ["interrupted", "own", "own"])

    def test_handlers_of_other_signals(self) -> None:
        """They are called soon, whatever the run does; what they raise leaves the main task."""
        lines = self.program(
            """
            def handler(signum, frame):
                print("handled")
                if signum == signal.SIGTERM:
                    sys.exit(3)
            for signum in (signal.SIGTERM, signal.SIGUSR1):
                signal.signal(signum, handler)
            def sends(signum):
                os.kill(os.getpid(), signum)
            async def main():
                await structio.to_thread.run_sync(sends, signal.SIGUSR1)
                async with structio.open_nursery() as nursery:
                    nursery.start_soon(structio.to_thread.run_sync, sends, signal.SIGTERM)
                    try:
                        await structio.sleep_forever()
                    except SystemExit as error:
                        print("in main", error.code)
                        raise
            try:
                structio.run(main)
            except BaseExceptionGroup as group:
                print(repr(group.exceptions))
            assert signal.getsignal(signal.SIGTERM) is handler
            assert signal.set_wakeup_fd(-1) == -1
            async def computes():
                sends(signal.SIGTERM)
                while True: pass
            try:
                structio.run(computes)
            except SystemExit as error:
                print(error.code)
            """
        )
        self.assertEqual(
            lines, ["handled", "handled", "in main 3", "(SystemExit(3),)", "handled", "3"]
        )

    def test_a_handler_that_raises_at_any_instant(self) -> None:
        lines = self.program(
            """
            def handler(signum, frame):
                raise SystemExit
            signal.signal(signal.SIGUSR1, handler)
            async def main(n):
                threading.Timer(0.001 + n * 0.0003, os.kill, (os.getpid(), signal.SIGUSR1)).start()
                while True:
                    async with structio.open_nursery() as nursery:
                        for _ in range(3):
                            nursery.start_soon(structio.sleep, 0.0001)
            seen = 0
            for n in range(30):
                try:
                    structio.run(main, n)
                except BaseException as error:
                    while isinstance(error, BaseExceptionGroup):
                        error = error.exceptions[0]
                    assert type(error) is SystemExit, repr(error)
                    seen += 1
            print(seen)
            """
        )
        self.assertEqual(lines, ["30"])

    def test_not_in_other_threads(self) -> None:
        before = signal.getsignal(signal.SIGINT)
        seen = []

        async def main() -> None:
            seen.append(signal.getsignal(signal.SIGINT))

        thread = threading.Thread(target=structio.run, args=(main,))
        thread.start()
        thread.join()
        self.assertEqual(seen, [before])


if __name__ == "__main__":
    unittest.main()
