"""The GitHub API: releases as data, limits waited out, failures raised as this package's errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.system.errors import AssetNotFoundError, DownloadError, GitHubError
from pipeline.system.github import context
from pipeline.system.github.client import GitHubClient, NoApiError
from pipeline.system.github.models import Release, RepoRef, repo_from_download_url
from pipeline.system.github.pull_requests import Pulls
from pipeline.system.github.releases import Releases
from pipeline.system.github.retry import WaitPolicy
from tests.builders.pbs_listing import pbs_names, sha256_of, size_of
from tests.fakes import http_server
from tests.fakes.github.faults import Fault, invalid, not_found, primary_limit, secondary_limit
from tests.fakes.github.server import API, PBS, GitHub, serve_github
from tests.fakes.http_server import Loopback, serve, untrusted
from tests.harness.project import Project

TAG = "20261021"
BY_TAG = f"{API}/repos/{PBS}/releases/tags/{TAG}"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serve_github() as made:
        yield made


@dataclass
class Waited:
    """The pauses that were taken, in seconds, and what was said of them."""

    pauses: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def ask(github: GitHub, waited: Waited | None = None, *, key: str = "") -> Release:
    record = waited or Waited()
    wait_policy = WaitPolicy(record.pauses.append, record.said.append)
    with closing(GitHubClient(github.api, key, wait_policy)) as client:
        return Releases(client, PBS).published(TAG)


def ask_in_vain(address: str, waited: Waited) -> DownloadError:
    """What comes of a request to a server that cannot be reached."""
    wait_policy = WaitPolicy(waited.pauses.append, waited.said.append)
    with pytest.raises(DownloadError) as caught:
        Releases(GitHubClient(address, "", wait_policy), PBS).latest()
    return caught.value


@pytest.mark.parametrize(
    ("downloads", "place"),
    [
        (f"https://github.com/{PBS}/releases/download", RepoRef("https://api.github.com", PBS)),
        (f"https://github.com/{PBS}/releases/download/", RepoRef("https://api.github.com", PBS)),
        (
            "https://git.corp.example:8443/me/pbs/releases/download",
            RepoRef("https://git.corp.example:8443/api/v3", "me/pbs"),
        ),
        (
            "https://corp.ghe.com/me/pbs/releases/download",
            RepoRef("https://api.corp.ghe.com", "me/pbs"),
        ),
        (f"https://mirror.example/github.com/{PBS}/releases/download", None),
        ("https://mirror.example/pbs", None),
        ("http://127.0.0.1:8000", None),
    ],
)
def test_where_the_api_of_a_source_is(downloads: str, place: RepoRef | None) -> None:
    assert repo_from_download_url(downloads) == place


def test_all_assets_of_many_pages(github: GitHub) -> None:
    names = pbs_names(TAG, "3.11.17", "3.12.15", "3.13.17", "3.14.9", "3.15.1")
    assert len(names) > 250
    made = github.add(TAG, names)
    release = ask(github)
    assert (release.tag, release.draft, release.prerelease) == (TAG, False, False)
    assert [asset.name for asset in release.assets] == names
    assert release.assets[-1].sha256 == sha256_of(names[-1])
    assert release.assets[-1].size_bytes == size_of(names[-1])
    asked = github.pages(made)
    assert asked[:2] == ["per_page=100", "page=2&per_page=100"]
    assert len(asked) == -(-len(names) // 100)


def test_an_asset_without_a_digest_and_one_that_was_never_whole(github: GitHub) -> None:
    release = github.add(TAG, ["old", "half", "new"])
    release.assets[0].digest = None
    release.assets[1].state = "starter"
    found = ask(github).assets
    assert [(asset.name, asset.sha256) for asset in found] == [
        ("old", ""),
        ("new", sha256_of("new")),
    ]
    # One request for the release, one for its assets: none for each asset.
    assert len(github.requests) == 2


def test_the_latest_is_neither_a_draft_nor_a_prerelease(github: GitHub) -> None:
    for tag in ("20261009", TAG, "20261105", "20261106"):
        github.add(tag, ["a"])
    github.releases[PBS][2].prerelease = True
    github.releases[PBS][3].draft = True
    wait_policy = WaitPolicy(lambda _s: None, lambda _t: None)
    with closing(GitHubClient(github.api, "", wait_policy)) as client:
        assert Releases(client, PBS).latest().tag == TAG


def test_what_does_not_exist(github: GitHub) -> None:
    with pytest.raises(AssetNotFoundError, match=rf"has no release {TAG} of {PBS}") as caught:
        ask(github)
    assert "GITHUB_TOKEN" in caught.value.hint
    with pytest.raises(AssetNotFoundError) as caught:
        ask(github, key="t")
    assert "GITHUB_TOKEN" not in caught.value.hint


def test_a_token_goes_into_every_request(github: GitHub) -> None:
    github.add(TAG, pbs_names(TAG, "3.13.17", "3.14.9"))
    ask(github, key="s3cret")
    assert len(github.requests) > 2
    assert {each.authorization for each in github.requests} == {"token s3cret"}
    github.requests.clear()
    ask(github)
    assert {each.authorization for each in github.requests} == {None}


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_is_waited_out_and_told_once(github: GitHub, status: int) -> None:
    github.add(TAG, ["a"])
    github.faults[BY_TAG].append(secondary_limit(37, status))
    waited = Waited()
    assert ask(github, waited).tag == TAG
    assert waited.pauses == [37]
    assert waited.said == ["GitHub's rate limit: waiting 37 s"]


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_without_a_time_is_given_a_minute_and_then_more(
    github: GitHub, status: int
) -> None:
    github.add(TAG, ["a"])
    github.faults[BY_TAG].extend([secondary_limit(None, status)] * 3)
    waited = Waited()
    ask(github, waited)
    assert waited.pauses == [60, 120, 240]


@pytest.mark.parametrize("status", [403, 429])
def test_a_primary_limit_is_waited_out_until_its_reset(github: GitHub, status: int) -> None:
    release = github.add(TAG, ["a"])
    path = f"{API}/repos/{PBS}/releases/{release.id}/assets"
    github.faults[path].append(primary_limit(int(time.time()) + 600, status))
    waited = Waited()
    assert len(ask(github, waited).assets) == 1
    assert len(waited.pauses) == len(waited.said) == 1
    assert 0 < waited.pauses[0] <= 602


@pytest.mark.parametrize(
    "fault", [primary_limit(4_102_444_800), primary_limit(4_102_444_800, 429), secondary_limit(901)]
)
def test_a_limit_that_lasts_longer_is_an_error(github: GitHub, fault: Fault) -> None:
    github.add(TAG, ["a"])
    github.faults[BY_TAG].append(fault)
    waited = Waited()
    with pytest.raises(
        GitHubError, match=r"rate limit: it ends at \d{4}-\d\d-\d\d \d\d:\d\d UTC"
    ) as caught:
        ask(github, waited)
    assert "GITHUB_TOKEN" in caught.value.hint
    assert waited.pauses == []
    if ("Retry-After", "901") not in fault.headers:
        assert "2100-01-01 00:00 UTC" in caught.value.what


def test_with_a_token_nobody_is_told_to_set_one(github: GitHub) -> None:
    github.faults[BY_TAG].append(secondary_limit(901))
    with pytest.raises(GitHubError) as caught:
        ask(github, key="t")
    assert caught.value.hint == "Run it again then."


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(502), Fault(503), Fault(500)],
        [Fault(drop=True)],
        [Fault(cut_after=40), Fault(cut_after=0)],
    ],
    ids=["server errors", "dropped", "cut off within the body"],
)
def test_bad_moments_are_outlasted(github: GitHub, faults: list[Fault]) -> None:
    release = github.add(TAG, ["a", "b"])
    assets = f"{API}/repos/{PBS}/releases/{release.id}/assets"
    for path in (BY_TAG, assets):
        github.faults[path].extend(faults)
    waited = Waited()
    assert len(ask(github, waited).assets) == 2
    assert len(waited.said) == len(waited.pauses)
    assert not github.faults[BY_TAG]
    assert not github.faults[assets]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(503), "too many 503 error responses"),
        (Fault(drop=True), "Connection"),
        (Fault(cut_after=9), "Connection broken"),
        (secondary_limit(1), "too many 403 error responses"),
    ],
)
def test_what_keeps_failing_is_an_error(github: GitHub, fault: Fault, message: str) -> None:
    github.add(TAG, ["a"])
    github.faults[BY_TAG].extend([fault] * 40)
    with pytest.raises(GitHubError, match=rf"cannot ask {github.api} .*{message}") as caught:
        ask(github)
    assert "0x" not in caught.value.what
    assert 3 <= len(github.requests) <= 10


@pytest.mark.parametrize(
    ("fault", "token", "hint"),
    [
        (Fault(401, (), b'{"message": "Bad credentials"}'), "t", "expired"),
        (Fault(403, (), b'{"message": "Resource not accessible"}'), "t", "permission"),
        (Fault(403, (), b'{"message": "Must be signed in"}'), "", "Set GITHUB_TOKEN"),
        (Fault(451, (), b'{"message": "Repository access blocked"}'), "", "githubstatus"),
    ],
)
def test_refusals_are_told_with_github_s_words(
    github: GitHub, fault: Fault, token: str, hint: str
) -> None:
    github.faults[BY_TAG].append(fault)
    with pytest.raises(
        GitHubError, match=rf"refuses the release {TAG} .*: {fault.status} \w+"
    ) as caught:
        ask(github, key=token)
    assert hint in caught.value.hint
    assert len(github.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(404, (), b"<html>nothing here</html>"),
        Fault(404, (), b""),
        Fault(404, (), b"[1]"),
        Fault(200, (), b"<html>welcome</html>"),
        Fault(200, (), b"[]"),
        Fault(200, (), b"{"),
        Fault(200, (), b"{}"),
        Fault(200, (), b'{"id": "one"}'),
        Fault(301, (("Location", "https://elsewhere.example/"),)),
    ],
)
def test_what_is_no_github(github: GitHub, fault: Fault) -> None:
    github.faults[BY_TAG].extend([fault] * 3)
    with pytest.raises(NoApiError, match="does not answer as GitHub's API does"):
        ask(github, key="t")
    assert {each.path for each in github.requests} == {BY_TAG}


def test_links_to_another_host_are_not_followed(github: GitHub) -> None:
    """The token would go there."""
    release = github.add(TAG, ["a"])
    link = '<https://elsewhere.example/page2>; rel="next"'
    path = f"{API}/repos/{PBS}/releases/{release.id}/assets"
    row = b'[{"id": 1, "name": "a", "size": 1, "state": "uploaded", "digest": null}]'
    github.faults[path].append(Fault(200, (("Link", link),), row))
    with pytest.raises(NoApiError, match=r"elsewhere\.example"):
        ask(github, key="t")


def test_a_server_that_is_not_there() -> None:
    wait_policy = WaitPolicy(lambda _s: None, lambda _t: None)
    client = GitHubClient("http://127.0.0.1:1/api/v3", "", wait_policy)
    with closing(client), pytest.raises(DownloadError, match="Connection refused"):
        Releases(client, PBS).published(TAG)


def test_certificates_that_are_not_there() -> None:
    wait_policy = WaitPolicy(lambda _s: None, lambda _t: None)
    client = GitHubClient("https://127.0.0.1:1", "", wait_policy, certificates="/nowhere.pem")
    with closing(client), pytest.raises(GitHubError, match=r"invalid path: /nowhere\.pem"):
        Releases(client, PBS).published(TAG)


MINE = "me/goempy"


def writer(github: GitHub, waited: Waited) -> GitHubClient:
    return GitHubClient(github.api, "t", WaitPolicy(waited.pauses.append, waited.said.append))


@pytest.mark.parametrize(
    ("api", "seconds"),
    [
        ("https://api.github.com", 1),
        ("https://api.me.ghe.com", 1),
        ("https://git.corp.example/api/v3", None),
        ("https://notgithub.com/api/v3", None),
    ],
)
def test_writes_are_a_second_apart_where_github_limits_them(api: str, seconds: int | None) -> None:
    client = GitHubClient(api, "t", WaitPolicy(lambda _s: None, lambda _t: None))
    uploads, _path = client.at(f"{api.replace('//api.', '//uploads.')}/repos")
    for each in (client.github, uploads):
        assert each.requester.kwargs["seconds_between_writes"] == seconds
    client.close()


def test_a_release_is_made_once_though_no_answer_says_so(github: GitHub) -> None:
    path = f"{API}/repos/{MINE}/releases"
    github.faults[f"POST {path}"].extend([Fault(502), Fault(drop=True), Fault(502, done=True)])
    with closing(writer(github, Waited())) as client:
        made = Releases(client, MINE).create_draft("v1.0.0", "Title", "Words", prerelease=True)
    (there,) = github.releases[MINE]
    assert (there.id, there.draft, there.prerelease) == (made.id, True, True)
    assert (made.tag, there.title, there.body) == ("v1.0.0", "Title", "Words")
    asked = [each.method for each in github.requests]
    # Before each further attempt it looks.
    assert asked == ["POST", "GET", "POST", "GET", "POST", "GET", "GET"]


def test_what_keeps_failing_to_be_made_is_an_error(github: GitHub) -> None:
    path = f"POST {API}/repos/{MINE}/releases"
    github.faults[path].extend([Fault(502)] * 40)
    waited = Waited()
    with closing(writer(github, waited)) as client, pytest.raises(GitHubError, match="502"):
        Releases(client, MINE).create_draft("v1.0.0", "Title", "Words", prerelease=False)
    assert [pause for pause in waited.pauses if pause > 1] == [2, 4, 8]
    assert len(github.writes()) == 5
    assert github.releases[MINE] == []


def test_what_is_invalid_is_told_with_its_reasons_and_not_tried_again(github: GitHub) -> None:
    refusal = invalid("Release", "tag_name", "missing_field")
    github.faults[f"POST {API}/repos/{MINE}/releases"].append(refusal)
    with closing(writer(github, Waited())) as client, pytest.raises(GitHubError) as caught:
        Releases(client, MINE).create_draft("v1.0.0", "Title", "Words", prerelease=False)
    assert "422 Validation Failed" in caught.value.what
    assert caught.value.details == ("Release tag_name missing_field",)
    assert len(github.writes()) == 1


def test_a_write_that_finds_nothing_may_lack_a_permission(github: GitHub) -> None:
    github.faults[f"POST {API}/repos/{MINE}/releases"].append(not_found())
    with closing(writer(github, Waited())) as client, pytest.raises(AssetNotFoundError) as caught:
        Releases(client, MINE).create_draft("v1.0.0", "Title", "Words", prerelease=False)
    assert "it needs 'contents: write'" in caught.value.hint


def test_reasons_that_are_texts_are_shown(github: GitHub) -> None:
    body = (
        b'{"message": "Validation Failed", "errors": ["tag_name was used by an immutable release"]}'
    )
    github.faults[f"POST {API}/repos/{MINE}/releases"].append(Fault(422, (), body))
    with closing(writer(github, Waited())) as client, pytest.raises(GitHubError) as caught:
        Releases(client, MINE).create_draft("v1.0.0", "Title", "Words", prerelease=False)
    assert caught.value.details == ("tag_name was used by an immutable release",)


def draft(client: GitHubClient, github: GitHub, project: Project) -> Release:
    """A draft of a tag that is there."""
    github.bare[MINE] = project.root
    project.git("tag", "--force", "v1.0.0")
    return Releases(client, MINE).create_draft("v1.0.0", "Title", "Words", prerelease=False)


def publish(client: GitHubClient, release: Release) -> Release:
    return Releases(client, MINE).publish(release, "Title", "Words", prerelease=False, latest=True)


def test_nothing_changes_an_immutable_release(github: GitHub, project: Project) -> None:
    with closing(writer(github, Waited())) as client:
        releases = Releases(client, MINE)
        made = draft(client, github, project)
        asset = releases.upload(made, "a", b"one")
        published = publish(client, made)
        # Once more: GitHub refuses, and it is what was to be reached.
        assert publish(client, made) == published
        with pytest.raises(GitHubError, match="422 Cannot upload assets to an immutable") as caught:
            releases.upload(made, "b", b"two")
        assert "raise VERSION" in caught.value.hint
        with pytest.raises(GitHubError) as caught:
            releases.delete_asset(asset.id)
        assert caught.value.details == ("Cannot delete asset from an immutable release",)
    (there,) = github.releases[MINE]
    assert [each.name for each in there.assets] == ["a"]


def test_the_tag_of_an_immutable_release_that_is_gone_is_used_up(
    github: GitHub, project: Project
) -> None:
    with closing(writer(github, Waited())) as client:
        publish(client, draft(client, github, project))
        client.delete(f"/repos/{MINE}/releases/1", "release", permission="contents: write")
        with pytest.raises(GitHubError, match="422 Validation Failed") as caught:
            publish(client, draft(client, github, project))
    assert caught.value.details == ("tag_name was used by an immutable release",)
    assert "raise VERSION" in caught.value.hint


def test_a_tag_has_one_release(github: GitHub, project: Project) -> None:
    """Two runs at once: each made a draft, and one was faster."""
    with closing(writer(github, Waited())) as client:
        first, second = [draft(client, github, project) for _run in range(2)]
        publish(client, first)
        with pytest.raises(GitHubError) as caught:
            publish(client, second)
    assert caught.value.details == ("Release tag_name already_exists",)
    assert "exists" in caught.value.hint
    assert [each.draft for each in github.releases[MINE]] == [False, True]


def test_texts_that_are_too_long(github: GitHub, project: Project) -> None:
    github.bare[MINE] = project.root
    project.git("branch", "update")
    with closing(writer(github, Waited())) as client:
        with pytest.raises(GitHubError, match="422") as caught:
            Releases(client, MINE).create_draft("v1.0.0", "T", "x" * 125_001, prerelease=False)
        assert "Shorten" in caught.value.hint
        with pytest.raises(GitHubError, match="422") as caught:
            Pulls(client, MINE).create("update", "main", "T", "x" * 65_537)
        assert "Shorten" in caught.value.hint
    assert not github.releases[MINE]
    assert not github.pulls[MINE]


def test_drafts_are_for_those_who_may_push(github: GitHub, project: Project) -> None:
    with closing(writer(github, Waited())) as client:
        draft(client, github, project)
        assert [each.draft for each in Releases(client, MINE).listing()] == [True]
    github.readers.add("t")
    with closing(writer(github, Waited())) as client:
        assert Releases(client, MINE).listing() == ()
        with pytest.raises(AssetNotFoundError) as caught:
            draft(client, github, project)
    assert "it needs 'contents: write'" in caught.value.hint


def test_a_tag_with_a_message_is_the_commit_that_it_names(github: GitHub, project: Project) -> None:
    github.bare[MINE] = project.root
    project.git("-c", "user.name=x", "-c", "user.email=x@y", "tag", "-a", "-m", "by hand", "v1.0.0")
    with closing(writer(github, Waited())) as client:
        assert (
            Releases(client, MINE).tag_commit("v1.0.0") == project.git("rev-parse", "HEAD").strip()
        )


def test_a_branch_that_must_stay_is_not_taken_for_deleted(github: GitHub, project: Project) -> None:
    github.bare[MINE] = project.root
    path = f"DELETE {API}/repos/{MINE}/git/refs/heads/topic"
    ruled = b'{"message": "Repository rule violations found\\n\\nCannot delete this branch"}'
    with closing(writer(github, Waited())) as client:
        pulls = Pulls(client, MINE)
        pulls.delete_branch("topic")  # which is not there
        github.faults[path].append(Fault(422, (), ruled))
        with pytest.raises(GitHubError, match="rule violations"):
            pulls.delete_branch("topic")


def test_an_asset_of_that_name_is_for_the_caller_to_compare(github: GitHub) -> None:
    with closing(writer(github, Waited())) as client:
        releases = Releases(client, MINE)
        draft = releases.create_draft("v1.0.0", "Title", "Words", prerelease=False)
        first = releases.upload(draft, "a.txt", b"one")
        second = releases.upload(draft, "a.txt", b"other")
    assert second == first
    assert (first.name, first.size_bytes, first.whole) == ("a.txt", 3, True)
    (asset,) = github.releases[MINE][0].assets
    assert asset.data == b"one"


def test_listings_have_the_assets_that_were_asked_for(github: GitHub) -> None:
    for tag in ("v3", "v1", "v2"):
        github.add(tag, ["a", "b"], MINE)
    github.releases[MINE][2].draft = True
    github.releases[MINE][2].assets[0].state = "starter"
    with closing(writer(github, Waited())) as client:
        found = Releases(client, MINE).listing(["v2"])
    assert [(each.tag, each.draft, len(each.assets)) for each in found] == [
        ("v3", False, 0),
        ("v1", False, 0),
        ("v2", True, 2),
    ]
    assert [each.whole for each in found[2].assets] == [False, True]


@pytest.mark.parametrize(
    ("api", "uploads", "path"),
    [
        ("https://api.github.com", "https://uploads.github.com/repos/a/b", "/repos/a/b"),
        ("https://api.github.com/", "https://uploads.github.com:443/repos", "/repos"),
        ("https://git.corp/api/v3", "https://git.corp/api/uploads/repos", "/api/uploads/repos"),
        ("https://git.corp:443/api/v3", "https://git.corp/api/uploads", "/api/uploads"),
        ("https://api.me.ghe.com", "https://uploads.me.ghe.com/repos", "/repos"),
        ("http://127.0.0.1:80/api/v3", "http://127.0.0.1/api/uploads", "/api/uploads"),
    ],
)
def test_where_uploads_go(api: str, uploads: str, path: str) -> None:
    client = GitHubClient(api, "t", WaitPolicy(lambda _s: None, lambda _t: None))
    upload_client, found = client.at(uploads)
    assert found == path
    assert f"{upload_client.requester.base_url}{path}" == uploads
    client.close()


@pytest.mark.parametrize(
    ("api", "uploads"),
    [
        ("https://api.github.com", "https://elsewhere.example/repos"),
        ("https://api.github.com", "https://notgithub.com/repos"),
        ("https://api.github.com", "http://uploads.github.com/repos"),
        ("https://api.github.com", ""),
        ("https://git.corp/api/v3", "https://git.corp:8443/api/uploads"),
        ("https://git.corp/api/v3", "https://corp/api/uploads"),
    ],
)
def test_the_token_does_not_go_elsewhere(api: str, uploads: str) -> None:
    client = GitHubClient(api, "t", WaitPolicy(lambda _s: None, lambda _t: None))
    with pytest.raises(NoApiError, match="it leads to"):
        client.at(uploads)


def test_an_untrusted_certificate_is_not_tried_again() -> None:
    waited = Waited()
    with serve(untrusted()) as server:
        fault = ask_in_vain(server.address, waited)
    assert "certificate verify failed" in fault.what
    assert "SSL_CERT_FILE" in fault.hint
    assert waited.pauses == []


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_refuses_is_not_asked_again(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    waited = Waited()
    monkeypatch.setenv("HTTPS_PROXY", server.address)
    server.faults["a.example:443"].append(http_server.Fault(status))
    fault = ask_in_vain("https://a.example", waited)
    assert f"Tunnel connection failed: {status}" in fault.what
    assert "user and password" in fault.hint
    assert waited.pauses == []


@pytest.mark.parametrize("address", ["http://u:secret@a:99999", "socks://u:secret@a:1"])
def test_the_password_of_a_proxy_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    fault = ask_in_vain("https://a.example", Waited())
    assert "HTTPS_PROXY" in fault.what
    assert "secret" not in str(fault)


def test_certificates_that_do_not_exist(tmp_path: Path) -> None:
    policy = WaitPolicy(lambda _s: None, lambda _t: None)
    missing, folder = tmp_path / "none", tmp_path / "folder"
    folder.mkdir()
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        with pytest.raises(DownloadError, match=f"No such file.*{missing}") as caught:
            context.connect({name: str(missing)}, policy)
        assert name in caught.value.hint
    context.connect({"SSL_CERT_DIR": f"{missing}:{folder}"}, policy).github.close()
