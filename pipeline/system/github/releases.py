"""The releases of one repository: find, draft, fill and publish them.

A draft only has the name of its tag: it cannot be found by the tag, and a tag may have several.
A published release may be immutable; nothing here changes one.

Source: docs.github.com, "REST API endpoints for releases" and "... for release assets".
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Collection
from typing import Any

from github.GitRelease import GitRelease
from github.GitReleaseAsset import GitReleaseAsset
from github.PaginatedList import PaginatedList

from pipeline.system.errors import AssetNotFoundError
from pipeline.system.github.client import GitHubClient
from pipeline.system.github.models import Release, ReleaseAsset

_PERMISSION = "contents: write"
_UPLOADED = "uploaded"
"""The state of a complete asset; one whose upload broke off stays listed as ``starter``."""


class Releases:
    """The releases of ``owner/name``; every method raises ``GitHubError``."""

    def __init__(self, client: GitHubClient, repository: str) -> None:
        self._client = client
        self._repository = repository
        self._repo = client.github.get_repo(repository)

    def published(self, tag: str) -> Release:
        """The release of ``tag`` with its complete assets; raises ``AssetNotFoundError``."""
        return self._client.call(
            f"release {tag} of {self._repository}",
            lambda: self._whole(self._repo.get_release(tag)),
        )

    def latest(self) -> Release:
        """The release that GitHub calls the latest: neither a draft nor a prerelease."""
        return self._client.call(
            f"latest release of {self._repository}",
            lambda: self._whole(self._repo.get_latest_release().complete()),
        )

    def listing(self, tags: Collection[str] = ()) -> tuple[Release, ...]:
        """All releases, and drafts if the token may write, the oldest first.

        Only those of ``tags`` have their assets, incomplete ones as well.
        """
        found = self._client.call(
            f"releases of {self._repository}",
            lambda: [self._release(each) for each in self._repo.get_releases()],
        )
        return tuple(
            dataclasses.replace(each, assets=self._all_assets(each)) if each.tag in tags else each
            for each in sorted(found, key=lambda release: release.id)
        )

    def create_draft(self, tag: str, title: str, notes: str, *, prerelease: bool) -> Release:
        """Make a draft, or find the oldest one of this tag if the response is lost."""
        return self._client.call(
            f"draft of {tag} in {self._repository}",
            lambda: self._release(
                self._repo.create_git_release(
                    tag, title, notes, draft=True, prerelease=prerelease, make_latest="false"
                )
            ),
            lambda: next((r for r in self.listing([tag]) if r.tag == tag and r.draft), None),
            permission=_PERMISSION,
        )

    def delete_draft(self, release_id: int) -> None:
        """Delete a draft, if it exists."""
        self._delete(f"releases/{release_id}", f"draft {release_id} of {self._repository}")

    def upload(self, release: Release, name: str, data: bytes) -> ReleaseAsset:
        """Add a file to a draft, or find the one of that name, which the caller compares."""
        what = f"upload of {name} to {release.tag} of {self._repository}"

        def send() -> ReleaseAsset:
            client, path = self._client.at(release.uploads)
            _headers, fields = client.requester.requestMemoryBlobAndCheck(
                "POST",
                path,
                parameters={"name": name},
                headers={
                    "Content-Type": "application/octet-stream", "Content-Length": str(len(data))
                },
                file_like=io.BytesIO(data),
            )  # fmt: skip
            return _asset(GitReleaseAsset(client.requester, {}, fields, completed=True))

        return self._client.call(
            what, send, lambda: self._uploaded(release, name), permission=_PERMISSION
        )

    def _uploaded(self, release: Release, name: str) -> ReleaseAsset | None:
        """The complete asset of that name; the rest of a broken upload is deleted."""
        for each in self._all_assets(release):
            if each.name == name and each.whole:
                return each
            if each.name == name:
                self.delete_asset(each.id)
        return None

    def delete_asset(self, asset_id: int) -> None:
        """Delete a file of a draft, if it exists."""
        self._delete(f"releases/assets/{asset_id}", f"asset {asset_id} of {self._repository}")

    def publish(
        self, release: Release, title: str, notes: str, *, prerelease: bool, latest: bool
    ) -> Release:
        """Publish a draft with this text; ``latest`` is the one that GitHub shows first."""
        what = f"release {release.tag} of {self._repository}"
        draft = self._repo.get_release(release.id)
        latest_text = "true" if latest else "false"

        def update() -> Release:
            return self._release(
                draft.update_release(
                    title,
                    notes,
                    draft=False,
                    prerelease=prerelease,
                    tag_name=release.tag,
                    make_latest=latest_text,
                )
            )

        def find() -> Release | None:
            # If the response was lost it may be published; GitHub then refuses to publish it again.
            now = self._client.call(what, lambda: self._release(self._repo.get_release(release.id)))
            return None if now.draft else now

        return self._client.call(what, update, find, permission=_PERMISSION)

    def tag_commit(self, tag: str) -> str:
        """The commit of ``tag`` on GitHub, ``""`` if it has no such tag."""

        def peeled() -> str:
            target = self._repo.get_git_ref(f"tags/{tag}").object
            while target.type == "tag":  # one with a message, which somebody made by hand
                target = self._repo.get_git_tag(target.sha).object
            return target.sha

        try:
            return self._client.call(f"tag {tag} of {self._repository}", peeled)
        except AssetNotFoundError:
            return ""

    def _delete(self, path: str, what: str) -> None:
        with contextlib.suppress(AssetNotFoundError):
            path = f"/repos/{self._repository}/{path}"
            self._client.delete(path, what, permission=_PERMISSION)

    def _whole(self, release: GitRelease) -> Release:
        made = self._release(release)
        assets = tuple(each for each in self._assets(made.id) if each.whole)
        return dataclasses.replace(made, assets=assets)

    def _release(self, release: GitRelease) -> Release:
        # PyGithub adds an id and a tag to any response, from the address of the request.
        draft: object = release.draft
        if not isinstance(draft, bool):
            raise self._client.no_api("the response is not a release")
        return Release(
            tag=release.tag_name,
            draft=draft,
            prerelease=release.prerelease,
            assets=(),
            id=release.id,
            page=release.html_url or "",
            uploads=(release.upload_url or "").partition("{")[0],
        )

    def _all_assets(self, release: Release) -> tuple[ReleaseAsset, ...]:
        return self._client.call(
            f"assets of {release.tag} of {self._repository}", lambda: self._assets(release.id)
        )

    def _assets(self, release_id: int) -> tuple[ReleaseAsset, ...]:
        """All pages; the list inside the release itself may be incomplete."""
        pages = PaginatedList(
            GitReleaseAsset,
            self._client.github.requester,
            f"/repos/{self._repository}/releases/{release_id}/assets",
            attributesTransformer=_with_digest,
        )
        return tuple(_asset(each) for each in pages)


def _with_digest(fields: dict[str, Any]) -> dict[str, Any]:
    """Set what a GitHub Enterprise of before June 2025 lacks; PyGithub would ask again for it."""
    return {"digest": None, **fields}


def _asset(asset: GitReleaseAsset) -> ReleaseAsset:
    algorithm, _, digest = (asset.digest or "").partition(":")
    sha256 = digest.lower() if algorithm == "sha256" else ""
    return ReleaseAsset(asset.name, asset.size, sha256, asset.id, asset.state == _UPLOADED)
