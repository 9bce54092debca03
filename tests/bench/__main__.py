"""Measure goempy and its peers; write BENCHMARKS.md and its plots."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from tests.bench import build_time, release_time, run_time
from tests.bench.model import FULL, REPORT, SHORT, Figure, Growth, Profile, Report
from tests.bench.page import write_page
from tests.bench.quantities import quantity
from tests.bench.world import World
from tests.harness.project import REPOSITORY

RESULTS = Path("tests") / "bench" / "results.json"
GROUPS: dict[str, Callable[[World], Iterator[Figure | Growth | Profile]]] = {
    "first-run": run_time.first_starts,
    "imports": run_time.first_imports,
    "crowd": run_time.crowds,
    "warm": run_time.warm_starts,
    "text": run_time.text_trees,
    "worker": run_time.worker_calls,
    "building": build_time.figures,
    "growth": run_time.growths,
    "profile": release_time.profiles,
    "release": release_time.figures,
    "cell-again": release_time.cell_again,
    "cells": release_time.growths,
    "levels": release_time.levels,
}
PATH = click.Path(path_type=Path)
say = partial(click.echo, err=True)


def scratch_folder() -> Path:
    """Memory where there is enough: what else a disk has to do does not count then."""
    memory = Path("/dev/shm")  # noqa: S108 - folders in it get unpredictable names
    enough = memory.is_dir() and shutil.disk_usage(memory).free >= 12 << 30
    return memory if enough else Path(tempfile.gettempdir())


@click.command(help=__doc__)
@click.option("--short", is_flag=True, help="One run, one peer, small trees: it only has to work.")
@click.option(
    "--only", multiple=True, type=click.Choice([*GROUPS]), help="Measure only these again."
)
@click.option("--render", is_flag=True, help="Measure nothing; write the page of the results.")
@click.option("--out", type=PATH, default=REPOSITORY, help="Where BENCHMARKS.md is.")
@click.option("--scratch", type=PATH, default=scratch_folder, help="Where to work.")
def main(*, short: bool, only: tuple[str, ...], render: bool, out: Path, scratch: Path) -> None:
    results = out / RESULTS
    if not render:
        results.parent.mkdir(parents=True, exist_ok=True)
        before = REPORT.validate_json(results.read_bytes()) if only and results.is_file() else None
        with tempfile.TemporaryDirectory(dir=scratch, prefix="goempy-bench-") as folder:
            effort = SHORT if short else FULL
            world = World(Path(folder), effort, results.parent / "plots", say)
            report = Report(_machine(world), effort)
            if before:
                report = dataclasses.replace(before, machine=report.machine)
            for name in only or GROUPS:
                for result in GROUPS[name](world):
                    report.add(result)
                # What is done is kept if something fails later.
                results.write_bytes(REPORT.dump_json(report, indent=1) + b"\n")
    write_page(REPORT.validate_json(results.read_bytes()), out)
    say(f"wrote {out / 'BENCHMARKS.md'}")


def _machine(world: World) -> tuple[tuple[str, str], ...]:
    """What the bench runs on, and the versions of all that takes part."""
    version = (REPOSITORY / "VERSION").read_text("utf-8").strip()
    kernel = platform.release().partition("-")[0]
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (
        ("date", dt.datetime.now(dt.UTC).date().isoformat()),
        ("processor", model[1] if model else "unknown"),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("memory", quantity(memory_bytes, "B")),
        ("system", f"{platform.system()} {kernel} {platform.machine()}"),
        ("file system", world.file_system),
        ("goempy", f"{version}, as in this commit"),
        *((tree.peer.module, tree.peer.version) for tree in world.trees),
        ("Go", world.go.run("env", "GOVERSION", cwd=world.folder).strip().removeprefix("go")),
        ("Python of the pipeline", platform.python_version()),
    )


if __name__ == "__main__":
    main()
