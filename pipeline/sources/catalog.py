"""What a source has in each release: assets, digests, sizes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from pipeline.config.lock import AssetRef, Listing
from pipeline.config.model import Pin
from pipeline.config.project import read_pins
from pipeline.sources.source import AssetSource, FolderSource, WebSource
from pipeline.system.console import Console
from pipeline.system.errors import AssetNotFoundError, LockError, UsageError
from pipeline.system.github import (
    PUBLIC_API,
    GitHubClient,
    NoApiError,
    Release,
    Releases,
    repo_from_download_url,
)

_RELEASE = re.compile(r"\d{8}")


def open_catalog(
    root: Path, source: AssetSource, github: Callable[[str], GitHubClient], console: Console
) -> ReleaseCatalog:
    """The catalog of ``source``, beside the lock in ``root``; a damaged lock counts as empty.

    ``github`` makes the client of an API's address; it is called where the source has one.
    """
    try:
        pins = read_pins(root)
    except LockError as fault:
        console.warning(f"{fault.what}; it will be replaced")
        pins = {}
    return ReleaseCatalog(source, pins, github, console)


class ReleaseCatalog:
    """The releases of a source, each asked for once.

    ``old_pins`` are those of the lock that is to be replaced.
    """

    def __init__(
        self,
        source: AssetSource,
        old_pins: Mapping[str, Pin],
        github: Callable[[str], GitHubClient],
        console: Console,
    ) -> None:
        self.source = source
        self.old_pins = old_pins
        self.console = console
        repo = repo_from_download_url(source.base) if isinstance(source, WebSource) else None
        self._api = Releases(github(repo.address), repo.name) if repo else None
        self._has_api = repo is not None and repo.address == PUBLIC_API
        """Whether the source is known to have an API; others may have GitHub's paths alone."""
        self._releases: dict[str, Release] = {}
        self._listings: dict[str, Listing] = {}

    def newest(self) -> str:
        """The newest release's tag; raises ``UsageError`` at a source that does not list them."""
        latest = self._ask(Releases.latest)
        if latest is not None:
            self._releases[latest.tag] = latest
            return latest.tag
        found: list[str] = []
        if isinstance(self.source, FolderSource):
            found = [path.name for path in self.source.folder.iterdir() if path.is_dir()]
        found = [name for name in found if _RELEASE.fullmatch(name)]
        if not found:
            raise UsageError(
                f"cannot determine the newest release at {self.source.title}",
                hint="Name one with --pbs, such as --pbs 20261021.",
            )
        return max(found)

    def listings(self, refs: Collection[AssetRef], *, keep: bool = False) -> dict[str, Listing]:
        """The listings of all releases of ``refs``, by release, with the sizes of those assets.

        With ``keep``, assets whose release the source no longer has keep their old pins.
        """
        made = {}
        for release in sorted({ref.release for ref in refs}):
            names = [ref.name for ref in refs if ref.release == release]
            try:
                made[release] = self.with_sizes(self.listing(release), names)
            except AssetNotFoundError as fault:
                if not keep or not all(name in self.old_pins for name in names):
                    raise
                self.console.warning(f"{fault.what}; its assets keep their pins")
                made[release] = _from_pins(release, [self.old_pins[name] for name in names])
        return made

    def listing(self, release: str) -> Listing:
        """What the release has; raises ``AssetNotFoundError``."""
        if release not in self._listings:
            self._listings[release] = self._fetch(release)
        return self._listings[release]

    def _fetch(self, release: str) -> Listing:
        found = self._releases.get(release) or self._ask(lambda api: api.published(release))
        sums = self.source.checksums(release)
        if found is None:
            return Listing(release, sums, None, {})
        digests = {asset.name: asset.sha256 for asset in found.assets}
        # No asset is empty: a size of 0 is one that is not known.
        sizes = {asset.name: asset.size_bytes for asset in found.assets if asset.size_bytes}
        return Listing(release, sums, digests, sizes)

    def with_sizes(self, listing: Listing, names: Iterable[str]) -> Listing:
        """The listing with sizes for ``names``, as far as they can be found out."""
        unsized = [n for n in names if n in listing.sums and n not in listing.sizes]
        if listing.digests is not None or not unsized:
            return listing
        sizes = {name: self._size(listing, name) for name in unsized}
        known = {name: size for name, size in sizes.items() if size}
        made = dataclasses.replace(listing, sizes={**listing.sizes, **known})
        self._listings[listing.release] = made
        return made

    def _size(self, listing: Listing, name: str) -> int | None:
        """From the source, else from the old lock, if it pins the same bytes."""
        try:
            return self.source.size_of(listing.release, name)
        except AssetNotFoundError:
            pin = self.old_pins.get(name)
            return pin.size_bytes if pin and pin.sha256 == listing.sums[name] else None

    def _ask(self, ask: Callable[[Releases], Release]) -> Release | None:
        """The API's answer; ``None`` at a source without one."""
        if self._api is None:
            return None
        try:
            return ask(self._api)
        except NoApiError as fault:
            if self._has_api:
                raise
            self.console.warning(f"{fault.what}; digests come from SHA256SUMS alone")
            self._api = None
            return None


def _from_pins(release: str, pins: Collection[Pin]) -> Listing:
    sizes = {pin.name: pin.size_bytes for pin in pins if pin.size_bytes is not None}
    return Listing(release, {pin.name: pin.sha256 for pin in pins}, None, sizes)
