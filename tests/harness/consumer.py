"""A released module as its users have it: README's program, the module's tests, any system."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.gocommand import go_mod, write_programs
from pipeline.host import Finished
from pipeline.model import Platform
from pipeline.runners import build_tags
from tests.harness.namespace import Namespace
from tests.support.gotool import Go
from tests.support.project import MODULE, REPOSITORY

_PROGRAM = re.compile(r"```go\n(package main\n.*?)```", re.DOTALL)


def readme_program() -> str:
    """The whole Go program of README.md; there is exactly one."""
    (program,) = _PROGRAM.findall((REPOSITORY / "README.md").read_text("utf-8"))
    return str(program)


@dataclass(frozen=True)
class Consumer:
    """Builds for ``platform`` with the module of a tag, and runs what it built on ``system``.

    ``module`` is a work tree of the tag; everything else is written below ``folder``.
    """

    go: Go
    module: Path
    folder: Path
    platform: Platform
    system: Namespace

    def build_readme_program(self) -> Path:
        source = self._new_module("readme")
        (source / "main.go").write_text(readme_program(), "utf-8")
        return self._build(source, ".")

    def build_start(self) -> Path:
        """The program of ``goempy try`` that runs Python with its own arguments."""
        source = self._new_module("starts")
        write_programs(source, MODULE, ("start",))
        return self._build(source, "./start")

    def run(self, program: Path, *args: str) -> Finished:
        """Run it with an empty PATH; all that it extracts is below ``folder``."""
        temp = self.folder / "temp"
        temp.mkdir(exist_ok=True)
        env = {"PATH": "", "HOME": "", "TMPDIR": str(temp)}
        return self.system.run(program, *args, cwd=temp, env=env)

    def run_tests(self, package: str, *flags: str, timeout_s: float) -> str:
        """Run the tests of a package there; what they print. A failure shows it."""
        binary = self.folder / f"{package}.test"
        self._go("test", "-c", "-o", str(binary), f"./{package}", cwd=self.module)
        temp = self.folder / "temp"
        temp.mkdir(exist_ok=True)
        done = self.system.run(
            binary, "-test.v", f"-test.timeout={timeout_s:.0f}s", *flags,
            cwd=self.module / package, timeout_s=timeout_s,
            env={"PATH": "/usr/bin:/bin", "HOME": str(temp), "TMPDIR": str(temp)},
        )  # fmt: skip
        printed = done.stdout.decode("utf-8", "replace")
        assert done.code == 0, printed + done.stderr
        return printed

    def _new_module(self, name: str) -> Path:
        source = self.folder / name
        source.mkdir()
        text = go_mod(MODULE, "0.1.0", str(self.module))
        (source / "go.mod").write_text(text, "utf-8")
        (source / "go.sum").write_bytes((self.module / "go.sum").read_bytes())
        return source

    def _build(self, source: Path, package: str) -> Path:
        program = source / "program"
        self._go("build", "-mod=mod", "-o", str(program), package, cwd=source)
        return program

    def _go(self, command: str, *args: str, cwd: Path) -> None:
        platform = self.platform
        env = {"GOOS": platform.goos, "GOARCH": platform.goarch}
        self.go.run(command, f"-tags={build_tags(platform)}", *args, cwd=cwd, env=env)
