"""The Markdown of a tag is about that tag."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.config.model import LOCAL, Line, Platform, PythonVersion
from pipeline.formats.payload.model import Manifest, Origin, PayloadMetadata
from pipeline.release.module_readme import tag_words, with_words
from pipeline.release.module_tree import TEMPLATE

LINE = Line(PythonVersion(3, 15, 1), "20261021", "freethreaded")
PLATFORMS = [
    Platform("windows-amd64", "triple", "build", "windows", "amd64"),
    Platform("linux-amd64-musl", "triple", "build", "linux", "amd64", "musl"),
    Platform("linux-amd64-v3", "triple", "build", "linux", "amd64", "", "v3"),
]
READMES = sorted(TEMPLATE.rglob("*.md"))


def manifest(attestation: str = "") -> Manifest:
    origin = Origin("3.15.1", "20261021", "triple", "", "0" * 64, "name", attestation)
    return Manifest("", (), PayloadMetadata(origin))


def words(line: Line = LINE, *manifests: Manifest) -> dict[str, str]:
    return dict(tag_words("v2.0.0-py3.15.1t", line, PLATFORMS, manifests))


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_every_readme_names_its_tag_and_no_other(path: Path) -> None:
    text = with_words(path.read_text("utf-8"), words(LINE, manifest()))
    assert "@v2.0.0-py3.15.1t" in text
    assert "$" not in text
    assert "@latest" not in text
    assert set(re.findall(r"\bv\d+\.\d+\.\d+\S*\b", text)) == {"v2.0.0-py3.15.1t"}


def test_platforms_are_named_as_go_selects_them() -> None:
    assert words()["platforms"] == (
        "windows/amd64, linux/amd64 with `-tags musl`, linux/amd64 with `GOAMD64=v3`"
    )
    assert words()["python"] == "3.15.1t"


def test_interpreters_are_those_of_pbs_only_where_that_was_verified() -> None:
    verified = words(LINE, manifest("a workflow"))["origin"]
    pinned = words(LINE, manifest("a workflow"), manifest())["origin"]
    own = words(Line(LINE.python, LOCAL))["origin"]
    assert verified.startswith("those of python-build-standalone")
    assert "matrix.lock" in pinned
    assert "python-build-standalone" not in own
