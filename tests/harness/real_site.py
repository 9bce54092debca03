"""Projects whose payloads are real interpreters, most of PBS, as the peers' modules carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.cells import all_cells, asset_name
from pipeline.config.lock import dump_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Pin
from pipeline.system.files import sha256_of
from tests.builders.pbs_archive import INSTALL, beside_tree, unix_extensions
from tests.harness.go import Go
from tests.harness.peers import Trees, write_archive
from tests.harness.project import Line, Outcome, Project, git, make_project, matrix_text

PBS = "20261021"


@dataclass(frozen=True)
class RealSite:
    """A project with one line, whose ``payloads`` are built."""

    project: Project
    payloads: Path
    python: str

    def try_payloads(
        self, platform: str, go: Go, *more: str | Path, env: Mapping[str, str] | None = None
    ) -> Outcome:
        """Run ``goempy try`` for a platform."""
        return self.project.run(
            "try", "--payloads", self.payloads, "--platform", platform, *more,
            env={**go.env(), **(env or {})},
        )  # fmt: skip

    def release(self, folder: Path) -> Path:
        """Tag the module in a repository of its own; returns a work tree of the tag."""
        outcome = self.project.run(
            "finalize", "--payloads", self.payloads, "--repo", self.project.root
        )
        assert outcome.code == 0, outcome.log
        git(folder.parent, "clone", "--quiet", "--branch=v0.1.0", self.project.root.as_uri(),
            str(folder))  # fmt: skip
        return folder


def make_real_site(
    folder: Path, peer: Trees, platforms: Sequence[str], *, pip: bool = False, matrix: str = ""
) -> RealSite:
    """Build the peer's trees, packed fast and without bytecode; ``folder`` must be new or empty.

    ``matrix`` replaces the text of matrix.toml, whose only line must be the peer's Python.
    """
    folder.mkdir(parents=True, exist_ok=True)
    line = Line(peer.python, PBS, platforms=tuple(platforms))
    project = make_project(folder, line, primary=peer.python.rpartition(".")[0])
    project.write("matrix.toml", matrix or matrix_text(line, pip=pip))
    _write_assets(project, peer, folder / "assets")
    payloads = folder / "payloads"
    names = [f"{peer.python}/{name}" for name in platforms] + ["pip"] * pip
    outcome = project.run("build", *names, "--source", folder / "assets", "--out", payloads)
    assert outcome.code == 0, outcome.log
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message=Assets")
    return RealSite(project, payloads, peer.python)


def _write_assets(project: Project, peer: Trees, folder: Path) -> None:
    """An archive for each platform, of the peer's tree for the same GOOS and GOARCH."""
    folder.mkdir()
    matrix = parse_matrix((project.root / "matrix.toml").read_text("utf-8"))
    pins = []
    for cell in all_cells(matrix):
        platform = cell.platform
        payload = peer.payload(f"{platform.goos}-{platform.goarch}")
        path = folder / asset_name(cell, matrix.archive)
        extra = beside_tree(
            peer.python, platform.triple, unix_extensions(cell.line.python.minor_line)
        )
        write_archive(payload, path, root=INSTALL, extra=extra)
        pins.append(Pin(PBS, path.name, sha256_of(path), path.stat().st_size))
    project.write("matrix.lock", dump_lock(pins))
