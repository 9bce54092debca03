"""The endpoints for releases and their assets, with GitHub's own fields, texts and headers.

Source: docs.github.com ("REST API endpoints for releases", "Using pagination in the REST API").
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from tests.fakes.github.faults import (
    Fault,
    immutable_asset,
    immutable_state,
    immutable_tag,
    immutable_upload,
    invalid,
    not_found,
    too_long,
)
from tests.fakes.github.state import UPLOADS, Answer, Asset, Call, Release, Route, page, refused

_LONGEST_BODY = 125_000


def _release_json(call: Call, release: Release) -> dict[str, Any]:
    github = call.github
    url = f"{github.api}/repos/{call.repository}/releases/{release.id}"
    place = f"untagged-{release.id}" if release.draft else release.tag
    return {
        "url": url,
        "html_url": f"{github.address}/{call.repository}/releases/tag/{place}",
        "assets_url": f"{url}/assets",
        "upload_url": f"{github.address}{UPLOADS}/repos/{call.repository}/releases/{release.id}"
        "/assets{?name,label}",
        "id": release.id,
        "tag_name": release.tag,
        "target_commitish": "main",
        "name": release.title or release.tag,
        "draft": release.draft,
        "prerelease": release.prerelease,
        "immutable": call.is_immutable(release),
        "body": release.body,
        # Nobody may rely on this list: it is not promised to be whole.
        "assets": [_asset_json(call, release, asset) for asset in release.assets[:30]],
    }


def _asset_json(call: Call, release: Release, asset: Asset) -> dict[str, Any]:
    return {
        "url": f"{call.github.api}/repos/{call.repository}/releases/assets/{asset.id}",
        "id": asset.id,
        "name": asset.name,
        "label": "",
        "content_type": "application/octet-stream",
        "state": asset.state,
        "size": asset.size,
        "digest": asset.digest,
        "download_count": 0,
        "browser_download_url": f"{call.github.address}/{call.repository}/releases/download/"
        f"{release.tag}/{asset.name}",
    }


def _by_tag(call: Call) -> Answer:
    return _one(call, lambda each: each.tag == call.groups["tag"] and not each.draft)


def _latest(call: Call) -> Answer:
    chosen = call.github.latest.get(call.repository)
    if chosen is not None:
        return _one(call, lambda each: each.id == chosen)
    return _one(call, lambda each: not each.draft and not each.prerelease)


def _one(call: Call, fits: Callable[[Release], bool]) -> Answer:
    found = [each for each in call.releases if fits(each)]
    if not found:
        return refused(not_found())
    return Answer(200, _release_json(call, max(found, key=lambda each: each.tag)))


def _list(call: Call) -> Answer:
    releases = sorted(call.seen, key=lambda each: each.tag, reverse=True)
    return page(call, [_release_json(call, each) for each in releases])


def _get(call: Call) -> Answer:
    release = _named(call)
    return Answer(200, _release_json(call, release)) if release else refused(not_found())


def _named(call: Call) -> Release | None:
    return next((each for each in call.seen if str(each.id) == call.groups["id"]), None)


def _list_assets(call: Call) -> Answer:
    release = _named(call)
    if release is None:
        return refused(not_found())
    return page(call, [_asset_json(call, release, each) for each in release.assets])


def _create(call: Call) -> Answer:
    """Drafts of one tag may be many."""
    fields = call.fields
    release = Release(
        call.github.number(), fields["tag_name"], fields["draft"], fields["prerelease"],
        title=fields["name"], body=fields["body"],
    )  # fmt: skip
    if fault := _fault(call, release, fields):
        return refused(fault)
    call.releases.append(release)
    return Answer(201, _release_json(call, release))


def _update(call: Call) -> Answer:
    release, fields = _named(call), call.fields
    if release is None:
        return refused(not_found())
    if not call.ref(f"refs/tags/{fields['tag_name']}"):
        # GitHub would make the tag, at the tip of the default branch.
        return refused(invalid("Release", "tag_name", "missing"))
    if fault := _fault(call, release, fields):
        return refused(fault)
    release.title, release.body = fields["name"], fields["body"]
    release.prerelease, release.draft = fields["prerelease"], fields["draft"]
    if fields.get("make_latest") == "true":
        call.github.latest[call.repository] = release.id
    return Answer(200, _release_json(call, release))


def _fault(call: Call, release: Release, fields: dict[str, Any]) -> Fault | None:
    """Why GitHub does not take what ``fields`` make of a release.

    It would take a new title and text of an immutable one; nothing here may rely on that.
    """
    tag = fields["tag_name"]
    if len(fields["body"]) > _LONGEST_BODY:
        return too_long("Release", _LONGEST_BODY)
    if call.is_immutable(release):
        return immutable_state()
    if fields["draft"]:
        return None
    if (call.repository, tag) in call.github.used:
        return immutable_tag()
    others = [each for each in call.releases if each is not release and not each.draft]
    if any(each.tag == tag for each in others):
        return invalid("Release", "tag_name", "already_exists")
    return None


def _delete(call: Call) -> Answer:
    """Also of an immutable release: then its tag is used up."""
    release = _named(call)
    if release is None:
        return refused(not_found())
    if call.is_immutable(release):
        call.github.used.add((call.repository, release.tag))
    call.releases.remove(release)
    return Answer(204, None)


def _upload(call: Call) -> Answer:
    release, name = _named(call), call.text("name")
    if release is None:
        return refused(not_found())
    if call.is_immutable(release):
        return refused(immutable_upload())
    if any(each.name == name for each in release.assets):
        return refused(invalid("ReleaseAsset", "name", "already_exists"))
    digest = f"sha256:{hashlib.sha256(call.body).hexdigest()}" if call.github.digests else None
    asset = Asset(name, len(call.body), digest, id=call.github.number(), data=call.body)
    release.assets.append(asset)
    return Answer(201, _asset_json(call, release, asset))


def break_upload(call: Call) -> Answer:
    """What is left of an upload that broke off: a name that is taken."""
    release = _named(call)
    if release is not None:
        starter = Asset(call.text("name"), 0, None, "starter", call.github.number())
        release.assets.append(starter)
    return Answer(500, None)


def _delete_asset(call: Call) -> Answer:
    for release in call.seen:
        for asset in release.assets:
            if str(asset.id) == call.groups["id"]:
                if call.is_immutable(release):
                    return refused(immutable_asset())
                release.assets.remove(asset)
                return Answer(204, None)
    return refused(not_found())


RELEASE_ROUTES: list[Route] = [
    ("GET", r"/releases", _list),
    ("POST", r"/releases", _create),
    ("GET", r"/releases/latest", _latest),
    ("GET", r"/releases/tags/(?P<tag>[^/]+)", _by_tag),
    ("GET", r"/releases/(?P<id>\d+)", _get),
    ("PATCH", r"/releases/(?P<id>\d+)", _update),
    ("DELETE", r"/releases/(?P<id>\d+)", _delete),
    ("GET", r"/releases/(?P<id>\d+)/assets", _list_assets),
    ("DELETE", r"/releases/assets/(?P<id>\d+)", _delete_asset),
]
UPLOAD_ROUTES: list[Route] = [("POST", r"/releases/(?P<id>\d+)/assets", _upload)]
