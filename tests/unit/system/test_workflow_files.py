"""What a step of GitHub Actions appends for later jobs and for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.system.errors import UsageError
from pipeline.system.workflow_files import append_output, append_summary


def test_both_files_grow(tmp_path: Path) -> None:
    env = {
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    for number in ("1", "2"):
        append_output(env, f"name{number}", number)
        append_summary(env, f"### Part {number}\n")
    assert (tmp_path / "output").read_text("utf-8") == "name1=1\nname2=2\n"
    assert (tmp_path / "summary").read_text("utf-8") == "### Part 1\n\n### Part 2\n\n"


def test_elsewhere_nothing_happens() -> None:
    append_output({}, "name", "value")
    append_summary({}, "text")


@pytest.mark.parametrize("value", ["one\ntwo", "one\rtwo"])
def test_an_output_is_one_line(tmp_path: Path, value: str) -> None:
    with pytest.raises(ValueError, match="output name has several lines"):
        append_output({"GITHUB_OUTPUT": str(tmp_path / "output")}, "name", value)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    env = {"GITHUB_OUTPUT": str(tmp_path / "none" / "output")}
    with pytest.raises(UsageError, match=r"GITHUB_OUTPUT is .*, in a folder that does not exist"):
        append_output(env, "name", "value")
