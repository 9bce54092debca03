"""A project with a remote, and its assets, payloads and releases beside it."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from pipeline.build.digest import cell_digest, origin_of
from pipeline.config.cells import all_cells, asset_name
from pipeline.config.lock import dump_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Cell, Matrix, Pin
from pipeline.formats.payload.model import Component
from pipeline.system.files import scratch_dir, sha256_of
from tests.builders.payloads import pack_files
from tests.builders.pbs_archive import full_archive, unix_tree, windows_tree
from tests.fakes.github.server import GitHub
from tests.harness.project import Line, Outcome, Project, git, make_project, matrix_text

PBS = "20261021"
PLATFORMS = ("linux-amd64", "windows-amd64")
LINES = tuple(Line(python, PBS, platforms=PLATFORMS) for python in ("3.14.9", "3.13.17"))
CELLS = [f"{line.python}/{name}" for line in LINES for name in PLATFORMS]
TAGS = ["v0.1.0", "v0.1.0-py3.13.17"]
NEXT_TAGS = ["v0.2.0", "v0.2.0-py3.13.17"]
SHA256 = "ab" * 32


@dataclass(frozen=True)
class Site:
    """A project; what commands read and write for it is in ``folder``."""

    project: Project
    folder: Path

    @property
    def assets(self) -> Path:
        return self.folder / "assets"

    @property
    def payloads(self) -> Path:
        return self.folder / "payloads"

    @property
    def remote(self) -> Path:
        """The bare repository that ``origin`` is."""
        return self.folder / "remote.git"

    @property
    def repository(self) -> Path:
        """The bare repository that ``goempy release`` writes to."""
        return self.folder / "release.git"

    @property
    def matrix(self) -> Matrix:
        return parse_matrix((self.project.root / "matrix.toml").read_text("utf-8"))

    @property
    def cells(self) -> dict[str, Cell]:
        return {cell.name: cell for cell in all_cells(self.matrix)}

    @property
    def python(self) -> str:
        """The version of the first line."""
        return str(self.matrix.lines[0].python)

    def lock_assets(self, archives: Mapping[str, bytes] | None = None) -> None:
        """Pin every file of ``assets``, with ``archives`` added to them."""
        self.assets.mkdir(exist_ok=True)
        for name, data in (archives or {}).items():
            (self.assets / name).write_bytes(data)
        pins = [
            Pin(PBS, path.name, sha256_of(path), path.stat().st_size)
            for path in sorted(self.assets.iterdir())
        ]
        self.project.write("matrix.lock", dump_lock(pins))

    def make(
        self,
        names: Iterable[str] = CELLS,
        noise_bytes: int = 0,
        components: tuple[Component, ...] = (),
    ) -> None:
        """Payloads of cells, as ``goempy build`` would make them of the pinned assets."""
        matrix, cells = self.matrix, self.cells
        for name in names:
            cell, folder = cells[name], self.payloads / name
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            line = str(cell.line.python)
            cpython = Component("cpython", line, ("Python-2.0",), ("COPYING",))
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
                components=(cpython, *components),
            )

    def forget_payloads(self) -> None:
        """Leave an empty folder, as a workflow has it that built nothing."""
        shutil.rmtree(self.payloads, ignore_errors=True)
        self.payloads.mkdir()

    def build(self, *names: str, env: Mapping[str, str] | None = None) -> None:
        """Payloads of cells, built from ``assets``; wheels are those of an earlier run."""
        with wheels_of_this_machine(self.folder / "cache"):
            outcome = self.project.run(
                "build", *names, "--source", self.assets, "--out", self.payloads, env=env
            )
        assert outcome.code == 0, outcome.log

    def release(self, *more: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        """Everything from ``assets`` to the tags in ``repository``."""
        outcome = self.project.run(
            "release", "--source", self.assets, "--out", self.folder, *more, env=env
        )
        assert outcome.code == 0, outcome.log
        return outcome

    def finalize(
        self,
        *more: str | Path,
        checkout: Project | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Outcome:
        project = checkout or self.project
        return project.run(
            "finalize", "--payloads", self.payloads, "--repo", project.root, *more, env=env
        )

    def push(self, *more: str | Path, checkout: Project | None = None) -> Outcome:
        """Finalize, and push the tags to ``remote``."""
        return self.finalize("--push", "origin", *more, checkout=checkout)

    def try_payloads(self, *more: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        return self.project.run("try", "--payloads", self.payloads, *more, env=env)

    def plan(self, *more: str | Path, checkout: Project | None = None) -> dict[str, Any]:
        outcome = self.try_plan(*more, checkout=checkout)
        assert outcome.code == 0, outcome.log
        plan: dict[str, Any] = json.loads(outcome.out)
        return plan

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
        folder = self.folder / name
        depth = ["--depth=1"] if shallow else []
        git(self.folder, "clone", "--quiet", *depth, "--no-tags", "--branch=main",
            self.remote.as_uri(), str(folder))  # fmt: skip
        return Project(folder)

    def tags(self, where: Path | None = None) -> dict[str, str]:
        rows = git(where or self.remote, "for-each-ref", "--format=%(refname:short) %(objectname)",
                   "refs/tags")  # fmt: skip
        return dict(row.split() for row in rows.splitlines())

    def forge(self, tag: str, change: Callable[[Path, str], tuple[dict[str, bytes], str]]) -> None:
        """Move a tag at the remote: ``change`` gets a work tree and the message of its commit."""
        tree = self.folder / "forged"
        git(self.folder, "clone", "--quiet", str(self.remote), str(tree))
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


@contextlib.contextmanager
def wheels_of_this_machine(cache: Path) -> Iterator[None]:
    """Wheels that a test has fetched are in ``cache``, and what is fetched now is kept for others.

    Each pip that fetches one takes a second. A build verifies their digests wherever they are from.
    """
    kept = platformdirs.user_cache_path("goempy-tests") / "wheels"
    for folder in (cache, kept):
        folder.mkdir(parents=True, exist_ok=True)
    for wheel in kept.glob("*.whl"):
        shutil.copyfile(wheel, cache / wheel.name)
    yield
    for wheel in cache.glob("*.whl"):
        with scratch_dir(kept) as scratch:
            shutil.copyfile(wheel, scratch / wheel.name).replace(kept / wheel.name)


NAME = "me/goempy"


@dataclass(frozen=True)
class HostedSite(Site):
    """A site whose remote is ``NAME`` on a GitHub."""

    github: GitHub

    @property
    def summary(self) -> Path:
        return self.folder / "summary.md"

    def run(self, *argv: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        """Run ``goempy`` as a job of GitHub Actions does."""
        job = {
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_API_URL": self.github.api,
            "GITHUB_TOKEN": "s3cret",
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }
        return self.project.run(*argv, env={**job, **(env or {})})


def hosted_site(site: Site, github: GitHub) -> HostedSite:
    github.bare[NAME] = site.remote
    return HostedSite(site.project, site.folder, github)


def asset(python: str, platform: str, kind: str = "full") -> str:
    """The file name of a cell's archive."""
    (cell,) = all_cells(parse_matrix(matrix_text(Line(python, PBS, platforms=(platform,)))))
    return asset_name(cell, kind)


def full_archives(
    unix: Callable[[str], dict[str, bytes | str]] = unix_tree,
) -> dict[str, bytes]:
    """An archive for each cell of ``LINES``; ``unix`` makes the tree of a minor version."""
    made = {}
    for cell in all_cells(parse_matrix(matrix_text(*LINES))):
        windows = cell.platform.goos == "windows"
        tree = windows_tree() if windows else unix(cell.line.python.minor_line)
        python, triple = str(cell.line.python), cell.platform.triple
        made[asset_name(cell, "full")] = full_archive(tree, version=python, triple=triple)
    return made


def make_site(
    folder: Path,
    *lines: Line,
    archives: Mapping[str, bytes] | None = None,
    matrix: str = "",
    primary: str = "3.14",
    version: str = "0.1.0",
) -> Site:
    """A project with every asset pinned, pushed to a remote that keeps packs as GitHub does.

    Without ``archives`` the pins are made up. ``matrix`` replaces the text of matrix.toml.
    """
    project = make_project(folder, *(lines or LINES), primary=primary, version=version)
    site = Site(project, folder)
    if matrix:
        project.write("matrix.toml", matrix)
    if archives:
        site.lock_assets(archives)
    else:
        made_up = site.matrix
        rows = {asset_name(cell, made_up.archive): cell.line.pbs for cell in all_cells(made_up)}
        pins = [Pin(pbs, name, SHA256, 1000) for name, pbs in sorted(rows.items())]
        project.write("matrix.lock", dump_lock(pins))
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(site.remote))
    git(site.remote, "config", "receive.unpackLimit", "1")
    git(site.remote, "config", "receive.autogc", "false")
    git(site.remote, "config", "uploadpack.allowFilter", "true")
    project.git("remote", "add", "origin", str(site.remote))
    site.commit("Lock")
    return site


def make_released(folder: Path, noise_bytes: int = 0) -> Site:
    """A site whose VERSION 0.1.0 is released; no payload is left."""
    site = make_site(folder)
    site.make(noise_bytes=noise_bytes)
    outcome = site.push()
    assert outcome.code == 0, outcome.log
    site.forget_payloads()
    return site
