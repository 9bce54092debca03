"""The go command: what it builds for is the platform's alone, and its errors are reported."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from pipeline.config.model import Platform
from pipeline.system.errors import ToolError
from pipeline.verify.go import Go
from tests.harness.go import GOFLAGS, find_go

LINUX = Platform("linux-amd64", "triple", "build", "linux", "amd64")
V3 = Platform("linux-amd64-v3", "triple", "build", "linux", "amd64", goamd64="v3")
MUSL = Platform("linux-arm64-musl", "triple", "build", "linux", "arm64", libc="musl")
WINDOWS = Platform("windows-amd64", "triple", "build", "windows", "amd64")


def go(platform: Platform, **env: str) -> Go:
    """Go as on this machine, with some settings of a user's own."""
    path = f"{find_go().parent}{os.pathsep}{os.environ['PATH']}"
    return Go(
        {**os.environ, "PATH": path, "GOFLAGS": GOFLAGS, "GOTOOLCHAIN": "local", **env}, platform
    )


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A program in a file for each platform."""
    (tmp_path / "go.mod").write_text("module example.com/some\n\ngo 1.24\n")
    for name, constraint in {
        "gnu": "linux && amd64 && !musl && !amd64.v3",
        "v3": "linux && amd64 && !musl && amd64.v3",
        "musl": "linux && arm64 && musl",
        "windows": "windows && amd64",
        "cgo": "cgo",
        "other": "other",
    }.items():
        text = f'//go:build {constraint}\n\npackage main\n\nfunc init() {{ println("{name}") }}\n'
        (tmp_path / f"in_{name}.go").write_text(text)
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("platform", "name"), [(LINUX, "gnu"), (V3, "v3"), (MUSL, "musl"), (WINDOWS, "windows")]
)
def test_a_build_is_for_the_platform_whatever_the_user_has_set(
    module: Path, platform: Platform, name: str
) -> None:
    foreign = {
        "GOOS": "darwin", "GOARCH": "386", "GOAMD64": "v2", "CGO_ENABLED": "1",
        "GOFLAGS": "-tags=other,musl", "GOWORK": str(module / "go.work"),
    }  # fmt: skip
    tool = go(platform, **foreign)
    files = tool.call("list", tool.tags, "-f", "{{.GoFiles}}", ".", cwd=module).strip()
    assert files == f"[in_{name}.go main.go]"


def test_a_program_for_windows_ends_in_exe(module: Path, tmp_path: Path) -> None:
    assert go(WINDOWS).build(".", tmp_path / "made", cwd=module).name == "made.exe"
    assert go(LINUX).build(".", tmp_path / "made", cwd=module).name == "made"
    assert (tmp_path / "made.exe").read_bytes()[:2] == b"MZ"


def test_a_failure_ends_with_what_go_said(module: Path) -> None:
    (module / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(ToolError, match=r"go build .* failed: .*undefined: nonsense"):
        go(LINUX).build(".", module / "made", cwd=module)


def test_a_missing_go_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="go is not on this machine"):
        Go({"PATH": str(tmp_path)}, LINUX).call("version", cwd=tmp_path)


def test_the_race_detector_needs_a_compiler_for_the_platform_and_glibc(tmp_path: Path) -> None:
    compiler = tmp_path / "some-cc"
    compiler.touch(mode=0o755)
    host = go(LINUX).call("env", "GOHOSTOS", "GOHOSTARCH", cwd=Path()).split()
    own = dataclasses.replace(LINUX, goos=host[0], goarch=host[1])
    assert go(own, CC=str(compiler)).has_race()
    assert go(own, CC=f"{compiler} -m64").has_race()
    assert not go(own, CC=str(tmp_path / "none")).has_race()
    other = dataclasses.replace(own, goarch={"amd64": "arm64"}.get(host[1], "amd64"))
    assert not go(other, CC=str(compiler)).has_race()
    assert not go(MUSL, CC=str(compiler)).has_race()
    arm = dataclasses.replace(WINDOWS, name="windows-arm64", goarch="arm64")
    assert not go(arm, CC=str(compiler)).has_race()
