"""The end of the interpreter while threads still run."""

import unittest

from .support import Case, python

SLOW_END = """
import sys
class Slow:
    def __del__(self):
        for _ in range(300_000): pass
sys.slow = Slow()
"""


class Exit(Case):
    def program(self, text: str) -> None:
        import textwrap

        process = python(textwrap.dedent(text) + SLOW_END + "print('end')\n")
        out, err = process.communicate(timeout=20)
        self.assertEqual((process.returncode, out, err), (0, "end\n", ""))

    def test_an_abandoned_thread_works_on(self) -> None:
        self.program(
            """
            import structio, time
            def works():
                while True: time.sleep(0.0001)
            async def main():
                with structio.move_on_after(0.01):
                    await structio.to_thread.run_sync(works, abandon_on_cancel=True)
            structio.run(main)
            """
        )

    def test_runs_of_daemon_threads(self) -> None:
        self.program(
            """
            import structio, threading, time
            began = threading.Semaphore(0)
            async def main():
                began.release()
                while True: await structio.sleep(0.0001)
            for _ in range(3):
                threading.Thread(target=structio.run, args=(main,), daemon=True).start()
            for _ in range(3):
                began.acquire()
            """
        )

    def test_objects_that_outlive_everything(self) -> None:
        self.program(
            """
            import structio
            kept = []
            async def main():
                kept.append(structio.open_memory_channel(3))
                kept[0][0].send_nowait(kept)
                kept.append(await structio.open_tcp_listeners(0, host="127.0.0.1"))
                kept.append(structio.Lock())
                await kept[2].acquire()
                kept.append(structio.CancelScope())
                kept.append(structio.lowlevel.current_task())
                kept.append(structio.testing.MockClock())
            structio.run(main)
            """
        )


if __name__ == "__main__":
    unittest.main()
