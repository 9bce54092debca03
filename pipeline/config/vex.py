"""``vex.toml``: vulnerabilities that do not matter, since the vulnerable part does not ship.

A statement names what a tree must lack. It is people's word that the vulnerable code is there and
nowhere else; whether a tag lacks it is looked up in the tag.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.system.errors import ConfigError
from pipeline.system.units import counted
from pipeline.system.validation import validation_faults

VEX_FILE = "vex.toml"
_Text = Annotated[str, StringConstraints(min_length=1)]


class VexStatement(BaseModel, frozen=True):
    """``absent`` are globs as in ``[trim]`` of matrix.toml: none may match a file of a payload."""

    model_config = ConfigDict(extra="forbid")

    vulnerability: _Text
    """Any of its ids."""
    component: _Text
    """As the bill of materials names it."""
    absent: Annotated[tuple[_Text, ...], Field(min_length=1)]
    why: _Text


class _File(BaseModel, frozen=True):
    model_config = ConfigDict(extra="forbid")

    statement: tuple[VexStatement, ...] = ()


def read_vex(root: Path) -> tuple[VexStatement, ...]:
    """The statements of ``vex.toml``, none without the file; raises ``ConfigError``."""
    path = root / VEX_FILE
    return parse_vex(path.read_bytes()) if path.is_file() else ()


def parse_vex(data: bytes) -> tuple[VexStatement, ...]:
    """Check the file's text; raises ``ConfigError`` that lists all faults."""
    try:
        statements = _File.model_validate(tomllib.loads(data.decode())).statement
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{VEX_FILE}: {fault}", hint="Fix the file's TOML syntax.") from fault
    except ValidationError as fault:
        raise _faulty(validation_faults(fault)) from fault
    counts = Counter((each.vulnerability, each.component) for each in statements)
    repeated = [f"{name} of {part} appears twice" for (name, part), n in counts.items() if n > 1]
    if repeated:
        raise _faulty(repeated)
    return statements


def _faulty(faults: list[str]) -> ConfigError:
    count = counted(len(faults), "fault")
    return ConfigError(f"{VEX_FILE} has {count}", hint=f"Fix {VEX_FILE}.", details=faults)
