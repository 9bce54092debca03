"""Run programs, and note what they take: the operating system's own account of each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

LAUNCHER = Path(__file__).with_name("measure_launcher.py")
Key = TypeVar("Key")
Value = TypeVar("Value")


class Sample(NamedTuple):
    """One run. ``cpu_s`` and ``peak_bytes`` include the processes that it waited for.

    ``peak_bytes`` is the largest resident set of any one process, and at least the 10 MB of
    ``measure_launcher``.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: float


def run_measured(
    argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path | None = None
) -> Sample:
    """Run a program to its end; raises ``CalledProcessError``, with what it wrote, if it fails."""
    arguments = [str(each) for each in argv]
    done = subprocess.run(
        [sys.executable, "-I", "-S", LAUNCHER, *arguments],
        env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    code, *taken = done.stdout.split() if not done.returncode else (done.returncode,)
    if int(code):
        raise subprocess.CalledProcessError(int(code), arguments, stderr=done.stderr)
    return Sample(*map(float, taken))


def in_turns(
    subjects: Mapping[Key, Callable[[], Value]],
    runs: int,
    *,
    warmups: int = 1,
    between: Callable[[], object] = os.sync,
) -> dict[Key, tuple[Value, ...]]:
    """Run each subject ``runs`` times, A B A B …; the first ``warmups`` rounds do not count.

    ``between`` is called before each run; by default what one run left to be written is then on
    the disk before the next begins.
    """
    taken: dict[Key, list[Value]] = {name: [] for name in subjects}
    for _turn in range(warmups + runs):
        for name, run in subjects.items():
            between()
            taken[name].append(run())
    return {name: tuple(values[warmups:]) for name, values in taken.items()}


def column(taken: Mapping[Key, Sequence[Sample]], name: str) -> dict[Key, tuple[float, ...]]:
    """One field of all samples."""
    return {key: tuple(getattr(each, name) for each in samples) for key, samples in taken.items()}
