"""Sources of assets: PBS on GitHub, a mirror with the same paths, or a local folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
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


class AssetSource(Protocol):
    """A place that holds assets."""

    @property
    def title(self) -> str:
        """For messages."""

    @property
    def address(self) -> str:
        """Where anyone gets the assets, above the release folders; ``""`` for no such place."""

    def checksums(self, release: str) -> Mapping[str, str]:
        """sha256 by asset name of a release; raises ``AssetNotFoundError`` when it has no list."""

    def size_of(self, release: str, name: str) -> int:
        """Bytes of an asset; raises ``AssetNotFoundError``."""

    def fetch(self, asset: Asset, cache: Path) -> Path:
        """The asset's file, whose size and sha256 are verified."""


@dataclass(frozen=True, slots=True)
class WebSource:
    """PBS on GitHub, or a mirror; ``base`` is the address above the release folders."""

    base: str
    http: Downloader

    @property
    def title(self) -> str:
        """The address."""
        return shown(self.base)

    @property
    def address(self) -> str:
        """Without user and password."""
        return self.title.rstrip("/")

    def checksums(self, release: str) -> Mapping[str, str]:
        """Fetch and read ``SHA256SUMS``."""
        try:
            return parse_checksums(self.http.text(self._url(release, CHECKSUMS)))
        except NotFoundError as missing:
            raise AssetNotFoundError(
                f"{self.title} has no release {release} (no {CHECKSUMS} there)",
                hint="Check 'pbs' in matrix.toml; a very new release may still be a draft.",
            ) from missing

    def size_of(self, release: str, name: str) -> int:
        """Ask with a HEAD request."""
        try:
            return self.http.size(self._url(release, name))
        except NotFoundError as missing:
            raise self._not_found(release, name) from missing

    def fetch(self, asset: Asset, cache: Path) -> Path:
        """Download into ``cache``, or verify what is already there."""
        try:
            return self.http.download(self._url(asset.release, asset.name), asset, cache)
        except NotFoundError as missing:
            raise self._not_found(asset.release, asset.name) from missing

    def _url(self, release: str, name: str) -> str:
        return f"{self.base.rstrip('/')}/{quote(release)}/{quote(name)}"

    def _not_found(self, release: str, name: str) -> AssetNotFoundError:
        try:
            names = list(self.checksums(release))
        except AssetNotFoundError as no_list:
            return AssetNotFoundError(
                f"{name} is not at {self.title}, and {no_list.what}", hint=no_list.hint
            )
        return not_found(self.title, release, name, names)


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder of this machine, with assets in it or in a folder per release."""

    folder: Path

    @property
    def title(self) -> str:
        """The folder."""
        return str(self.folder)

    @property
    def address(self) -> str:
        """Nobody else has the folder."""
        return ""

    def checksums(self, release: str) -> Mapping[str, str]:
        """Read ``SHA256SUMS`` of the release's folder, or of the folder itself."""
        for path in self._candidates(release, CHECKSUMS):
            if path.is_file():
                return parse_checksums(path.read_text("utf-8"))
        raise AssetNotFoundError(
            f"{self.folder} has no {CHECKSUMS} for release {release}",
            hint=f"Put the release's {CHECKSUMS} beside its assets.",
        )

    def size_of(self, release: str, name: str) -> int:
        """The file's size."""
        return self._find(release, name).stat().st_size

    def fetch(self, asset: Asset, cache: Path) -> Path:
        """The file itself, verified in place; ``cache`` is not used."""
        del cache
        path = self._find(asset.release, asset.name)
        verify_digest(path, asset)
        return path

    def _candidates(self, release: str, name: str) -> tuple[Path, Path]:
        return self.folder / release / name, self.folder / name

    def _find(self, release: str, name: str) -> Path:
        candidates = self._candidates(release, name)
        for path in candidates:
            if path.is_file():
                return path
        folders = [each.parent for each in candidates if each.parent.is_dir()]
        names = [path.name for folder in folders for path in folder.iterdir()]
        raise not_found(self.title, release, name, names)


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
    return sums


@dataclass(frozen=True, slots=True)
class ResolvedAsset:
    """An asset with its size and sha256."""

    asset: Asset
    unlocked: bool
    """The sha256 is not in ``matrix.lock``; it came from the release's ``SHA256SUMS``."""


def pin_asset(
    release: str, name: str, pins: Mapping[str, Pin], source: AssetSource, cache: Path
) -> ResolvedAsset:
    """Size and sha256 of an asset: from ``matrix.lock``, and from the source what it lacks.

    The size may also be that of a file in ``cache``, whose sha256 is verified before it is used.
    Raises ``LockError`` when the lock pins the name to another release, and
    ``AssetNotFoundError`` when neither knows it.
    """
    pin = pins.get(name)
    if pin is None:
        sums = source.checksums(release)
        if name not in sums:
            raise not_found(source.title, release, name, list(sums))
        asset = Asset(release, name, sums[name], source.size_of(release, name))
        return ResolvedAsset(asset, unlocked=True)
    if pin.release != release:
        raise LockError(
            f"matrix.lock has {name} in release {pin.release}, matrix.toml in {release}",
            hint="Update the lock with 'goempy lock'.",
        )
    size = pin.size_bytes
    if size is None:
        cached = cached_path(cache, name, pin.sha256)
        size = cached.stat().st_size if cached.is_file() else source.size_of(release, name)
    return ResolvedAsset(Asset(release, name, pin.sha256, size), unlocked=False)


def is_address(name: str, given_as: str) -> bool:
    """Whether ``name`` is an http(s) address; raises ``UsageError`` for one without a host."""
    if not name.startswith(("http://", "https://")):
        return False
    try:
        has_host = bool(httpx.URL(name).host)
    except (httpx.InvalidURL, UnicodeError):
        has_host = False
    if not has_host:
        raise UsageError(
            f"{given_as} {shown(name)} is not a usable address",
            hint="Name one such as https://host/path.",
        )
    return True


def open_source(
    name: str, downloader: Callable[[], Downloader], *, given_as: str = "--source"
) -> AssetSource:
    """The source that ``name`` means: ``github``, an http(s) address, or a folder.

    ``downloader`` is called for the first two; raises ``UsageError``, which names ``given_as``, for
    anything else.
    """
    if name == "github":
        return WebSource(PBS_DOWNLOADS, downloader())
    if is_address(name, given_as):
        return WebSource(name, downloader())
    if not Path(name).is_dir():
        raise UsageError(
            f"{given_as} {name} is neither 'github', an http(s) address nor a folder",
            hint="Name one of the three.",
        )
    return FolderSource(Path(name).resolve())
