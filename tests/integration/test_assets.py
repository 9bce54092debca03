"""``goempy assets``: everything of a release, from tags alone, and the same every time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pipeline.formats.payload.model import Component
from pipeline.publish.release_spec import read_release_spec
from pipeline.publish.tag_facts import parse_tags
from pipeline.system.errors import UsageError
from tests.builders.site import PLATFORMS, Site, make_site
from tests.harness.project import Line, Outcome, Project, git, make_project, matrix_text
from tests.harness.schema import schema_fault

OLD, NEW = "20260814", "20261021"
OLDER = ("v0.1.0", "v0.1.0-py3.13.15")
TAGS = ("v0.2.0", "v0.2.0-py3.12.15", "v0.2.0-py3.13.17")
NAMES = [
    "SHA256SUMS", "THIRD_PARTY_LICENSES", "notes.md", "sbom.cdx.json", "sizes.svg", "tags.json",
]  # fmt: skip


def assets(
    site: Site, out: Path, *more: str | Path, env: Mapping[str, str] | None = None
) -> Outcome:
    return site.project.run("assets", "--out", out, *more, env=env)


def release(site: Site, openssl: str) -> None:
    """Push the tags of VERSION, whose interpreters have this version of OpenSSL."""
    site.make(
        site.cells, components=(Component("openssl", openssl, ("Apache-2.0",), ("COPYING",)),)
    )
    outcome = site.push()
    assert outcome.code == 0, outcome.log


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The tags of two VERSIONs, of which its remote has all."""
    old = [Line(each, OLD, platforms=PLATFORMS) for each in ("3.14.7", "3.13.15")]
    new = [Line(each, NEW, platforms=PLATFORMS) for each in ("3.14.9", "3.13.17", "3.12.15")]
    site = make_site(tmp_path_factory.mktemp("released"), *old)
    release(site, "3.5.3")
    site.project.write("matrix.toml", matrix_text(*new))
    site.raise_version()
    release(site, "3.5.4")
    return site


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def notes(out: Path, tag: str) -> str:
    return (out / tag / "notes.md").read_text("utf-8")


def test_a_folder_for_each_tag_of_version(site: Site, tmp_path: Path) -> None:
    outcome = assets(site, tmp_path / "out")
    assert outcome.code == 0, outcome.log
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(TAGS)
    for tag in TAGS:
        found = files(tmp_path / "out" / tag)
        assert sorted(found) == NAMES
        uploaded = sorted(set(NAMES) - {"notes.md", "SHA256SUMS"})
        assert found["SHA256SUMS"].decode().splitlines() == [
            f"{hashlib.sha256(found[name]).hexdigest()}  {name}" for name in uploaded
        ]
        (facts,) = parse_tags(found["tags.json"], where=tag)
        assert (facts.tag, facts.software) == (tag, {"openssl": "3.5.4"})
        assert schema_fault(json.loads(found["tags.json"]), "tags.schema.json") == ""
        bill = json.loads(found["sbom.cdx.json"])
        assert bill["metadata"]["component"]["version"] == tag
        stored = site.project.git("show", f"{tag}:THIRD_PARTY_LICENSES")
        assert found["THIRD_PARTY_LICENSES"].decode() == stored
        assert ET.fromstring(found["sizes.svg"]).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
        # What publish asks of a folder.
        assert read_release_spec(tmp_path / "out" / tag).tag == tag


def test_the_same_tags_give_the_same_bytes(site: Site, tmp_path: Path) -> None:
    assets(site, tmp_path / "one")
    assets(site, tmp_path / "two", *reversed(TAGS))
    for tag in TAGS:
        assert files(tmp_path / "one" / tag) == files(tmp_path / "two" / tag)


def test_the_notes_tell_what_is_new_on_the_line(site: Site, tmp_path: Path) -> None:
    assets(site, tmp_path)
    text = notes(tmp_path, "v0.2.0-py3.13.17")
    assert text.startswith("# v0.2.0-py3.13.17: Python 3.13.17 (python-build-standalone 20261021)")
    assert "Since v0.1.0-py3.13.15:\n\n- Python 3.13.15 → 3.13.17\n" in text
    assert f"- python-build-standalone {OLD} → {NEW}\n- OpenSSL 3.5.3 → 3.5.4\n" in text
    assert "[!WARNING]" in text
    # The primary's tag does not name its line; its commit does.
    primary = notes(tmp_path, "v0.2.0")
    assert "Since v0.1.0:\n\n- Python 3.14.7 → 3.14.9\n" in primary
    assert "[!WARNING]" not in primary
    assert "The first release of Python 3.12 here" in notes(tmp_path, "v0.2.0-py3.12.15")


def test_sizes_are_those_of_the_tag(site: Site, tmp_path: Path) -> None:
    assets(site, tmp_path, "v0.2.0")
    rows = site.project.run("sizes", "v0.2.0").out.splitlines()
    (row,) = [each for each in rows if each.startswith("v0.2.0/linux-amd64 ")]
    embedded = " ".join(row.split()[-4:-2])
    assert f"| linux-amd64 | {embedded} |" in notes(tmp_path, "v0.2.0")


def test_links_lead_to_where_it_runs(site: Site, tmp_path: Path) -> None:
    assets(site, tmp_path / "home", "v0.2.0")
    home = "https://github.com/goempy/goempy/releases/download/v0.2.0/sizes.svg"
    assert f"]({home})" in notes(tmp_path / "home", "v0.2.0")
    env = {"GITHUB_REPOSITORY": "team/py", "GITHUB_SERVER_URL": "https://git.corp.example"}
    assets(site, tmp_path / "there", "v0.2.0", env=env)
    there = "https://git.corp.example/team/py/releases/download/v0.2.0/sizes.svg"
    assert f"]({there})" in notes(tmp_path / "there", "v0.2.0")
    assert "--repo git.corp.example/team/py\n" in notes(tmp_path / "there", "v0.2.0")


def test_a_folder_takes_the_place_of_an_older_one(site: Site, tmp_path: Path) -> None:
    (tmp_path / "v0.2.0").mkdir()
    (tmp_path / "v0.2.0" / "stray.txt").write_text("x")
    (tmp_path / "other").mkdir()
    assert assets(site, tmp_path, "v0.2.0").code == 0
    assert sorted(files(tmp_path / "v0.2.0")) == NAMES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "v0.2.0"]


@pytest.mark.parametrize("has_new", [True, False])
def test_what_a_shallow_checkout_lacks_is_fetched(
    site: Site, tmp_path: Path, *, has_new: bool
) -> None:
    """As a workflow's: one commit, and the tags that this run made, or those of a dead run not."""
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-tags", site.remote.as_uri(), str(checkout))
    if has_new:
        wanted = [f"refs/tags/{tag}:refs/tags/{tag}" for tag in TAGS]
        git(checkout, "fetch", "--quiet", "--depth=1", "origin", *wanted)
    before = git(checkout, "for-each-ref"), (checkout / ".git" / "config").read_text()
    outcome = Project(checkout).run("assets", "--remote", "origin", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.log
    assets(site, tmp_path / "expected")
    for tag in TAGS:
        assert files(tmp_path / "out" / tag) == files(tmp_path / "expected" / tag)
    assert before == (git(checkout, "for-each-ref"), (checkout / ".git" / "config").read_text())


def test_tags_that_are_not_there(site: Site, tmp_path: Path) -> None:
    outcome = assets(site, tmp_path / "out", "v0.2.0", "v0.2.0-py3.13.71")
    assert outcome.code == UsageError.exit_code
    assert "did you mean" in outcome.log
    assert not (tmp_path / "out" / "v0.2.0").exists()
    project = make_project(tmp_path, version="7.0.0")
    outcome = project.run("assets", "--out", tmp_path / "out")
    assert outcome.code == UsageError.exit_code
    assert "has no tag of VERSION 7.0.0" in outcome.log
