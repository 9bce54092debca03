"""Figures of a later start: everything is extracted already."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench.measure import Sample, in_turns, run_measured
from tests.bench.model import Figure, Measured, Row, Unit
from tests.bench.pairs import interpreter, pairs
from tests.bench.world import World

TIMER = Path(__file__).parents[1] / "data" / "bench" / "timer" / "main.go"
NOTHING = ("-c", "pass")
WARM_LIMIT_S = 0.002


def figures(world: World) -> Iterator[Figure]:
    """The whole process, and the part of it that a module has in its hands."""
    yield warm_starts(world)
    yield warm_calls(world)


def warm_starts(world: World) -> Figure:
    """What the Go program adds to a start of the very interpreter that it has extracted."""
    rows = []
    for pair in pairs(world):
        if pair.compiled:
            continue
        world.say(f"warm starts: {pair.work}")
        peer, ours = _overheads(world, world.peer_program(pair.tree), pair.ours())
        rows.append(
            Row(
                pair.work,
                Measured("goempy", ours),
                Measured(pair.tree.peer.name, peer),
                aim=5.0,
                limit=WARM_LIMIT_S,
            )
        )
    return Figure(
        "warm-start",
        "Warm start over the bare interpreter",
        Unit.SECONDS,
        "Everything is extracted. Time of the Go program that runs `-c pass`, less that of the "
        f"extracted interpreter started directly: medians of {world.effort.block_runs} in turns, "
        "that many times over. Start and end of a Go process are part of it.",
        tuple(rows),
    )


def _overheads(world: World, peer: Path, ours: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What each adds, once a block of turns: a single pair differs more by chance than by cause."""
    subjects: dict[str, Callable[[], Sample]] = {}
    for name, program in (("peer", peer), ("ours", ours)):
        env = world.env(world.fresh("warm"))
        run_measured([program, *NOTHING], env=env)
        bare = [interpreter(program, env), *NOTHING]
        subjects[name] = partial(run_measured, [program, *NOTHING], env=env)
        subjects[f"bare {name}"] = partial(run_measured, bare, env=env)
    added: dict[str, list[float]] = {"peer": [], "ours": []}
    for _block in range(world.effort.runs):
        taken = in_turns(subjects, world.effort.block_runs, between=lambda: None)
        walls = {name: median(each.wall_s for each in turns) for name, turns in taken.items()}
        for name, values in added.items():
            values.append(walls[name] - walls[f"bare {name}"])
    world.sweep()
    return tuple(added["peer"]), tuple(added["ours"])


def warm_calls(world: World) -> Figure:
    """The part of a warm start that a module has in its hands."""
    rows = []
    for pair in pairs(world):
        if pair.compiled:
            continue
        world.say(f"warm calls: {pair.work}")
        subjects = {
            name: partial(_timed, world.beside(program, TIMER), world.env(world.fresh("warm")))
            for name, program in (
                ("peer", world.peer_program(pair.tree)),
                ("ours", pair.ours()),
            )
        }
        turns = world.effort.runs * world.effort.block_runs
        taken = in_turns(subjects, turns, between=lambda: None)
        measured = Measured("goempy", taken["ours"]), Measured(pair.tree.peer.name, taken["peer"])
        rows.append(Row(pair.work, *measured, aim=5.0, limit=WARM_LIMIT_S))
    world.sweep()
    return Figure(
        "warm-call",
        "Warm start, inside of the Go process",
        Unit.SECONDS,
        "From the call of `NewEmbeddedPython` to the command that it makes, in a process of its "
        f"own each time, {world.effort.runs * world.effort.block_runs} times.",
        tuple(rows),
    )


def _timed(program: Path, env: dict[str, str]) -> float:
    told = subprocess.run([program], env=env, capture_output=True, text=True, check=True)
    return float(told.stdout)
