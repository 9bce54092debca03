"""Run time: first starts, many at once, later starts, trees of text, calls of a worker.

Every first start has an empty temp directory. The same program is built around each module, and
nothing but its arguments differs between the figures.
"""

from __future__ import annotations

import re
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from pipeline.release.module_tree import TEMPLATE
from tests.bench.model import Aims, Figure, Growth, Row, Values
from tests.bench.world import DATA, PROGRAM, Kind, World, extracted_by
from tests.builders.peer_trees import Tree
from tests.harness.measure import Sample, column, run_measured

HELLO = ("-c", 'print("hello")')
IMPORTS = ("-c", "import json, asyncio, ssl, urllib.request, sqlite3, logging")
PASS = ("-c", "pass")
CROWD = 32
ALONE = "the interpreter alone"
LIMIT = ": limit"
AHEAD = Aims(lead=1)
FIRST_RUN, MEMORY, TOGETHER = Aims(1, within=1.0), Aims(1, under=40e6), Aims(1, within=1.1)
ONE_CORE = ("taskset", "--cpu-list", "0")
UNPACK = 'zstd -dcq "$1" | tar -xf - -C "$2" && shift 2 && exec "$@"'
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

    def row(self, taken: Taken, aims: Aims | None, where: str = "") -> Row:
        """``taken`` may have a limit: what is named after the work and ``LIMIT``."""
        peer, limit = self.tree.peer.name, taken.get(self.work + LIMIT, ())
        return Row(self.work + where, taken[self.work], peer, taken[peer], limit, aims)


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
    hello = _first_runs(world, every, HELLO)
    walls, peaks = column(hello, "wall_s"), column(hello, "peak_bytes")
    slow = column(_first_runs(world, _shipped(every), HELLO, ONE_CORE), "wall_s")
    rows = [pair.row(walls, FIRST_RUN if pair.kind == "shipped" else AHEAD) for pair in every]
    rows += [pair.row(slow, Aims(1, within=1.3), ", on one core") for pair in _shipped(every)]
    yield Figure("first-run-hello", tuple(rows), median(walls[ALONE]))
    peaks = {name: values for name, values in peaks.items() if LIMIT not in name}
    plain = [pair for pair in every if pair.kind != "common"]
    rows = [pair.row(peaks, MEMORY if pair.kind == "shipped" else AHEAD) for pair in plain]
    yield Figure("first-run-memory", tuple(rows))


def first_imports(world: World) -> Iterator[Figure]:
    every = pairs(world)
    walls = column(_first_runs(world, every, IMPORTS), "wall_s")
    rows = [pair.row(walls, None if pair.kind == "none" else AHEAD) for pair in every]
    yield Figure("first-run-imports", tuple(rows), median(walls[ALONE]))


def crowds(world: World) -> Iterator[Figure]:
    plain = [pair for pair in pairs(world) if pair.kind != "common"]
    count = 2 if world.effort.short else CROWD
    starts = {
        name: partial(_crowd, world, path, count) for name, path in programs(world, plain).items()
    }
    starts[ALONE] = partial(
        _all_hello, [world.interpreter(world.trees[0]), *HELLO], world.env(), count
    )
    for pair in _shipped(plain):
        path = world.program(pair.tree, "shipped")
        starts[pair.work + LIMIT] = partial(_crowd, world, path, 1)
    taken = world.turns(f"{count} processes at once", starts, between=world.between)
    for pair in _shipped(plain):
        both = zip(taken[ALONE], taken[pair.work + LIMIT], strict=True)
        taken[pair.work + LIMIT] = tuple(map(sum, both))
    rows = [pair.row(taken, TOGETHER if pair.kind == "shipped" else AHEAD) for pair in plain]
    yield Figure("crowd", tuple(rows), median(taken[ALONE]))


def _shipped(chosen: Sequence[Pair]) -> list[Pair]:
    return [pair for pair in chosen if pair.kind == "shipped"]


def _first_runs(
    world: World, chosen: Sequence[Pair], args: Sequence[str], prefix: Sequence[str] = ()
) -> dict[str, tuple[Sample, ...]]:
    """Of what is shipped also the limit: C programs unpack the same files, and Python starts."""

    def cold(program: Path) -> Sample:
        return run_measured([*prefix, program, *args], env=world.env(world.fresh()))

    def unpacked(archive: Path, interpreter: str) -> Sample:
        to = world.fresh()
        unpack = ["sh", "-c", UNPACK, "sh", str(archive), str(to), str(to / interpreter)]
        return run_measured([*prefix, *unpack, *args], env=world.env())

    subjects = {name: partial(cold, path) for name, path in programs(world, chosen).items()}
    for pair in chosen:
        if pair.kind == "shipped":
            archive = world.archive_of_shipped(pair.tree)
            subjects[pair.work + LIMIT] = partial(unpacked, *archive)
    subjects[ALONE] = partial(
        run_measured, [world.interpreter(world.trees[0]), *args], env=world.env()
    )
    what = f"first runs: {args[-1]}{', on one core' if prefix else ''}"
    return world.turns(what, subjects, between=world.between)


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
    yield Figure("warm-start", tuple(pair.row(_overheads(world, pair), AHEAD) for pair in chosen))
    rows = [pair.row(_calls(world, pair), Aims(1, under=0.001)) for pair in chosen]
    yield Figure("warm-call", tuple(rows))


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


def text_trees(world: World) -> Iterator[Figure]:
    """Trees of 700, 2,800 and 11,200 text files: packed, extracted, and found in place."""
    newest = world.trees[0]
    packers = {
        "peer": world.program(newest, "peer", PACKER),
        "ours": world.program(newest, "none", PACKER),
    }
    aims = {"pack": Aims(0.5), "cold": AHEAD, "warm": AHEAD}
    rows: dict[str, tuple[Row, ...]] = dict.fromkeys(aims, ())
    for times in world.effort.some(TIMES):
        tree = _tree(world, times)
        count = sum(1 for _ in tree.rglob("*.py"))
        subjects: dict[tuple[str, str], Callable[[], Sample]] = {}
        for who, packer in packers.items():
            subjects |= {(step, who): run for step, run in _steps(world, packer, tree).items()}
        archive = world.fresh() / "tree.tar"
        subprocess.run(["tar", "-cf", archive, "-C", tree, "."], check=True)
        subjects["cold", "limit"] = partial(_untar, world, archive)
        taken = column(world.turns(f"{count} files in a tree", subjects), "wall_s")
        for step, wanted in aims.items():
            ours, theirs, limit = (taken.get((step, who), ()) for who in ("ours", "peer", "limit"))
            row = Row(f"{count} files", ours, newest.peer.name, theirs, limit, wanted)
            rows[step] = (*rows[step], row)
    for step, found in rows.items():
        yield Figure(f"text-{step}", found)


def _untar(world: World, archive: Path) -> Sample:
    return run_measured(["tar", "-xf", archive, "-C", world.fresh()], env=world.env())


def worker_calls(world: World) -> Iterator[Figure]:
    """A call of a Python function in a process that stays, by the Go module's own benchmarks."""
    package, program = TEMPLATE / "python" / "worker", world.fresh("tests") / "worker.test"
    world.go.run("test", "-c", "-o", str(program), ".", cwd=package)

    def benchmark(name: str) -> float:
        command = [str(program), "-test.run=^$", f"-test.bench=^{name}$", "-test.benchtime=0.5s"]
        printed = subprocess.check_output(command, cwd=package, env=world.env(), text=True)
        found = re.search(r"([\d.]+) ns/op", printed)
        assert found, printed
        return float(found[1]) / 1e9

    names = ("BenchmarkCall", "BenchmarkProcess", "BenchmarkPingPong")
    subjects = {name: partial(benchmark, name) for name in names}
    ours, process, ping = world.turns("calls of a worker", subjects).values()
    work = "one call, a short string and back"
    row = Row(work, ours, "a process for each call", process, ping, Aims(1, within=2.0))
    yield Figure("worker-call", (row,))


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
