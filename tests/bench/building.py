"""Figures of build time: what is downloaded, how long `go build` takes, what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.bench.measure import Sample, in_turns, run_measured
from tests.bench.model import Figure, Measured, Row, Unit
from tests.bench.world import EMBED, OWN, PLATFORM, World, module_zip_bytes
from tests.harness.go import Go
from tests.harness.peers import Peer, stored_bytes


def figures(world: World) -> Iterator[Figure]:
    """All of build time, each as soon as it is measured."""
    yield payload_sizes(world)
    yield binary_sizes(world)
    yield module_zips(world)
    yield go_builds(world)


def payload_sizes(world: World) -> Figure:
    """What a Go binary gets for the platform of this machine."""
    rows = []
    for tree in world.released:
        folder = world.payloads / tree.cell_name(PLATFORM)
        ours = sum(path.stat().st_size for path in folder.iterdir())
        theirs = stored_bytes(tree.peer.payload(PLATFORM))
        rows.append(_sizes(_work(tree.peer), ours, theirs, tree.peer, aim=8.0))
    return Figure(
        "payload-size",
        "Payload for linux/amd64",
        Unit.BYTES,
        "Contents and manifests as they stand in the module, as each ships them. "
        "goempy's hold bytecode and licence texts besides; ratatoskr's hold debug sections.",
        tuple(rows),
    )


def binary_sizes(world: World) -> Figure:
    """The same program around each module."""
    rows = []
    for tree in world.released:
        ours = world.shipped_program(tree).stat().st_size
        theirs = world.peer_program(tree).stat().st_size
        rows.append(_sizes(_work(tree.peer), ours, theirs, tree.peer, aim=8.0))
    return Figure(
        "binary-size",
        "Go binary for linux/amd64",
        Unit.BYTES,
        "One program that runs Python, around each module.",
        tuple(rows),
    )


def module_zips(world: World) -> Figure:
    """What a module proxy hands to a developer, whatever platform the program is for."""
    newest = world.trees[0]
    ours = module_zip_bytes(world.own_go, Peer(OWN, world.tag(newest), newest.peer.python))
    count = len(newest.platforms)
    rows = []
    for tree in world.trees:
        work = f"all platforms: goempy {newest.peer.python}, {count}; {tree.peer.name}, "
        work += str(platforms_of(tree.peer))
        rows.append(_sizes(work, ours, module_zip_bytes(world.go, tree.peer), tree.peer, aim=3.0))
    return Figure(
        "module-zip",
        "Module download",
        Unit.BYTES,
        "The zip that `go mod download` fetches. Trees for musl, x86-64-v3 and windows/arm64 are "
        "in no peer's module, so what twice the platforms take is not measured.",
        tuple(rows),
    )


def platforms_of(peer: Peer) -> int:
    """For how many platforms a peer's module has a payload."""
    return sum(1 for _manifest in peer.payload("").glob("*/files.json"))


def go_builds(world: World) -> Figure:
    """`go build` with nothing compiled yet."""
    tree = world.trees[0]
    peer = tree.peer
    subjects: dict[str, Callable[[], Sample]] = {
        peer.name: partial(_go_build, world, world.go, world.peer_program(tree).parent),
        "goempy": partial(_go_build, world, world.own_go, world.shipped_program(tree).parent),
    }
    world.say(f"go build: {_work(peer)}")
    taken = in_turns(subjects, world.effort.runs, warmups=0)
    world.sweep()
    walls = {
        name: Measured(name, tuple(each.wall_s for each in samples))
        for name, samples in taken.items()
    }
    return Figure(
        "go-build",
        "`go build`, cold build cache",
        Unit.SECONDS,
        "The program above with an empty GOCACHE, so Go's standard library is compiled too; "
        "the modules are downloaded already.",
        (Row(_work(peer), walls["goempy"], walls[peer.name], aim=1.0),),
    )


def _go_build(world: World, go: Go, source: Path) -> Sample:
    fresh = world.fresh("gocache")
    # A short run has no time to compile Go's standard library again and again.
    cold = {} if world.effort.short else {"GOCACHE": str(fresh / "cache")}
    return run_measured(
        [go.program, "build", "-tags", EMBED, "-o", fresh / "program", "."],
        env={**go.env(), **cold},
        cwd=source,
    )


def _work(peer: Peer) -> str:
    name = peer.module.rpartition("/")[2]
    return f"Python {peer.python}: {name}"


def _sizes(work: str, ours: int, theirs: int, peer: Peer, *, aim: float) -> Row:
    measured = Measured("goempy", (float(ours),)), Measured(peer.name, (float(theirs),))
    return Row(work, *measured, aim=aim)
