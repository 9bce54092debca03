"""What each command was asked for, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What every command takes: ``root`` is the folder of ``matrix.toml``."""

    root: Path


@dataclass(frozen=True, slots=True)
class Selection:
    """Names of lines and platforms; empty means all."""

    lines: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanRequest(Request):
    """``goempy plan``."""

    selection: Selection
    json: bool


@dataclass(frozen=True, slots=True)
class BuildRequest(Request):
    """``goempy build``: ``source`` is ``""`` where the user named none."""

    cells: tuple[str, ...]
    out: Path
    source: str
    explain: bool


@dataclass(frozen=True, slots=True)
class FinalizeRequest(Request):
    """``goempy finalize``."""

    selection: Selection
    payloads: Path
    repo: Path
    push: str
    without_licenses: bool
    module: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class ReleaseRequest(Request):
    """``goempy release``."""

    selection: Selection
    local: bool
    pythons: tuple[str, ...]
    primary: str
    module: str
    source: str
    out: Path
    dry_run: bool


@dataclass(frozen=True, slots=True)
class TagsRequest(Request):
    """``goempy tags``."""


@dataclass(frozen=True, slots=True)
class LockRequest(Request):
    """``goempy lock``: ``check`` compares and writes nothing."""

    source: str
    check: bool


@dataclass(frozen=True, slots=True)
class UpdateRequest(Request):
    """``goempy update``: ``pbs`` is ``""`` for the newest release."""

    pbs: str
    source: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class SbomRequest(Request):
    """``goempy sbom``: ``repo`` of ``None`` is the root's, ``out`` of ``None`` the terminal."""

    tag: str
    repo: Path | None
    out: Path | None


@dataclass(frozen=True, slots=True)
class SizesRequest(Request):
    """``goempy sizes``: no names mean all cells of ``payloads``, no ``repo`` that of ``root``."""

    names: tuple[str, ...]
    payloads: Path
    repo: Path | None
    svg: Path | None


@dataclass(frozen=True, slots=True)
class VerifyRequest(Request):
    """``goempy verify``: without ``repo`` that of ``root``, without ``out`` nothing is kept."""

    tag: str
    repo: Path | None
    source: str
    platforms: tuple[str, ...]
    out: Path | None


@dataclass(frozen=True, slots=True)
class VerifyAssetRequest(Request):
    """``goempy verify-asset``."""

    cells: tuple[str, ...]
    source: str
