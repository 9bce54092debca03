"""What each command was asked for, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What every command takes: ``root`` is the folder of ``matrix.toml``."""

    root: Path


@dataclass(frozen=True, slots=True)
class ProposeRequest(Request):
    """``goempy propose``: ``branch`` is what the pull request comes from."""

    source: str
    branch: str


@dataclass(frozen=True, slots=True)
class PublishRequest(Request):
    """``goempy publish``: no tags mean all folders of ``assets``, no ``repo`` that of ``root``."""

    tags: tuple[str, ...]
    assets: Path
    repo: Path | None
    dry_run: bool


@dataclass(frozen=True, slots=True)
class VerifyRequest(Request):
    """``goempy verify``: without ``repo`` that of ``root``, without ``out`` nothing is kept."""

    tag: str
    repo: Path | None
    source: str
    platforms: tuple[str, ...]
    out: Path | None
