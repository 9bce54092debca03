"""Programs in a user and mount namespace of their own: what is mounted there, nobody else sees.

All users are there under their own numbers, so that tests can run programs as another user. That
is why root is needed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.system.process import ProcessResult
from tests.harness.limits import HANGS_AFTER_S

_ALL_USERS = "0 0 4294967295\n"
_PREPARE = 'echo; read _; setup=$1; shift; exec sh -ec "$setup" sh "$@"'
"""Says that it is there, and waits until users are mapped. The second shell has all privileges."""


@dataclass(frozen=True)
class Namespace:
    """Where programs run; ``setup`` are shell lines that prepare it, one after the other."""

    setup: str

    def run(
        self,
        *argv: str | Path,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        timeout_s: float = HANGS_AFTER_S,
    ) -> ProcessResult:
        """Run a program with ``env``, or the test's own; its exit code is the caller's to judge."""
        # The environment is the program's, and need not be one in which the shell finds mount.
        given = os.environ if env is None else env
        words = [f"{name}={value}" for name, value in given.items()]
        inner = ["env", "-i", *words, *map(str, argv)]
        with subprocess.Popen(
            ["unshare", "--user", "--mount", "sh", "-c", _PREPARE, "sh",
             f'{self.setup}\nexec "$@"', *inner],
            cwd=cwd, start_new_session=True, bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            try:
                assert process.stdout is not None
                if process.stdout.read(1):
                    _map_users(process.pid)
                out, log = process.communicate(b"\n", timeout=timeout_s)
            finally:
                # What it has started ends with it, also after an interruption.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return ProcessResult(process.returncode, out, log.decode("utf-8", "replace"))

    def fault(self) -> str:
        """Why nothing can run in it, or ``""``."""
        try:
            done = self.run("true", cwd=Path("/"))
        except PermissionError as refused:  # root of a container has not all users
            return f"a new namespace: {refused}"
        return f"a new namespace: {done.stderr.strip()}" if done.code else ""


def _map_users(pid: int) -> None:
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{pid}/{name}").write_text(_ALL_USERS, "ascii")


def missing_for_namespaces() -> str:
    """What this machine lacks for a namespace, or ``""``."""
    if sys.platform != "linux":
        return "Linux"
    if os.geteuid():
        return "root"
    return missing_programs({"unshare": "util-linux", "mount": "mount"})


def missing_programs(packages: Mapping[str, str]) -> str:
    """Programs that are not on PATH, each with its Debian package, or ``""``."""
    return ", ".join(
        f"{program} (Debian package {package})"
        for program, package in packages.items()
        if not shutil.which(program)
    )


def missing_files(packages: Mapping[str | Path, str]) -> str:
    """Files that are not there, each with its Debian package, or ``""``."""
    return ", ".join(
        f"{path} (Debian package {package})"
        for path, package in packages.items()
        if not Path(path).exists()
    )
