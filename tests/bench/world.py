"""What the figures are measured with; each piece is made when it is first asked for.

All of it is below one scratch folder. Modules of the peers come through the module proxy, into
this machine's own module cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.release.module_tree import TEMPLATE, template_module_path
from tests.bench import sources
from tests.bench.sources import Tree
from tests.harness.go import Go, from_repository
from tests.harness.peers import GO_EMBED_PYTHON, GO_EMBED_PYTHON_NEWEST, RATATOSKR, Peer
from tests.harness.project import FIVE_PLATFORMS, git, write_project

OWN = template_module_path(TEMPLATE)
PROGRAM = Path(__file__).parents[1] / "data" / "bench" / "main.go"
PLATFORM = "linux-amd64"
EMBED = "ratatoskr_embed"
"""The build tag without which ratatoskr embeds nothing."""

TMPFS = "tmpfs"

OLDER = Tree(GO_EMBED_PYTHON, "20241219")
NEWEST = Tree(GO_EMBED_PYTHON_NEWEST, "20260610", FIVE_PLATFORMS)
UNSTRIPPED = Tree(RATATOSKR, "20260414")


@dataclass(frozen=True)
class Effort:
    """How much is measured. The short form shows that the bench works, and nothing else."""

    runs: int = 9
    few_runs: int = 3
    """Of what is drawn and not judged."""
    block_runs: int = 15
    """Of what takes milliseconds: one value is the median of so many."""
    short: bool = False


FULL = Effort()
SHORT = Effort(runs=1, few_runs=1, block_runs=2, short=True)


class World:
    """Archives, a release, and programs that use them."""

    def __init__(self, folder: Path, effort: Effort, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.effort = effort
        self.say = say
        self._count = 0
        self._programs: dict[str, Path] = {}
        self._modules: dict[Path, tuple[Go, str]] = {}

    # Room to work in

    def fresh(self, name: str = "run") -> Path:
        """A new empty directory. It stays until ``sweep``: deleting slows what comes next."""
        self._count += 1
        path = self.folder / "fresh" / f"{name}-{self._count}"
        path.mkdir(parents=True)
        return path

    @cached_property
    def file_system(self) -> str:
        """What all of it is on, as ``stat`` calls it; ``unknown`` where that is not there."""
        asked = subprocess.run(
            ["stat", "--file-system", "--format=%T", str(self.folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return asked.stdout.strip() or "unknown"

    def between(self) -> None:
        """What comes between two runs that fill new directories.

        In memory, room is made. On a disk nothing is deleted: ext4 does not use the inodes of
        deleted files again for minutes, and looks at each of them for every file that it makes.
        """
        if self.file_system == TMPFS:
            self.sweep()
        else:
            os.sync()

    def sweep(self) -> None:
        """Remove what runs have left."""
        shutil.rmtree(self.folder / "fresh", ignore_errors=True)
        os.sync()

    def env(self, temp: Path | None = None) -> dict[str, str]:
        """The environment of a program whose temp, cache and home directory is ``temp``."""
        home = str(temp or self.folder)
        told = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "GOEMPY_CACHE_DIR": f"{self.folder}/cache",
        }
        return {**told, "TMPDIR": home, "XDG_CACHE_HOME": home}

    # Release time

    @cached_property
    def trees(self) -> tuple[Tree, ...]:
        """What is compared: a short run takes one peer, on two platforms."""
        if self.effort.short:
            return (Tree(GO_EMBED_PYTHON_NEWEST, NEWEST.pbs, (PLATFORM, "windows-amd64")),)
        return (NEWEST, UNSTRIPPED, OLDER)

    @property
    def released(self) -> tuple[Tree, ...]:
        """Those that goempy ships in this run."""
        return tuple(tree for tree in self.trees if tree is not OLDER)

    @cached_property
    def assets(self) -> Path:
        """Archives of all trees, as ``goempy --source`` takes them."""
        self.say("archives of the peers' trees")
        sources.write_assets(self.folder / "assets", self.trees)
        return self.folder / "assets"

    def goempy(self, root: Path, *args: str | Path) -> list[str | Path]:
        """The command, as it is typed in a checkout at ``root``."""
        return [sys.executable, "-m", "pipeline", "--root", root, *args]

    def make(self, root: Path, *args: str | Path) -> None:
        """Run the command; what it says is shown only if it fails."""
        done = subprocess.run(
            self.goempy(root, *args), env=self.env(), cwd=self.folder, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def project(self, name: str, matrix: str) -> Path:
        """A checkout of a project with this matrix.toml."""
        primary = self.trees[0].peer.python.rpartition(".")[0]
        return write_project(self.folder / name, matrix, primary=primary).root

    @cached_property
    def checkout(self) -> Path:
        """The project that ships the newest tree for all platforms, and ratatoskr's for one."""
        text = sources.shipping_matrix(self.released, fast=self.effort.short)
        return self.project("checkout", text)

    @cached_property
    def payloads(self) -> Path:
        """The payloads of ``checkout``: ``<python>/<platform>``."""
        self.say("payloads, as goempy ships them")
        out = self.folder / "payloads"
        names = [tree.cell_name(p) for tree in self.released for p in tree.platforms]
        self.make(self.checkout, "build", *names, "pip", "--source", self.assets, "--out", out)
        return out

    @cached_property
    def repository(self) -> Path:
        """A bare repository with the tags of ``checkout``; the peers' trees lack some licences."""
        remote = self.folder / "release.git"
        git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
        git(self.checkout, "remote", "add", "origin", str(remote))
        self.make(
            self.checkout, "finalize", "--payloads", self.payloads, "--repo", self.checkout,
            "--push", "origin", "--without-licenses",
        )  # fmt: skip
        return remote

    # Programs

    @cached_property
    def go(self) -> Go:
        """Go with this machine's own module cache."""
        asked = subprocess.run(
            [Go(self.folder).program, "env", "GOMODCACHE"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return Go(Path(asked.stdout.strip()))

    @cached_property
    def own_go(self) -> Go:
        """Go with an empty module cache, which takes our module from ``repository``."""
        return from_repository(self.folder / "modcache", self.repository, OWN)

    def tag(self, tree: Tree) -> str:
        """The tag that ships a tree."""
        return "v0.1.0" if tree.peer is self.trees[0].peer else f"v0.1.0-py{tree.peer.python}"

    def peer_program(self, tree: Tree) -> Path:
        """The program with the peer's own module."""
        peer = tree.peer
        return self._once(
            peer.name, lambda: self._got(self.go, peer.module, peer.version, peer.name)
        )

    def shipped_program(self, tree: Tree) -> Path:
        """The program with our module, as ``go get`` brings it."""
        name = f"goempy {tree.peer.python}"
        return self._once(name, lambda: self._got(self.own_go, OWN, self.tag(tree), name))

    def beside(self, program: Path, source: Path) -> Path:
        """Another program with the module of ``program``: that of the main.go at ``source``."""
        go, module = self._modules[program]
        folder = program.parent / source.parent.name
        if not (folder / "program").exists():
            write_main(source, module, folder)
            target = f"{folder.name}/program"
            go.run("build", "-tags", EMBED, "-o", target, f"./{folder.name}", cwd=program.parent)
        return folder / "program"

    def _once(self, name: str, make: Callable[[], Path]) -> Path:
        if name not in self._programs:
            self.say(f"the program with {name}")
            self._programs[name] = make()
        return self._programs[name]

    def _got(self, go: Go, module: str, version: str, name: str) -> Path:
        folder = self.folder / "programs" / name.replace(" ", "-")
        write_main(PROGRAM, module, folder)
        (folder / "go.mod").write_text("module example.com/bench\n\ngo 1.24\n", "utf-8")
        go.run("get", f"{module}/python@{version}", cwd=folder)
        return self._built(go, module, folder, ".")

    def _built(self, go: Go, module: str, folder: Path, package: str) -> Path:
        go.run("build", "-tags", EMBED, "-o", "program", package, cwd=folder)
        self._modules[folder / "program"] = go, module
        return folder / "program"

    def tree_payload(self, tree: Tree, bytecode: str = "none") -> Path:
        """The peer's tree, file for file, packed with ours."""
        name = f"kept-{tree.peer.python}-{bytecode}"
        one = Tree(tree.peer, tree.pbs)
        text = sources.keeping_matrix([one], fast=self.effort.short, bytecode=bytecode)
        root = self.project(name, text)
        self.make(root, "build", one.cell_name(), "--source", self.assets, "--out", root / "out")
        return root / "out" / one.cell_name()

    def tree_program(self, tree: Tree, bytecode: str = "none") -> Path:
        """The program with our module around the peer's tree."""
        name = f"goempy around {tree.peer.name}, bytecode {bytecode}"
        return self._once(name, lambda: self._around(self.tree_payload(tree, bytecode), name))

    def _around(self, payload: Path, name: str) -> Path:
        folder = self.folder / "programs" / name.replace(" ", "-")
        shutil.copytree(TEMPLATE, folder)
        data = folder / "python" / "internal" / "data"
        shutil.copytree(payload, data / PLATFORM)
        (data / "none.go").unlink()
        (data / "payload.go").write_text(
            f'package data\n\nimport "embed"\n\n//go:embed {PLATFORM}\nvar files embed.FS\n\n'
            f'const platform = "{PLATFORM}"\n'
        )
        write_main(PROGRAM, OWN, folder / "cmd")
        return self._built(self.go, OWN, folder, "./cmd")


def write_main(source: Path, module: str, folder: Path) -> None:
    """The program at ``source`` as ``folder``'s main.go, with ``module`` where it says MODULE."""
    folder.mkdir(parents=True)
    text = source.read_text("utf-8").replace("MODULE", module)
    (folder / "main.go").write_text(text, "utf-8")


def module_zip_bytes(go: Go, peer: Peer) -> int:
    """What ``go mod download`` of a peer's module fetches."""
    told = go.run("mod", "download", "-json", f"{peer.module}@{peer.version}", cwd=Path.home())
    return Path(json.loads(told)["Zip"]).stat().st_size
