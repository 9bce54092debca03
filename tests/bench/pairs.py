"""What is compared at run time: each peer's own tree around our module, and what each ships."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.sources import Tree
from tests.bench.world import World


@dataclass(frozen=True)
class Pair:
    """The same work for a peer and for us."""

    work: str
    tree: Tree
    ours: Callable[[], Path]
    shipped: bool = False
    compiled: bool = False


def pairs(world: World) -> list[Pair]:
    """Each peer's own tree around our module, and what each really ships."""
    found = []
    for tree in reversed(world.trees):
        name = tree.peer.name
        found.append(Pair(f"tree of {name}", tree, partial(world.tree_program, tree)))
    newest = world.trees[0]
    found.append(
        Pair(
            f"tree of {newest.peer.name}, packed with bytecode",
            newest,
            partial(world.tree_program, newest, "common"),
            compiled=True,
        )
    )
    for tree in world.released:
        work = f"as shipped, Python {tree.peer.python}: {tree.peer.name.split()[0]}"
        found.append(Pair(work, tree, partial(world.shipped_program, tree), shipped=True))
    return found


def interpreter(program: Path, env: dict[str, str]) -> str:
    """The path of the interpreter that a program has extracted, as Python itself tells it."""
    asked = subprocess.run(
        [program, "-c", "import sys; print(sys.executable)"],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return asked.stdout.strip()
