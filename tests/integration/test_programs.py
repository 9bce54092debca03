"""The programs of ``goempy try``, beside the module in the source tree."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.release.module_tree import TEMPLATE
from pipeline.verify.sandbox import PROGRAMS, go_mod, write_programs
from tests.harness import go as gotool


def test_the_programs_are_formatted_and_vet(tmp_path: Path) -> None:
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
    tool = gotool.Go(tmp_path / "modcache")
    assert tool.run("vet", "-mod=mod", "./...", cwd=tmp_path) == ""
    assert tool.gofmt(PROGRAMS) == ""
