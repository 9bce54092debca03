"""A released module as its users have it: README's program, the module's tests, any system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.config.cells import all_cells
from pipeline.config.ci_runners import build_tags
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Platform
from pipeline.formats.payload.reader import read_payload
from pipeline.system.process import ProcessResult, run
from pipeline.verify.interpreter_probe import (
    ALL_BUILTINS,
    PROBE_SCRIPT,
    Exempt,
    extension_modules,
    probe_faults,
)
from pipeline.verify.sandbox import go_mod, read_start, write_programs
from tests.builders.site import Site
from tests.harness.go import Go
from tests.harness.limits import HANGS_AFTER_S
from tests.harness.project import MODULE, REPOSITORY

_PROGRAM = re.compile(r"```go\n(package main\n.*?)```", re.DOTALL)


def readme_program() -> str:
    """The whole Go program of README.md; there is exactly one."""
    (program,) = _PROGRAM.findall((REPOSITORY / "README.md").read_text("utf-8"))
    return str(program)


class System(Protocol):
    """What programs run on."""

    def run(
        self,
        *argv: str | Path,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        timeout_s: float = ...,
    ) -> ProcessResult:
        """Run a program to its end."""
        ...


@dataclass(frozen=True)
class Host:
    """This machine itself."""

    def run(
        self,
        *argv: str | Path,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        timeout_s: float = HANGS_AFTER_S,
    ) -> ProcessResult:
        """Run a program to its end."""
        return run([str(each) for each in argv], cwd=cwd, env=env, timeout_s=timeout_s)


@dataclass(frozen=True)
class Consumer:
    """Builds for ``platform`` with the module of a tag, and runs what it built on ``system``.

    ``module`` is a work tree of the tag; everything else is written below ``folder``.
    """

    go: Go
    module: Path
    folder: Path
    platform: Platform
    system: System

    def build_readme_program(self) -> Path:
        source = self._new_module("readme")
        (source / "main.go").write_text(readme_program(), "utf-8")
        return self._build(source, ".")

    def run(self, program: Path, *args: str | Path, home: str = "") -> ProcessResult:
        """Run it with an empty PATH; all that it extracts is below ``folder``."""
        temp = self.folder / "temp"
        temp.mkdir(exist_ok=True)
        env = {"PATH": "", "HOME": home, "TMPDIR": str(temp)}
        return self.system.run(program, *args, cwd=temp, env=env)

    def build_program(self, name: str) -> Path:
        """One of the programs of ``goempy try``; ``use`` finds packages in its ``packages``."""
        source = self.folder / "programs"
        if not source.exists():
            self._new_module(source.name)
        write_programs(source, MODULE, (name,))
        return self._build(source, f"./{name}")

    def import_faults(self, site: Site, exempt: tuple[Exempt, ...] = ()) -> list[str]:
        """What is wrong with the site's interpreter, which imports every extension module."""
        matrix = parse_matrix((site.project.root / "matrix.toml").read_text("utf-8"))
        (cell,) = [each for each in all_cells(matrix) if each.platform.name == self.platform.name]
        modules = extension_modules(read_payload(site.payloads / cell.name).manifest)
        done = self.run(self.build_program("start"), "-c", PROBE_SCRIPT, ALL_BUILTINS, *modules)
        _tree, probe = read_start(done)
        assert len(probe.imported) > 60  # some interpreters have them all in the program
        return [*probe_faults(probe, cell, modules, exempt)]

    def run_tests(self, package: str, *flags: str, timeout_s: float) -> str:
        """Run the tests of a package there; what they print. A failure shows it."""
        binary = self.folder / f"{package.replace('/', '-')}.test{self._suffix}"
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
        text = go_mod(MODULE, "v0.1.0", str(self.module))
        (source / "go.mod").write_text(text, "utf-8")
        (source / "go.sum").write_bytes((self.module / "go.sum").read_bytes())
        return source

    def _build(self, source: Path, package: str) -> Path:
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        program = programs / f"{Path(package).name or source.name}{self._suffix}"
        self._go("build", "-mod=mod", "-o", str(program), package, cwd=source)
        return program

    @property
    def _suffix(self) -> str:
        return ".exe" if self.platform.goos == "windows" else ""

    def _go(self, command: str, *args: str, cwd: Path) -> None:
        platform = self.platform
        env = {"GOOS": platform.goos, "GOARCH": platform.goarch}
        self.go.run(command, f"-tags={build_tags(platform)}", *args, cwd=cwd, env=env)
