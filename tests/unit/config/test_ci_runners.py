"""Where platforms are tried: the labels that a workflow's matrix is made of."""

from __future__ import annotations

from pipeline.config.ci_runners import (
    MUSL_CONTAINER,
    Runner,
    build_tags,
    runners_for,
    without_runner,
)
from pipeline.config.matrix import parse_matrix
from tests.harness.project import REPOSITORY

PLATFORMS = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8")).platforms
ROWS = {each.platform: each for each in runners_for(PLATFORMS)}


def test_each_enabled_platform_of_the_matrix_has_a_runner() -> None:
    assert [each.name for each in PLATFORMS if each.enabled and each.name not in ROWS] == []


def test_the_labels() -> None:
    assert {name: row.runner for name, row in ROWS.items()} == {
        "linux-amd64": "ubuntu-24.04",
        "linux-amd64-musl": "ubuntu-24.04",
        "linux-amd64-v2": "ubuntu-24.04",
        "linux-amd64-v3": "ubuntu-24.04",
        "linux-arm64": "ubuntu-24.04-arm",
        "linux-arm64-musl": "ubuntu-24.04-arm",
        "darwin-amd64": "macos-15-intel",
        "darwin-arm64": "macos-15",
        "windows-386": "windows-2025",
        "windows-amd64": "windows-2025",
        "windows-arm64": "windows-11-arm",
    }


def test_what_narrows_a_platform_is_in_its_row() -> None:
    assert ROWS["linux-amd64"] == Runner("linux-amd64", "ubuntu-24.04", "", "", "")
    assert ROWS["linux-amd64-v3"] == Runner("linux-amd64-v3", "ubuntu-24.04", "", "", "v3")
    assert ROWS["linux-arm64-musl"] == Runner(
        "linux-arm64-musl", "ubuntu-24.04-arm", MUSL_CONTAINER, "musl", ""
    )


def test_platforms_that_no_hosted_machine_runs_are_named() -> None:
    named = [each.name for each in without_runner(PLATFORMS)]
    assert "linux-riscv64" in named
    assert "linux-amd64-v4" in named
    assert {*named, *ROWS} == {each.name for each in PLATFORMS}
    assert not {*named} & {*ROWS}


def test_the_order_is_that_of_the_matrix() -> None:
    backwards = tuple(reversed(PLATFORMS))
    assert [row.platform for row in runners_for(backwards)] == list(reversed(ROWS))


def test_only_a_libc_needs_a_build_tag() -> None:
    tagged = {each.name for each in PLATFORMS if build_tags(each)}
    assert tagged == {"linux-amd64-musl", "linux-arm64-musl"}
