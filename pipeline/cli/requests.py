"""What each command was asked for, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.config.project import Selection


@dataclass(frozen=True, slots=True)
class Request:
    """What every command takes: ``root`` is the folder of ``matrix.toml``."""

    root: Path


@dataclass(frozen=True, slots=True)
class PlanRequest(Request):
    """``goempy plan``: no ``repo`` is that of ``root``; ``remote`` of ``""`` asks nobody."""

    selection: Selection
    json: bool
    repo: Path | None
    remote: str
    rebuild: bool


@dataclass(frozen=True, slots=True)
class BuildRequest(Request):
    """``goempy build``: ``source`` is ``""`` where the user named none.

    ``pack`` is a tar to be written of what was built.
    """

    cells: tuple[str, ...]
    out: Path
    source: str
    explain: bool
    pack: Path | None


@dataclass(frozen=True, slots=True)
class FinalizeRequest(Request):
    """``goempy finalize``: with ``rebuild``, tags that exist are compared in payloads alone."""

    selection: Selection
    payloads: Path
    repo: Path
    push: str
    without_licenses: bool
    module: str
    dry_run: bool
    rebuild: bool


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
class ProposeRequest(Request):
    """``goempy propose``: ``branch`` is what the pull request comes from."""

    source: str
    branch: str


@dataclass(frozen=True, slots=True)
class VerifyRequest(Request):
    """``goempy verify``: without ``repo`` that of ``root``, without ``out`` nothing is kept."""

    tag: str
    repo: Path | None
    source: str
    platforms: tuple[str, ...]
    out: Path | None


@dataclass(frozen=True, slots=True)
class TryRequest(Request):
    """``goempy try``: ``platform`` of ``""`` is this machine, no ``lines`` mean all."""

    platform: str
    payloads: Path
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckRequest(Request):
    """``goempy check``: no ``tags`` mean those of VERSION, ``""`` as platform this machine."""

    tags: tuple[str, ...]
    platform: str
    module: str


@dataclass(frozen=True, slots=True)
class VerifyAssetRequest(Request):
    """``goempy verify-asset``."""

    cells: tuple[str, ...]
    source: str
