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


def left_by_killed_run(*places: Path) -> object:
    """What the next run finds in ``places``: files by their sizes, and what refs of git hold.

    Folders that a run made for itself alone are not looked at by another.
    """
    left = {}
    for number, place in enumerate(places):
        for path in place.rglob("*"):
            name = path.relative_to(place)
            if path.is_file() and not any(part.startswith(".goempy-") for part in name.parts):
                is_ref = "refs" in name.parts or name.name == "packed-refs"
                left[number, name] = path.read_bytes() if is_ref else path.stat().st_size
    return left


def crash_runner(folder: Path, server: str) -> CrashRunner:
    """A runner whose files are in ``folder``; ``server`` is the address of a ``fork_server``."""
    folder.mkdir()
    shim = folder / "git"
    shim.write_text(SHIM.format(git=shutil.which("git")))
    shim.chmod(0o755)
    return CrashRunner(server, folder)
