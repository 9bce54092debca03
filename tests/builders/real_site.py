"""Projects whose payloads are real interpreters, most of PBS, as the peers' modules carry them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.config.cells import asset_name
from tests.builders.pbs_archive import INSTALL, beside_tree, unix_extensions
from tests.builders.site import PBS, Site, make_site
from tests.harness.peers import Trees, write_archive
from tests.harness.project import Line, git, matrix_text


def make_real_site(
    folder: Path, peer: Trees, platforms: Sequence[str], *, pip: bool = False, matrix: str = ""
) -> Site:
    """Build the peer's trees, packed fast and without bytecode; ``folder`` must be new or empty.

    ``matrix`` replaces the text of matrix.toml, whose only line must be the peer's Python.
    """
    folder.mkdir(parents=True, exist_ok=True)
    line = Line(peer.python, PBS, platforms=tuple(platforms))
    primary = peer.python.rpartition(".")[0]
    site = make_site(folder, line, matrix=matrix or matrix_text(line, pip=pip), primary=primary)
    _write_archives(site, peer)
    site.lock_assets()
    site.build(*site.cells, *["pip"] * pip)
    site.commit("Assets")
    return site


def _write_archives(site: Site, peer: Trees) -> None:
    """An archive for each platform, of the peer's tree for the same GOOS and GOARCH."""
    site.assets.mkdir()
    for cell in site.cells.values():
        platform = cell.platform
        payload = peer.payload(f"{platform.goos}-{platform.goarch}")
        path = site.assets / asset_name(cell, site.matrix.archive)
        extra = beside_tree(
            peer.python, platform.triple, unix_extensions(cell.line.python.minor_line)
        )
        write_archive(payload, path, root=INSTALL, extra=extra)


def tagged_module(site: Site, folder: Path) -> Path:
    """Tag the module in the site's project; returns a work tree of the tag at ``folder``."""
    outcome = site.finalize()
    assert outcome.code == 0, outcome.log
    git(folder.parent, "clone", "--quiet", "--branch=v0.1.0", site.project.root.as_uri(),
        str(folder))  # fmt: skip
    return folder
