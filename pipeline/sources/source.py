"""The places that hold assets, and what they say of them.

A source is PBS on GitHub, a mirror with the same paths below another address, or a folder that
holds assets under their real names (directly, or in a folder a release).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol
from urllib.parse import quote

import httpx

from pipeline.config.model import Asset, Pin
from pipeline.sources.download import Downloader, NotFoundError, cached_path, shown, verify_digest
from pipeline.system.errors import AssetNotFoundError, LockError, UsageError
from pipeline.system.suggest import nearest

PBS_DOWNLOADS = "https://github.com/astral-sh/python-build-standalone/releases/download"
"""A mirror has the same paths below its own address: ``<release>/<file name>``."""
CHECKSUMS = "SHA256SUMS"
_SUM_ROW = re.compile(r"(?P<sha256>[0-9a-f]{64})[ \t]+\*?(?P<name>\S+)")


@dataclass(frozen=True, slots=True)
class Checksums:
    """``SHA256SUMS`` of one release: sha256 by asset name."""

    release: str
    sums: Mapping[str, str]


class AssetSource(Protocol):
    """A place that holds assets."""

    @property
    def title(self) -> str:
        """For messages."""

    def checksums(self, release: str) -> Checksums:
        """The release's checksum list; raises ``AssetNotFoundError`` when there is none."""

    def size_of(self, release: str, name: str) -> int:
        """Bytes of an asset; raises ``AssetNotFoundError``."""

    def fetch(self, asset: Asset, cache: Path) -> Path:
        """The asset as a proven file: its size and sha256 are the pinned ones."""


@dataclass(frozen=True, slots=True)
class WebSource:
    """PBS on GitHub, or a mirror; ``base`` is the address above the release folders."""

    base: str
    http: Downloader

    @property
    def title(self) -> str:
        """The address."""
        return shown(self.base)

    def checksums(self, release: str) -> Checksums:
        """Fetch and read ``SHA256SUMS``."""
        try:
            text = self.http.text(self._url(release, CHECKSUMS))
        except NotFoundError as missing:
            raise AssetNotFoundError(
                f"{self.title} has no release {release} (no {CHECKSUMS} there)",
                hint="Check 'pbs' in matrix.toml; a release of the last minutes may still be "
                "a draft.",
            ) from missing
        return Checksums(release, parse_checksums(text))

    def size_of(self, release: str, name: str) -> int:
        """Ask with a HEAD request."""
        try:
            return self.http.size(self._url(release, name))
        except NotFoundError as missing:
            raise self._not_found(release, name) from missing

    def fetch(self, asset: Asset, cache: Path) -> Path:
        """Download into ``cache``, or prove what is already there."""
        try:
            return self.http.download(self._url(asset.release, asset.name), asset, cache)
        except NotFoundError as missing:
            raise self._not_found(asset.release, asset.name) from missing

    def _url(self, release: str, name: str) -> str:
        return f"{self.base.rstrip('/')}/{quote(release)}/{quote(name)}"

    def _not_found(self, release: str, name: str) -> AssetNotFoundError:
        try:
            names = list(self.checksums(release).sums)
        except AssetNotFoundError as no_list:
            return AssetNotFoundError(
                f"{name} is not at {self.title}, and {no_list.what}", hint=no_list.hint
            )
        return not_found(self.title, release, name, names)


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder of this machine."""

    folder: Path
    prove: Prove

    @property
    def title(self) -> str:
        """The folder."""
        return str(self.folder)

    def checksums(self, release: str) -> Checksums:
        """Read ``SHA256SUMS`` of the release's folder, or of the folder itself."""
        for path in (self.folder / release / CHECKSUMS, self.folder / CHECKSUMS):
            if path.is_file():
                return Checksums(release, parse_checksums(path.read_text("utf-8")))
        raise AssetNotFoundError(
            f"{self.folder} has no {CHECKSUMS} for release {release}",
            hint=f"Put the release's {CHECKSUMS} beside its assets.",
        )

    def size_of(self, release: str, name: str) -> int:
        """The file's size."""
        return self._find(release, name).stat().st_size

    def fetch(self, asset: Asset, cache: Path) -> Path:
        """The file itself, proven in its place; ``cache`` stays untouched."""
        del cache
        path = self._find(asset.release, asset.name)
        self.prove(path, asset)
        return path

    def _find(self, release: str, name: str) -> Path:
        candidates = (self.folder / release / name, self.folder / name)
        for path in candidates:
            if path.is_file():
                return path
        names = [
            p.name for each in candidates if each.parent.is_dir() for p in each.parent.iterdir()
        ]
        raise not_found(self.title, release, name, names)


class Prove(Protocol):
    """Raises ``DigestError`` unless a file is the pinned asset."""

    def __call__(self, path: Path, asset: Asset) -> None:
        """Compare size and sha256."""


def not_found(where: str, release: str, name: str, names: Sequence[str]) -> AssetNotFoundError:
    """The error for an asset that a source does not have, with the nearest names that it has."""
    near = nearest(name, names, 3, cutoff=0.5)
    return AssetNotFoundError(
        f"{name} is not in release {release} at {where}",
        details=[f"nearest there: {each}" for each in near],
        hint="Check python, pbs, triple and build in matrix.toml"
        + (" against these names." if near else "; nothing there has a similar name."),
    )


def parse_checksums(text: str) -> Mapping[str, str]:
    """sha256 by file name, as ``sha256sum`` prints them; other rows raise ``LockError``."""
    sums = {}
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip():
            continue
        match = _SUM_ROW.fullmatch(row.strip())
        if match is None:
            raise LockError(
                f"row {number} of {CHECKSUMS} is not '<sha256>  <name>': {row[:80]!r}",
                hint="Check the source: it may serve an error page in place of the file.",
            )
        sums[match["name"]] = match["sha256"]
    return MappingProxyType(sums)


@dataclass(frozen=True, slots=True)
class ResolvedAsset:
    """An asset ready to be fetched, and what had to be taken on trust from the source."""

    asset: Asset
    unlocked: bool
    """The sha256 is not in ``matrix.lock``; it came from the release's ``SHA256SUMS``."""


def pin_asset(
    release: str, name: str, pins: Mapping[str, Pin], source: AssetSource, cache: Path
) -> ResolvedAsset:
    """Size and sha256 of an asset: from ``matrix.lock``, and from the source what it lacks.

    A file in ``cache`` tells its size as well; its sha256 is compared before it is used.
    Raises ``LockError`` when the lock pins the name to another release, and
    ``AssetNotFoundError`` when neither knows it.
    """
    pin = pins.get(name)
    if pin is None:
        sums = source.checksums(release).sums
        if name not in sums:
            raise not_found(source.title, release, name, list(sums))
        asset = Asset(release, name, sums[name], source.size_of(release, name))
        return ResolvedAsset(asset, unlocked=True)
    if pin.release != release:
        raise LockError(
            f"matrix.lock has {name} in release {pin.release}, matrix.toml in {release}",
            hint="Write the lock anew with 'goempy lock'.",
        )
    size = pin.size_bytes
    if size is None:
        cached = cached_path(cache, name, pin.sha256)
        size = cached.stat().st_size if cached.is_file() else source.size_of(release, name)
    return ResolvedAsset(Asset(release, name, pin.sha256, size), unlocked=False)


def open_source(name: str, downloader: Callable[[], Downloader]) -> AssetSource:
    """The source that ``name`` means: ``github``, an http(s) address, or a folder.

    ``downloader`` is called for the first two; raises ``UsageError`` for anything else.
    """
    if name == "github":
        return WebSource(PBS_DOWNLOADS, downloader())
    if is_web_address(name):
        return WebSource(name, downloader())
    return FolderSource(existing_folder(name), verify_digest)


def is_web_address(text: str) -> bool:
    """Whether ``text`` is an http(s) URL; raises ``UsageError`` for one that is malformed."""
    if not text.startswith(("http://", "https://")):
        return False
    try:
        usable = bool(httpx.URL(text).host)
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise UsageError(
            f"--source {text} is not a usable address", hint="Name one such as https://host/path."
        )
    return True


def existing_folder(text: str) -> Path:
    """The folder ``text``; raises ``UsageError`` when there is none."""
    path = Path(text)
    if not path.is_dir():
        raise UsageError(
            f"--source {text} is neither 'github', an http(s) address nor a folder",
            hint="Name one of the three.",
        )
    return path.resolve()
