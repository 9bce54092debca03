"""Running programs."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.system.errors import ToolError

_FOREIGN = frozenset({errno.ENOEXEC, 86})
"""A program of another system or processor; 86 is EBADARCH, which only macOS has."""


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """A program that ran to its end."""

    code: int
    stdout: bytes
    stderr: str


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    cwd: Path | None = None,
    timeout_s: float | None = None,
) -> ProcessResult:
    """Run ``command`` without a shell and collect what it prints.

    ``env`` replaces the environment; ``None`` inherits it. Raises ``ToolError`` if the program does
    not exist, cannot run on this machine or takes longer than ``timeout_s``, but not for its exit
    code.
    """
    try:
        done = subprocess.run(  # noqa: S603 - callers pass argument lists, never a shell line
            list(command),
            env=None if env is None else dict(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            cwd=cwd,
            timeout=timeout_s,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as missing:
        raise ToolError(
            f"{command[0]} is not on this machine", hint=f"Install {Path(command[0]).name}."
        ) from missing
    except PermissionError as refused:
        raise ToolError(
            f"{command[0]} cannot be executed", hint="Check the path and its permissions."
        ) from refused
    except OSError as foreign:
        if foreign.errno not in _FOREIGN:
            raise
        raise ToolError(
            f"{command[0]} is not a program for this machine",
            hint="Use one that was built for this system and processor.",
        ) from foreign
    except subprocess.TimeoutExpired as late:
        raise ToolError(
            f"{command[0]} did not finish within {timeout_s:g} s",
            hint="Run the command by hand to see what it waits for: " + " ".join(command),
        ) from late
    return ProcessResult(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def error_tail(
    result: ProcessResult, *, first: int = 0, lines: int = 5, stdout: bool = False
) -> str:
    """The last lines that a failed program wrote, as one line; how it ended if it wrote none.

    ``first`` is how many of the first lines are to precede them.
    They are those of standard error; with ``stdout`` they follow those of standard output.
    """
    text = result.stderr
    if stdout:
        text = f"{result.stdout.decode('utf-8', 'replace')}\n{text}"
    rows = [row.strip() for row in text.splitlines() if row.strip()]
    if result.code < 0:
        rows.append(f"killed by {signal.Signals(-result.code).name}")
    if len(rows) > first + lines:
        rows = [*rows[:first], *(["..."] if first else []), *rows[-lines:]]
    return "; ".join(rows) or f"exit code {result.code}"


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
