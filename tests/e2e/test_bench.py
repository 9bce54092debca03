"""The bench in its short form: it works, and says what it measured. No time is judged."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.__main__ import RESULTS
from tests.bench.model import FULL, REPORT
from tests.bench.page import benchmarks_md
from tests.harness.project import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packs Linux interpreters")

FIGURES = {
    "first-run-hello", "first-run-imports", "first-run-memory", "warm-start", "warm-call",
    "crowd", "text-pack", "text-cold", "text-warm", "worker-call",
    "payload-size", "binary-size", "module-zip", "go-build",
    "cell-cpu", "cell-memory", "cell-wall", "cell-again", "release-again", "release-again-bytes",
}  # fmt: skip
PROFILES = {"first-run", "cell"}
GROWTHS = {"starts", "cells-time", "cells-memory", "level-time", "level-size"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--short", "--out", folder, "--scratch", folder],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.whole
def test_every_figure_is_measured(out: Path) -> None:
    report = REPORT.validate_json((out / RESULTS).read_bytes())
    assert set(report.figures) == FIGURES
    assert set(report.growths) == GROWTHS
    assert set(report.profiles) == PROFILES
    for figure in report.figures.values():
        for row in figure.rows:
            assert len(row.theirs) == (len(row.ours) if row.peer else 0)


@pytest.mark.whole
def test_the_page_shows_every_plot_that_was_drawn(out: Path) -> None:
    page = (out / "BENCHMARKS.md").read_text("utf-8")
    shown = {out / name for name in re.findall(r"\]\((tests/bench/plots/[\w-]+\.svg)\)", page)}
    drawn = set((out / "tests" / "bench" / "plots").glob("*.svg"))
    assert shown <= drawn
    assert len(drawn) >= len(GROWTHS) + len(PROFILES)
    for plot in drawn:
        root = ET.fromstring(plot.read_bytes())  # noqa: S314 - the bench made it
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.whole
def test_the_page_can_be_written_again_from_the_results(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out / "tests", tmp_path / "tests")
    subprocess.run(
        [sys.executable, "-m", "tests.bench", "--render", "--out", tmp_path],
        cwd=REPOSITORY, check=True, capture_output=True,
    )  # fmt: skip
    assert (tmp_path / "BENCHMARKS.md").read_bytes() == (out / "BENCHMARKS.md").read_bytes()


def test_what_stands_in_the_repository_is_a_whole_run() -> None:
    report = REPORT.validate_json((REPOSITORY / RESULTS).read_bytes())
    assert report.effort == FULL
    assert set(report.figures) == FIGURES
    assert set(report.growths) == GROWTHS
    assert set(report.profiles) == PROFILES


def test_the_page_in_the_repository_is_made_of_its_results() -> None:
    page = (REPOSITORY / "BENCHMARKS.md").read_text("utf-8")
    assert page == benchmarks_md(REPORT.validate_json((REPOSITORY / RESULTS).read_bytes()))
    assert "Missed: not explained" not in page
