"""Run time: first starts, many at once, later starts, and how they grow.

Every first start has an empty temp directory. The same program is built around each module, and
nothing but its arguments differs between the figures.
"""

from __future__ import annotations

import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.model import Figure, Growth, Row, Values
from tests.bench.world import DATA, PROGRAM, Kind, World, extracted_by
from tests.builders.peer_trees import Tree
from tests.harness.measure import Sample, column, run_measured

HELLO = ("-c", 'print("hello")')
IMPORTS = ("-c", "import json, asyncio, ssl, urllib.request, sqlite3, logging")
PASS = ("-c", "pass")
CROWD = 32
ALONE = "the interpreter alone"
WARM_LIMIT_S = 0.002
TIMER, PACKER = DATA / "timer" / "main.go", DATA / "packer" / "main.go"
TIMES = (1, 4, 16)
STARTS = (1, 2, 4, 8, 16, 32, 64)
FILES = 700  # about as many as an interpreter's tree has


Taken = Mapping[str, Values]


class Pair(NamedTuple):
    """The same work for a peer and for us."""

    work: str
    tree: Tree
    kind: Kind

    def row(self, taken: Taken, target: float | None, limit: float | None = None) -> Row:
        peer = self.tree.peer.name
        return Row(self.work, taken[self.work], peer, taken[peer], target, limit)


def pairs(world: World) -> list[Pair]:
    """Each peer's own tree around our module, and what each ships."""
    found = [Pair(f"tree of {each.peer.name}", each, "none") for each in reversed(world.trees)]
    if not world.effort.short:
        newest = world.trees[0]
        found.append(Pair(f"tree of {newest.peer.name}, packed with bytecode", newest, "common"))
    for tree in world.released:
        work = f"as shipped, Python {tree.peer.python}: {tree.peer.name.split()[0]}"
        found.append(Pair(work, tree, "shipped"))
    return found


def programs(world: World, chosen: Sequence[Pair], source: Path = PROGRAM) -> dict[str, Path]:
    """Ours by the work, and each peer's by its name: it runs once a turn for all of its pairs."""
    theirs = {each.tree.peer.name: world.program(each.tree, "peer", source) for each in chosen}
    return theirs | {each.work: world.program(each.tree, each.kind, source) for each in chosen}


def first_starts(world: World) -> Iterator[Figure]:
    every = pairs(world)
    plain = [pair for pair in every if pair.kind != "common"]
    hello = _first_runs(world, HELLO)
    walls, peaks = column(hello, "wall_s"), column(hello, "peak_bytes")
    rows = [pair.row(walls, 25.0 if pair.kind == "shipped" else 10.0) for pair in every]
    yield Figure("first-run-hello", tuple(rows), median(walls[ALONE]))
    yield Figure("first-run-memory", tuple(pair.row(peaks, 4.0) for pair in plain))
    walls = column(_first_runs(world, IMPORTS), "wall_s")
    rows = [pair.row(walls, None if pair.kind == "none" else 5.0) for pair in every]
    yield Figure("first-run-imports", tuple(rows), median(walls[ALONE]))
    count = 2 if world.effort.short else CROWD
    paths = programs(world, plain)
    crowds = {name: partial(_crowd, world, path, count) for name, path in paths.items()}
    crowds[ALONE] = partial(_all_hello, [world.interpreter(), *HELLO], world.env(), count)
    taken = world.turns(f"{count} processes at once", crowds, between=world.between)
    yield Figure("crowd", tuple(pair.row(taken, 10.0) for pair in plain), median(taken[ALONE]))


def _first_runs(world: World, args: tuple[str, ...]) -> dict[str, tuple[Sample, ...]]:
    def cold(program: Path) -> Sample:
        return run_measured([program, *args], env=world.env(world.fresh()))

    subjects = {name: partial(cold, path) for name, path in programs(world, pairs(world)).items()}
    subjects[ALONE] = partial(run_measured, [world.interpreter(), *args], env=world.env())
    return world.turns(f"first runs: {args[-1]}", subjects, between=world.between)


def _crowd(world: World, program: Path, count: int) -> float:
    """Seconds until ``count`` processes that find nothing extracted have all ended well."""
    return _all_hello([program, *HELLO], world.env(world.fresh()), count)


def _all_hello(argv: Sequence[str | Path], env: dict[str, str], count: int) -> float:
    begin = time.perf_counter()
    started = [
        subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(count)
    ]
    outputs = [process.communicate()[0] for process in started]
    wall_s = time.perf_counter() - begin
    for process, output in zip(started, outputs, strict=True):
        if process.returncode or output.strip() != b"hello":
            raise subprocess.CalledProcessError(process.returncode, process.args, output=output)
    return wall_s


def warm_starts(world: World) -> Iterator[Figure]:
    """Everything is extracted: the whole process, and what the module does in it."""
    chosen = [pair for pair in pairs(world) if pair.kind != "common"]
    for key, measure in (("warm-start", _overheads), ("warm-call", _calls)):
        rows = [pair.row(measure(world, pair), 5.0, WARM_LIMIT_S) for pair in chosen]
        yield Figure(key, tuple(rows))


def _overheads(world: World, pair: Pair) -> dict[str, Values]:
    """What each adds to a start of the interpreter that it extracted: medians of blocks."""
    subjects: dict[tuple[str, bool], Callable[[], Sample]] = {}
    for name, program in programs(world, [pair]).items():
        env = world.env(world.fresh("warm"))
        for bare in (False, True):
            executable = extracted_by(program, env) if bare else program
            subjects[name, bare] = partial(run_measured, [executable, *PASS], env=env)
    added: dict[str, Values] = {name: () for name, _bare in subjects}
    for _block in range(world.effort.runs):
        turns, what = world.effort.block_runs, f"warm starts: {pair.work}"
        taken = column(world.turns(what, subjects, turns, between=lambda: None), "wall_s")
        for name in added:
            added[name] += (median(taken[name, False]) - median(taken[name, True]),)
    return added


def _calls(world: World, pair: Pair) -> dict[str, Values]:
    def timed(program: Path, env: dict[str, str]) -> float:
        return float(subprocess.check_output([program], env=env))

    paths = programs(world, [pair], TIMER)
    subjects = {
        name: partial(timed, path, world.env(world.fresh())) for name, path in paths.items()
    }
    turns = world.effort.runs * world.effort.block_runs
    return world.turns(f"warm calls: {pair.work}", subjects, turns, between=lambda: None)


def growths(world: World) -> Iterator[Growth]:
    yield from _files(world)
    newest = world.trees[0]
    paths = {
        newest.peer.name: world.program(newest, "peer"),
        "goempy, same tree": world.program(newest, "none"),
        "goempy, as shipped": world.program(newest, "shipped"),
    }
    curves: dict[str, tuple[Values, ...]] = dict.fromkeys(paths, ())
    counts, runs = world.effort.some(STARTS), world.effort.few_runs
    for count in counts:
        subjects = {name: partial(_crowd, world, path, count) for name, path in paths.items()}
        taken = world.turns(f"{count} first starts", subjects, runs, between=world.between)
        curves = {name: (*curve, taken[name]) for name, curve in curves.items()}
    yield Growth("starts", counts, curves)


def _files(world: World) -> Iterator[Growth]:
    newest = world.trees[0]
    packers = {
        newest.peer.name: world.program(newest, "peer", PACKER),
        "goempy": world.program(newest, "none", PACKER),
    }
    found: dict[tuple[str, str], tuple[Values, ...]] = {}
    counts = []
    for times in world.effort.some(TIMES):
        tree = _tree(world, times)
        counts.append(sum(1 for _ in tree.rglob("*.py")))
        subjects: dict[tuple[str, str], Callable[[], Sample]] = {}
        for name, packer in packers.items():
            subjects |= {(step, name): run for step, run in _steps(world, packer, tree).items()}
        taken = world.turns(f"{counts[-1]} files in a tree", subjects, world.effort.few_runs)
        for key, values in column(taken, "wall_s").items():
            found[key] = (*found.get(key, ()), values)
    for step in ("pack", "cold", "warm"):
        curves = {name: found[step, name] for name in packers}
        yield Growth(f"files-{step}", tuple(counts), curves)


def _steps(world: World, packer: Path, tree: Path) -> dict[str, Callable[[], Sample]]:
    payload, home = world.fresh(), world.fresh()

    def pack(out: Path | None = None) -> Sample:
        return run_measured([packer, "pack", tree, out or world.fresh()], env=world.env())

    def extract(temp: Path | None = None) -> Sample:
        env = world.env(temp or world.fresh())
        return run_measured([packer, "extract", payload], env=env)

    pack(payload)
    extract(home)
    return {"pack": pack, "cold": extract, "warm": partial(extract, home)}


def _tree(world: World, times: int) -> Path:
    """The running Python's own library ``times`` over, no two files the same."""
    library = Path(sysconfig.get_path("stdlib"))
    chosen = [path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts]
    root = world.fresh()
    for copy in range(times):
        for path in chosen[:FILES]:
            target = root / f"copy{copy}" / path.relative_to(library)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes() + f"\n# {copy}\n".encode())
    return root
