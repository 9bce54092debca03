"""The go command, typed, and programs that use the module. Nothing else runs go.

What is built for a platform is built for exactly that one, whatever the user's environment or
``go env -w`` choose; everything else (proxies, caches, toolchains) is as the user has set it up.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.ci_runners import build_tags
from pipeline.config.model import Platform
from pipeline.release.module_tree import TEMPLATE, template_module_path
from pipeline.system.errors import ToolError
from pipeline.system.files import disk_errors
from pipeline.system.process import ProcessResult, run

PROGRAMS = Path(__file__).with_name("goprograms")
PROGRAMS_MODULE = "example.com/programs"
_TIMEOUT_S = 1800.0
_LAST_ROWS = 5
_RACE = frozenset({"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"})
"""What the race detector knows (Go documentation, "Data Race Detector"), of what PBS has."""
_SYSTEM_VARIABLES = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR")
"""Windows starts no program rightly without them."""


@dataclass(frozen=True, slots=True)
class Go:
    """The go command in an environment; ``platform`` is what it builds for."""

    env: Mapping[str, str]
    platform: Platform

    def call(self, *args: str, cwd: Path) -> str:
        """Run a go command and return what it prints; raises ``ToolError``."""
        done = self.run(*args, cwd=cwd)
        if done.code:
            raise ToolError(
                f"go {' '.join(args)} failed: {last_words(done)}",
                hint="Run it by hand to see more.",
            )
        return done.stdout.decode("utf-8", "replace")

    def run(self, *args: str, cwd: Path, race: bool = False) -> ProcessResult:
        """Run a go command; its exit code is the caller's to judge."""
        return run(["go", *args], env=self._environment(race=race), cwd=cwd, timeout_s=_TIMEOUT_S)

    def build(self, package: str, out: Path, *, cwd: Path) -> Path:
        """Build ``package`` of the module at ``cwd``; returns the program."""
        program = out.with_suffix(".exe") if self.platform.goos == "windows" else out
        self.call(
            "build", "-mod=mod", "-buildvcs=false", self.tags, "-o", str(program), package, cwd=cwd
        )
        return program

    @property
    def tags(self) -> str:
        """The flag for the platform; always there, since GOFLAGS may hold another."""
        return f"-tags={build_tags(self.platform)}"

    def has_race(self) -> bool:
        """Whether the race detector works here: it needs the platform's support and cgo."""
        if self.platform.go_pair not in _RACE or self.platform.libc:
            return False
        goos, goarch, *compiler = self.call(
            "env", "GOHOSTOS", "GOHOSTARCH", "CC", cwd=Path()
        ).split()
        if self.platform.go_pair != f"{goos}/{goarch}":
            return False  # an emulator runs what is built, with the host's compiler
        path = self.env.get("PATH", "")
        return bool(compiler) and shutil.which(compiler[0], path=path) is not None

    def _environment(self, *, race: bool) -> dict[str, str]:
        own = {
            "GOOS": self.platform.goos,
            "GOARCH": self.platform.goarch,
            "GOAMD64": self.platform.goamd64 or "v1",
            "CGO_ENABLED": "1" if race else "0",
            "GOWORK": "off",
        }
        return {**self.env, **own}


def bare_environment(env: Mapping[str, str], temp: Path) -> dict[str, str]:
    """An environment in which nothing can be found by chance: no PATH, no HOME.

    ``temp`` is where programs put their files.
    """
    bare = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(temp))
    kept = {name: value for name, value in env.items() if name.upper() in _SYSTEM_VARIABLES}
    return {**kept, **bare, "PATH": "", "HOME": ""}


def last_words(done: ProcessResult) -> str:
    """The end of what a program wrote, standard error last, as one row."""
    text = done.stdout.decode("utf-8", "replace") + "\n" + done.stderr
    rows = [row.strip() for row in text.splitlines() if row.strip()]
    return "; ".join(rows[-_LAST_ROWS:]) or f"exit code {done.code}"


def write_programs(folder: Path, module_path: str, names: Sequence[str]) -> None:
    """Put programs into ``folder``, which becomes a module when it gets a go.mod."""
    template = template_module_path(TEMPLATE)
    for name in names:
        text = (PROGRAMS / name / "main.go").read_text("utf-8")
        target = folder / name / "main.go"
        with disk_errors(folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            text = text.replace(f'"{template}/', f'"{module_path}/')
            target.write_text(text, encoding="utf-8", newline="\n")


def go_mod(module_path: str, version: str, tree: str) -> str:
    """The go.mod of programs that use the module at ``tree``, a path from their own folder."""
    return (
        f"module {PROGRAMS_MODULE}\n\ngo 1.24\n\n"
        f"require {module_path} v{version}\n\nreplace {module_path} => {tree}\n"
    )
