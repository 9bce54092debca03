"""Commands that are killed at their n-th git command, each in a new process.

A process that has imported everything forks for each of them, which is a second faster each time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.project import REPOSITORY

SHIM = """#!/bin/sh
read -r count 2>/dev/null < "$SHIM_COUNT" || count=0
echo $((count + 1)) > "$SHIM_COUNT"
[ "$count" = "$SHIM_DIE_AT" ] && kill -9 $PPID && exit 1
exec {git} "$@"
"""
SERVER = """
import gc, importlib, json, os, pkgutil, sys
from pipeline import cli
for module in pkgutil.iter_modules(cli.__path__, "pipeline.cli."):
    importlib.import_module(module.name)
importlib.import_module("pipeline.system.console")
gc.freeze()
for row in sys.stdin:
    step, arguments = json.loads(row)
    child = os.fork()
    if child == 0:
        os.environ["SHIM_DIE_AT"] = str(step)
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(quiet, number)
        sys.argv[1:] = arguments
        cli.entry()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class CrashRunner:
    """Runs ``goempy``; ``count`` is the file in which git commands are counted."""

    server: subprocess.Popen[str]
    count: Path

    def run(self, step: int, arguments: Sequence[str]) -> tuple[int, int]:
        """Die at the git command ``step``; the exit code, and how many there were till then."""
        self.count.unlink(missing_ok=True)
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps([step, list(arguments)]) + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline()), int(self.count.read_text())


@contextmanager
def crash_runner(folder: Path) -> Iterator[CrashRunner]:
    """A runner whose files are in ``folder``."""
    folder.mkdir()
    shim = folder / "git"
    shim.write_text(SHIM.format(git=shutil.which("git")))
    shim.chmod(0o755)
    env = os.environ | {"SHIM_COUNT": str(folder / "count")}
    env["PATH"] = f"{folder}{os.pathsep}{env['PATH']}"
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(
        command, env=env, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        yield CrashRunner(server, folder / "count")
