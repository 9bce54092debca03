"""The programs of ``goempy try``, beside the module in the source tree."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.release.module_tree import TEMPLATE
from pipeline.verify.sandbox import PROGRAMS, go_mod, write_programs
from tests.harness.go import GOFLAGS, Go
from tests.harness.vet import Vet


def test_the_programs_are_formatted_and_vet(vet: Vet, tmp_path: Path) -> None:
    """Beside the module's source, and with a package as ``install`` would write it."""
    own = "github.com/goempy/goempy"
    names = sorted(path.parent.name for path in PROGRAMS.glob("*/main.go"))
    assert names == ["install", "start", "use"]
    write_programs(tmp_path, own, names)
    (tmp_path / "go.mod").write_text(go_mod(own, "v0.1.0", str(TEMPLATE)))
    shutil.copy(TEMPLATE / "go.sum", tmp_path / "go.sum")
    (tmp_path / "packages").mkdir()
    package = 'package data\n\nimport "embed"\n\nvar Data embed.FS\n'
    (tmp_path / "packages" / "data.go").write_text(package)
    go = Go(tmp_path / "modcache")
    system = "linux", "amd64"
    env = {"GOFLAGS": f"{GOFLAGS} -mod=mod"}
    assert vet.faults(go, "./...", cwd=tmp_path, system=system, env=env) == ""
    assert go.gofmt(PROGRAMS) == ""
