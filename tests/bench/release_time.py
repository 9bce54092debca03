"""Release time: one cell, many cells, a release in which only VERSION changed; and profiles.

The peers' generators are built of their own modules as the module proxy has them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench.model import Aims, Figure, Growth, Profile, Row
from tests.bench.run_time import HELLO
from tests.bench.world import DATA, UNSTRIPPED, World
from tests.builders.peer_trees import PLATFORM, Tree, shipping_matrix
from tests.harness.measure import Sample, column, run_measured
from tests.harness.peers import stored_bytes
from tests.harness.project import REPOSITORY, git

Run = Callable[[], Sample]
OTHER_PLATFORM = "darwin-arm64"  # the newest peer strips Linux binaries, in a container
LEVELS = (3, 6, 9, 12, 15, 17, 19)
RATE_HZ = 100
CELL_PARTS = {
    "a Python to compile with": ("HostInterpreters.of",),
    "find and check the asset": ("AssetFetcher.fetch",),
    "read the archive, decide": ("plan_cell",),
    "read it again, strip, stage": ("_stage_contents", "_stage_texts"),
    "compile bytecode": ("_stage_bytecode",),
    "compress": ("pack_tree",),
}
"""What the thread that builds a cell does, by the functions that do it; the first match counts."""
_JOB = re.compile(r'^\t\t\{"(\w+)", "(\w+)", .*\},\n', re.MULTILINE)
_TOP = re.compile(r" *([\d.]+)(?:us)? +[\d.]+% +[\d.]+% +([\d.]+)(?:us)? +[\d.]+% +(\S.*)")


def figures(world: World) -> Iterator[Figure]:
    newest = world.trees[0]
    platform = OTHER_PLATFORM if OTHER_PLATFORM in newest.platforms else newest.platforms[-1]
    chosen = [(UNSTRIPPED, PLATFORM)] if UNSTRIPPED in world.trees else []
    compared = [(*each, _cell(world, *each)) for each in (*chosen, (newest, platform))]
    # Processor time is what the smaller payload costs: see how it grows with the level.
    for key, name, aims in (
        ("cell-cpu", "cpu_s", None),
        ("cell-memory", "peak_bytes", Aims(lead=1)),
    ):
        rows = []
        for tree, where, taken in compared:
            values = column(taken, name)
            work = f"Python {tree.peer.python} for {where.replace('-', '/')}"
            work += ", with debug sections" if tree is UNSTRIPPED else ""
            rows.append(Row(work, values["ours"], tree.peer.name, values["peer"], aims=aims))
        yield Figure(key, tuple(rows))
    subjects = {"ours": partial(_release_again, world, _raised(world))}
    again = world.turns("a release with only VERSION changed", subjects)["ours"]
    times, sizes = zip(*again, strict=True)
    work = f"{sum(len(tree.platforms) for tree in world.released)} payloads and pip"
    # The runs of ratatoskr's generator, for one platform.
    peer = f"{UNSTRIPPED.peer.name}, one payload" if chosen else ""
    generated = column(compared[0][2], "wall_s")["peer"] if chosen else ()
    yield Figure("release-again", (Row(work, times, peer, generated),))
    yield Figure("release-again-bytes", (Row(work, sizes),))


def _build(world: World, root: Path, *cells: str) -> Sample:
    command = world.build(root, *cells, out=world.fresh())
    return run_measured(command, env=world.without_cache(), cwd=REPOSITORY)


def _cell(world: World, tree: Tree, platform: str) -> dict[str, tuple[Sample, ...]]:
    generator = _make_generator(world, tree, platform)
    peer: Run = partial(_generate, world, generator, tree, platform)
    ours: Run = partial(_build, world, world.checkout, tree.cell_name(platform))
    return world.turns(f"one cell: {tree.peer.name}", {"peer": peer, "ours": ours}, warmups=0)


def cell_again(world: World) -> Iterator[Figure]:
    """Wall times of a build: with an empty cache folder, with it once more, without bytecode."""
    tree = world.trees[0]
    name = tree.cell_name()
    text = shipping_matrix([tree], fast=world.effort.short, bytecode="none")
    no_bytecode = world.project("no-bytecode", text)

    def build_twice() -> tuple[float, ...]:
        env = world.without_cache()
        commands = [world.build(world.checkout, name, out=world.fresh()) for _ in range(2)]
        return tuple(run_measured(each, env=env, cwd=REPOSITORY).wall_s for each in commands)

    def build_without_bytecode() -> tuple[float, ...]:
        return (_build(world, no_bytecode, name).wall_s,)

    subjects = {"twice": build_twice, "no bytecode": build_without_bytecode}
    taken = world.turns("one cell, twice and without bytecode", subjects, warmups=0)
    first, again = zip(*taken["twice"], strict=True)
    (sources,) = zip(*taken["no bytecode"], strict=True)
    work = f"Python {tree.peer.python} for linux/amd64"
    rows = (Row(work, first), Row(f"{work}, without bytecode", sources, aims=Aims(under=12)))
    yield Figure("cell-wall", rows)
    yield Figure("cell-again", (Row(work, again, "its first build", first, aims=Aims(lead=5)),))


def levels(world: World) -> Iterator[Growth]:
    """Processor time and size of a cell by zstd's level, and those of the peer, which has one."""
    tree, places = world.trees[0], world.effort.some(LEVELS)
    platform = OTHER_PLATFORM if OTHER_PLATFORM in tree.platforms else tree.platforms[-1]
    name, generator = tree.cell_name(platform), _make_generator(world, tree, platform)
    text = shipping_matrix([tree], fast=True, bytecode="none")
    roots = {
        level: world.project(f"level-{level}", text.replace("level = 3", f"level = {level}"))
        for level in places
    }

    def build(level: int) -> tuple[float, float]:
        if not level:
            sample = _generate(world, generator, tree, platform)
            return sample.cpu_s, stored_bytes(tree.peer.payload(platform))
        out = world.fresh()
        command = world.build(roots[level], name, out=out)
        sample = run_measured(command, env=world.without_cache(), cwd=REPOSITORY)
        return sample.cpu_s, stored_bytes(out / name)

    builds = {level: partial(build, level) for level in (0, *places)}
    taken = world.turns("a cell at each level", builds, world.effort.few_runs, warmups=0)
    for at, key in enumerate(("level-time", "level-size")):
        values = {level: tuple(each[at] for each in runs) for level, runs in taken.items()}
        ours = tuple(values[level] for level in places)
        theirs = (values[0],) * len(places)
        yield Growth(key, places, {"goempy": ours, f"{tree.peer.name}, gzip -9": theirs})


def _make_generator(world: World, tree: Tree, platform: str) -> Path:
    """The peer's own generator, for one platform alone."""
    folder = world.folder / "generators" / f"{tree.peer.name.replace(' ', '-')}-{platform}"
    program = folder / "generator"
    if program.exists():
        return program
    # The module cache is read-only; the payloads are not needed.
    no_data = shutil.ignore_patterns("data")
    shutil.copytree(tree.peer.folder(), folder, copy_function=shutil.copyfile, ignore=no_data)
    for each in (folder, *folder.rglob("*")):
        each.chmod(each.stat().st_mode | 0o200)
    main = folder / "python" / "generate" / "main.go"
    main.write_text(only_job(main.read_text("utf-8"), platform), "utf-8")
    world.go.run("build", "-o", str(program), "./python/generate", cwd=folder)
    return program


def only_job(source: str, platform: str) -> str:
    """A generator's source whose list of jobs is cut to one platform."""
    jobs = {f"{goos}-{goarch}" for goos, goarch in _JOB.findall(source)}
    assert platform in jobs, f"the generator's jobs are not where they were: {jobs}"
    return _JOB.sub(lambda job: job[0] if f"{job[1]}-{job[2]}" == platform else "", source)


def _generate(world: World, generator: Path, tree: Tree, platform: str) -> Sample:
    """The peer's generator; the archive is where it would download it to."""
    world.sweep()
    fresh = world.fresh()
    archive = tree.archive(world.assets, platform)
    prepared, data = fresh / "prepare", fresh / "python" / "internal" / "data"
    prepared.mkdir()
    data.mkdir(parents=True)
    os.link(archive, prepared / archive.name)
    command: list[str | Path] = [generator, "-python-standalone-version", tree.pbs]
    command += ["-python-version", tree.peer.python, "-prepare-path", prepared]
    sample = run_measured(command, env=world.env(fresh), cwd=fresh)
    assert (data / platform / "files.json").is_file()
    return sample


def _raised(world: World) -> Path:
    """A copy of the release's repository, whose ``main`` has the next VERSION and a lock."""
    remote, source = world.folder / "raised.git", world.folder / "raised"
    shutil.copytree(world.repository, remote)
    # As GitHub has it.
    git(remote, "config", "uploadpack.allowFilter", "true")
    git(remote, "config", "receive.unpackLimit", "1")
    git(world.folder, "clone", "--quiet", str(world.checkout), str(source))
    world.make(world.goempy(source, "lock", "--source", world.assets))
    (source / "VERSION").write_text("0.2.0\n", "utf-8")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message=Version 0.2.0")
    git(source, "push", "--quiet", str(remote), "HEAD:refs/heads/main")
    return remote


def _release_again(world: World, raised: Path) -> tuple[float, float]:
    """Seconds that a release takes, and bytes that it adds to the remote repository."""
    fresh = world.fresh()
    remote, clone, payloads = fresh / "remote.git", fresh / "clone", fresh / "payloads"
    shutil.copytree(raised, remote)
    payloads.mkdir()
    address = remote.as_uri()
    git(fresh, "clone", "--quiet", "--depth=1", "--no-tags", "--branch=main", address, str(clone))
    before = _objects_bytes(remote)
    plan = world.goempy(clone, "plan", "--json", "--repo", clone, "--remote", "origin")
    finalize = world.goempy(clone, "finalize", "--payloads", payloads, "--repo", clone)
    finalize += ["--push", "origin", "--without-licenses"]
    env, commands = world.env(), (plan, finalize)
    wall_s = sum(run_measured(each, env=env, cwd=REPOSITORY).wall_s for each in commands)
    assert git(remote, "tag", "--list", "v0.2.0*").split()
    return wall_s, float(_objects_bytes(remote) - before)


def _objects_bytes(repository: Path) -> int:
    files = (path for path in (repository / "objects").rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)


def growths(world: World) -> Iterator[Growth]:
    """One call of ``goempy build`` for more and more platforms of a line: time, and memory."""
    tree = world.trees[0]
    counts = world.effort.some(tuple(range(1, len(tree.platforms) + 1)))
    names = [tree.cell_name(platform) for platform in tree.platforms]
    builds = {n: partial(_build, world, world.checkout, *names[:n]) for n in counts}
    taken = world.turns(f"builds of {counts} cells", builds, 1, warmups=0)
    for key, name in (("cells-time", "wall_s"), ("cells-memory", "peak_bytes")):
        yield Growth(key, counts, {"goempy": tuple(column(taken, name).values())})


def profiles(world: World) -> Iterator[Profile]:
    yield _first_run(world)
    name = world.trees[0].cell_name()
    _spy(world, name, world.plots / "flame-cell.svg", "--format=flamegraph")
    stacks = world.fresh() / "stacks"
    _spy(world, name, stacks, "--format=raw", "--idle")
    yield Profile("cell", name, cell_parts(stacks.read_text("utf-8")))
    world.sweep()


def _first_run(world: World) -> Profile:
    """The shipped program: wall time by phase, and what Go's profiler sees in many first runs."""
    newest, times = world.trees[0], 2 if world.effort.short else 40
    shipped = world.program(newest, "shipped")
    program = world.program(newest, "shipped", DATA / "profile" / "main.go")
    command = [str(program), str(world.fresh()), str(times), f"{world.fresh()}/cpu.pprof"]
    printed = subprocess.check_output(command, env=world.env(world.fresh()), text=True)
    rows = [[float(word) for word in line.split()] for line in printed.splitlines()]
    extraction, check, hello = (median(values) for values in zip(*rows, strict=True))
    whole = [
        run_measured([shipped, *HELLO], env=world.env(world.fresh())).wall_s
        for _ in range(world.effort.runs)
    ]
    rest = median(whole) - extraction - check - hello
    parts = {
        "start and end of the Go process": max(rest, 0.0),
        "extraction": extraction,
        "self check: Python starts once": check,
        'Python: print("hello")': hello,
    }
    pprof = ("tool", "pprof", "-top", "-nodecount=12", "-unit=us", command[0], command[3])
    top = parse_top(world.go.run(*pprof, cwd=world.folder))
    world.sweep()
    functions = tuple((name, own / times, total / times) for name, own, total in top)
    return Profile("first-run", newest.peer.python, parts, functions)


def parse_top(text: str) -> Iterator[tuple[str, float, float]]:
    """``go tool pprof -top -unit=us``: functions, seconds in themselves and with their callees."""
    for row in filter(None, map(_TOP.fullmatch, text.splitlines())):
        name = row[3].partition(" (")[0].rpartition("/")[2]
        yield name, float(row[1]) / 1e6, float(row[2]) / 1e6


def _spy(world: World, cell: str, out: Path, *options: str) -> None:
    """py-spy's record of a cell's build."""
    world.say(f"profile of a cell: {options[0]}")
    out.parent.mkdir(parents=True, exist_ok=True)
    spy = [str(Path(sys.executable).with_name("py-spy")), "record", f"--rate={RATE_HZ}"]
    build = world.build(world.checkout, cell, out=world.fresh())
    spy += ["--subprocesses", "--function", *options, "-o", str(out), "--", *map(str, build)]
    world.make([*spy], world.without_cache())


def cell_parts(stacks: str) -> dict[str, float]:
    """Seconds of each part, by py-spy's raw stacks: ``frame;frame COUNT``."""
    spent = dict.fromkeys(CELL_PARTS, 0.0)
    for line in stacks.splitlines():
        stack, _blank, count = line.rpartition(" ")
        frames = {frame.rpartition(" (")[0] for frame in stack.split(";")}
        for part, functions in CELL_PARTS.items():
            if frames.intersection(functions):
                spent[part] += int(count) / RATE_HZ
                break
    return {part: seconds for part, seconds in spent.items() if seconds}
