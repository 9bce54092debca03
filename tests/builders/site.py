"""A release whose payloads are made up, and checkouts that know nothing of it but its remote."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.build.digest import cell_digest, origin_of
from pipeline.config.cells import all_cells, asset_name
from pipeline.config.lock import dump_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Pin
from pipeline.formats.payload.model import Component
from tests.harness.project import Line, Outcome, Project, git, make_project
from tests.unit.build.test_pack import pack_files

PLATFORMS = ("linux-amd64", "windows-amd64")
LINES = tuple(Line(python, platforms=PLATFORMS) for python in ("3.14.9", "3.13.17"))
CELLS = [f"{line.python}/{name}" for line in LINES for name in PLATFORMS]
TAGS = ["v0.1.0", "v0.1.0-py3.13.17"]
NEXT_TAGS = ["v0.2.0", "v0.2.0-py3.13.17"]
SHA256 = "ab" * 32


@dataclass(frozen=True)
class Site:
    """A project whose remote is at ``remote``; payloads go into ``payloads``."""

    project: Project
    payloads: Path
    remote: Path

    def make(self, names: Iterable[str] = CELLS, noise_bytes: int = 0) -> None:
        """Payloads of cells, as ``goempy build`` would make them of the pinned assets."""
        matrix = parse_matrix((self.project.root / "matrix.toml").read_text("utf-8"))
        cells = {cell.name: cell for cell in all_cells(matrix)}
        for name in names:
            cell, folder = cells[name], self.payloads / name
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            line = str(cell.line.python)
            pack_files(
                folder,
                {
                    "COPYING": f"A licence of {line}.\n".encode(),
                    "os.py": b"shared" * 99,
                    "noise": random.Random(name).randbytes(100 + noise_bytes),
                    "shared": random.Random(line).randbytes(100 + noise_bytes),
                },
                origin=origin_of(cell, SHA256, matrix),
                cell_digest=cell_digest(cell, SHA256, matrix),
                components=(Component("cpython", line, ("Python-2.0",), ("COPYING",)),),
            )

    def forget_payloads(self) -> None:
        shutil.rmtree(self.payloads, ignore_errors=True)

    def finalize(self, *more: str | Path, checkout: Project | None = None) -> Outcome:
        project = checkout or self.project
        return project.run(
            "finalize", "--payloads", self.payloads, "--repo", project.root, "--push", "origin",
            *more,
        )  # fmt: skip

    def plan(self, *more: str | Path, checkout: Project | None = None) -> dict[str, Any]:
        outcome = self.try_plan(*more, checkout=checkout)
        assert outcome.code == 0, outcome.log
        told: dict[str, Any] = json.loads(outcome.out)
        return told

    def try_plan(self, *more: str | Path, checkout: Project | None = None) -> Outcome:
        project = checkout or self.project
        return project.run(
            "plan", "--json", "--repo", project.root, "--remote", "origin", *more
        )  # fmt: skip

    def commit(self, message: str = "Change") -> None:
        self.project.git("add", "--all")
        self.project.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        self.project.git("push", "--quiet", "origin", "HEAD:refs/heads/main")

    def raise_version(self, version: str = "0.2.0") -> None:
        self.project.write("VERSION", f"{version}\n")
        self.commit(f"Version {version}")

    def change_matrix(self, before: str, after: str) -> None:
        text = (self.project.root / "matrix.toml").read_text("utf-8")
        assert before in text
        self.project.write("matrix.toml", text.replace(before, after))
        self.commit()

    def checkout(self, name: str = "checkout", *, shallow: bool = True) -> Project:
        """A clone of the remote's main, without its tags, as a workflow makes it."""
        folder = self.remote.parent / name
        depth = ["--depth=1"] if shallow else []
        git(self.remote.parent, "clone", "--quiet", *depth, "--no-tags", "--branch=main",
            self.remote.as_uri(), str(folder))  # fmt: skip
        return Project(folder)

    def tags(self, where: Path | None = None) -> dict[str, str]:
        rows = git(where or self.remote, "for-each-ref", "--format=%(refname:short) %(objectname)",
                   "refs/tags")  # fmt: skip
        return dict(row.split() for row in rows.splitlines())

    def forge(self, tag: str, change: Callable[[Path, str], tuple[dict[str, bytes], str]]) -> None:
        """Move a tag at the remote: ``change`` gets a work tree and the message of its commit."""
        tree = self.remote.parent / "forged"
        git(self.remote.parent, "clone", "--quiet", str(self.remote), str(tree))
        git(tree, "checkout", "--quiet", "--detach", tag)
        files, message = change(tree, git(tree, "show", "-s", "--format=%B", tag))
        for name, data in files.items():
            (tree / name).write_bytes(data)
        git(tree, "add", "--all", "--force")
        made = git(
            tree, "commit-tree", git(tree, "write-tree").strip(), "-p", f"{tag}^", "-m", message
        ).strip()
        git(tree, "push", "--quiet", "--force", "origin", f"{made}:refs/tags/{tag}")
        shutil.rmtree(tree)

    def size_bytes(self) -> int:
        """What the objects of the remote take on its disk."""
        rows = git(self.remote, "count-objects", "-v").splitlines()
        counts = dict(row.split(": ") for row in rows)
        return 1024 * (int(counts["size"]) + int(counts["size-pack"]))


def make_site(folder: Path) -> Site:
    """A project with every asset pinned, pushed to a remote that keeps packs as GitHub does."""
    project = make_project(folder, *LINES)
    matrix = parse_matrix((project.root / "matrix.toml").read_text("utf-8"))
    names = sorted(asset_name(cell, matrix.archive) for cell in all_cells(matrix))
    project.write("matrix.lock", dump_lock([Pin("20261021", n, SHA256, 1000) for n in names]))
    remote = folder / "remote.git"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(remote, "config", "receive.unpackLimit", "1")
    git(remote, "config", "uploadpack.allowFilter", "true")
    project.git("remote", "add", "origin", str(remote))
    site = Site(project, folder / "payloads", remote)
    site.commit("Lock")
    return site


def make_released(folder: Path, noise_bytes: int = 0) -> Site:
    """A site whose VERSION 0.1.0 is released; no payload is left."""
    site = make_site(folder)
    site.make(noise_bytes=noise_bytes)
    outcome = site.finalize()
    assert outcome.code == 0, outcome.log
    site.forget_payloads()
    return site
