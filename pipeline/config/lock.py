"""``matrix.lock``: the sha256 and size of every asset of the matrix.

TOML: ``format = 1`` and an ``[[asset]]`` table for each asset, sorted by release and name. ``size``
(bytes) is missing where only a checksum list was available when the lock was written; it is then
asked for when the asset is fetched.

A release lists its assets twice: in ``SHA256SUMS``, which its workflow wrote, and in GitHub's API,
which hashed what was uploaded ("Verify release assets", since June 2025). An asset is pinned if
both agree.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

import tomli_w
from pydantic import ConfigDict, Field, StrictInt, TypeAdapter, ValidationError, with_config

from pipeline.config.cells import all_cells, asset_name
from pipeline.config.model import Matrix, Pin
from pipeline.system.errors import AssetNotFoundError, DigestError, LockError, UnpinnedError
from pipeline.system.suggest import nearest
from pipeline.system.validation import validation_faults

FORMAT = 1
_HEADER = "# Written by `goempy lock`. Do not edit.\n\n"
_HINT = "Rewrite it with 'goempy lock'."


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class _LockFile:
    format: Annotated[StrictInt, Field(ge=FORMAT, le=FORMAT)]
    asset: tuple[Pin, ...] = ()


def parse_lock(text: str, *, where: str = "matrix.lock") -> Mapping[str, Pin]:
    """Pins by asset name; raises ``LockError`` that lists all faults."""
    try:
        parsed = TypeAdapter(_LockFile).validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise LockError(f"{where}: {fault}", hint=_HINT) from fault
    except ValidationError as invalid:
        faults = validation_faults(invalid)
        raise LockError(f"{where} is not a lock file", hint=_HINT, details=faults) from None
    pins = {pin.name: pin for pin in parsed.asset}
    if len(pins) != len(parsed.asset):
        raise LockError(f"{where} has an asset twice", hint=_HINT)
    return MappingProxyType(pins)


def dump_lock(pins: Iterable[Pin]) -> str:
    """The lock file's text: the same pins, the same bytes."""
    rows = []
    for pin in sorted(pins, key=lambda pin: (pin.release, pin.name)):
        row = {"release": pin.release, "name": pin.name, "sha256": pin.sha256}
        rows.append(row if pin.size_bytes is None else {**row, "size": pin.size_bytes})
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
    """What a source says about the assets of one release, by their names.

    ``sums`` is ``SHA256SUMS``. ``digests`` are the API's sha256, ``""`` where it has none; ``None``
    at a source without an API. ``sizes`` are in bytes, as far as they are known.
    """

    release: str
    sums: Mapping[str, str]
    digests: Mapping[str, str] | None
    sizes: Mapping[str, int]

    @property
    def names(self) -> Collection[str]:
        """The assets that can be pinned."""
        return self.sums.keys() if self.digests is None else self.sums.keys() & self.digests.keys()

    def lists_lacking(self, name: str) -> str:
        """Which of its lists lack an asset; ``""`` for one that can be pinned."""
        lists = [] if name in self.sums else ["SHA256SUMS"]
        if self.digests is not None and name not in self.digests:
            lists.append("the API's list")
        return " and ".join(lists)


@dataclass(frozen=True, slots=True)
class LockedAssets:
    """A pin for each asset."""

    pins: tuple[Pin, ...]
    undigested: tuple[str, ...]
    """Assets for which the API has no sha256: ``SHA256SUMS`` alone decided."""


def pin_assets(
    refs: Iterable[AssetRef], listings: Mapping[str, Listing], where: str
) -> LockedAssets:
    """Pin every asset by its release's entry in ``listings``; ``where`` names the source.

    Raises ``DigestError`` where two lists contradict each other and ``AssetNotFoundError`` where
    one lacks an asset, for all assets of all releases at once.
    """
    missing, disagreements, pins, undigested = [], [], [], []
    for ref in sorted(set(refs)):
        listing = listings[ref.release]
        if lists := listing.lists_lacking(ref.name):
            missing.append(f"{ref.name} is not in {lists}{_nearest(ref.name, listing)}")
            continue
        listed = listing.sums[ref.name]
        uploaded = listed if listing.digests is None else listing.digests[ref.name]
        if not uploaded:
            undigested.append(ref.name)
        elif uploaded != listed:
            disagreements.append(f"{ref.name}: SHA256SUMS has {listed}, the API {uploaded}")
        pins.append(Pin(ref.release, ref.name, listed, listing.sizes.get(ref.name)))
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
    near = nearest(name, listing.names, 2, cutoff=0.5)
    return f"; nearest there: {', '.join(near)}" if near else f" of release {listing.release}"


def compare_pins(old: Mapping[str, Pin], pins: Iterable[Pin]) -> Iterator[str]:
    """What differs between the pins of an old lock and those of a new one, a row for each asset."""
    new = {pin.name: pin for pin in pins}
    yield from (f"added: {name}" for name in sorted(new.keys() - old.keys()))
    yield from (f"removed: {name}" for name in sorted(old.keys() - new.keys()))
    for name in sorted(new.keys() & old.keys()):
        if changes := ", ".join(_changes(old[name], new[name])):
            yield f"changed: {name}: {changes}"


def _changes(old: Pin, new: Pin) -> Iterator[str]:
    for field, before, after in (
        ("release", old.release, new.release),
        ("sha256", old.sha256, new.sha256),
        ("size", old.size_bytes, new.size_bytes),
    ):
        if before != after:
            yield f"{field} {before or 'unknown'} -> {after or 'unknown'}"


def check_lock(pins: Mapping[str, Pin], refs: Iterable[AssetRef]) -> int:
    """How many assets the lock pins, if they are exactly ``refs``.

    Raises ``UnpinnedError`` if it only lacks some, as after a change of matrix.toml, and
    ``LockError`` if it contradicts them.
    """
    releases = {ref.name: ref.release for ref in refs}
    missing = [f"missing: {name}" for name in sorted(releases.keys() - pins.keys())]
    faults = [f"unused: {name}" for name in sorted(pins.keys() - releases.keys())]
    faults += [
        f"{name} is pinned in release {pin.release}, matrix.toml takes it from {releases[name]}"
        for name, pin in sorted(pins.items())
        if releases.get(name, pin.release) != pin.release
    ]
    if faults:
        details = missing + faults
        raise LockError("matrix.lock does not fit matrix.toml", hint=_HINT, details=details)
    if missing:
        raise UnpinnedError(
            "matrix.lock does not pin all assets of matrix.toml yet",
            hint="Pin them with 'goempy lock', which asks the source of the assets.",
            details=missing,
        )
    return len(releases)
