"""What each command was asked for, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What every command takes: ``root`` is the folder of ``matrix.toml``."""

    root: Path


@dataclass(frozen=True, slots=True)
class VerifyRequest(Request):
    """``goempy verify``: without ``repo`` that of ``root``, without ``out`` nothing is kept."""

    tag: str
    repo: Path | None
    source: str
    platforms: tuple[str, ...]
    out: Path | None
