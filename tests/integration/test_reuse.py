"""Payloads of earlier tags: taken by git object, sent once, compared with what is built anew."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest

from pipeline.system.errors import PayloadError, TagConflictError, VerifyError
from tests.builders.site import CELLS, NEXT_TAGS, TAGS, Site, make_released
from tests.harness.crash import crash_runner, left_by_killed_run
from tests.harness.project import Project, git

NOISE_BYTES = 500_000


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_released(tmp_path)


@pytest.fixture
def heavy(tmp_path: Path) -> Site:
    """Six different files of noise: 3 MB that are not to be sent a second time."""
    return make_released(tmp_path, NOISE_BYTES)


def ids_when_built(site: Site, folder: Path) -> dict[str, str]:
    """What the same release is where every payload is built and no tag known."""
    other = Site(site.checkout("unaware", shallow=False), folder / "unaware-site")
    other.folder.mkdir()
    git(other.folder, "init", "--quiet", "--bare", str(other.remote))
    other.project.git("remote", "set-url", "origin", str(other.remote))
    noise = NOISE_BYTES if site.size_bytes() > NOISE_BYTES else 0
    other.make(noise_bytes=noise)
    outcome = other.push()
    assert outcome.code == 0, outcome.log
    return other.tags()


@pytest.mark.parametrize("kind", ["shallow", "full", "with tags"])
def test_a_version_alone_adds_little_and_is_the_same_as_when_built(
    heavy: Site, tmp_path: Path, kind: str
) -> None:
    heavy.raise_version()
    checkout = heavy.checkout(shallow=kind == "shallow")
    if kind == "with tags":
        checkout.git("fetch", "--quiet", "--tags", "origin")
    # Meanwhile main goes on.
    heavy.commit("More")
    git(heavy.remote, "gc", "--quiet")
    before = heavy.size_bytes()
    config = checkout.git("config", "--list")
    assert before > 6 * NOISE_BYTES
    outcome = heavy.push(checkout=checkout)
    assert outcome.code == 0, outcome.log
    assert "3.13.17/windows-amd64: reused from v0.1.0-py3.13.17" in outcome.log
    assert heavy.size_bytes() - before < 100 << 10
    assert git(heavy.remote, "fsck", "--no-dangling") == ""
    new = {tag: heavy.tags()[tag] for tag in NEXT_TAGS}
    git(heavy.remote, "update-ref", "refs/heads/main", "refs/heads/main^")
    assert new == ids_when_built(heavy, tmp_path)
    # The checkout has the tags, all that is in them, and nothing else that it had not.
    assert {tag: heavy.tags(checkout.root)[tag] for tag in NEXT_TAGS} == new
    assert checkout.git("fsck", "--no-dangling") == ""
    assert checkout.git("config", "--list") == config
    assert checkout.git("for-each-ref", "refs/goempy") == ""
    shallow = checkout.git("rev-parse", "--is-shallow-repository").strip()
    assert shallow == ("true" if kind == "shallow" else "false")


def test_only_what_was_built_is_sent(heavy: Site) -> None:
    heavy.raise_version()
    heavy.make([CELLS[0]], NOISE_BYTES)
    git(heavy.remote, "gc", "--quiet")
    before = heavy.size_bytes()
    outcome = heavy.push(checkout=heavy.checkout())
    assert outcome.code == 0, outcome.log
    assert "3.14.9/linux-amd64: reused" not in outcome.log
    assert "3.14.9/windows-amd64: reused from v0.1.0\n" in outcome.log
    # It came out the same, so not even that was.
    assert heavy.size_bytes() - before < 100 << 10


def test_without_a_remote_the_repository_s_own_tags_serve(site: Site) -> None:
    site.raise_version()
    outcome = site.finalize()
    assert outcome.code == 0, outcome.log
    assert set(NEXT_TAGS) <= set(site.tags(site.project.root))
    assert set(site.tags()) == set(TAGS)


def test_a_dry_run_reuses_and_writes_nothing(site: Site) -> None:
    site.raise_version()
    checkout = site.checkout()
    outcome = site.push("--dry-run", checkout=checkout)
    assert outcome.code == 0, outcome.log
    assert all(tag in outcome.out for tag in NEXT_TAGS)
    assert set(site.tags()) == set(TAGS)
    assert site.tags(checkout.root) == {}


def test_what_is_neither_built_nor_found_is_named(site: Site) -> None:
    site.change_matrix("level = 3", "level = 4")
    site.raise_version()
    site.make([CELLS[1]])
    outcome = site.push()
    assert outcome.code == PayloadError.exit_code
    for name in CELLS:
        assert (f"  - {name}\n" in outcome.log) == (name != CELLS[1])
    assert set(site.tags()) == set(TAGS)


def test_a_message_is_not_believed(site: Site) -> None:
    """The tag of 3.14.9 claims to hold what 3.13.17 is made of, and the older tag is gone."""
    rows = git(site.remote, "show", "-s", "--format=%B", TAGS[1]).splitlines()
    claim = [row for row in rows if row.startswith("Cell: linux")]
    git(site.remote, "update-ref", "-d", f"refs/tags/{TAGS[1]}")
    site.forge(
        TAGS[0],
        lambda _tree, text: ({}, re.sub("^Cell: linux.*$", claim[0], text, flags=re.MULTILINE)),
    )
    site.raise_version()
    site.make([CELLS[0], CELLS[1], CELLS[3]])
    outcome = site.push(checkout=site.checkout())
    assert outcome.code == PayloadError.exit_code
    assert f"{CELLS[2]}: v0.1.0 has this cell's digest in its message, but not" in outcome.log


def test_a_tag_that_lacks_a_blob_lends_nothing(site: Site) -> None:
    def change(tree: Path, message: str) -> tuple[dict[str, bytes], str]:
        folder = tree / "python" / "internal" / "data" / "windows-amd64"
        next(path for path in folder.iterdir() if len(path.stem) == 32).unlink()  # a blob
        return {}, message

    site.forge(TAGS[1], change)
    site.raise_version()
    outcome = site.push(checkout=site.checkout())
    assert outcome.code == PayloadError.exit_code
    assert "v0.1.0-py3.13.17:python/internal/data/windows-amd64 is incomplete" in outcome.log


def test_the_summary_of_a_run(site: Site, tmp_path: Path) -> None:
    site.raise_version()
    site.make([CELLS[0]])
    file = tmp_path / "summary"
    for _run in range(2):
        outcome = site.finalize("--push", "origin", env={"GITHUB_STEP_SUMMARY": str(file)})
        assert outcome.code == 0, outcome.log
    summary = file.read_text("utf-8")
    assert f"| {CELLS[0]} | built |" in summary
    assert f"| {CELLS[2]} | reused from v0.1.0-py3.13.17 |" in summary
    assert re.search(r"\| v0.2.0 \| 3.14.9 \| .* \| new \|", summary)
    assert f"- {CELLS[0]}: reproduced, as in v0.2.0" in summary


def test_what_is_built_again_is_reproduced(site: Site) -> None:
    site.make([CELLS[1], CELLS[2]])
    before = site.tags()
    for checkout in (None, site.checkout()):
        outcome = site.push("--rebuild", "true", checkout=checkout)
        assert outcome.code == 0, outcome.log
        assert outcome.out.splitlines() == [
            f"{CELLS[1]}: reproduced, as in v0.1.0",
            f"{CELLS[2]}: reproduced, as in v0.1.0-py3.13.17",
        ]
    assert site.push().out.count("already released") == 2
    assert site.tags() == before


@pytest.mark.parametrize("rebuild", ["true", "false"])
def test_what_comes_out_otherwise_is_listed(site: Site, rebuild: str) -> None:
    site.make([CELLS[1], CELLS[2]], noise_bytes=1)
    before = site.tags()
    outcome = site.push("--rebuild", rebuild, checkout=site.checkout())
    assert outcome.code == VerifyError.exit_code
    assert "entry noise: size 100 -> 101" in outcome.out
    assert f"{CELLS[1]}: v0.1.0 differs in " in outcome.log
    assert f"{CELLS[2]}: v0.1.0-py3.13.17 differs in " in outcome.log
    assert "no tag was moved" in outcome.log
    assert site.tags() == before


def change_code(tree: Path, message: str) -> tuple[dict[str, bytes], str]:
    del tree
    return {"LICENSE": b"Other words.\n"}, message


def test_code_that_went_on_since_does_not_hinder_a_rebuild(site: Site) -> None:
    site.forge("v0.1.0", change_code)
    site.make([CELLS[0]])
    checkout = site.checkout()
    outcome = site.push("--rebuild", "true", checkout=checkout)
    assert outcome.code == 0, outcome.log
    assert f"{CELLS[0]}: reproduced" in outcome.out
    # To release it is another matter.
    assert site.push(checkout=checkout).code == TagConflictError.exit_code


def test_a_platform_that_the_tag_has_not_is_no_reproduction(site: Site) -> None:
    site.change_matrix('["linux-amd64", "windows-amd64"]', '["linux-amd64", "linux-arm64"]')
    site.make(["3.14.9/linux-arm64"])
    outcome = site.push("--rebuild", "true")
    assert outcome.code == VerifyError.exit_code
    assert "3.14.9/linux-arm64: v0.1.0 differs in " in outcome.log


@pytest.mark.skipif(sys.platform == "win32", reason="the shim is a shell script")
def test_killed_at_any_git_command_while_reusing_the_next_run_ends_with_the_same_ids(
    site: Site, tmp_path: Path, goempy_server: str
) -> None:
    site.raise_version()
    crashing = crash_runner(tmp_path / "shims", goempy_server)

    def killed_at(step: int, checkout: Project) -> tuple[int, int]:
        root = str(checkout.root)
        where = ["--root", root, "finalize", "--repo", root, "--push", "origin"]
        return crashing.run(step, [*where, "--payloads", str(site.payloads)])

    code, commands = killed_at(-1, site.checkout())
    assert code == 0
    undisturbed = site.tags()
    old = {tag: undisturbed[tag] for tag in TAGS}
    new = {tag: undisturbed[tag] for tag in NEXT_TAGS}
    known: list[object] = []
    # Each of them is tried without earlier tags, in test_finalize.py.
    for step in range(0, commands, 3):
        for tag in NEXT_TAGS:
            git(site.remote, "update-ref", "-d", f"refs/tags/{tag}")
        checkout = site.checkout(f"killed-{step}")
        assert killed_at(step, checkout) == (-signal.SIGKILL, step + 1)
        assert site.tags() in (old, undisturbed), f"half pushed at {step}"
        left = left_by_killed_run(checkout.root, site.remote, site.payloads)
        if left in known:
            continue
        known.append(left)
        outcome = site.push(checkout=checkout)
        assert outcome.code == 0, outcome.log
        assert site.tags() == undisturbed
        assert {tag: site.tags(checkout.root)[tag] for tag in NEXT_TAGS} == new
