"""Folders to publish: what they contain, and everything that is wrong with them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline.publish.release_spec import read_release_spec
from pipeline.system.errors import UsageError

PRIMARY = "v0.2.0"


def folder(root: Path, **files: str) -> Path:
    made = root / PRIMARY
    made.mkdir()
    for name, text in files.items():
        (made / name.replace("_", ".")).write_text(text, "utf-8")
    return made


def sums(**texts: str) -> str:
    rows = [
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name.replace('_', '.')}\n"
        for name, text in texts.items()
    ]
    return "".join(rows)


def test_a_folder_is_a_release(tmp_path: Path) -> None:
    made = folder(
        tmp_path, notes_md="# v0.2.0: Python\n\nWords.\n", a_txt="A", SHA256SUMS=sums(a_txt="A")
    )
    found = read_release_spec(made)
    assert (found.tag, found.title, found.notes) == (PRIMARY, "v0.2.0: Python", "Words.\n")
    assert [each.name for each in found.files] == ["SHA256SUMS", "a.txt"]
    assert found.files[1].sha256 == hashlib.sha256(b"A").hexdigest()


def test_notes_without_a_heading_are_titled_by_the_tag(tmp_path: Path) -> None:
    made = folder(tmp_path, notes_md="Words.", a_txt="A", SHA256SUMS=sums(a_txt="A"))
    found = read_release_spec(made)
    assert (found.title, found.notes) == (PRIMARY, "Words.\n")


def test_what_is_wrong_with_a_folder_is_told_together(tmp_path: Path) -> None:
    made = folder(
        tmp_path, notes_md="# T\n", a_txt="A", b_txt="", SHA256SUMS=sums(a_txt="B", c_txt="C")
    )
    (made / "with space").write_text("x")
    with pytest.raises(UsageError, match="not a release to publish") as caught:
        read_release_spec(made)
    rows = sums(a_txt="B", c_txt="C").splitlines()
    assert caught.value.details == (
        "GitHub would rename 'with space'",
        "b.txt is empty",
        f"SHA256SUMS differs: {rows[0]}",
        f"SHA256SUMS differs: {rows[1]}",
    )


def test_folders_without_notes_or_sums_are_none(tmp_path: Path) -> None:
    made = folder(tmp_path, a_txt="A")
    with pytest.raises(UsageError, match=r"is not a release: notes\.md cannot be read") as caught:
        read_release_spec(made)
    assert "goempy assets" in caught.value.hint
    (made / "notes.md").write_text("# T\n")
    with pytest.raises(UsageError) as again:
        read_release_spec(made)
    assert again.value.details == ("it has no SHA256SUMS",)
