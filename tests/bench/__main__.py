"""``python -m tests.bench``: measure everything and write BENCHMARKS.md and its plots."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from tests.bench import building, growth, profile, release_time, running, warm
from tests.bench.machine import describe
from tests.bench.model import Figure, Growth, Profile, Report, load_report, save_report
from tests.bench.reasons import UnexplainedError
from tests.bench.render import write_report
from tests.bench.world import FULL, SHORT, World
from tests.harness.project import REPOSITORY

ENOUGH_BYTES = 12 << 30
RESULTS = Path("tests") / "bench" / "results.json"
NOT_MEASURED = (
    "The original goempy (`github.com/tamnd/goempy`): the module proxy has no version of it.",
    "musl, x86-64-v3 and windows/arm64: no peer carries such trees.",
    "macOS and Windows at run time: everything ran on Linux.",
)
GROUPS: dict[str, Callable[[World], Iterator[Figure | Growth | Profile]]] = {
    "running": running.figures,
    "warm": warm.figures,
    "building": building.figures,
    "growth": growth.growths,
    "profile": profile.profiles,
    "release": release_time.figures,
    "cells": release_time.growth,
}
Kind = TypeVar("Kind", bound="Keyed")


class Keyed(Protocol):
    """What one key stands for in all runs."""

    @property
    def key(self) -> str: ...


def main(argv: list[str]) -> int:
    """Measure, or with ``--render`` write the page again from what was measured."""
    options = _parser().parse_args(argv)
    results = options.out / RESULTS
    if not options.render:
        results.parent.mkdir(parents=True, exist_ok=True)
        before = load_report(results) if options.only and results.is_file() else None
        _measure(options, before, results)
    try:
        write_report(load_report(results), options.out)
    except UnexplainedError as fault:
        _say(str(fault))
        return 1
    _say(f"{options.out / 'BENCHMARKS.md'} is written")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--short", action="store_true",
        help="one run and one peer: shows that the bench works, in minutes",
    )  # fmt: skip
    parser.add_argument(
        "--only", action="append", choices=sorted(GROUPS), default=[],
        help="measure these again, and keep the other results",
    )  # fmt: skip
    parser.add_argument(
        "--render", action="store_true", help="measure nothing; write the page from the results"
    )
    parser.add_argument(
        "--out", type=Path, default=REPOSITORY, help="where BENCHMARKS.md and tests/bench/ are"
    )
    parser.add_argument(
        "--scratch", type=Path, default=scratch_folder(),
        help="where to work and to extract to, %(default)s if it is not named",
    )  # fmt: skip
    return parser


def scratch_folder() -> Path:
    """Memory where there is enough: what a disk has to do besides does not count then."""
    memory = Path("/dev/shm")  # noqa: S108 - what is made in it has names that nobody can guess
    if memory.is_dir() and shutil.disk_usage(memory).free >= ENOUGH_BYTES:
        return memory
    return Path(tempfile.gettempdir())


def _measure(options: argparse.Namespace, before: Report | None, results: Path) -> None:
    """Measure what is asked for; what is done is kept when something later fails."""
    effort = SHORT if options.short else FULL
    with tempfile.TemporaryDirectory(dir=options.scratch, prefix="goempy-bench-") as scratch:
        world = World(Path(scratch), effort, _say)
        report = Report(describe(world), effort.runs, not_measured=NOT_MEASURED)
        if before:
            report = dataclasses.replace(before, machine=report.machine)
        for name, measure in GROUPS.items():
            if options.only and name not in options.only:
                continue
            report = _with(report, list(measure(world)))
            save_report(report, results)


def _with(report: Report, found: Iterable[object]) -> Report:
    return dataclasses.replace(
        report,
        figures=_merged(report.figures, found, Figure),
        growths=_merged(report.growths, found, Growth),
        profiles=_merged(report.profiles, found, Profile),
    )


def _merged(
    before: tuple[Kind, ...], found: Iterable[object], kind: type[Kind]
) -> tuple[Kind, ...]:
    """What was measured before, each replaced where it was measured again."""
    new = {each.key: each for each in found if isinstance(each, kind)}
    kept = tuple(new.pop(each.key, each) for each in before)
    return (*kept, *new.values())


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
