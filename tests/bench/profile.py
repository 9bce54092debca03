"""Where the time goes: of a first run, and of a cell."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from tests.bench.measure import run_measured
from tests.bench.model import Part, Profile
from tests.bench.running import HELLO
from tests.bench.world import World

PROGRAM = Path(__file__).parents[1] / "data" / "bench" / "profile" / "main.go"
RATE_HZ = 100
"""Samples a second, of Go's profiler and of py-spy."""
CELL_PARTS = (
    ("a Python to compile with", ("HostInterpreters.of",)),
    ("find and check the asset", ("AssetFetcher.fetch",)),
    ("read the archive, decide", ("plan_cell",)),
    ("read it again, strip, stage", ("_stage_contents", "_stage_texts")),
    ("compile bytecode", ("_stage_bytecode",)),
    ("compress", ("pack_tree",)),
)
"""What the thread that builds a cell does, by the functions that do it; the first that is met."""


def profiles(world: World) -> Iterator[Profile]:
    """Both; raises ``CalledProcessError`` where the machine lets nobody look into a process."""
    yield first_run(world)
    yield cell(world)


def first_run(world: World) -> Profile:
    """The shipped program: wall time by phase, and what Go's profiler sees in many first runs."""
    world.say("profile of a first run")
    times = 2 if world.effort.short else 40
    shipped = world.shipped_program(world.trees[0])
    program = world.beside(shipped, PROGRAM)
    samples = world.fresh("profile") / "cpu.pprof"
    told = subprocess.run(
        [program, world.fresh("extracted"), str(times), samples],
        env=world.env(world.fresh()), capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [[float(word) for word in line.split()] for line in told.stdout.splitlines()]
    extraction, check, command = (median(column) for column in zip(*rows, strict=True))
    whole = median(
        run_measured([shipped, *HELLO], env=world.env(world.fresh())).wall_s
        for _ in range(world.effort.runs)
    )
    rest = max(whole - extraction - check - command, 0.0)
    traces = world.go.run("tool", "pprof", "-traces", str(program), str(samples), cwd=world.folder)
    world.sweep()
    return Profile(
        "first-run",
        f'A first run to `print("hello")`, Python {world.trees[0].peer.python} as shipped',
        f"Above, the wall clock of one run. Below, processor time of an extraction by Go's "
        f"profiler, mean of {times}; Python's own is not in it.",
        (
            Part("start and end of the Go process", rest),
            Part("extraction", extraction),
            Part("self check: Python starts once", check),
            Part('Python: print("hello")', command),
        ),
        _folded(parse_traces(traces), times),
    )


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_LEAF = re.compile(r"\s*([0-9.]+)(ns|us|µs|ms|s)\s+(\S.*)")


def parse_traces(text: str) -> Iterator[tuple[tuple[str, ...], float]]:
    """``go tool pprof -traces``: each stack, outermost call first, and its seconds."""
    for block in re.split(r"^-+\+-+$", text, flags=re.MULTILINE)[1:]:
        lines = block.strip("\n").splitlines()
        leaf = _LEAF.fullmatch(lines[0]) if lines else None
        if leaf is None:
            continue
        seconds = float(leaf[1]) * _UNITS[leaf[2]]
        frames = [leaf[3], *(line.strip() for line in lines[1:])]
        yield tuple(_go_name(frame) for frame in reversed(frames)), seconds


def _go_name(frame: str) -> str:
    """``zstd.(*Decoder).Read`` of ``github.com/klauspost/compress/zstd.(*Decoder).Read``."""
    return frame.removesuffix(" (inline)").rpartition("/")[2]


def _folded(
    stacks: Iterable[tuple[Sequence[str], float]], times: int
) -> tuple[tuple[str, float], ...]:
    """Equal stacks as one, without those that are next to nothing."""
    sums: defaultdict[str, float] = defaultdict(float)
    for frames, seconds in stacks:
        sums[";".join(frames)] += seconds / times
    least = sum(sums.values()) / 500
    return tuple(sorted((stack, value) for stack, value in sums.items() if value >= least))


def cell(world: World) -> Profile:
    """A cell's build under py-spy: the thread that builds it, and what all threads compute."""
    world.say("profile of a cell")
    name = world.trees[0].cell_name()
    waiting, busy = _spied(world, name, "--idle"), _spied(world, name)
    building = [(frames, seconds) for frames, seconds in waiting if "_build_one" in frames]
    world.sweep()
    return Profile(
        "cell",
        f"One cell, {name}: archive to payload",
        "Above, the wall clock of the thread that builds the cell. Below, processor time of all "
        "threads and of the Python that compiles the bytecode, by py-spy.",
        tuple(_parts(building)),
        _folded(busy, 1),
    )


def _parts(stacks: Iterable[tuple[Sequence[str], float]]) -> Iterator[Part]:
    spent: defaultdict[str, float] = defaultdict(float)
    for frames, seconds in stacks:
        for title, functions in CELL_PARTS:
            if any(each in frames for each in functions):
                spent[title] += seconds
                break
    return (Part(title, spent[title]) for title, _functions in CELL_PARTS if spent[title])


def _spied(world: World, name: str, *more: str) -> list[tuple[tuple[str, ...], float]]:
    out = world.fresh("spied")
    record = ["record", *more, "-s", "-f", "raw", "-r", str(RATE_HZ), "-o", f"{out}/stacks"]
    build = world.goempy(
        world.checkout, "build", name, "--source", world.assets, "--out", out / "payloads"
    )
    spy = Path(sys.executable).with_name("py-spy")
    subprocess.run(
        [spy, *record, "--", *build],
        env=world.env(), cwd=world.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(parse_raw((out / "stacks").read_text("utf-8")))


def parse_raw(text: str) -> Iterator[tuple[tuple[str, ...], float]]:
    """py-spy's raw form: frames without their files and lines, and seconds."""
    for line in text.splitlines():
        stack, _blank, count = line.rpartition(" ")
        # A process is named by its command, which may contain anything.
        stack = _PROCESSES.sub("", stack)
        frames = [_python_name(frame) for frame in stack.split(";")]
        kept = tuple(frame for frame in frames if frame not in _NOISE)
        yield kept, int(count) / RATE_HZ


_PROCESSES = re.compile(r'^process \d+:.*";')
_NOISE = {"Thread._bootstrap", "Thread._bootstrap_inner", "Thread.run", "_WorkItem.run"}


def _python_name(frame: str) -> str:
    """``pack_tree`` of ``pack_tree (pipeline/payload/pack.py:72)``."""
    return frame.rpartition(" (")[0] or frame
