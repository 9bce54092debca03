"""The go command: what it builds for is the platform's alone, and its failures are told."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from pipeline.config.model import Platform
from pipeline.release.module_tree import TEMPLATE
from pipeline.system.errors import ToolError
from pipeline.system.process import ProcessResult
from pipeline.verify.go import PROGRAMS, Go, bare_environment, go_mod, last_words, write_programs
from tests.harness import go as gotool
from tests.harness.go import find_go

LINUX = Platform("linux-amd64", "triple", "build", "linux", "amd64")
V3 = Platform("linux-amd64-v3", "triple", "build", "linux", "amd64", goamd64="v3")
MUSL = Platform("linux-arm64-musl", "triple", "build", "linux", "arm64", libc="musl")
WINDOWS = Platform("windows-amd64", "triple", "build", "windows", "amd64")
FORK = "forge.example/you/py/v2"


def go(platform: Platform, **env: str) -> Go:
    """Go as on this machine, with some settings of a user's own."""
    path = f"{find_go().parent}{os.pathsep}{os.environ['PATH']}"
    return Go({**os.environ, "PATH": path, "GOTOOLCHAIN": "local", **env}, platform)


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
    assert go(V3).build(".", tmp_path / "made", cwd=module).name == "made"
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


def test_a_bare_environment_has_what_windows_needs_and_nothing_else(tmp_path: Path) -> None:
    env = {"PATH": "/bin", "HOME": "/home/me", "SystemRoot": "C:\\Windows", "PYTHONPATH": "x"}
    bare = bare_environment(env, tmp_path)
    temp = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(tmp_path))
    assert bare == {"PATH": "", "HOME": "", "SystemRoot": "C:\\Windows", **temp}


def test_last_words_are_few_and_never_none() -> None:
    many = "\n".join(map(str, range(9))).encode()
    assert last_words(ProcessResult(1, many, "the\n\nend\n")) == "6; 7; 8; the; end"
    assert last_words(ProcessResult(3, b"", "\n")) == "exit code 3"


def test_the_programs_name_the_module_of_a_fork(tmp_path: Path) -> None:
    write_programs(tmp_path, FORK, ["start", "install", "use"])
    texts = [path.read_text("utf-8") for path in sorted(tmp_path.rglob("*.go"))]
    assert len(texts) == 3
    assert all(f'"{FORK}/p' in text for text in texts)
    assert not [text for text in texts if "goempy/goempy" in text]
    assert f"replace {FORK} => ../module" in go_mod(FORK, "2.0.0", "../module")


def test_the_programs_are_formatted_and_vet(tmp_path: Path) -> None:
    """Beside the module's source, and with a package as ``install`` would write it."""
    own = "github.com/goempy/goempy"
    names = sorted(path.parent.name for path in PROGRAMS.glob("*/main.go"))
    assert names == ["install", "start", "use"]
    write_programs(tmp_path, own, names)
    (tmp_path / "go.mod").write_text(go_mod(own, "0.1.0", str(TEMPLATE)))
    shutil.copy(TEMPLATE / "go.sum", tmp_path / "go.sum")
    (tmp_path / "packages").mkdir()
    package = 'package data\n\nimport "embed"\n\nvar Data embed.FS\n'
    (tmp_path / "packages" / "data.go").write_text(package)
    tool = gotool.Go(tmp_path / "modcache")
    assert tool.run("vet", "-mod=mod", "./...", cwd=tmp_path) == ""
    assert tool.gofmt(PROGRAMS) == ""
