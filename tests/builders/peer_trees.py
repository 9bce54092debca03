"""The peers' interpreter trees, in archives of PBS's shape and name.

The trees are those that the peers' generators made of PBS's archives, so what a peer's generator
drops is missing in them: neither side has to read and drop it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.cells import all_cells, asset_name
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Cell
from pipeline.system.files import sha256_of
from tests.builders.pbs_archive import INSTALL, WINDOWS_EXTENSIONS, beside_tree, unix_extensions
from tests.harness.peers import Peer, Trees, write_archive
from tests.harness.project import Line, matrix_text

PLATFORM = "linux-amd64"
_KEEP_ALL = (
    '[trim]\nkeep_unix = ["**"]\nkeep_windows = ["**"]\nstrip = false\nunless_needed = []\n\n'
)
_IMPORTED = re.compile(
    r"(?!(lib/python3\.\d+|Lib)/[\w-]+/)|(lib/python3\.\d+|Lib)/"
    r"(asyncio|collections|compression|concurrent|email|encodings|http|importlib|json|lib-dynload"
    r"|logging|pathlib|re|sqlite3|string|sysconfig|urllib)/"
)
"""Files of a tree that a start and the imports of the bench read, and those beside them."""


@dataclass(frozen=True)
class Tree:
    """A peer's interpreter, and the PBS release that it is of."""

    peer: Peer
    pbs: str
    platforms: tuple[str, ...] = (PLATFORM,)

    @property
    def line(self) -> Line:
        return Line(self.peer.python, self.pbs, platforms=self.platforms)

    @property
    def cells(self) -> dict[str, Cell]:
        """By platform."""
        cells = all_cells(parse_matrix(matrix_text(self.line)))
        return {cell.platform.name: cell for cell in cells}

    def cell_name(self, platform: str = PLATFORM) -> str:
        return f"{self.peer.python}/{platform}"

    def archive(self, assets: Path, platform: str = PLATFORM) -> Path:
        """Where ``write_assets`` puts the archive of a cell."""
        return assets / self.pbs / asset_name(self.cells[platform], "full")


def shipping_matrix(trees: Iterable[Tree], *, fast: bool, bytecode: str = "common") -> str:
    """The repository's own matrix.toml, with the trees' lines; ``fast`` packs with level 3."""
    text = matrix_text(*(tree.line for tree in trees), pip=True, bytecode=bytecode)
    return text if fast else text.replace("level = 3", "level = 19")


def keeping_matrix(trees: Iterable[Tree], *, fast: bool, bytecode: str = "none") -> str:
    """The same, but nothing leaves a tree and nothing is stripped: what goes in is shipped."""
    text = shipping_matrix(trees, fast=fast, bytecode=bytecode)
    return text[: text.index("[trim]\n")] + _KEEP_ALL + text[text.index("[pip]") :]


def write_assets(assets: Path, trees: Iterable[Tree], *, small: bool = False) -> None:
    """Every archive of the trees below ``assets``, and each release's SHA256SUMS.

    ``small`` leaves out what no script of the bench imports.
    """
    keep: Callable[[str], object] = _IMPORTED.match if small else bool
    for tree in trees:
        (assets / tree.pbs).mkdir(parents=True, exist_ok=True)
        for platform, cell in tree.cells.items():
            path = tree.archive(assets, platform)
            write_cell_archive(cell, tree.peer, path, keep)
            with (assets / tree.pbs / "SHA256SUMS").open("a") as sums:
                sums.write(f"{sha256_of(path)}  {path.name}\n")


def write_cell_archive(
    cell: Cell, peer: Trees, path: Path, keep: Callable[[str], object] = bool
) -> None:
    """The archive of a cell, of the peer's tree for the same GOOS and GOARCH."""
    platform = cell.platform
    windows, line = platform.goos == "windows", cell.line.python.minor_line
    extensions = WINDOWS_EXTENSIONS if windows else unix_extensions(line)
    beside = beside_tree(peer.python, platform.triple, extensions)
    payload = peer.payload(f"{platform.goos}-{platform.goarch}")
    write_archive(payload, path, root=INSTALL, extra=beside, keep=keep)
