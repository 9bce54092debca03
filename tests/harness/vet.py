"""``go vet`` for systems that nothing is compiled for.

The go command compiles the standard library of a system before it vets a package for it: half a
minute of a processor. The same analyzers take two seconds where they read source, and
of the standard library only declarations.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.harness.go import Go

SOURCE = Path(__file__).parents[1] / "data" / "vet"


@dataclass(frozen=True)
class Vet:
    """The program that ``SOURCE`` is."""

    program: Path

    def faults(
        self,
        go: Go,
        *packages: str,
        cwd: Path,
        system: tuple[str, str],
        env: Mapping[str, str] | None = None,
    ) -> str:
        """What is wrong with packages and their tests, for a GOOS and GOARCH; ``""`` is good."""
        goos, goarch = system
        done = subprocess.run(
            [self.program, *packages],
            cwd=cwd, env={**go.env(), **(env or {}), "GOOS": goos, "GOARCH": goarch},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        return said or ("" if not done.returncode else f"exit code {done.returncode}")


def build_vet(folder: Path) -> Vet:
    """Build it in ``folder``, which is there."""
    program = folder / "vet"
    Go(folder / "modcache").run("build", "-buildvcs=false", "-o", str(program), ".", cwd=SOURCE)
    return Vet(program)
