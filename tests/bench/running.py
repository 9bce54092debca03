"""Figures of run time: the first start, and many at once.

Every first run has an empty temp directory. The same program is built around each module, and
nothing but its arguments differs between the figures.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench import wording
from tests.bench.measure import Sample, in_turns, run_measured
from tests.bench.model import Figure, Measured, Row, Unit
from tests.bench.pairs import Pair, interpreter, pairs
from tests.bench.world import World

HELLO = ("-c", 'print("hello")')
IMPORTS = ("-c", "import json, asyncio, ssl, urllib.request, sqlite3, logging")
CROWD = 32
ALONE = "the interpreter alone"


def figures(world: World) -> Iterator[Figure]:
    """All of run time, each as soon as it is measured."""
    hello, alone = first_runs(world, HELLO)
    yield _first_run(
        "first-run-hello", 'First run to `print("hello")`', hello,
        lambda pair: 25.0 if pair.shipped else 10.0,
        f"Nothing is extracted; from the start of the Go program to its end. {alone}",
    )  # fmt: skip
    yield Figure(
        "first-run-memory",
        "Peak memory of the Go process at the first run",
        Unit.BYTES,
        "The largest resident set in the runs above, pages of the program file included. "
        "Python itself takes 13 MB.",
        tuple(
            Row(pair.work, _peaks(ours, "goempy"), _peaks(peer, pair.tree.peer.name), aim=4.0)
            for pair, ours, peer in hello
            if not pair.compiled
        ),
    )
    imports, alone = first_runs(world, IMPORTS)
    yield _first_run(
        "first-run-imports", "First run to `import json, asyncio, ssl, …`", imports,
        lambda pair: 5.0 if pair.shipped or pair.compiled else None,
        "As above, with `import json, asyncio, ssl, urllib.request, sqlite3, logging`. "
        "goempy ships the bytecode of these modules. Without it Python compiles them, on both "
        f"sides, in the rows of a peer's tree alone: they are shown and not judged. {alone}",
    )  # fmt: skip
    yield crowd(world)


Taken = tuple[Pair, tuple[Sample, ...], tuple[Sample, ...]]


def _first_run(
    key: str, title: str, taken: list[Taken], aim: Callable[[Pair], float | None], how: str
) -> Figure:
    rows = tuple(
        Row(pair.work, _walls(ours, "goempy"), _walls(peer, pair.tree.peer.name), aim=aim(pair))
        for pair, ours, peer in taken
    )
    return Figure(key, title, Unit.SECONDS, how, rows)


def _walls(samples: tuple[Sample, ...], name: str) -> Measured:
    return Measured(name, tuple(each.wall_s for each in samples))


def _peaks(samples: tuple[Sample, ...], name: str) -> Measured:
    return Measured(name, tuple(float(each.peak_bytes) for each in samples))


def first_runs(world: World, args: tuple[str, ...]) -> tuple[list[Taken], str]:
    """Cold runs of every program, all in turns; peers run once a turn, whatever they stand for.

    The second value says what the interpreter alone takes: nobody can be faster.
    """
    every = pairs(world)
    subjects: dict[str, Callable[[], Sample]] = {}
    for tree in world.trees:
        subjects[tree.peer.name] = partial(cold, world, world.peer_program(tree), args)
    for pair in every:
        subjects[pair.work] = partial(cold, world, pair.ours(), args)
    subjects[ALONE] = partial(run_measured, [extracted(world), *args], env=world.env())
    world.say(f"first runs: {args[-1]}")
    taken = in_turns(subjects, world.effort.runs, between=world.between)
    world.sweep()
    alone = wording.quantity(median(each.wall_s for each in taken[ALONE]), Unit.SECONDS)
    told = f"The interpreter that goempy ships, started directly, takes {alone}."
    return [(pair, taken[pair.work], taken[pair.tree.peer.name]) for pair in every], told


def extracted(world: World) -> str:
    """The path of the interpreter that goempy ships, extracted."""
    home = world.folder / "extracted"
    home.mkdir(exist_ok=True)
    return interpreter(world.shipped_program(world.trees[0]), world.env(home))


def cold(world: World, program: Path, args: tuple[str, ...]) -> Sample:
    """One run of a program that finds nothing extracted."""
    return run_measured([program, *args], env=world.env(world.fresh()))


def crowd(world: World) -> Figure:
    """Many processes that find nothing extracted, all at once."""
    rows = []
    chosen = [pair for pair in pairs(world) if not pair.compiled]
    subjects: dict[str, Callable[[], float]] = {}
    for tree in world.trees:
        subjects[tree.peer.name] = partial(together, world, world.peer_program(tree), CROWD)
    for pair in chosen:
        subjects[pair.work] = partial(together, world, pair.ours(), CROWD)
    bare = [extracted(world), *HELLO]
    subjects[ALONE] = partial(all_together, bare, world.env(), CROWD)
    world.say(f"{CROWD} processes at once")
    taken = in_turns(subjects, world.effort.runs, between=world.between)
    world.sweep()
    alone = wording.quantity(median(taken[ALONE]), Unit.SECONDS)
    for pair in chosen:
        peer, ours = taken[pair.tree.peer.name], taken[pair.work]
        measured = Measured("goempy", ours), Measured(pair.tree.peer.name, peer)
        rows.append(Row(pair.work, *measured, aim=10.0))
    return Figure(
        "crowd",
        f"{CROWD} processes at once, nothing extracted",
        Unit.SECONDS,
        "Started together, with one temp directory; until all have printed. "
        f"{CROWD} interpreters started directly take {alone}.",
        tuple(rows),
    )


def together(world: World, program: Path, count: int) -> float:
    """Seconds until ``count`` processes that find nothing extracted have all ended well."""
    return all_together([program, *HELLO], world.env(world.fresh("crowd")), count)


def all_together(argv: Sequence[str | Path], env: dict[str, str], count: int) -> float:
    """Seconds until ``count`` processes that start together have all said hello."""
    command = [str(each) for each in argv]
    begin = time.perf_counter()
    started = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(count)
    ]
    outputs = [process.communicate()[0] for process in started]
    wall_s = time.perf_counter() - begin
    for process, output in zip(started, outputs, strict=True):
        if process.returncode or output.strip() != b"hello":
            raise subprocess.CalledProcessError(process.returncode, command, output=output)
    return wall_s
