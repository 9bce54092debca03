"""How the costs of a first and of a later start grow: with files, and with processes at once."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pipeline.release.module_tree import TEMPLATE
from tests.bench.measure import Sample, in_turns, run_measured
from tests.bench.model import Curve, Growth, Point, Unit
from tests.bench.running import together
from tests.bench.world import OWN, World, write_main

PACKER = Path(__file__).parents[1] / "data" / "bench" / "packer" / "main.go"
TIMES = (1, 4, 16)
STARTS = (1, 2, 4, 8, 16, 32, 64)
FILES = 700
"""About as many as an interpreter's tree has."""


class Step(NamedTuple):
    """What is done with a tree, and how the picture calls it."""

    key: str
    title: str
    how: str


STEPS = (
    Step(
        "pack",
        "Packing a tree",
        "`embed_util.CopyForEmbed` of a folder of Python files. The peer stores text as it is.",
    ),
    Step("cold", "Extracting a tree", "`embed_util.NewEmbeddedFiles`, nothing extracted."),
    Step("warm", "Finding a tree in place", "The same again."),
)


def growths(world: World) -> Iterator[Growth]:
    """All growth at run time."""
    yield from files(world)
    yield starts(world)


def starts(world: World) -> Growth:
    """1 to 64 processes that find nothing extracted."""
    newest = world.trees[0]
    programs = {
        newest.peer.name: world.peer_program(newest),
        "goempy, same tree": world.tree_program(newest),
        "goempy, as shipped": world.shipped_program(newest),
    }
    points: dict[str, list[Point]] = {name: [] for name in programs}
    for count in STARTS[:1] if world.effort.short else STARTS:
        world.say(f"{count} first starts at once")
        subjects = {name: partial(together, world, path, count) for name, path in programs.items()}
        for name, values in in_turns(
            subjects, world.effort.few_runs, between=world.between
        ).items():
            points[name].append(Point(count, values))
        world.sweep()
    return Growth(
        "starts",
        "Processes that start at once, nothing extracted",
        "processes",
        Unit.SECONDS,
        f"Until all have printed. Medians of {world.effort.few_runs}.",
        tuple(Curve(name, tuple(values)) for name, values in points.items()),
    )


def files(world: World) -> Iterator[Growth]:
    """One, four and sixteen times the files of an interpreter: packed, extracted, found."""
    packers = {world.trees[0].peer.name: _peer_packer(world), "goempy": _own_packer(world)}
    points: dict[tuple[str, str], list[Point]] = {}
    for times in TIMES[:1] if world.effort.short else TIMES:
        world.say(f"{times * FILES} files in a tree")
        tree = _tree(world, times)
        count = sum(1 for _ in tree.rglob("*.py"))
        subjects: dict[tuple[str, str], Callable[[], Sample]] = {}
        for name, packer in packers.items():
            subjects |= _subjects(world, name, packer, tree)
        for key, samples in in_turns(subjects, world.effort.few_runs).items():
            walls = tuple(each.wall_s for each in samples)
            points.setdefault(key, []).append(Point(count, walls))
        world.sweep()
    for step in STEPS:
        curves = tuple(Curve(name, tuple(points[step.key, name])) for name in packers)
        how = f"{step.how} Medians of {world.effort.few_runs}; the program's start included."
        yield Growth(f"files-{step.key}", step.title, "files", Unit.SECONDS, how, curves)


def _subjects(
    world: World, name: str, packer: Path, tree: Path
) -> dict[tuple[str, str], Callable[[], Sample]]:
    payload, home = world.fresh("payload"), world.fresh("warm")

    def pack() -> Sample:
        return run_measured([packer, "pack", tree, world.fresh("packed")], env=world.env())

    def cold() -> Sample:
        return run_measured([packer, "extract", payload], env=world.env(world.fresh("cold")))

    def warm() -> Sample:
        return run_measured([packer, "extract", payload], env=world.env(home))

    run_measured([packer, "pack", tree, payload], env=world.env())
    warm()
    return {("pack", name): pack, ("cold", name): cold, ("warm", name): warm}


def _tree(world: World, times: int) -> Path:
    """The running Python's own library ``times`` over, no two files the same."""
    library = Path(sysconfig.get_path("stdlib"))
    chosen = [path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts]
    root = world.fresh("tree")
    for copy in range(times):
        for path in chosen[:FILES]:
            target = root / f"copy{copy}" / path.relative_to(library)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes() + f"\n# {copy}\n".encode())
    return root


def _peer_packer(world: World) -> Path:
    peer = world.trees[0].peer
    return _built(
        world, peer.module, f"packer {peer.name}", "get", f"{peer.module}/embed_util@{peer.version}"
    )


def _own_packer(world: World) -> Path:
    replaced = f"-replace={OWN}={TEMPLATE}"
    return _built(world, OWN, "packer goempy", "mod", "edit", f"-require={OWN}@v0.0.0", replaced)


def _built(world: World, module: str, name: str, *require: str) -> Path:
    folder = world.folder / "programs" / name.replace(" ", "-")
    write_main(PACKER, module, folder)
    (folder / "go.mod").write_text("module example.com/packer\n\ngo 1.24\n", "utf-8")
    world.go.run(*require, cwd=folder)
    world.go.run("mod", "tidy", cwd=folder)
    world.go.run("build", "-o", "packer", ".", cwd=folder)
    return folder / "packer"
