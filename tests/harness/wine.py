"""Windows programs under Wine 8, in a prefix of the test run's own.

Wine 8 lacks two things that Go programs need. ``ProcessPrng`` comes from a DLL that forwards it.
Deletion falls back, in programs that are built with ``overlay``, to what Go does on older Windows.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipeline.system.process import ProcessResult
from tests.builders.pe import forwarding_dll
from tests.harness.go import Go
from tests.harness.limits import HANGS_AFTER_S

_FOLDER = Path("/usr/lib/wine")
_WINE, _SERVER = _FOLDER / "wine64", _FOLDER / "wineserver64"
_FALLBACK = Path("internal", "syscall", "windows", "at_windows.go")
_SWITCH = "var TestDeleteatFallback bool"
_NOT_STARTED = re.compile(r"fork/exec .*: Internal error\.")
"""Wine 8's text where a new process ended before its program began; Windows has another.

Seen once in thousands of starts. Source: NtCreateUserProcess in dlls/ntdll/unix/process.c.
"""
_ATTEMPTS = 3


def missing() -> str:
    """What this machine lacks to run Windows programs, or ``""``."""
    if platform.machine() != "x86_64":
        return "a machine with an x86-64 processor"
    return "" if _WINE.exists() and _SERVER.exists() else "Wine (Debian's wine64)"


@dataclass(frozen=True)
class Wine:
    """Runs programs in ``prefix``, which is a separate Windows."""

    prefix: Path

    def run(
        self,
        *argv: str | Path,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        timeout_s: float = HANGS_AFTER_S,
    ) -> ProcessResult:
        """Run a program; ``env`` is added to Windows' own variables, which win.

        Its exit code is judged by the caller. Windows' temporary folder is inside of the prefix.
        It is run again if it failed where Wine did not start a process.
        """
        for _ in range(_ATTEMPTS):
            done = self._run(argv, cwd, {**(env or {}), **self._environment()}, timeout_s)
            printed = done.stdout.decode("utf-8", "replace") + done.stderr
            if not done.code or not _NOT_STARTED.search(printed):
                break
        return done

    def _run(
        self, argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str], timeout_s: float
    ) -> ProcessResult:
        wine = subprocess.Popen(
            [_WINE, *argv], cwd=cwd, env=env, start_new_session=True,
            # Wine's consoles are not ready for files or terminals here.
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        with wine as process, ThreadPoolExecutor(2) as readers:
            assert process.stdin
            assert process.stdout
            assert process.stderr
            process.stdin.close()
            out, log = (readers.submit(pipe.read) for pipe in (process.stdout, process.stderr))
            try:
                process.wait(timeout_s)
            finally:
                # What it has left may hold the pipes: a process whose start was cut short.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return ProcessResult(
            process.returncode, out.result(), log.result().decode("utf-8", "replace")
        )

    def start(self) -> None:
        """Make the prefix; its services run until ``stop``, and hold no pipe of a program."""
        self.prefix.mkdir(parents=True)
        self._call(_SERVER, "-p")
        for command in (["wineboot", "-i"], ["winecfg", "-v", "win10"]):
            self._call(_WINE, *command)
        system = self.prefix / "drive_c" / "windows" / "system32"
        name = "bcryptprimitives.dll"
        forwards = {"ProcessPrng": "advapi32.SystemFunction036"}
        (system / name).write_bytes(forwarding_dll(name, forwards))

    def stop(self) -> None:
        """End everything that runs in the prefix."""
        self._call(_SERVER, "-k", check=False)
        self._call(_SERVER, "-w", check=False)

    def _call(self, *command: str | Path, check: bool = True) -> None:
        subprocess.run(
            command, env=self._environment(), check=check, timeout=HANGS_AFTER_S,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{_FOLDER}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.prefix),
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            # Names of files are UTF-8 outside of the prefix, too.
            "LC_ALL": "C.UTF-8",
            # Neither .NET nor a browser is asked for. Without propsys Python's _wmi does not
            # load, and Python does without it; Wine's propsys ends the process that calls it.
            "WINEDLLOVERRIDES": "mscoree,mshtml,propsys=",
        }


@contextlib.contextmanager
def running_wine(folder: Path) -> Iterator[Wine]:
    """A Wine whose prefix is at ``folder``, which must be new."""
    wine = Wine(folder)
    try:
        wine.start()
        yield wine
    finally:
        wine.stop()


def overlay(go: Go, folder: Path) -> str:
    """The flag for ``go build`` and ``go test`` that makes programs delete files as Wine can."""
    root = Path(go.run("env", "GOROOT", cwd=folder).strip())
    source = root / "src" / _FALLBACK
    text = source.read_text("utf-8")
    assert text.count(_SWITCH) == 1, f"{_FALLBACK} of this Go has no switch: look for it there"
    changed = folder / _FALLBACK.name
    changed.write_text(text.replace(_SWITCH, "var TestDeleteatFallback = true"), "utf-8")
    table = folder / "overlay.json"
    table.write_text(json.dumps({"Replace": {str(source): str(changed)}}), "utf-8")
    return f"-overlay={table}"
