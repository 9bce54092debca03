"""``goempy publish`` against a GitHub that fails: the same releases in the end, and none twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.system.errors import GitHubError, TagConflictError, UsageError
from tests.builders.site import (
    NAME,
    HostedSite,
    full_archives,
    hosted_site,
    make_released,
    make_site,
)
from tests.fakes.github.faults import Fault, invalid, primary_limit, secondary_limit
from tests.fakes.github.server import API, UPLOADS, Asset, GitHub, Release, serve_github
from tests.harness.project import REPOSITORY, Outcome, git

RELEASES = f"{API}/repos/{NAME}/releases"
PRIMARY, OTHER = "v0.1.0", "v0.1.0-py3.13.17"
TAGS = (OTHER, PRIMARY)
FILES = {"sbom.cdx.json": b"{}\n", "sizes.svg": b"<svg/>\n" * 999}


def publish(site: HostedSite, *more: str, env: Mapping[str, str] | None = None) -> Outcome:
    where = ("--assets", site.assets, "--repo", site.project.root)
    return site.run("publish", *where, *more, env=env)


def releases(site: HostedSite) -> list[Release]:
    return site.github.releases[NAME]


def state(site: HostedSite) -> object:
    """All that people see; ids depend on how often something was tried."""
    chosen = site.github.latest.get(NAME)
    return sorted(
        (
            each.tag, each.title, each.body, each.draft, each.prerelease, each.id == chosen,
            sorted((a.name, a.state, a.digest, hash(a.data)) for a in each.assets),
        )
        for each in releases(site)
    )  # fmt: skip


def forget(site: HostedSite) -> None:
    """A GitHub on which nobody released anything yet."""
    releases(site).clear()
    site.github.latest.clear()
    site.github.faults.clear()
    site.github.requests.clear()
    site.github.dies_after = -1


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serve_github() as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, github: GitHub) -> HostedSite:
    """Two tags that the remote has, and the files of their releases."""
    site = hosted_site(make_site(tmp_path), github)
    for tag in TAGS:
        site.project.git("tag", tag)
        folder = site.assets / tag
        folder.mkdir(parents=True)
        (folder / "notes.md").write_text(f"# {tag}: Python\n\nWhat is new in {tag}.\n")
        rows = ""
        for name, data in FILES.items():
            (folder / name).write_bytes(data + tag.encode())
            rows += f"{hashlib.sha256(data + tag.encode()).hexdigest()}  {name}\n"
        (folder / "SHA256SUMS").write_text(rows)
    site.project.git("push", "--quiet", "origin", "--tags")
    return site


def test_two_tags_become_two_releases(site: HostedSite) -> None:
    outcome = publish(site)
    assert outcome.code == 0, outcome.log
    first, second = releases(site)
    assert [(each.tag, each.draft, each.prerelease) for each in (first, second)] == [
        (OTHER, False, True),
        (PRIMARY, False, False),
    ]
    assert (second.title, second.body) == (f"{PRIMARY}: Python", f"What is new in {PRIMARY}.\n")
    assert {each.name: each.data for each in first.assets} == {
        **{name: data + OTHER.encode() for name, data in FILES.items()},
        "SHA256SUMS": (site.assets / OTHER / "SHA256SUMS").read_bytes(),
    }
    assert site.github.latest[NAME] == second.id
    assert {each.authorization for each in site.github.requests} == {"token s3cret"}


def test_the_primary_is_published_when_everything_else_is_up(site: HostedSite) -> None:
    publish(site)
    writes = site.github.writes()
    assert len(writes) == 2 * (1 + 3 + 1)
    assert writes[-1].startswith("PATCH")
    published = [number for number, row in enumerate(writes) if row.startswith("PATCH")]
    assert published == [4, 9]


def test_the_summary_links_to_each_release(site: HostedSite) -> None:
    outcome = publish(site)
    assert outcome.code == 0
    text = site.summary.read_text("utf-8")
    page = f"{site.github.address}/{NAME}/releases/tag"
    assert f"| [{OTHER}: Python]({page}/{OTHER}) | pre-release | new |" in text
    assert f"| [{PRIMARY}: Python]({page}/{PRIMARY}) | latest | new |" in text
    assert f"{page}/{PRIMARY}" in outcome.out


def test_published_again_nothing_is_written(site: HostedSite) -> None:
    publish(site)
    before = state(site)
    site.github.requests.clear()
    outcome = publish(site)
    assert outcome.code == 0
    assert outcome.out.count("already released") == 2
    assert site.github.writes() == []
    assert state(site) == before


def test_a_dry_run_tells_and_writes_nothing(site: HostedSite) -> None:
    outcome = publish(site, "--dry-run")
    assert outcome.code == 0
    assert outcome.out.splitlines()[:3] == [
        f"{OTHER}: create a draft",
        f"{OTHER}: upload SHA256SUMS (156 B)",
        f"{OTHER}: upload sbom.cdx.json (19 B)",
    ]
    assert f"{PRIMARY}: publish it as latest" in outcome.out
    assert site.github.writes() == []
    assert not site.summary.exists()


def test_one_tag_alone(site: HostedSite) -> None:
    assert publish(site, OTHER).code == 0
    assert [each.tag for each in releases(site)] == [OTHER]
    assert NAME not in site.github.latest


POST = f"POST {RELEASES}"


def upload(number: int) -> str:
    """Uploads to the release of that id: numbers count releases and assets in their order."""
    return f"POST {UPLOADS}/repos/{NAME}/releases/{number}/assets"


@pytest.mark.parametrize(
    ("where", "faults"),
    [
        (POST, [secondary_limit(30), primary_limit(1)]),
        (POST, [secondary_limit(None, 429)]),
        (POST, [Fault(502)]),
        (POST, [Fault(502, done=True)]),
        (POST, [Fault(502, done=True), Fault(502, done=True)]),
        (POST, [Fault(drop=True), Fault(503)]),
        (POST, [Fault(drop=True, done=True)]),
        (POST, [Fault(cut_after=30)]),
        (upload(1), [secondary_limit(30)]),
        (upload(1), [Fault(502, done=True)]),
        (upload(1), [Fault(drop=True)]),
        (upload(1), [Fault(drop=True, done=True)]),
        (upload(1), [Fault(half=True)]),
        (upload(1), [Fault(half=True), Fault(half=True), Fault(502, done=True)]),
        (f"PATCH {RELEASES}/1", [secondary_limit(30, 429), Fault(500)]),
        (f"PATCH {RELEASES}/1", [Fault(502, done=True)]),
        (f"PATCH {RELEASES}/1", [Fault(drop=True, done=True)]),
        (f"PATCH {RELEASES}/1", [Fault(cut_after=5)]),
    ],
)
def test_what_goes_wrong_on_the_way_changes_nothing_in_the_end(
    site: HostedSite, where: str, faults: list[Fault]
) -> None:
    assert publish(site).code == 0
    expected = state(site)
    forget(site)
    site.github.numbers = 0
    site.github.faults[where].extend(faults)
    outcome = publish(site)
    assert outcome.code == 0, outcome.log
    assert not site.github.faults[where]
    assert state(site) == expected


def test_a_refusal_to_publish_is_told(site: HostedSite) -> None:
    refusal = invalid("Release", "tag_name", "custom", "tag name is protected")
    site.github.faults[f"PATCH {RELEASES}/1"].append(refusal)
    outcome = publish(site)
    assert outcome.code == GitHubError.exit_code
    assert "422 Validation Failed" in outcome.log
    assert "- tag name is protected" in outcome.log
    assert [each.draft for each in releases(site)] == [True]


@pytest.mark.parametrize("digests", [True, False])
@pytest.mark.parametrize("carried_out", [False, True])
def test_killed_between_any_two_requests_and_run_again(
    site: HostedSite,
    carried_out: bool,  # noqa: FBT001
    digests: bool,  # noqa: FBT001
) -> None:
    site.github.digests = digests
    assert publish(site).code == 0
    expected, count = state(site), len(site.github.requests)
    assert count == 14
    known: list[object] = []
    for dies_after in range(count):
        forget(site)
        site.github.dies_after, site.github.last_breath = dies_after, carried_out
        assert publish(site).code == GitHubError.exit_code
        assert {each.tag for each in releases(site)} <= set(TAGS)
        if NAME in site.github.latest:
            assert [each.draft for each in releases(site)] == [False, False]
        site.github.dies_after = -1
        if (left := state(site)) in known:
            continue
        known.append(left)
        outcome = publish(site)
        assert outcome.code == 0, (dies_after, outcome.log)
        assert state(site) == expected, dies_after


def test_drafts_of_dead_runs_are_gone_on_with_or_swept(site: HostedSite) -> None:
    publish(site)
    expected = state(site)
    forget(site)
    whole = [Asset(name, 9, "sha256:" + "0" * 64, id=90 + n) for n, name in enumerate(FILES)]
    extra = Asset("old.txt", 3, None, id=80)
    broken = Asset("SHA256SUMS", 0, None, "starter", id=81)
    stale = [*whole, extra, broken]
    releases(site).append(Release(70, PRIMARY, draft=True, assets=[Asset("x", 1, None)]))
    releases(site).append(Release(60, PRIMARY, draft=True, title="old", assets=stale))
    releases(site).append(Release(50, "v0.0.9", draft=True))
    outcome = publish(site)
    assert outcome.code == 0, outcome.log
    assert f"{PRIMARY}: deleting draft 70" in outcome.log
    # Of another tag: not ours to judge.
    assert [each.id for each in releases(site) if each.draft] == [50]
    assert [each.id for each in releases(site) if each.tag == PRIMARY] == [60]
    site.github.releases[NAME] = [each for each in releases(site) if each.tag != "v0.0.9"]
    assert state(site) == expected


def test_what_an_earlier_draft_has_already_is_not_sent_again(site: HostedSite) -> None:
    site.github.faults[f"PATCH {RELEASES}/1"].extend([Fault(500)] * 40)
    assert publish(site).code == GitHubError.exit_code
    site.github.faults.clear()
    site.github.requests.clear()
    assert publish(site, OTHER).code == 0
    assert site.github.writes() == [f"PATCH /repos/{NAME}/releases/1"]


def test_a_published_release_is_never_touched(site: HostedSite) -> None:
    publish(site)
    before = state(site)
    path = site.assets / OTHER / "sizes.svg"
    path.write_bytes(b"<svg>other</svg>")
    sums = site.assets / OTHER / "SHA256SUMS"
    rows = sums.read_text().splitlines()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sums.write_text(f"{rows[0]}\n{digest}  sizes.svg\n")
    site.github.requests.clear()
    outcome = publish(site)
    assert outcome.code == TagConflictError.exit_code
    assert f"{OTHER} was released with a different sizes.svg" in outcome.log
    assert f"{OTHER} was released with a different SHA256SUMS" in outcome.log
    assert site.github.writes() == []
    assert state(site) == before


def test_tags_must_be_at_github_and_the_same(site: HostedSite) -> None:
    git(site.github.bare[NAME], "update-ref", "-d", f"refs/tags/{OTHER}")
    outcome = publish(site)
    assert outcome.code == GitHubError.exit_code
    assert f"tags to release are not on GitHub\n  - {OTHER}\n" in outcome.log
    site.project.git("commit", "--quiet", "--allow-empty", "--message=Another")
    site.project.git("push", "--quiet", str(site.github.bare[NAME]), f"HEAD:refs/tags/{OTHER}")
    outcome = publish(site)
    assert outcome.code == TagConflictError.exit_code
    assert f"{OTHER} is commit" in outcome.log
    assert site.github.writes() == []


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set: a token with contents: write"),
        ({"GITHUB_REPOSITORY": ""}, "GITHUB_REPOSITORY is not set"),
        ({"GITHUB_REPOSITORY": "me"}, "GITHUB_REPOSITORY is 'me'"),
    ],
)
def test_the_environment_says_where_and_who(
    site: HostedSite, env: Mapping[str, str], message: str
) -> None:
    outcome = publish(site, env=env)
    assert outcome.code == UsageError.exit_code
    assert message in outcome.log
    assert site.github.requests == []


def test_folders_that_are_not_there(site: HostedSite) -> None:
    outcome = publish(site, PRIMARY, "v9.9.9", "nightly")
    assert outcome.code == UsageError.exit_code
    assert "v9.9.9 has no folder" in outcome.log
    assert "nightly is not a release tag" in outcome.log


def test_a_token_that_may_not_write(site: HostedSite) -> None:
    body = b'{"message": "Resource not accessible by integration"}'
    site.github.faults[POST].append(Fault(403, (), body))
    outcome = publish(site)
    assert outcome.code == GitHubError.exit_code
    assert "403 Resource not accessible by integration" in outcome.log
    assert "GITHUB_TOKEN" in outcome.log


def test_the_plan_names_tags_that_have_no_release(tmp_path: Path, github: GitHub) -> None:
    """A run that ended after it had pushed them: the next one publishes what they hold."""
    site = hosted_site(make_released(tmp_path), github)
    plan = ("plan", "--json", "--repo", site.project.root, "--remote", "origin")
    outcome = site.run(*plan)
    assert outcome.code == 0, outcome.log
    assert f"tagged, but not published: {PRIMARY}, {OTHER}" in outcome.log
    outputs = json.loads(outcome.out)
    assert (outputs["tags"], outputs["release"]) == ("", "true")
    assert json.loads(site.run(*plan, env={"GITHUB_TOKEN": ""}).out)["release"] == "false"


def test_a_foreign_file_of_one_release_keeps_no_other_from_being_published(
    site: HostedSite,
) -> None:
    assert publish(site, OTHER).code == 0
    (release,) = releases(site)
    release.assets.append(replace(release.assets[0], id=999, name="notes-of-someone.txt"))
    outcome = publish(site)
    assert outcome.code == TagConflictError.exit_code
    assert f"{OTHER} was released with notes-of-someone.txt as well" in outcome.log
    assert sorted(each.tag for each in releases(site) if not each.draft) == sorted(TAGS)


def test_notes_that_github_would_not_take_are_refused_in_a_dry_run(site: HostedSite) -> None:
    (site.assets / OTHER / "notes.md").write_text(f"# {OTHER}\n\n{'x' * 125_000}\n")
    outcome = publish(site, "--dry-run")
    assert outcome.code == UsageError.exit_code
    assert "notes.md has 125,001 characters, and GitHub takes 125,000" in outcome.log
    assert site.github.writes() == []


def test_a_release_from_one_machine(
    tmp_path: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines of docs/forking.md, as they are."""
    site = hosted_site(make_site(tmp_path, archives=full_archives()), github)
    text = (REPOSITORY / "docs" / "forking.md").read_text("utf-8")
    rows = [row for row in text.partition("GITHUB_TOKEN=…")[2].splitlines() if "   goempy " in row]
    assert [row.split()[1] for row in rows] == ["release", "finalize", "assets", "publish"]
    monkeypatch.chdir(site.project.root)
    for row in rows:
        env = {"GITHUB_SERVER_URL": github.address, "GOEMPY_PBS_MIRROR": str(site.assets)}
        outcome = site.run(*row.split()[1:], env=env)
        assert outcome.code == 0, outcome.log
    assert [each.draft for each in releases(site)] == [False, False]
    assert {each.tag for each in releases(site)} == set(site.tags()) == set(TAGS)


def test_a_renamed_repository_is_asked_for_its_name_once(site: HostedSite) -> None:
    site.github.renamed[NAME] = "new/name"
    site.github.bare["new/name"] = site.github.bare[NAME]
    outcome = publish(site)
    assert outcome.code == 0, outcome.log
    assert sorted(each.tag for each in site.github.releases["new/name"]) == sorted(TAGS)
    old = [each for each in site.github.requests if f"/repos/{NAME}" in each.path]
    assert [each.method for each in old] == ["GET"]
