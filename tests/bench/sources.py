"""What is packed: the peers' interpreter trees, in archives of PBS's shape and name.

The trees are those that the peers' generators made of PBS's archives, so what a peer's generator
drops is missing in them: neither side has to read and drop it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.cells import all_cells, asset_name
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Cell
from pipeline.system.files import sha256_of
from tests.builders.pbs_archive import INSTALL, WINDOWS_EXTENSIONS, beside_tree, unix_extensions
from tests.harness.peers import Peer, write_archive
from tests.harness.project import Line, matrix_text

_LEVEL_OF_TESTS, _LEVEL = "level = 3", "level = 19"


@dataclass(frozen=True)
class Tree:
    """A peer's interpreter, and the PBS release that it is of."""

    peer: Peer
    pbs: str
    platforms: tuple[str, ...] = ("linux-amd64",)

    @property
    def line(self) -> Line:
        return Line(self.peer.python, self.pbs, platforms=self.platforms)

    def cell_name(self, platform: str = "linux-amd64") -> str:
        return f"{self.peer.python}/{platform}"


def shipping_matrix(trees: Iterable[Tree], *, fast: bool, bytecode: str = "common") -> str:
    """The repository's own matrix.toml, with the trees' lines; ``fast`` packs with level 3."""
    text = matrix_text(*(tree.line for tree in trees), pip=True, bytecode=bytecode)
    return text if fast else text.replace(_LEVEL_OF_TESTS, _LEVEL)


def keeping_matrix(trees: Iterable[Tree], *, fast: bool, bytecode: str = "none") -> str:
    """The same, but nothing leaves a tree and nothing is stripped: what goes in is shipped."""
    text = shipping_matrix(trees, fast=fast, bytecode=bytecode)
    kept = (
        '[trim]\nkeep_unix = ["**"]\nkeep_windows = ["**"]\nstrip = false\nunless_needed = []\n\n'
    )
    return text[: text.index("[trim]\n")] + kept + text[text.index("[pip]") :]


def cells(tree: Tree) -> tuple[Cell, ...]:
    """The tree's cells."""
    return tuple(all_cells(parse_matrix(matrix_text(tree.line))))


def archive_path(assets: Path, tree: Tree, platform: str = "linux-amd64") -> Path:
    """Where ``write_assets`` puts the archive of a cell."""
    (cell,) = [each for each in cells(tree) if each.platform.name == platform]
    return assets / tree.pbs / asset_name(cell, "full")


def write_assets(assets: Path, trees: Iterable[Tree]) -> None:
    """Every archive of the trees below ``assets``, and each release's SHA256SUMS."""
    sums: dict[str, list[str]] = {}
    for tree in trees:
        (assets / tree.pbs).mkdir(parents=True, exist_ok=True)
        for cell in cells(tree):
            path = archive_path(assets, tree, cell.platform.name)
            write_archive(
                tree.peer.payload(cell.platform.name), path, root=INSTALL, extra=_beside(cell)
            )
            sums.setdefault(tree.pbs, []).append(f"{sha256_of(path)}  {path.name}\n")
    for release, lines in sums.items():
        (assets / release / "SHA256SUMS").write_text("".join(lines))


def _beside(cell: Cell) -> dict[str, bytes]:
    """What the peers leave out."""
    windows = cell.platform.goos == "windows"
    extensions = WINDOWS_EXTENSIONS if windows else unix_extensions(cell.line.python.minor_line)
    return beside_tree(str(cell.line.python), cell.platform.triple, extensions)
