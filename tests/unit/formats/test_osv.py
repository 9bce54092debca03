"""Which packages a record of OSV affects."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.formats.osv import GIT, PYPI, OsvPackage, Vulnerability, repository_key
from tests.fakes.osv import git_record, pypi_record

REPO = "https://github.com/python/cpython"
TAGS = ("v3.14.7", "v3.14.8")
PIP = pypi_record("GHSA-4xh5-x5gv-qwph", "pip", "26.3", "26.1", "26.2")


def record(made: dict[str, Any]) -> Vulnerability:
    return Vulnerability.model_validate(made)


@pytest.mark.parametrize(
    ("name", "tag", "affected"),
    [
        (REPO, "v3.14.8", True),
        (f"{REPO}.git", "v3.14.8", True),
        ("https://GitHub.com/Python/cpython/", "v3.14.7", True),
        (REPO, "v3.14.9", False),
        ("https://github.com/python/peps", "v3.14.8", False),
    ],
)
def test_a_tag_of_a_repository(name: str, tag: str, *, affected: bool) -> None:
    found = record(git_record("CVE-2026-1", REPO, *TAGS))
    assert found.affects(OsvPackage(GIT, name, tag)) is affected
    assert not found.affects(OsvPackage(PYPI, name, tag))


@pytest.mark.parametrize(
    ("version", "affected"),
    [("26.2", True), ("26.2.0", True), ("26.0.1", True), ("26.3rc1", True), ("26.3", False),
     ("27", False), ("not a version", False)],
)  # fmt: skip
def test_a_version_of_a_python_package(version: str, *, affected: bool) -> None:
    # 26.0.1 is not listed, but within the range.
    assert record(PIP).affects(OsvPackage(PYPI, "pip", version)) is affected
    assert not record(PIP).affects(OsvPackage(PYPI, "pipx", version))
    assert not record(PIP).affects(OsvPackage(GIT, "pip", version))


@pytest.mark.parametrize(
    ("events", "versions"),
    [
        ([{"introduced": "2"}, {"last_affected": "3"}], {"2", "3"}),
        # Out of order, as the schema allows.
        ([{"fixed": "2"}, {"introduced": "3"}, {"introduced": "0"}], {"1", "3", "4"}),
        ([{"introduced": "0", "fixed": "3"}], {"1", "2"}),
        ([{"introduced": "?"}], set()),
    ],
)
def test_ranges(events: list[dict[str, str]], versions: set[str]) -> None:
    made = pypi_record("GHSA-1", "A_tool", "9")
    made["affected"][0]["ranges"][0]["events"] = events
    found = record(made)
    assert {v for v in "1234" if found.affects(OsvPackage(PYPI, "a.tool", v))} == versions


def test_a_withdrawn_record_affects_nothing() -> None:
    found = record({**PIP, "withdrawn": "2026-01-01T00:00:00Z"})
    assert not found.affects(OsvPackage(PYPI, "pip", "26.2"))


def test_words_for_people() -> None:
    named = record(PIP)
    assert (named.about, named.page) == (PIP["summary"], "https://advisories.example/" + PIP["id"])
    assert named.fixed_in(OsvPackage(PYPI, "pip", "26.2")) == ("26.3",)
    bare = record(git_record("CVE-2026-1", REPO, *TAGS, references=[]))
    assert bare.about == "There is a MEDIUM severity vulnerability CVE-2026-1."
    # A commit is not a version.
    assert (bare.page, bare.fixed_in(OsvPackage(GIT, REPO, "v3.14.8"))) == ("", ())
    assert record({"id": "X-1"}).about == ""


def test_spellings_of_an_address() -> None:
    assert repository_key("git://Host/Owner/Name.git") == repository_key("https://host/owner/name/")
