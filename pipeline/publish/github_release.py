"""Releases at GitHub: one a tag, drafted, filled, and published when it is whole.

``plan_publish`` decides from what GitHub has, ``apply_step`` acts; a run that died leaves drafts,
and the next one goes on with them. Of several drafts of one tag the oldest is used. A published
release is never touched: it may be immutable, and someone may have it.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import semver

from pipeline.config import tags
from pipeline.publish.release_notes import NOTES, SUMS
from pipeline.system.errors import GitHubError, TagConflictError, UsageError
from pipeline.system.files import sha256_of
from pipeline.system.github import Release, ReleaseAsset, Releases
from pipeline.system.units import human_bytes

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
"""Names that GitHub leaves as they are."""
_SUM = re.compile(r"([0-9a-f]{64})  (.+)")
_HEADING = "# "


@dataclass(frozen=True, slots=True)
class AssetFile:
    """A file to upload."""

    path: Path
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """Its name at GitHub."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class ReleaseSpec:
    """A release as it is to be; ``files`` are sorted by name."""

    tag: str
    title: str
    notes: str
    files: tuple[AssetFile, ...]

    @property
    def primary(self) -> bool:
        """Whether its tag is that of the primary line."""
        return tags.sort_key(self.tag).prerelease is None


class ReleaseState(enum.Enum):
    """Whether a release is to be made."""

    NEW = "new"
    RELEASED = "already released"


@dataclass(frozen=True, slots=True)
class ReleaseAction:
    """What is to be done for one tag; nothing where ``published`` is set but to sweep."""

    wanted: ReleaseSpec
    published: Release | None
    draft: Release | None
    """The one to go on with; ``None`` where one is to be made."""
    superfluous: tuple[Release, ...]
    """Drafts to delete."""
    latest: bool

    @property
    def state(self) -> ReleaseState:
        """Whether it is published."""
        return ReleaseState.RELEASED if self.published else ReleaseState.NEW

    def rows(self) -> Iterator[str]:
        """What it does, for people."""
        for each in self.superfluous:
            yield f"delete draft {each.id}"
        if self.published:
            return
        yield f"go on with draft {self.draft.id}" if self.draft else "make a draft"
        fill = plan_fill(self.wanted.files, self.draft.assets if self.draft else ())
        for asset in fill.delete:
            yield f"delete {asset.name} of {human_bytes(asset.size_bytes)}"
        for file in fill.upload:
            yield f"upload {file.name} of {human_bytes(file.size_bytes)}"
        kind = "a release" if self.wanted.primary else "a pre-release"
        yield f"publish it as {'the latest release' if self.latest else kind}"


@dataclass(frozen=True, slots=True)
class AssetSync:
    """How the assets of a draft become what they should be."""

    delete: tuple[ReleaseAsset, ...]
    upload: tuple[AssetFile, ...]


def read_wanted(folder: Path) -> ReleaseSpec:
    """A release from the folder that ``goempy assets`` wrote for its tag.

    Raises ``UsageError`` for folders that are none, and for files that are not those of its
    SHA256SUMS.
    """
    try:
        text = (folder / NOTES).read_text("utf-8")
    except OSError as fault:
        raise UsageError(
            f"{folder} holds no release: {NOTES} cannot be read",
            hint="Make it with 'goempy assets'.",
        ) from fault
    title, _, rest = text.partition("\n")
    if not title.startswith(_HEADING):
        title, rest = f"{_HEADING}{folder.name}", text
    files = tuple(
        AssetFile(path, path.stat().st_size, sha256_of(path))
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != NOTES
    )
    if faults := list(_faults(files)):
        raise UsageError(
            f"{folder} is not a release to publish",
            details=faults,
            hint="Make it again with 'goempy assets'.",
        )
    return ReleaseSpec(folder.name, title.removeprefix(_HEADING), rest.strip() + "\n", files)


def _faults(files: Sequence[AssetFile]) -> Iterator[str]:
    found = {file.name: file for file in files}
    for name in found:
        if not _PLAIN_NAME.fullmatch(name):
            yield f"GitHub would rename {name!r}"
    for name in [name for name, file in found.items() if not file.size_bytes]:
        yield f"{name} is empty"
    if SUMS not in found:
        yield f"it has no {SUMS}"
        return
    for row in found[SUMS].path.read_text("utf-8").splitlines():
        match = _SUM.fullmatch(row)
        if match is None or match[2] not in found or found[match[2]].sha256 != match[1]:
            yield f"{SUMS} says otherwise: {row}"


def plan_publish(
    wanted: Sequence[ReleaseSpec], found: Sequence[Release], commits: Mapping[str, tuple[str, str]]
) -> tuple[ReleaseAction, ...]:
    """What to do, in the order to do it: the primary line last, so that all is up by then.

    ``found`` are all releases of the repository, those of the wanted tags with their assets;
    ``commits`` are the tags' ids here (``""`` where that is not known) and at GitHub. Raises
    ``GitHubError`` for tags that are not there: GitHub would make them, of what it has. Raises
    ``TagConflictError`` for tags and published releases with other content.
    """
    lacking = [each.tag for each in wanted if not commits[each.tag][1]]
    if lacking:
        raise GitHubError(
            "tags to release are not at GitHub",
            details=lacking,
            hint="Push them first: goempy finalize --push REMOTE.",
        )
    steps = [_step(each, found) for each in sorted(wanted, key=lambda e: tags.sort_key(e.tag))]
    conflicts = [
        f"{tag} is commit {there[:12]} at GitHub and {here[:12]} here"
        for tag, (here, there) in commits.items()
        if here and here != there
    ]
    conflicts += [row for step in steps for row in _conflicts(step)]
    if conflicts:
        raise TagConflictError(
            "what is published has other content; nothing was written",
            details=conflicts,
            hint="A release never changes: raise VERSION.",
        )
    return tuple(steps)


def _step(wanted: ReleaseSpec, found: Sequence[Release]) -> ReleaseAction:
    mine = sorted((each for each in found if each.tag == wanted.tag), key=lambda each: each.id)
    published = next((each for each in mine if not each.draft), None)
    drafts = [each for each in mine if each.draft]
    draft = drafts[0] if drafts and not published else None
    superfluous = tuple(each for each in drafts if each is not draft)
    return ReleaseAction(wanted, published, draft, superfluous, _is_latest(wanted, found))


def _is_latest(wanted: ReleaseSpec, found: Sequence[Release]) -> bool:
    """Whether the primary of no higher version is published; an older one, made late, is not."""
    released = (each.tag for each in found if not each.draft and not each.prerelease)
    mine = tags.sort_key(wanted.tag)
    return wanted.primary and all(_version(each) <= mine for each in released)


def _version(tag: str) -> semver.Version:
    """A tag's version; a foreign tag is below all others."""
    try:
        return tags.sort_key(tag)
    except ValueError:
        return semver.Version(0)


def _conflicts(step: ReleaseAction) -> Iterator[str]:
    """What a published release has otherwise."""
    if step.published is None:
        return
    there = {each.name: each for each in step.published.assets if each.whole}
    for file in step.wanted.files:
        asset = there.pop(file.name, None)
        if asset is None:
            yield f"{step.wanted.tag} was released without {file.name}"
        elif not _is_same(asset, file):
            yield f"{step.wanted.tag} was released with another {file.name}"
    for name in there:
        yield f"{step.wanted.tag} was released with {name} as well"


def _is_same(asset: ReleaseAsset, file: AssetFile) -> bool:
    """By digest or, at a GitHub that has none, by size."""
    if asset.sha256:
        return asset.whole and asset.sha256 == file.sha256
    return asset.whole and asset.size_bytes == file.size_bytes


def plan_fill(files: Sequence[AssetFile], assets: Sequence[ReleaseAsset]) -> AssetSync:
    """Keep what is there, by its digest; without one nothing is sure, so it is sent again."""
    wanted = {file.name: file for file in files}
    kept = {
        each.name
        for each in assets
        if each.sha256 and each.name in wanted and _is_same(each, wanted[each.name])
    }
    return AssetSync(
        tuple(each for each in assets if each.name not in kept),
        tuple(each for each in files if each.name not in kept),
    )


def apply_step(step: ReleaseAction, releases: Releases, say: Callable[[str], None]) -> Release:
    """Make the release of one tag, as far as it is lacking; returns it as it is published."""
    wanted = step.wanted
    for each in step.superfluous:
        say(f"{wanted.tag}: deleting draft {each.id}")
        releases.delete_draft(each.id)
    if step.published:
        return step.published
    draft = step.draft or releases.create_draft(
        wanted.tag, wanted.title, wanted.notes, prerelease=not wanted.primary
    )
    fill = plan_fill(wanted.files, draft.assets)
    for asset in fill.delete:
        releases.delete_asset(asset.id)
    for file in fill.upload:
        say(f"{wanted.tag}: uploading {file.name}, {human_bytes(file.size_bytes)}")
        _upload(draft, file, releases)
    say(f"{wanted.tag}: publishing")
    return releases.publish(
        draft, wanted.title, wanted.notes, prerelease=not wanted.primary, latest=step.latest
    )


def _upload(draft: Release, file: AssetFile, releases: Releases) -> None:
    data = file.path.read_bytes()
    asset = releases.upload(draft, file.name, data)
    if hashlib.sha256(data).hexdigest() != file.sha256 or not _is_same(asset, file):
        raise GitHubError(
            f"{file.name} of {draft.tag} arrived with other content",
            hint="Run it again: the draft is not published, and the file is sent again.",
        )
