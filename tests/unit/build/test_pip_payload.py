"""The payload of ``[pip]``: wheels in, one tree out."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.build.compressor import compressing
from pipeline.build.pack import Packed
from pipeline.build.pip_payload import build_wheels
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Wheel
from pipeline.formats.payload.reader import read_payload, verify_payload
from pipeline.sources.pypi import Pip, fetch_wheel
from pipeline.system.errors import ArchiveError, AssetNotFoundError, DownloadError, ToolError
from pipeline.system.process import ProcessResult, run
from tests.builders.wheels import wheel_bytes
from tests.harness.project import Line, matrix_text

MATRIX = parse_matrix(matrix_text(Line()))


def wheel_at(folder: Path, data: bytes, name: str = "tool") -> tuple[Wheel, Path]:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    path.write_bytes(data)
    return Wheel(name, "1.0", hashlib.sha256(data).hexdigest()), path


def build(files: dict[Wheel, Path], out: Path) -> Packed:
    with compressing(out.parent, 1) as compressor:
        return build_wheels(files, out, MATRIX, compressor)


def names_of(folder: Path) -> list[str]:
    payload = read_payload(folder)
    verify_payload(payload)
    return [entry.name for entry in payload.manifest.entries if entry.sha256]


def test_a_tree_without_what_installers_write_for_themselves(tmp_path: Path) -> None:
    wheel, path = wheel_at(tmp_path, wheel_bytes())
    packed = build({wheel: path}, tmp_path / "out")
    assert packed.folder == tmp_path / "out" / "pip"
    assert names_of(packed.folder) == [
        "tool-1.0.dist-info/METADATA",
        "tool-1.0.dist-info/WHEEL",
        "tool-1.0.dist-info/licenses/LICENSE",
        "tool/__init__.py",
    ]


def test_the_same_wheels_give_the_same_bytes(tmp_path: Path) -> None:
    wheel, path = wheel_at(tmp_path, wheel_bytes())
    hashes = [build({wheel: path}, tmp_path / name).manifest for name in ("one", "two")]
    assert hashes[0] == hashes[1]


def test_two_wheels_with_one_file(tmp_path: Path) -> None:
    one = wheel_at(tmp_path, wheel_bytes())
    two = wheel_at(tmp_path, wheel_bytes(), "other")
    with pytest.raises(ArchiveError, match=r"other 1\.0: member tool/__init__\.py is also in"):
        build(dict([one, two]), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_damaged_wheel(tmp_path: Path) -> None:
    wheel, path = wheel_at(tmp_path, wheel_bytes()[:100])
    with pytest.raises(ArchiveError, match="is damaged"):
        build({wheel: path}, tmp_path / "out")


def pip_from(folder: Path) -> Pip:
    """Real pip, whose index is a folder."""

    def pip(arguments: Sequence[str]) -> ProcessResult:
        command = [sys.executable, "-m", "pip", *arguments, "--no-index", "--find-links"]
        return run([*command, str(folder)], env={**os.environ, "PIP_CONFIG_FILE": os.devnull})

    return pip


def test_a_wheel_of_the_index_is_fetched_once(tmp_path: Path) -> None:
    wheel, path = wheel_at(tmp_path, wheel_bytes())
    cached = fetch_wheel(wheel, tmp_path / "cache", pip_from(tmp_path))
    assert cached.read_bytes() == path.read_bytes()
    path.unlink()
    assert fetch_wheel(wheel, tmp_path / "cache", pip_from(tmp_path)) == cached
    assert list((tmp_path / "cache").iterdir()) == [cached]


@pytest.mark.parametrize(("version", "sha256"), [("1.0", "0" * 64), ("2.0", "0" * 64)])
def test_a_wheel_that_is_not_the_pinned_one(tmp_path: Path, version: str, sha256: str) -> None:
    wheel_at(tmp_path, wheel_bytes())
    with pytest.raises(AssetNotFoundError, match=f"has no wheel of tool {version} with the sha256"):
        fetch_wheel(Wheel("tool", version, sha256), tmp_path / "cache", pip_from(tmp_path))
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_index_that_cannot_be_reached_says_nothing_about_a_pin(tmp_path: Path) -> None:
    with socket.socket() as closed:
        # Bound and not listening: connections are refused.
        closed.bind(("127.0.0.1", 0))
        index = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"

        def pip(arguments: Sequence[str]) -> ProcessResult:
            command = [sys.executable, "-m", "pip", "--isolated", *arguments, "--index-url", index]
            return run(command)

        with pytest.raises(DownloadError, match=r"index for tool 1\.0 at 127\.0\.0\.1") as caught:
            fetch_wheel(Wheel("tool", "1.0", "0" * 64), tmp_path, pip)
    assert "refused" in caught.value.what
    assert "[pip]" not in caught.value.hint


def test_an_environment_without_pip(tmp_path: Path) -> None:
    def no_pip(_arguments: object) -> ProcessResult:
        return ProcessResult(1, b"", "/usr/bin/python3: No module named pip\n")

    with pytest.raises(ToolError, match="has no pip"):
        fetch_wheel(Wheel("tool", "1.0", "0" * 64), tmp_path, no_pip)
