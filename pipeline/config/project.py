"""The files in a checkout's root: matrix.toml, matrix.lock, VERSION, PRIMARY_PYTHON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import semver

from pipeline.config import cells, tags
from pipeline.config.lock import parse_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Cell, Line, Matrix, Pin
from pipeline.config.module_path import base_fault
from pipeline.system.errors import ConfigError, LockError, UsageError

LOCK_FILE = "matrix.lock"
MATRIX_FILE = "matrix.toml"
VERSION_FILE = "VERSION"
_ENCODING = "utf-8-sig"
"""Windows programs begin files with a byte order mark."""
_HINT = "Run goempy in a checkout of the repository, or name one with --root."


@dataclass(frozen=True, slots=True)
class Selection:
    """Names of lines and platforms; empty means all."""

    lines: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """``matrix.toml``, ``VERSION`` and ``PRIMARY_PYTHON``."""

    matrix: Matrix
    version: semver.Version
    primary: Line

    def cells(self, selection: Selection = Selection()) -> tuple[Cell, ...]:
        """The cells that ``selection`` names; raises ``UsageError`` for names that match none."""
        every = cells.all_cells(self.matrix)
        return cells.select_cells(
            every,
            lines=selection.lines,
            platforms=selection.platforms,
            disabled=[each for each in self.matrix.platforms if not each.enabled],
        )

    def tag_of(self, line: Line) -> str:
        """The tag of a line at this VERSION."""
        return tags.tag_name(self.version, line, primary=line == self.primary)


def read_config(root: Path, module: str = "") -> Config:
    """Read all but the lock file; raises ``ConfigError``.

    ``module`` replaces the module path; raises ``UsageError`` if it is invalid.
    """
    matrix = read_matrix(root, module)
    primary = cells.find_primary(matrix.lines, read_primary(root))
    return Config(matrix, read_version(root), primary)


def read_matrix(root: Path, module: str = "") -> Matrix:
    """Read ``matrix.toml``; raises ``ConfigError``. ``module`` as for ``read_config``."""
    matrix = parse_matrix(_text(root, MATRIX_FILE))
    if not module:
        return matrix
    if fault := base_fault(module):
        raise UsageError(
            f"--module {module!r} is not a Go module path: {fault}",
            hint="Name one such as github.com/you/goempy, without /vN.",
        )
    return dataclasses.replace(matrix, module=module)


def read_version(root: Path) -> semver.Version:
    """Read ``VERSION``; raises ``ConfigError``."""
    return tags.parse_version(_text(root, VERSION_FILE))


def read_primary(root: Path) -> str:
    """Read ``PRIMARY_PYTHON``, such as ``3.14``; raises ``ConfigError``."""
    return _text(root, "PRIMARY_PYTHON").strip()


def read_pins(root: Path) -> Mapping[str, Pin]:
    """Read ``matrix.lock``, by asset name; empty without the file. Raises ``LockError``."""
    path = root / LOCK_FILE
    if not path.is_file():
        return {}
    try:
        return parse_lock(path.read_text(_ENCODING))
    except UnicodeDecodeError as fault:
        raise LockError(f"{LOCK_FILE} is not UTF-8", hint="Write it with 'goempy lock'.") from fault


def _text(root: Path, name: str) -> str:
    try:
        return (root / name).read_text(_ENCODING)
    except FileNotFoundError as missing:
        raise ConfigError(f"{root} has no {name}", hint=_HINT) from missing
    except UnicodeDecodeError as fault:
        raise ConfigError(f"{name} is not UTF-8", hint="Save it as UTF-8.") from fault
    except OSError as fault:
        raise ConfigError(f"cannot read {root / name}: {fault.strerror}", hint=_HINT) from fault
