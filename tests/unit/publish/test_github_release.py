"""What becomes of releases: planned from what GitHub has, and nothing published is touched."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.publish.github_release import (
    ReleaseAction,
    ReleaseState,
    plan_assets,
    plan_releases,
    require_same,
)
from pipeline.publish.release_spec import AssetFile, ReleaseSpec
from pipeline.system.errors import GitHubError, TagConflictError
from pipeline.system.github.models import Release, ReleaseAsset

PRIMARY, OTHER = "v0.2.0", "v0.2.0-py3.13.17"
COMMIT, ANOTHER = "a" * 40, "b" * 40


def file(name: str, data: bytes = b"data") -> AssetFile:
    return AssetFile(Path(name), len(data), hashlib.sha256(data).hexdigest())


def asset(
    name: str, data: bytes = b"data", *, digest: bool = True, whole: bool = True, number: int = 1
) -> ReleaseAsset:
    sha256 = hashlib.sha256(data).hexdigest() if digest else ""
    return ReleaseAsset(name, len(data), sha256, number, whole)


FILES = (file("SHA256SUMS"), file("sizes.svg"))
ASSETS = (asset("SHA256SUMS"), asset("sizes.svg"))


def spec(tag: str = PRIMARY, files: Sequence[AssetFile] = FILES) -> ReleaseSpec:
    return ReleaseSpec(tag, f"{tag}: Python", "Words.\n", tuple(files))


def release(
    tag: str = PRIMARY,
    assets: Sequence[ReleaseAsset] = ASSETS,
    *,
    draft: bool = False,
    number: int = 7,
) -> Release:
    return Release(tag, draft, "-" in tag, tuple(assets), number)


def plan(
    found: Sequence[Release] = (), *tags: str, commits: dict[str, tuple[str, str]] | None = None
) -> tuple[ReleaseAction, ...]:
    names = tags or (PRIMARY,)
    known = commits or dict.fromkeys(names, (COMMIT, COMMIT))
    return plan_releases([spec(tag) for tag in names], found, known)


def test_the_primary_line_comes_last_and_is_the_latest() -> None:
    steps = plan((), PRIMARY, "v0.2.0-py3.14.9t", OTHER)
    assert [step.spec.tag for step in steps] == [OTHER, "v0.2.0-py3.14.9t", PRIMARY]
    assert [step.latest for step in steps] == [False, False, True]
    assert [list(step.rows())[-1] for step in steps] == [
        "publish it as pre-release",
        "publish it as pre-release",
        "publish it as latest",
    ]


@pytest.mark.parametrize(
    ("other", "latest"),
    [
        (release("v0.1.9"), True),
        (release("v0.10.0"), False),
        (release("v0.10.0", draft=True), True),
        (release("v0.10.0-py3.13.17"), True),
        (release("nightly"), True),
        (release("v1.0.0-notes", number=2), True),
    ],
)
def test_an_older_version_that_comes_late_is_not_the_latest(other: Release, latest: bool) -> None:  # noqa: FBT001
    (step,) = plan([other])
    assert step.latest is latest
    assert step.state is ReleaseState.NEW


def test_a_published_release_with_the_same_content_is_passed() -> None:
    (step,) = plan([release()])
    assert step.state is ReleaseState.RELEASED
    assert list(step.rows()) == []


def test_what_differs_is_named_all_together() -> None:
    found = [
        release(PRIMARY, [asset("SHA256SUMS", b"other"), asset("more.txt")]),
        release(OTHER, [asset("SHA256SUMS", digest=False), asset("sizes.svg", b"", digest=False)]),
    ]
    with pytest.raises(TagConflictError) as caught:
        require_same(plan(found, PRIMARY, OTHER))
    assert caught.value.details == (
        f"{OTHER} was released with a different sizes.svg",
        f"{PRIMARY} was released with a different SHA256SUMS",
        f"{PRIMARY} was released without sizes.svg",
        f"{PRIMARY} was released with more.txt as well",
    )
    assert "raise VERSION" in caught.value.hint
    assert "Delete what does not belong" in caught.value.hint


def test_a_tag_that_is_another_commit_on_github() -> None:
    commits = {PRIMARY: (COMMIT, ANOTHER), OTHER: (COMMIT, COMMIT)}
    with pytest.raises(TagConflictError) as caught:
        plan((), PRIMARY, OTHER, commits=commits)
    assert caught.value.details == (
        f"{PRIMARY} is commit {'b' * 12} on GitHub and {'a' * 12} here",
    )


def test_tags_that_are_not_at_github_are_never_made_there() -> None:
    with pytest.raises(GitHubError, match="not on GitHub") as caught:
        plan((), PRIMARY, OTHER, commits={PRIMARY: (COMMIT, COMMIT), OTHER: (COMMIT, "")})
    assert caught.value.details == (OTHER,)
    assert "finalize --push" in caught.value.hint


def test_a_repository_that_lacks_the_tag_believes_github() -> None:
    assert plan((), commits={PRIMARY: ("", COMMIT)})[0].state is ReleaseState.NEW


def test_of_several_drafts_the_oldest_is_used() -> None:
    drafts = [release(draft=True, number=number) for number in (12, 5, 30)]
    (step,) = plan([*drafts, release(OTHER, draft=True, number=1)])
    assert step.draft is not None
    assert step.draft.id == 5
    assert [each.id for each in step.superfluous] == [12, 30]
    assert list(step.rows()) == [
        "delete draft 12",
        "delete draft 30",
        "continue with draft 5",
        "publish it as latest",
    ]


def test_drafts_beside_a_published_release_go() -> None:
    (step,) = plan([release(draft=True, number=3), release(number=7)])
    assert step.state is ReleaseState.RELEASED
    assert step.draft is None
    assert list(step.rows()) == ["delete draft 3"]


def test_only_what_differs_is_sent_again() -> None:
    found = [
        asset("SHA256SUMS"),
        asset("sizes.svg", b"data2", number=2),
        asset("old.txt", number=3),
        asset("half", b"", whole=False, digest=False, number=4),
    ]
    sync = plan_assets([*FILES, file("half"), file("new")], found)
    assert [each.id for each in sync.delete] == [2, 3, 4]
    assert [each.name for each in sync.upload] == ["sizes.svg", "half", "new"]


def test_without_a_digest_an_equal_size_proves_nothing() -> None:
    """SHA256SUMS has the same size whatever it says."""
    sync = plan_assets(FILES, [asset("SHA256SUMS", digest=False)])
    assert [each.name for each in sync.delete] == ["SHA256SUMS"]
    assert [each.name for each in sync.upload] == ["SHA256SUMS", "sizes.svg"]
