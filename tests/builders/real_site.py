"""Projects whose payloads are real interpreters, most of PBS, as the peers' modules carry them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.config.cells import asset_name
from tests.builders.peer_trees import write_cell_archive
from tests.builders.site import PBS, Site, make_site
from tests.harness.peers import Trees
from tests.harness.project import Line, git, matrix_text


def make_real_site(
    folder: Path,
    peer: Trees,
    platforms: Sequence[str],
    *,
    others: Sequence[str] = (),
    pip: bool = False,
    matrix: str = "",
) -> Site:
    """Build the peer's trees, packed fast and without bytecode; ``folder`` must be new or empty.

    The line has ``others`` too, and nothing is built for them.
    ``matrix`` replaces the text of matrix.toml, whose only line must be the peer's Python.
    """
    folder.mkdir(parents=True, exist_ok=True)
    line = Line(peer.python, PBS, platforms=(*platforms, *others))
    primary = peer.python.rpartition(".")[0]
    site = make_site(folder, line, matrix=matrix or matrix_text(line, pip=pip), primary=primary)
    site.assets.mkdir()
    cells = [cell for cell in site.cells.values() if cell.platform.name in platforms]
    for cell in cells:
        write_cell_archive(cell, peer, site.assets / asset_name(cell, site.matrix.archive))
    site.lock_assets()
    site.build(*(cell.name for cell in cells), *["pip"] * pip)
    site.commit("Assets")
    return site


def tagged_module(site: Site, folder: Path) -> Path:
    """Tag the module in the site's project; returns a work tree of the tag at ``folder``."""
    outcome = site.finalize()
    assert outcome.code == 0, outcome.log
    git(folder.parent, "clone", "--quiet", "--branch=v0.1.0", site.project.root.as_uri(),
        str(folder))  # fmt: skip
    return folder
