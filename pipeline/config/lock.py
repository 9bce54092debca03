"""``matrix.lock``: the sha256 and size of every asset of the matrix.

TOML, ``format = 1`` and one ``[[asset]]`` table an asset, sorted by release and name. ``size``
(bytes) may be missing where only a checksum list was at hand when the lock was written; the
source tells it then.

A release says twice what its assets are: in ``SHA256SUMS``, which its own workflow wrote, and in
GitHub's API, which hashed what was uploaded ("Verify release assets", since June 2025). An asset
is pinned where both agree.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.config.cells import all_cells, asset_name
from pipeline.config.model import Matrix, Pin
from pipeline.system.errors import AssetNotFoundError, DigestError, LockError

FORMAT = 1
_HEADER = "# Written by `goempy lock`. Do not edit.\n\n"
_REMEDY = "Write it anew with 'goempy lock'."


class _Asset(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    release: Annotated[str, StringConstraints(min_length=1)]
    name: Annotated[str, StringConstraints(pattern=r"^[^/\\]+$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0)] | None = None


class _LockFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1]
    asset: list[_Asset] = Field(default_factory=list)


def parse_lock(text: str, *, where: str = "matrix.lock") -> Mapping[str, Pin]:
    """Pins by asset name; raises ``LockError`` that lists all faults."""
    try:
        parsed = _LockFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise LockError(f"{where}: {fault}", hint=_REMEDY) from fault
    except ValidationError as invalid:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors()]
        raise LockError(f"{where} is not a lock file", hint=_REMEDY, details=faults) from None
    pins = {a.name: Pin(a.release, a.name, a.sha256, a.size) for a in parsed.asset}
    if len(pins) != len(parsed.asset):
        raise LockError(f"{where} has an asset twice", hint=_REMEDY)
    return MappingProxyType(pins)


def dump_lock(pins: Iterable[Pin]) -> str:
    """The lock file's text: the same pins, the same bytes."""
    rows = []
    for pin in sorted(pins, key=lambda pin: (pin.release, pin.name)):
        row: dict[str, str | int] = {
            "release": pin.release,
            "name": pin.name,
            "sha256": pin.sha256,
        }
        if pin.size_bytes is not None:
            row["size"] = pin.size_bytes
        rows.append(row)
    return _HEADER + tomli_w.dumps({"format": FORMAT, "asset": rows})


@dataclass(frozen=True, slots=True, order=True)
class AssetRef:
    """An asset that a cell takes."""

    release: str
    name: str


def asset_refs(matrix: Matrix) -> tuple[AssetRef, ...]:
    """The assets of the matrix, sorted."""
    names = {AssetRef(c.line.pbs, asset_name(c, matrix.archive)) for c in all_cells(matrix)}
    return tuple(sorted(names))


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source says of one release's assets, by their names.

    ``sums`` is ``SHA256SUMS``. ``digests`` are the API's sha256, ``""`` where it has none, and
    ``None`` at a source without an API. ``sizes`` are in bytes, as far as they are known.
    """

    release: str
    sums: Mapping[str, str]
    digests: Mapping[str, str] | None
    sizes: Mapping[str, int]

    @property
    def names(self) -> Collection[str]:
        """The assets that can be pinned."""
        return self.sums.keys() if self.digests is None else self.sums.keys() & self.digests.keys()

    def lacks(self, name: str) -> str:
        """Which of its lists lacks an asset; ``""`` for one that can be pinned."""
        places = [] if name in self.sums else ["SHA256SUMS"]
        if self.digests is not None and name not in self.digests:
            places.append("the API's list")
        return " and ".join(places)


@dataclass(frozen=True, slots=True)
class LockedAssets:
    """Pins for all that is wanted."""

    pins: tuple[Pin, ...]
    undigested: tuple[str, ...]
    """Assets for which the API has no sha256: ``SHA256SUMS`` alone was believed."""


def pin_assets(
    wanted: Iterable[AssetRef], listings: Mapping[str, Listing], where: str
) -> LockedAssets:
    """Pin every asset by what ``listings``, by release, say of it; ``where`` names the source.

    Raises ``DigestError`` where two lists contradict each other and ``AssetNotFoundError`` where
    one lacks an asset, for all assets of all releases at once.
    """
    ordered = sorted(set(wanted))
    missing, disagreements, pins, undigested = [], [], [], []
    for each in ordered:
        listing = listings[each.release]
        if places := listing.lacks(each.name):
            missing.append(f"{each.name} is not in {places}{_nearest(each.name, listing)}")
            continue
        stated = listing.sums[each.name]
        computed = stated if listing.digests is None else listing.digests[each.name]
        if computed and computed != stated:
            disagreements.append(f"{each.name}: SHA256SUMS says {stated}, the API {computed}")
        if not computed:
            undigested.append(each.name)
        pins.append(Pin(each.release, each.name, stated, listing.sizes.get(each.name)))
    if disagreements:
        raise DigestError(
            f"{where} contradicts itself",
            details=[*disagreements, *missing],
            hint="Pin none of it: an asset or the list was changed after the release was made. "
            "Look at the release's page, and ask its maintainers.",
        )
    if missing:
        raise AssetNotFoundError(
            f"{where} lacks assets of the matrix",
            details=missing,
            hint="Check python, pbs, triple and build in matrix.toml against these names.",
        )
    return LockedAssets(tuple(pins), tuple(undigested))


def _nearest(name: str, listing: Listing) -> str:
    near = difflib.get_close_matches(name, list(listing.names), n=2, cutoff=0.5)
    return f"; nearest there: {', '.join(near)}" if near else f" of release {listing.release}"


@dataclass(frozen=True, slots=True)
class LockChanges:
    """What a new lock has that the old one had not, as rows for people."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def rows(self) -> Iterator[str]:
        """One row an entry."""
        yield from (f"added: {name}" for name in self.added)
        yield from (f"removed: {name}" for name in self.removed)
        yield from (f"changed: {row}" for row in self.changed)


def compare_pins(old: Mapping[str, Pin], new: Iterable[Pin]) -> LockChanges:
    """What differs between the pins of an old lock and those of a new one."""
    now = {pin.name: pin for pin in new}
    return LockChanges(
        added=tuple(sorted(now.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - now.keys())),
        changed=tuple(
            f"{name}: {', '.join(_changes(old[name], now[name]))}"
            for name in sorted(now.keys() & old.keys())
            if old[name] != now[name]
        ),
    )


def _changes(old: Pin, new: Pin) -> Iterator[str]:
    if old.release != new.release:
        yield f"release {old.release} -> {new.release}"
    if old.sha256 != new.sha256:
        yield f"sha256 {old.sha256} -> {new.sha256}"
    if old.size_bytes != new.size_bytes:
        yield f"size {old.size_bytes or 'unknown'} -> {new.size_bytes or 'unknown'}"


def check_lock(pins: Mapping[str, Pin], wanted: Iterable[AssetRef]) -> int:
    """How many assets the lock pins; raises ``LockError`` unless they are the ``wanted`` ones."""
    releases = {each.name: each.release for each in wanted}
    faults = [f"missing: {name}" for name in sorted(releases.keys() - pins.keys())]
    faults += [f"no cell takes: {name}" for name in sorted(pins.keys() - releases.keys())]
    faults += [
        f"{name} stands in release {pin.release}, and matrix.toml takes it from {releases[name]}"
        for name, pin in sorted(pins.items())
        if releases.get(name, pin.release) != pin.release
    ]
    if faults:
        raise LockError("matrix.lock is not that of matrix.toml", hint=_REMEDY, details=faults)
    return len(releases)
