"""What this package believes of the C ABI is what the headers say."""

import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
from typing import Any

from structio import _abi, _status, _task

from .support import Case, python

INCLUDE = pathlib.Path(__file__).resolve().parents[3] / "include"

STRUCTS: dict[str, Any] = {
    "op_info": _abi.OpInfo,
    "steps": _abi.Steps,
    "call": _abi.Call,
    "run_options": _abi.RunOptions,
    "task_options": _abi.TaskOptions,
    "scope_options": _abi.ScopeOptions,
    "cancel_info": _abi.CancelInfo,
    "payload_type": _abi.PayloadType,
    "virtual_clock_options": _abi.VirtualClockOptions,
    "tcp_listen_options": _abi.TcpListenOptions,
    "tcp_connect_options": _abi.TcpConnectOptions,
    "thread_options": _abi.ThreadOptions,
    "mutex_statistics": _abi.MutexStatistics,
    "event_statistics": _abi.WaitingStatistics,
    "condition_statistics": _abi.WaitingStatistics,
    "semaphore_statistics": _abi.SemaphoreStatistics,
    "limiter_statistics": _abi.LimiterStatistics,
    "item_type": _abi.ItemType,
    "channel_statistics": _abi.ChannelStatistics,
}

STORAGE: dict[str, Any] = {
    "scope": _abi.ScopeStorage,
    "nursery": _abi.NurseryStorage,
    "event": _abi.EventStorage,
    "mutex": _abi.MutexStorage,
    "semaphore": _abi.SemaphoreStorage,
    "condition": _abi.ConditionStorage,
    "limiter": _abi.LimiterStorage,
}


def compiler() -> str | None:
    return shutil.which((os.environ.get("CC") or "cc").split()[-1])


class Abi(Case):
    @unittest.skipIf(compiler() is None, "there is no C compiler")
    def test_structs(self) -> None:
        lines = []
        expected = {}
        for name, kind in {**STRUCTS, **STORAGE}.items():
            lines.append(f'printf("{name} %zu\\n", sizeof(structio_{name}));')
            expected[name] = ctypes.sizeof(kind)
        for name, kind in STRUCTS.items():
            for field, *_ in kind._fields_:
                lines.append(
                    f'printf("{name}.{field} %zu\\n", offsetof(structio_{name}, {field}));'
                )
                expected[f"{name}.{field}"] = getattr(kind, field).offset
        for name in vars(_status):
            if re.fullmatch("E[A-Z]+", name):
                lines.append(f'printf("{name} %d\\n", STRUCTIO_{name});')
                expected[name] = getattr(_status, name)
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "sizes.c")
            source.write_text(
                "#include <stddef.h>\n#include <stdio.h>\n#include <structio/structio.h>\n"
                "#include <structio/structio_testing.h>\nint main(void) {\n"
                + "\n".join(lines)
                + "\nreturn 0;\n}\n"
            )
            program = os.path.join(folder, "sizes")
            subprocess.run(
                [str(compiler()), "-I", str(INCLUDE), str(source), "-o", program], check=True
            )
            text = subprocess.run([program], check=True, capture_output=True, text=True).stdout
        found = {name: int(value) for name, value in (line.split() for line in text.splitlines())}
        for name, kind in STRUCTS.items():
            if kind is not _abi.Steps and kind is not _abi.Call:  # they may grow at their end
                self.assertGreaterEqual(found.pop(name), expected.pop(name), name)
        self.assertEqual(found, expected)

    def test_words_of_a_call(self) -> None:
        self.assertEqual(ctypes.sizeof(_task.Words), ctypes.sizeof(_abi.Call))
        for index, field in ((1, "result"), (2, "op"), (3, "fn"), (4, "arguments")):
            self.assertEqual(getattr(_abi.Call, field).offset, index * 8)

    def test_every_function_is_there(self) -> None:
        """Also those that have not been called yet; the numbers of arguments are the headers'."""
        package = pathlib.Path(_abi.__file__).parent
        headers = "".join(h.read_text() for h in (INCLUDE / "structio").glob("*.h"))
        seen = 0
        for module in package.glob("*.py"):
            for name, signature in re.findall(r'function\("(\w+)", "(\w+)"', module.read_text()):
                declared = re.search(rf"\bstructio_{name}\(([^;]*)\);", headers)
                assert declared is not None, name
                arguments = declared[1].strip()
                count = 0 if arguments == "void" else arguments.count(",") + 1
                self.assertEqual(count, len(signature) - 1, name)
                seen += 1
        self.assertGreater(seen, 60)

    def test_a_library_that_is_not_there(self) -> None:
        out, err = python(
            """
            import os
            os.environ["STRUCTIO_LIBRARY"] = "/nowhere/libstructio.so.0"
            try:
                import structio
            except ImportError as error:
                print(error)
            """
        ).communicate(timeout=20)
        self.assertEqual(err, "")
        self.assertIn("/nowhere", out)
        self.assertIn("STRUCTIO_LIBRARY", out)

    def test_another_version_is_refused(self) -> None:
        out, err = python(
            """
            import ctypes
            class Other(ctypes.PyDLL):
                def __getattr__(self, name):
                    return lambda: 0x000900
            ctypes.PyDLL = Other
            try:
                import structio
            except ImportError as error:
                print(error)
            """
        ).communicate(timeout=20)
        self.assertEqual(err, "")
        self.assertRegex(out, r"is version 0\.9, but this package is for 0\.1")


if __name__ == "__main__":
    unittest.main()
