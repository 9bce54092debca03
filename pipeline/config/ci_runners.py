"""The hosted runner of GitHub Actions that runs a platform, and what Go needs there.

Labels: GitHub Docs, "GitHub-hosted runners". Every hosted x64 machine has AVX2, so it runs
GOAMD64=v3; not every one has AVX-512, which v4 asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.model import Platform

MUSL = "musl"
"""A libc and its build tag: Go has no constraint for one."""
MUSL_CONTAINER = "golang:1.26-alpine"
"""Alpine with Go; the workflow adds git and Python."""
_LABELS = {
    ("linux", "amd64"): "ubuntu-24.04",
    ("linux", "arm64"): "ubuntu-24.04-arm",
    ("darwin", "amd64"): "macos-15-intel",
    ("darwin", "arm64"): "macos-15",
    ("windows", "amd64"): "windows-2025",
    ("windows", "arm64"): "windows-11-arm",
    # 64-bit Windows runs 32-bit programs.
    ("windows", "386"): "windows-2025",
}
_BEYOND_RUNNERS = frozenset({"v4"})


@dataclass(frozen=True, slots=True)
class Runner:
    """A row of the workflow's matrix; every value is a string, ``""`` for none."""

    platform: str
    runner: str
    container: str
    tags: str
    goamd64: str


def runners_for(platforms: Sequence[Platform]) -> tuple[Runner, ...]:
    """The runner of each platform that has one, in the same order."""
    return tuple(
        Runner(
            each.name,
            _LABELS[each.goos, each.goarch],
            MUSL_CONTAINER if each.libc == MUSL else "",
            build_tags(each),
            each.goamd64,
        )
        for each in platforms
        if _has_runner(each)
    )


def without_runner(platforms: Sequence[Platform]) -> tuple[Platform, ...]:
    """The platforms that no hosted runner can run."""
    return tuple(each for each in platforms if not _has_runner(each))


def build_tags(platform: Platform) -> str:
    """What ``go build -tags`` takes for the platform; ``""`` where it needs none."""
    return MUSL if platform.libc == MUSL else ""


def _has_runner(platform: Platform) -> bool:
    known = (platform.goos, platform.goarch) in _LABELS
    return known and platform.goamd64 not in _BEYOND_RUNNERS
