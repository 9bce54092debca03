"""Commands that are killed at their n-th git command, each in a new process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.harness.fork_client import ask

SHIM = """#!/bin/sh
read -r count 2>/dev/null < "$SHIM_COUNT" || count=0
echo $((count + 1)) > "$SHIM_COUNT"
[ "$count" = "$SHIM_DIE_AT" ] && kill -9 $PPID && exit 1
exec {git} "$@"
"""


@dataclass(frozen=True)
class CrashRunner:
    """Runs ``goempy`` with a ``git`` of its own in ``folder``."""

    server: str
    folder: Path

    def run(self, step: int, arguments: Sequence[str]) -> tuple[int, int]:
        """Die at the git command ``step``; the exit code, and how many there were till then."""
        count = self.folder / "count"
        count.unlink(missing_ok=True)
        env = os.environ | {"SHIM_COUNT": str(count), "SHIM_DIE_AT": str(step)}
        env["PATH"] = f"{self.folder}{os.pathsep}{env['PATH']}"
        quiet = os.open(os.devnull, os.O_RDWR)
        try:
            code = ask(self.server, arguments, env, [quiet] * 3)
        finally:
            os.close(quiet)
        return code, int(count.read_text())


def crash_runner(folder: Path, server: str) -> CrashRunner:
    """A runner whose files are in ``folder``; ``server`` is the address of a ``fork_server``."""
    folder.mkdir()
    shim = folder / "git"
    shim.write_text(SHIM.format(git=shutil.which("git")))
    shim.chmod(0o755)
    return CrashRunner(server, folder)
