"""Figures of release time: one cell, a release in which only VERSION changed, many cells.

The peers' generators are built of their own modules as the module proxy has them.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench import sources
from tests.bench.measure import Sample, in_turns, run_measured
from tests.bench.model import Curve, Figure, Growth, Measured, Point, Row, Unit
from tests.bench.sources import Tree
from tests.bench.world import NEWEST, PLATFORM, UNSTRIPPED, World
from tests.harness.peers import Peer
from tests.harness.project import git

OTHER_PLATFORM = "darwin-arm64"
"""Where the newest peer strips nothing, which it does in a container."""
AIM = 2.0
_JOB = re.compile(r'^\t\t\{"(\w+)", "(\w+)", .*\},\n', re.MULTILINE)


def figures(world: World) -> Iterator[Figure]:
    """All of release time, each as soon as it is measured."""
    taken = [_in_turns(world, each) for each in pairs(world)]
    yield _figure(
        "cell-cpu", "One cell, from archive to payload: processor time", Unit.SECONDS,
        "User and system time of all processes; the archive is a local file. The newest "
        "go-embed-python strips Linux binaries in a container, which is not measured, so its row "
        "is macOS; goempy's time includes the bytecode.",
        [(each, [s.cpu_s for s in ours], [s.cpu_s for s in peer]) for each, ours, peer in taken],
    )  # fmt: skip
    yield _figure(
        "cell-memory", "One cell, from archive to payload: peak memory", Unit.BYTES,
        "The largest resident set of any one process in the runs above.",
        [(each, [float(s.peak_bytes) for s in ours], [float(s.peak_bytes) for s in peer])
         for each, ours, peer in taken],
    )  # fmt: skip
    peers = {each.peer: peer for each, _ours, peer in taken}
    yield from releases_again(world, peers.get(UNSTRIPPED.peer, ()))


@dataclass(frozen=True)
class Pair:
    """A cell, and the peer whose generator makes the same of its archive."""

    peer: Peer
    tree: Tree
    platform: str

    @property
    def work(self) -> str:
        """What the row is called."""
        goos, _, goarch = self.platform.partition("-")
        shape = ", with debug sections" if self.tree is UNSTRIPPED else ""
        return f"Python {self.tree.peer.python} for {goos}/{goarch}{shape}"


Taken = tuple[Pair, Sequence[Sample], Sequence[Sample]]
Values = tuple[Pair, list[float], list[float]]


def pairs(world: World) -> list[Pair]:
    """What is compared. A run of the first takes the peer minutes."""
    newest = world.trees[0]
    platform = OTHER_PLATFORM if OTHER_PLATFORM in newest.platforms else newest.platforms[-1]
    found = [Pair(newest.peer, newest, platform)]
    if UNSTRIPPED in world.trees:
        found.insert(0, Pair(UNSTRIPPED.peer, UNSTRIPPED, PLATFORM))
    return found


def _in_turns(world: World, pair: Pair) -> Taken:
    generator = make_generator(world, pair.peer, pair.platform)
    world.say(f"{pair.work}: {pair.peer.name} and goempy")
    subjects: dict[str, Callable[[], Sample]] = {
        "peer": partial(_generate, world, generator, pair),
        "ours": partial(_build, world, pair),
    }
    taken = in_turns(subjects, world.effort.runs, warmups=0)
    world.sweep()
    return pair, taken["ours"], taken["peer"]


def make_generator(world: World, peer: Peer, platform: str) -> Path:
    """The peer's own generator, for one platform alone."""
    world.say(f"the generator of {peer.name}")
    folder = world.folder / "generators" / peer.name.replace(" ", "-")
    # Of the module cache nothing can be written; and the payloads are not needed.
    shutil.copytree(
        peer.folder(), folder, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("data")
    )
    for each in (folder, *folder.rglob("*")):
        each.chmod(each.stat().st_mode | 0o200)
    main = folder / "python" / "generate" / "main.go"
    main.write_text(only_job(main.read_text("utf-8"), platform), "utf-8")
    program = folder / "generator"
    world.go.run("build", "-o", str(program), "./python/generate", cwd=folder)
    return program


def only_job(source: str, platform: str) -> str:
    """A generator's source whose list of jobs is cut to one platform."""
    jobs = {f"{goos}-{goarch}" for goos, goarch in _JOB.findall(source)}
    assert platform in jobs, f"the generator's jobs are not where they were: {jobs}"
    return _JOB.sub(lambda job: job[0] if f"{job[1]}-{job[2]}" == platform else "", source)


def _generate(world: World, generator: Path, pair: Pair) -> Sample:
    """The peer's generator; the archive lies where it would download it to."""
    world.sweep()
    fresh = world.fresh("generate")
    archive = sources.archive_path(world.assets, pair.tree, pair.platform)
    (fresh / "prepare").mkdir()
    os.link(archive, fresh / "prepare" / archive.name)
    (fresh / "python" / "internal" / "data").mkdir(parents=True)
    sample = run_measured(
        [
            generator, "-python-standalone-version", pair.tree.pbs,
            "-python-version", pair.tree.peer.python, "-prepare-path", fresh / "prepare",
        ],
        env=world.env(fresh), cwd=fresh,
    )  # fmt: skip
    assert (fresh / "python" / "internal" / "data" / pair.platform / "files.json").is_file()
    return sample


def _build(world: World, pair: Pair) -> Sample:
    cell, out = pair.tree.cell_name(pair.platform), world.fresh("build")
    command = world.goempy(
        world.checkout, "build", cell, "--source", world.assets, "--out", out
    )  # fmt: skip
    return run_measured(command, env=world.env(), cwd=world.folder)


def _figure(key: str, title: str, unit: Unit, how: str, taken: Sequence[Values]) -> Figure:
    rows = tuple(
        Row(
            pair.work,
            Measured("goempy", tuple(ours)),
            Measured(pair.peer.name, tuple(peer)),
            aim=AIM,
        )
        for pair, ours, peer in taken
    )
    return Figure(key, title, unit, how, rows)


# A release in which only VERSION changed


@dataclass(frozen=True)
class Again:
    """What such a release took, and what it added to the remote repository."""

    wall_s: float
    added_bytes: int


def releases_again(world: World, generator: Sequence[Sample]) -> Iterator[Figure]:
    """``generator`` are the runs of ratatoskr's for one platform, where there are any."""
    remote = _raised(world)
    world.say("a release with only VERSION changed")
    subjects = {"ours": partial(_release_again, world, remote)}
    taken = in_turns(subjects, world.effort.runs)["ours"]
    world.sweep()
    count = sum(len(tree.platforms) for tree in world.released)
    work = f"{count} payloads and pip"
    peer = None
    if len(generator) == len(taken):
        name = f"{UNSTRIPPED.peer.name}, one payload"
        peer = Measured(name, tuple(each.wall_s for each in generator))
    yield Figure(
        "release-again",
        "Release with only VERSION changed: time",
        Unit.SECONDS,
        "goempy: `plan --json` and `finalize --push` in a shallow clone, to a repository of this "
        "machine; no payload is built. A peer's `build-tag.sh` runs the generator for five "
        "platforms each time: of ratatoskr's, the wall time of the runs above, for one.",
        (Row(work, Measured("goempy", tuple(each.wall_s for each in taken)), peer),),
    )
    added = Measured("goempy", tuple(float(each.added_bytes) for each in taken))
    yield Figure(
        "release-again-bytes",
        "Release with only VERSION changed: bytes added to the repository",
        Unit.BYTES,
        "The objects of the remote repository after the push, less those before. "
        "A peer's generator makes the same bytes again, which git stores once, too.",
        (Row(work, added),),
    )


def _raised(world: World) -> Path:
    """A copy of the release's repository, whose ``main`` has the next VERSION and a lock."""
    remote, source = world.folder / "raised.git", world.folder / "raised"
    shutil.copytree(world.repository, remote)
    # As GitHub has it.
    git(remote, "config", "uploadpack.allowFilter", "true")
    git(remote, "config", "receive.unpackLimit", "1")
    git(world.folder, "clone", "--quiet", str(world.checkout), str(source))
    world.make(source, "lock", "--source", world.assets)
    (source / "VERSION").write_text("0.2.0\n", "utf-8")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message=Version 0.2.0")
    git(source, "push", "--quiet", str(remote), "HEAD:refs/heads/main")
    return remote


def _release_again(world: World, raised: Path) -> Again:
    fresh = world.fresh("again")
    remote, clone, payloads = fresh / "remote.git", fresh / "clone", fresh / "payloads"
    shutil.copytree(raised, remote)
    payloads.mkdir()
    address = remote.as_uri()
    git(fresh, "clone", "--quiet", "--depth=1", "--no-tags", "--branch=main", address, str(clone))
    before = _objects_bytes(remote)
    plan: list[str | Path] = ["plan", "--json", "--repo", clone, "--remote", "origin"]
    finalize: list[str | Path] = ["finalize", "--payloads", payloads, "--repo", clone]
    finalize += ["--push", "origin", "--without-licenses"]
    wall_s = 0.0
    for command in (plan, finalize):
        wall_s += run_measured(world.goempy(clone, *command), env=world.env(), cwd=fresh).wall_s
    assert git(remote, "tag", "--list", "v0.2.0*").split()
    return Again(wall_s, _objects_bytes(remote) - before)


def _objects_bytes(repository: Path) -> int:
    files = (path for path in (repository / "objects").rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)


# How the cost of a build grows


def growth(world: World) -> Iterator[Growth]:
    """One call of ``goempy build`` for more and more cells: time, and memory."""
    counts = (1,) if world.effort.short else (1, 2, 4, 8, 16)
    trees = [
        Tree(dataclasses.replace(NEWEST.peer, python=f"3.14.{patch}"), NEWEST.pbs)
        for patch in range(max(counts))
    ]
    world.say(f"archives of {len(trees)} versions")
    assets = world.folder / "many-assets"
    sources.write_assets(assets, trees)
    matrix = sources.shipping_matrix(trees, fast=world.effort.short, bytecode="none")
    root = world.project("many", matrix)
    names = [tree.cell_name() for tree in trees]
    world.say(f"builds of {', '.join(map(str, counts))} cells")
    taken = in_turns(
        {count: partial(_build_many, world, root, assets, names[:count]) for count in counts},
        runs=1,
        warmups=0,
    )
    world.sweep()
    how = (
        f"One `goempy build` without bytecode; each cell is the tree of {NEWEST.peer.name} for "
        "linux/amd64 under a version of its own. One run each: all take five minutes."
    )
    for key, title, unit, value in (
        ("cells-time", "Cells of one build: time", Unit.SECONDS, lambda each: each.wall_s),
        ("cells-memory", "Cells of one build: peak memory", Unit.BYTES, _peak),
    ):
        points = tuple(
            Point(count, tuple(value(each) for each in taken[count])) for count in counts
        )
        yield Growth(key, title, "cells", unit, how, (Curve("goempy", points),))


def _peak(sample: Sample) -> float:
    return float(sample.peak_bytes)


def _build_many(world: World, root: Path, assets: Path, names: Sequence[str]) -> Sample:
    command = world.goempy(root, "build", *names, "--source", assets, "--out", world.fresh("many"))
    return run_measured(command, env=world.env(), cwd=world.folder)
