"""A small project: the four files at its root, a git repository, and the command run in it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console as RichConsole

from pipeline.cli import main
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Platform
from pipeline.system.console import Console

MODULE = "github.com/goempy/goempy"
REPOSITORY = Path(__file__).parents[2]


FIVE_PLATFORMS = ("linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64", "windows-amd64")


@dataclass(frozen=True)
class Line:
    """A ``[[line]]``; ``platforms`` of ``None`` leaves the key out, and so names all."""

    python: str = "3.14.9"
    pbs: str = "20261021"
    more: str = ""
    platforms: tuple[str, ...] | None = FIVE_PLATFORMS

    def table(self) -> str:
        text = f'[[line]]\npython = "{self.python}"\npbs = "{self.pbs}"\n{self.more}\n'
        if self.platforms is None or "platforms =" in self.more:
            return text
        return f"{text}platforms = {json.dumps(self.platforms)}\n"


@dataclass(frozen=True)
class Outcome:
    """What one run of the command did: ``out`` is standard output, ``log`` standard error."""

    code: int
    out: str
    log: str


@dataclass(frozen=True)
class Project:
    root: Path

    def run(
        self,
        *argv: str | Path,
        env: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = lambda _seconds: None,
        today: Callable[[], date] = date.today,
    ) -> Outcome:
        """Run ``goempy`` in this process, with only this environment."""
        out, log = io.StringIO(), io.StringIO()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GOEMPY_CACHE_DIR": str(self.root.parent / "cache"),
            **(env or {}),
        }
        arguments = ["--root", str(self.root), *map(str, argv)]
        consoles = [RichConsole(file=each, width=4000, force_terminal=False) for each in (out, log)]
        actions = environment.get("GITHUB_ACTIONS") == "true"
        code = main(
            arguments, environment, lambda: Console(*consoles, actions=actions), sleep, today
        )
        return Outcome(code, out.getvalue(), log.getvalue())

    def git(self, *args: str) -> str:
        return git(self.root, *args)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, "utf-8")


def git(folder: Path, *args: str) -> str:
    """Run git with nothing of this machine's settings."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A Tester",
        "GIT_AUTHOR_EMAIL": "tester@example.com",
        "GIT_AUTHOR_DATE": "1700000000 +0100",
        "GIT_COMMITTER_NAME": "A Tester",
        "GIT_COMMITTER_EMAIL": "tester@example.com",
        "GIT_COMMITTER_DATE": "1700000000 +0100",
    }
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "maintenance.auto=false", *args],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def matrix_text(
    *lines: Line, pip: bool = False, bytecode: str = "none", parts: Sequence[str] = ()
) -> str:
    """The repository's own matrix with other lines, and a level that packs fast.

    ``[pip]`` needs a package index, so it is left out unless asked for. ``parts`` are shipped.
    """
    text = (REPOSITORY / "matrix.toml").read_text("utf-8")
    tail = text[text.index("# wheel_tags") :].replace("level = 19", "level = 3")
    # Bytecode needs interpreters that run; tests that have them switch it on.
    tail = tail.replace('bytecode = "common"', f'bytecode = "{bytecode}"')
    for part in parts:
        tail = re.sub(rf'(name = "{part}".*\n)ship = false', r"\1ship = true", tail)
    if not pip:
        tail = tail[: tail.index("[pip]")] + tail[tail.index("[payload]") :]
    tables = "".join(line.table() for line in lines)
    return f'module = "{MODULE}"\narchive = "full"\n\n{tables}\n{tail}'


def platform_named(name: str) -> Platform:
    """A platform of the repository's own matrix."""
    matrix = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
    (platform,) = [each for each in matrix.platforms if each.name == name]
    return platform


def make_project(
    folder: Path, *lines: Line, primary: str = "3.14", version: str = "0.1.0"
) -> Project:
    """A checkout with one commit."""
    text = matrix_text(*(lines or (Line(),)))
    return write_project(folder / "project", text, primary=primary, version=version)


def write_project(root: Path, matrix: str, *, primary: str, version: str = "0.1.0") -> Project:
    """The same at ``root``, which must be new, with this matrix.toml."""
    project = Project(root)
    project.root.mkdir()
    project.write("matrix.toml", matrix)
    project.write("VERSION", f"{version}\n")
    project.write("PRIMARY_PYTHON", f"{primary}\n")
    project.git("init", "--quiet", "--initial-branch=main")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message=Source")
    return project
