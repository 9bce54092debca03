"""Interpreters that run on this machine and compile the standard library of their lines.

Bytecode depends on the Python version, so a line's own interpreter makes it: the line's cell for
this machine is fetched and unpacked once a run, whichever cells are built.
"""

from __future__ import annotations

import platform
import sysconfig
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.build.bytecode.compile import Compiled, SourceFile, compile_sources
from pipeline.build.cell import CellPlan, Compiler, unpack_cell
from pipeline.build.once import Once
from pipeline.config.cells import GOARCH, platform_of, unsupported_reason
from pipeline.config.model import Cell, Line, Matrix, Platform
from pipeline.system.errors import ToolError
from pipeline.system.process import processors, run


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine in Go's terms; ``libc`` is ``musl`` or empty."""

    goos: str
    goarch: str
    libc: str

    def __str__(self) -> str:
        return f"{self.goos}/{self.goarch} {self.libc}".strip()


def this_machine() -> Machine:
    """Ask the running interpreter."""
    triple = str(sysconfig.get_config_var("HOST_GNU_TYPE") or "")
    name = platform.machine()
    libc = "musl" if triple.endswith("-musl") else ""
    return Machine(platform.system().lower(), GOARCH.get(name, name), libc)


def unless_stopped(compiler: Compiler, check: Callable[[], None]) -> Compiler:
    """``compiler``, which starts no process once ``check`` raises.

    Ctrl-C reaches running processes; one that is started after it would outlive this one.
    """

    def compile_unless_stopped(sources: Sequence[SourceFile]) -> Sequence[Compiled]:
        check()
        return compiler(sources)

    return compile_unless_stopped


@dataclass(frozen=True, slots=True)
class HostInterpreter:
    """The unpacked interpreter of ``plan.cell``, below ``root``; what it compiles is beside it."""

    plan: CellPlan
    root: Path
    _made: dict[tuple[str, str], Compiled] = field(default_factory=dict)
    """By name and sha256 of the source."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def compile(self, sources: Sequence[SourceFile]) -> Sequence[Compiled]:
        """Compile staged sources of the standard library: equal ones of several platforms once."""
        wanted = {(each.name, each.path.name): each for each in sources}
        with self._lock:
            missing = sorted(wanted.keys() - self._made.keys())
            if missing:
                out = self.root.with_name(f"{self.root.name}-{len(self._made)}")
                files = [wanted[key] for key in missing]
                new = compile_sources(self._python, files, out, processors(), run=run)
                self._made.update(zip(missing, new, strict=True))
        return [self._made[key] for key in sorted(wanted)]

    @property
    def _python(self) -> Path:
        is_windows = self.plan.cell.platform.goos == "windows"
        return self.root / ("python.exe" if is_windows else "bin/python3")


class HostInterpreters:
    """Unpacks interpreters below ``folder``; ``plan`` fetches and plans a cell."""

    def __init__(
        self, matrix: Matrix, machine: Machine, folder: Path, plan: Callable[[Cell], CellPlan]
    ) -> None:
        self._matrix = matrix
        self._machine = machine
        self._folder = folder
        self._plan = plan
        self._unpacked = Once(self._unpack)

    def of(self, line: Line) -> HostInterpreter:
        """The line's interpreter; raises ``ToolError`` where it has none for this machine."""
        return self._unpacked(Cell(line, self._platform(line)))

    def _unpack(self, cell: Cell) -> HostInterpreter:
        root = self._folder / cell.name
        return HostInterpreter(unpack_cell(self._plan(cell), root), root)

    def _platform(self, line: Line) -> Platform:
        machine = self._machine
        found = platform_of(self._matrix.platforms, machine.goos, machine.goarch, machine.libc)
        reason = "matrix.toml has no platform for it"
        if found is not None:
            reason = unsupported_reason(Cell(line, found))
        if found is None or reason:
            raise ToolError(
                f"this machine ({machine}) cannot run Python {line.name}, which compiles its own "
                f"standard library: {reason}",
                hint='Build on another machine, or set bytecode = "none" in matrix.toml.',
            )
        return found
