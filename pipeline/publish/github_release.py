"""GitHub releases: one a tag, drafted, filled, and published when it is complete.

``plan_releases`` decides by what GitHub has, ``apply_release`` acts. A run that fails leaves
drafts, and the next one continues with them. A published release is never changed: it may be
immutable, and someone may have it.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import semver

from pipeline.config import tags as tag_rules
from pipeline.publish.release_spec import AssetFile, ReleaseSpec
from pipeline.system.errors import GitHubError, TagConflictError
from pipeline.system.github.client import GitHubClient
from pipeline.system.github.models import Release, ReleaseAsset
from pipeline.system.github.releases import Releases
from pipeline.system.units import human_bytes


def without_release(tags: Iterable[str], client: GitHubClient, repository: str) -> list[str]:
    """Those of the tags that have no published release in ``repository``, sorted."""
    releases = Releases(client, repository).listing()
    published = {each.tag for each in releases if not each.draft}
    return sorted(set(tags) - published)


class ReleaseState(enum.Enum):
    """Whether a release has to be made."""

    NEW = "new"
    RELEASED = "already released"


@dataclass(frozen=True, slots=True)
class AssetSync:
    """What makes the assets of a draft those that it should have."""

    delete: tuple[ReleaseAsset, ...]
    upload: tuple[AssetFile, ...]


@dataclass(frozen=True, slots=True)
class ReleaseAction:
    """What to do for one tag; if it is ``published``, only to delete drafts."""

    spec: ReleaseSpec
    published: Release | None
    draft: Release | None
    """The one to continue with; ``None`` if one has to be created."""
    superfluous: tuple[Release, ...]
    """Drafts to delete."""
    latest: bool

    @property
    def state(self) -> ReleaseState:
        """Whether it is published."""
        return ReleaseState.RELEASED if self.published else ReleaseState.NEW

    @property
    def kind(self) -> str:
        """How GitHub shows it."""
        if not self.spec.primary:
            return "pre-release"
        return "latest" if self.latest else "release"

    def rows(self) -> Iterator[str]:
        """The steps, for a dry run."""
        for each in self.superfluous:
            yield f"delete draft {each.id}"
        if self.published:
            return
        yield f"continue with draft {self.draft.id}" if self.draft else "create a draft"
        sync = plan_assets(self.spec.files, self.draft.assets if self.draft else ())
        for asset in sync.delete:
            yield f"delete {asset.name} ({human_bytes(asset.size_bytes)})"
        for file in sync.upload:
            yield f"upload {file.name} ({human_bytes(file.size_bytes)})"
        yield f"publish it as {self.kind}"


def plan_publish(
    specs: Sequence[ReleaseSpec], releases: Releases, here: Mapping[str, str]
) -> tuple[ReleaseAction, ...]:
    """Ask GitHub what exists, and plan; ``here`` are the commits of the tags known locally."""
    names = [each.tag for each in specs]
    commits = {tag: (here.get(tag, ""), releases.tag_commit(tag)) for tag in names}
    return plan_releases(specs, releases.listing(names), commits)


def plan_releases(
    specs: Sequence[ReleaseSpec], found: Sequence[Release], commits: Mapping[str, tuple[str, str]]
) -> tuple[ReleaseAction, ...]:
    """What to do, in this order: the primary line last, when all others are published.

    ``found`` are all releases of the repository, those of the specs' tags with their assets;
    ``commits`` are what each tag names here (``""`` if unknown) and on GitHub. Raises
    ``GitHubError`` for tags that GitHub lacks, since it would create them somewhere, and
    ``TagConflictError`` for tags with other content.
    """
    if lacking := [each.tag for each in specs if not commits[each.tag][1]]:
        raise GitHubError(
            "tags to release are not on GitHub",
            details=lacking,
            hint="Push them first: goempy finalize --push REMOTE.",
        )
    ordered = sorted(specs, key=lambda spec: tag_rules.sort_key(spec.tag))
    actions = tuple(_action(spec, found) for spec in ordered)
    conflicts = [
        f"{tag} is commit {there[:12]} on GitHub and {here[:12]} here"
        for tag, (here, there) in commits.items()
        if here and here != there
    ]
    if conflicts:
        raise TagConflictError(
            "tags on GitHub have other content; nothing was written",
            details=conflicts,
            hint="A tag never moves: raise VERSION.",
        )
    return actions


def require_same(actions: Sequence[ReleaseAction]) -> None:
    """Raises ``TagConflictError`` for releases that are published with other files.

    Nothing changes these, so the others are published all the same.
    """
    if conflicts := [row for action in actions for row in _conflicts(action)]:
        raise TagConflictError(
            "published releases have other content; the others are as planned",
            details=conflicts,
            hint="Delete what does not belong to them on GitHub, an asset or the release, and run "
            "it again. If releases are immutable there, raise VERSION.",
        )


def _action(spec: ReleaseSpec, found: Sequence[Release]) -> ReleaseAction:
    mine = sorted((each for each in found if each.tag == spec.tag), key=lambda each: each.id)
    published = next((each for each in mine if not each.draft), None)
    drafts = [each for each in mine if each.draft]
    draft = drafts[0] if drafts and not published else None
    superfluous = tuple(each for each in drafts if each is not draft)
    # An older VERSION that is published late does not become the latest.
    released = [each.tag for each in found if not each.draft and not each.prerelease]
    is_newest = all(_version(tag) <= _version(spec.tag) for tag in released)
    return ReleaseAction(spec, published, draft, superfluous, spec.primary and is_newest)


def _version(tag: str) -> semver.Version:
    """A tag's version; a foreign tag is below all others."""
    try:
        return tag_rules.sort_key(tag)
    except ValueError:
        return semver.Version(0)


def _conflicts(action: ReleaseAction) -> Iterator[str]:
    """How a published release differs from its spec."""
    if action.published is None:
        return
    tag = action.spec.tag
    there = {each.name: each for each in action.published.assets if each.whole}
    for file in action.spec.files:
        asset = there.pop(file.name, None)
        if asset is None:
            yield f"{tag} was released without {file.name}"
        elif not _is_same(asset, file):
            yield f"{tag} was released with a different {file.name}"
    for name in there:
        yield f"{tag} was released with {name} as well"


def _is_same(asset: ReleaseAsset, file: AssetFile) -> bool:
    """By digest, or by size at a GitHub that has no digests."""
    if asset.sha256:
        return asset.whole and asset.sha256 == file.sha256
    return asset.whole and asset.size_bytes == file.size_bytes


def plan_assets(files: Sequence[AssetFile], assets: Sequence[ReleaseAsset]) -> AssetSync:
    """Keep assets that have the right digest; without a digest a file is uploaded again."""
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


def apply_release(
    action: ReleaseAction, releases: Releases, report: Callable[[str], None]
) -> Release:
    """Do what is left for one tag; returns the published release."""
    spec = action.spec
    for each in action.superfluous:
        report(f"{spec.tag}: deleting draft {each.id}")
        releases.delete_draft(each.id)
    if action.published:
        return action.published
    draft = action.draft or releases.create_draft(
        spec.tag, spec.title, spec.notes, prerelease=not spec.primary
    )
    sync = plan_assets(spec.files, draft.assets)
    for asset in sync.delete:
        releases.delete_asset(asset.id)
    for file in sync.upload:
        report(f"{spec.tag}: uploading {file.name}, {human_bytes(file.size_bytes)}")
        _upload(draft, file, releases)
    report(f"{spec.tag}: publishing")
    return releases.publish(
        draft, spec.title, spec.notes, prerelease=not spec.primary, latest=action.latest
    )


def _upload(draft: Release, file: AssetFile, releases: Releases) -> None:
    data = file.path.read_bytes()
    asset = releases.upload(draft, file.name, data)
    if asset.name != file.name:
        raise GitHubError(
            f"GitHub calls {file.name} of {draft.tag} {asset.name}",
            hint="It changes characters that it does not take in names: report it to goempy.",
        )
    if hashlib.sha256(data).hexdigest() != file.sha256 or not _is_same(asset, file):
        raise GitHubError(
            f"{file.name} of {draft.tag} was uploaded with other content",
            hint="Run it again: the draft is not published, and the file is sent again.",
        )
