"""What the figures are measured with; each piece is made when it is first asked for.

All of it is in one scratch folder; the peers' modules are in this machine's own module cache.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from pipeline.release.module_tree import TEMPLATE, template_module_path
from pipeline.system.process import run
from tests.bench.model import Effort
from tests.builders.peer_trees import PLATFORM, Tree, keeping_matrix, shipping_matrix, write_assets
from tests.harness.go import Go, find_go, from_repository
from tests.harness.measure import Key, Value, in_turns
from tests.harness.peers import GO_EMBED_PYTHON, GO_EMBED_PYTHON_NEWEST, RATATOSKR
from tests.harness.project import FIVE_PLATFORMS, REPOSITORY, git, write_project

OWN = template_module_path(TEMPLATE)
DATA = Path(__file__).parents[1] / "data" / "bench"
PROGRAM = DATA / "main.go"
EMBED = "ratatoskr_embed"  # the build tag without which ratatoskr embeds nothing
Say = Callable[[str], None]
Command = list[str | Path]
Kind = Literal["peer", "shipped", "none", "common"]
"""Which module has a tree: the peer's, ours of a release, or ours around the peer's tree, file for
file, with this ``bytecode``."""


OLDER = Tree(GO_EMBED_PYTHON, "20241219")
NEWEST = Tree(GO_EMBED_PYTHON_NEWEST, "20260610", FIVE_PLATFORMS)
UNSTRIPPED = Tree(RATATOSKR, "20260414")


class World:
    """Archives, a release, and programs that use them."""

    def __init__(self, folder: Path, effort: Effort, plots: Path, say: Say) -> None:
        self.folder, self.effort, self.plots, self.say = folder, effort, plots, say
        self._count = 0
        self._interpreters: dict[str, Path] = {}

    def turns(
        self,
        what: str,
        subjects: Mapping[Key, Callable[[], Value]],
        runs: int = 0,
        *,
        warmups: int = 1,
        between: Callable[[], object] = os.sync,
    ) -> dict[Key, tuple[Value, ...]]:
        """Run ``subjects`` in turns, then remove what they left; a short run has no warm-ups."""
        self.say(what)
        warmups = 0 if self.effort.short else warmups
        taken = in_turns(subjects, runs or self.effort.runs, warmups=warmups, between=between)
        self.sweep()
        return taken

    def fresh(self, parent: str = "fresh") -> Path:
        """A new empty directory. It stays until ``sweep``: deleting slows what comes next."""
        self._count += 1
        path = self.folder / parent / str(self._count)
        path.mkdir(parents=True)
        return path

    @cached_property
    def file_system(self) -> str:
        """What all of it is on, as ``stat`` names it."""
        command = ["stat", "--file-system", "--format=%T", str(self.folder)]
        return subprocess.check_output(command, text=True).strip()

    def between(self) -> None:
        """Between two runs that fill new directories: in memory, make room."""
        # ext4 does not use the inodes of deleted files again for minutes, and looks at each of
        # them for every file that it makes: on a disk nothing is deleted.
        if self.file_system == "tmpfs":
            self.sweep()
        os.sync()

    def sweep(self) -> None:
        """Remove what runs have left."""
        shutil.rmtree(self.folder / "fresh", ignore_errors=True)
        os.sync()

    def env(self, temp: Path | None = None) -> dict[str, str]:
        """The environment of a program whose temp, cache and home directory is ``temp``."""
        home = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(temp or self.folder))
        return {"PATH": os.environ["PATH"], "GOEMPY_CACHE_DIR": f"{self.folder}/cache", **home}

    @cached_property
    def trees(self) -> tuple[Tree, ...]:
        """What is compared: a short run takes one peer, on two platforms."""
        if self.effort.short:
            return (Tree(NEWEST.peer, NEWEST.pbs, (PLATFORM, "windows-amd64")),)
        return (NEWEST, UNSTRIPPED, OLDER)

    @property
    def released(self) -> tuple[Tree, ...]:
        return tuple(tree for tree in self.trees if tree is not OLDER)

    @cached_property
    def assets(self) -> Path:
        self.say("archives of the peers' trees")
        write_assets(self.folder / "assets", self.trees, small=self.effort.short)
        return self.folder / "assets"

    def goempy(self, root: Path, *args: str | Path) -> Command:
        return [sys.executable, "-m", "pipeline", "--root", root, *args]

    def build(self, root: Path, *cells: str, out: Path) -> Command:
        return self.goempy(root, "build", *cells, "--source", self.assets, "--out", out)

    def without_cache(self) -> dict[str, str]:
        """The environment of a build that has to compress everything."""
        return self.env() | {"GOEMPY_CACHE_DIR": str(self.fresh())}

    def make(self, command: Command, env: dict[str, str] | None = None) -> None:
        """Run a command; its output is shown only if it fails."""
        done = run([str(each) for each in command], env=env or self.env(), cwd=REPOSITORY)
        assert done.code == 0, done.stdout.decode() + done.stderr

    def project(self, name: str, matrix: str) -> Path:
        primary = self.trees[0].peer.python.rpartition(".")[0]
        return write_project(self.folder / name, matrix, primary=primary).root

    @cached_property
    def checkout(self) -> Path:
        """The project that ships the newest tree for all platforms, and ratatoskr's for one."""
        short = self.effort.short
        bytecode = "none" if short else "common"
        matrix = shipping_matrix(self.released, fast=short, bytecode=bytecode)
        return self.project("checkout", matrix)

    @cached_property
    def payloads(self) -> Path:
        self.say("payloads, as goempy ships them")
        out = self.folder / "payloads"
        names = [tree.cell_name(each) for tree in self.released for each in tree.platforms]
        self.make(self.build(self.checkout, *names, "pip", out=out))
        return out

    @cached_property
    def repository(self) -> Path:
        """A bare repository with the tags of ``checkout``; the peers' trees lack some licences."""
        remote = self.folder / "release.git"
        git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
        git(self.checkout, "remote", "add", "origin", str(remote))
        where = ("--payloads", self.payloads, "--repo", self.checkout, "--push", "origin")
        self.make(self.goempy(self.checkout, "finalize", *where, "--without-licenses"))
        return remote

    @cached_property
    def go(self) -> Go:
        command = [str(find_go()), "env", "GOMODCACHE"]
        return _as_users_build(Go(Path(subprocess.check_output(command, text=True).strip())))

    @cached_property
    def own_go(self) -> Go:
        """Go with an empty module cache, which takes our module from ``repository``."""
        return _as_users_build(from_repository(self.folder / "modcache", self.repository, OWN))

    def tag(self, tree: Tree) -> str:
        return "v0.1.0" if tree.peer is self.trees[0].peer else f"v0.1.0-py{tree.peer.python}"

    def program(self, tree: Tree, kind: Kind, source: Path = PROGRAM) -> Path:
        """The main.go at ``source``, built with the module that has the tree."""
        peer = tree.peer
        folder = self.folder / "programs" / f"{kind}-{peer.name.replace(' ', '-')}"
        module = peer.module if kind == "peer" else OWN
        go = self.own_go if kind == "shipped" else self.go
        if not folder.exists():
            self.say(f"the module with {peer.name}: {kind}")
            if kind in ("none", "common"):
                self._copy_template(tree, kind, folder)
            else:
                folder.mkdir(parents=True)
                (folder / "go.mod").write_text("module example.com/bench\n\ngo 1.24\n", "utf-8")
                version = peer.version if kind == "peer" else self.tag(tree)
                go.run("get", f"{module}/python@{version}", cwd=folder)
        package = folder / "cmd" / source.parent.name
        if not package.exists():
            package.mkdir(parents=True)
            text = source.read_text("utf-8").replace("MODULE", module)
            (package / "main.go").write_text(text, "utf-8")
            go.run("build", "-tags", EMBED, "-o", "program", ".", cwd=package)
        return package / "program"

    def _copy_template(self, tree: Tree, bytecode: str, folder: Path) -> None:
        """Our module with the peer's tree, file for file."""
        one = Tree(tree.peer, tree.pbs)
        matrix = keeping_matrix([one], fast=self.effort.short, bytecode=bytecode)
        root = self.project(f"kept-{tree.peer.python}-{bytecode}", matrix)
        self.make(self.build(root, one.cell_name(), out=root / "out"))
        shutil.copytree(TEMPLATE, folder)
        data = folder / "python" / "internal" / "data"
        shutil.copytree(root / "out" / one.cell_name(), data / PLATFORM)
        (data / "none.go").unlink()
        (data / "payload.go").write_text(
            f'package data\n\nimport "embed"\n\n//go:embed {PLATFORM}\nvar files embed.FS\n\n'
            f'const (\n\tplatform = "{PLATFORM}"\n\tpython   = Python\n\tpbs      = PBS\n)\n'
        )

    def archive_of_shipped(self, tree: Tree) -> tuple[Path, str]:
        """All files that goempy ships as one archive, and the interpreter's place in it."""
        interpreter = self.interpreter(tree)
        root = interpreter.parents[1]
        archive = self.folder / "kept" / f"{tree.peer.python}.tar.zst"
        if not archive.exists():
            self.say(f"all files of {tree.peer.python} in one archive")
            pack = 'tar -cf - -C "$1" . | zstd -19 -q -o "$2"'
            subprocess.run(["sh", "-c", pack, "sh", root, archive], check=True)
        return archive, interpreter.relative_to(root).as_posix()

    def interpreter(self, tree: Tree) -> Path:
        """The interpreter that goempy ships, extracted once."""
        name = tree.peer.python
        if name not in self._interpreters:
            env = self.env(self.fresh("kept"))
            self._interpreters[name] = extracted_by(self.program(tree, "shipped"), env)
        return self._interpreters[name]


def extracted_by(program: Path, env: dict[str, str]) -> Path:
    """The interpreter that a program extracts, as Python itself names it."""
    command = [str(program), "-c", "import sys; print(sys.executable)"]
    return Path(subprocess.check_output(command, env=env, text=True).strip())


def _as_users_build(go: Go) -> Go:
    """With debug information, which the programs of tests are built without."""
    return dataclasses.replace(go, extra={**go.extra, "GOFLAGS": "-modcacherw -trimpath"})
