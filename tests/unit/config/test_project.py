"""The files at a checkout's root: what is wrong with them is said with a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.project import read_config, read_matrix, read_pins, read_version
from pipeline.system.errors import ConfigError, LockError, UsageError
from tests.harness.project import MODULE, Project


def test_the_files_together(project: Project) -> None:
    config = read_config(project.root)
    assert (config.matrix.module, str(config.version), config.primary.name) == (
        MODULE, "0.1.0", "3.14.9",
    )  # fmt: skip
    assert config.tag_of(config.primary) == "v0.1.0"
    assert read_pins(project.root) == {}


def test_another_module_path(project: Project) -> None:
    assert read_matrix(project.root, "github.com/you/goempy").module == "github.com/you/goempy"
    with pytest.raises(UsageError, match="--module 'not a path' is not a Go module path"):
        read_matrix(project.root, "not a path")


def test_a_byte_order_mark_is_no_part_of_a_file(project: Project) -> None:
    before = read_config(project.root)
    project.write("matrix.lock", "format = 1\n")
    for name in ("matrix.toml", "matrix.lock", "VERSION", "PRIMARY_PYTHON"):
        path = project.root / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_config(project.root) == before
    assert read_pins(project.root) == {}


def test_a_lock_of_another_encoding(project: Project) -> None:
    (project.root / "matrix.lock").write_bytes(b"\xff")
    with pytest.raises(LockError, match="is not UTF-8"):
        read_pins(project.root)


def test_a_file_of_another_encoding(project: Project) -> None:
    (project.root / "VERSION").write_bytes(b"\xff\xfe0.1.0")
    with pytest.raises(ConfigError, match="VERSION is not UTF-8"):
        read_version(project.root)


def test_files_that_are_missing_or_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no VERSION") as caught:
        read_version(tmp_path)
    assert "--root" in caught.value.hint
    (tmp_path / "VERSION").mkdir()
    with pytest.raises(ConfigError, match=r"cannot read .*VERSION"):
        read_version(tmp_path)
