"""Figures of build time: what is downloaded, how long `go build` takes, what comes out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.bench.model import Aims, Figure, Row
from tests.bench.world import EMBED, OWN, World
from tests.builders.peer_trees import PLATFORM, Tree
from tests.harness.go import Go
from tests.harness.measure import Sample, column, run_measured
from tests.harness.peers import Peer, stored_bytes


def figures(world: World) -> Iterator[Figure]:
    payloads, programs = [], []
    for tree in world.released:
        ours = stored_bytes(world.payloads / tree.cell_name())
        row = _sizes(_work(tree), tree, ours, stored_bytes(tree.peer.payload(PLATFORM)))
        archive, _interpreter = world.archive_of_shipped(tree)
        payloads.append(dataclasses.replace(row, limit=(float(archive.stat().st_size),)))
        ours, theirs = (world.program(tree, kind).stat().st_size for kind in ("shipped", "peer"))
        programs.append(_sizes(_work(tree), tree, ours, theirs))
    yield Figure("payload-size", tuple(payloads))
    yield Figure("binary-size", tuple(programs))
    newest = world.trees[0]
    ours = _zip_bytes(world.own_go, Peer(OWN, world.tag(newest), newest.peer.python))
    zips = []
    for tree in world.trees:
        count = sum(1 for _manifest in tree.peer.payload("").glob("*/files.json"))
        work = f"all platforms: goempy {newest.peer.python}, {len(newest.platforms)}; "
        work += f"{tree.peer.name}, {count}"
        zips.append(_sizes(work, tree, ours, _zip_bytes(world.go, tree.peer)))
    yield Figure("module-zip", tuple(zips))
    subjects = {
        "peer": partial(_go_build, world, world.go, world.program(newest, "peer").parent),
        "ours": partial(_go_build, world, world.own_go, world.program(newest, "shipped").parent),
    }
    walls = column(world.turns("go build", subjects, warmups=0), "wall_s")
    row = Row(_work(newest), walls["ours"], newest.peer.name, walls["peer"], aims=Aims(lead=1))
    yield Figure("go-build", (row,))


def _work(tree: Tree) -> str:
    return f"Python {tree.peer.python}: {tree.peer.name.split()[0]}"


def _sizes(work: str, tree: Tree, ours: int, theirs: int) -> Row:
    return Row(work, (float(ours),), tree.peer.name, (float(theirs),), aims=Aims(lead=1))


def _zip_bytes(go: Go, peer: Peer) -> int:
    """What a module proxy sends to a developer, whatever platform the program is for."""
    answer = go.run("mod", "download", "-json", f"{peer.module}@{peer.version}", cwd=Path.home())
    return Path(json.loads(answer)["Zip"]).stat().st_size


def _go_build(world: World, go: Go, source: Path) -> Sample:
    """`go build` with nothing compiled yet; a short run does not compile the standard library."""
    fresh = world.fresh()
    cold = {} if world.effort.short else {"GOCACHE": str(fresh / "cache")}
    command: list[str | Path] = [go.program, "build", "-tags", EMBED, "-o", fresh / "program", "."]
    return run_measured(command, env={**go.env(), **cold}, cwd=source)
