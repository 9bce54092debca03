"""The interpreters of this machine that compile the standard library of their lines.

A line's bytecode is made by its own Python version, so its cell for the machine that builds is
fetched and unpacked, once a run, whichever cells are built.
"""

from __future__ import annotations

import platform
import sysconfig
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pipeline.build.bytecode.compile import Compiled, SourceFile, compile_sources
from pipeline.build.cell import CellPlan, Compiler, unpack_cell
from pipeline.config.cells import GOARCH, platform_of, unsupported_reason
from pipeline.config.model import Cell, Line, Matrix, Platform
from pipeline.system.errors import ToolError
from pipeline.system.process import run


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine is, in Go's words; ``libc`` is ``musl`` or empty."""

    goos: str
    goarch: str
    libc: str


def this_machine() -> Machine:
    """Ask the running interpreter."""
    triple = str(sysconfig.get_config_var("HOST_GNU_TYPE") or "")
    name = platform.machine()
    libc = "musl" if triple.endswith("-musl") else ""
    return Machine(platform.system().lower(), GOARCH.get(name, name), libc)


def unless_stopped(compiler: Compiler, check: Callable[[], None]) -> Compiler:
    """``compiler``, which begins nothing once ``check`` raises.

    Ctrl-C reaches the programs that run; one that is started after it would outlive this process.
    """

    def compile_unless_stopped(sources: Sequence[SourceFile], out: Path) -> Sequence[Compiled]:
        check()
        return compiler(sources, out)

    return compile_unless_stopped


@dataclass(frozen=True, slots=True)
class HostInterpreters:
    """``plan`` fetches and plans a cell; interpreters are unpacked below ``folder``."""

    matrix: Matrix
    machine: Machine
    folder: Path
    plan: Callable[[Cell], CellPlan]
    _locks: defaultdict[str, threading.Lock] = field(
        default_factory=lambda: defaultdict(threading.Lock)
    )

    def of(self, line: Line) -> Compiler:
        """What compiles for ``line``; raises ``ToolError`` where this machine has none."""
        return partial(compile_sources, self._python(line), run=run)

    def _python(self, line: Line) -> Path:
        cell = Cell(line, self._platform(line))
        root = self.folder / cell.name
        with self._locks[line.name]:
            if not root.is_dir():
                unpack_cell(self.plan(cell), root)
        return root / ("python.exe" if self.machine.goos == "windows" else "bin/python3")

    def _platform(self, line: Line) -> Platform:
        machine = self.machine
        found = platform_of(self.matrix.platforms, machine.goos, machine.goarch, machine.libc)
        reason = "matrix.toml has no platform for it"
        if found is not None:
            reason = unsupported_reason(Cell(line, found))
        if found is None or reason:
            kind = f"{machine.goos}/{machine.goarch} {machine.libc}".strip()
            raise ToolError(
                f"this machine ({kind}) cannot run Python {line.name}, which is to compile its own "
                f"standard library: {reason}",
                hint='Build on another machine, or set bytecode = "none" in matrix.toml.',
            )
        return found
