"""Interpreters that compile for all platforms of their line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.build.bytecode.compile import SourceFile
from pipeline.build.cell import plan_cell
from pipeline.build.host_python import HostInterpreter
from pipeline.config.model import Asset
from pipeline.system.files import sha256_of
from tests.builders.cells import CELL, MATRIX, NAME
from tests.builders.pbs_archive import full_archive, unix_tree


@pytest.mark.skipif(sys.platform == "win32", reason="links the interpreter")
def test_equal_sources_of_several_platforms_are_compiled_once(tmp_path: Path) -> None:
    archive = tmp_path / NAME
    archive.write_bytes(full_archive(unix_tree()))
    asset = Asset("20261021", NAME, sha256_of(archive), archive.stat().st_size)
    python = tmp_path / "root" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(sys.executable).resolve())
    host = HostInterpreter(plan_cell(CELL, asset, archive, MATRIX), tmp_path / "root")
    # A stage names contents by their hash.
    for text in ("x=1", "x=2"):
        (tmp_path / text).write_text(text)
    shared = SourceFile("b.py", tmp_path / "x=1")
    linux = host.compile([shared, SourceFile("a.py", tmp_path / "x=1")])
    windows = host.compile([SourceFile("a.py", tmp_path / "x=2"), shared])
    assert [each.name.partition(".")[0] for each in linux] == ["__pycache__/a", "__pycache__/b"]
    assert [each.name for each in windows] == [each.name for each in linux]
    assert windows[0].path.read_bytes() != linux[0].path.read_bytes()
    assert windows[1] == linux[1]
