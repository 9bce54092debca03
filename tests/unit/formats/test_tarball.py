"""Payloads as one tar: the same bytes for the same payloads, and nothing but payloads comes out."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from pipeline.formats.payload.reader import read_payload, verify_payload
from pipeline.formats.payload.tarball import pack_payloads, unpack_payloads
from pipeline.system.errors import PayloadError
from tests.builders.payloads import FILES, STREAM, bytes_below, pack_files

CELL = "3.14.9/linux-amd64"


@pytest.fixture
def payloads(tmp_path: Path) -> Path:
    folder = tmp_path / "payloads"
    for name in (CELL, "3.13.17t/linux-amd64-musl", "pip"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pack_files(folder / name, {**FILES, "name": name.encode()})
    return folder


def test_there_and_back(payloads: Path, tmp_path: Path) -> None:
    tars = tmp_path / "artifacts"
    for number, name in enumerate([CELL, "pip"]):
        (tars / f"payload-{number}").mkdir(parents=True)
        pack_payloads(payloads, [name], tars / f"payload-{number}" / "it.tar")
    out = tmp_path / "out"
    assert unpack_payloads(tars, out) == (CELL, "pip")
    for name in (CELL, "pip"):
        assert bytes_below(out / name) == bytes_below(payloads / name)
        verify_payload(read_payload(out / name))
    assert sorted(path.name for path in out.iterdir()) == ["3.14.9", "pip"]


def test_a_stream_comes_back_too(tmp_path: Path) -> None:
    (tmp_path / "a" / "3.14.9").mkdir(parents=True)
    pack_files(tmp_path / "a" / CELL, FILES, STREAM)
    pack_payloads(tmp_path / "a", [CELL], tmp_path / "it.tar")
    assert unpack_payloads(tmp_path, tmp_path / "out") == (CELL,)
    verify_payload(read_payload(tmp_path / "out" / CELL))


def test_equal_payloads_are_equal_tars(payloads: Path, tmp_path: Path) -> None:
    pack_payloads(payloads, [CELL, "pip"], tmp_path / "one.tar")
    for path in payloads.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    pack_payloads(payloads, ["pip", CELL], tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as tar:
        members = tar.getmembers()
    assert [each.name for each in members] == sorted(each.name for each in members)
    assert {(each.mode, each.mtime, each.uid, each.gid) for each in members} == {(0o644, 0, 0, 0)}


def test_no_tar_is_no_payload(tmp_path: Path) -> None:
    assert unpack_payloads(tmp_path / "nothing", tmp_path / "out") == ()
    assert list((tmp_path / "out").iterdir()) == []


def tar_of(path: Path, *members: tarfile.TarInfo) -> None:
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for each in members:
            each.size = 4 if each.isreg() else 0
            tar.addfile(each, io.BytesIO(b"data") if each.isreg() else None)


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "bad",
    [
        member("../files.json"),
        member("3.14.9/../files.json"),
        member("/3.14.9/linux-amd64/files.json"),
        member("3.14.9/linux-amd64/deep/files.json"),
        member("other/files.json"),
        member("3.14.9/linux-amd64/.hidden"),
        member("pip/link", tarfile.SYMTYPE, "/etc/passwd"),
        member("pip/hard", tarfile.LNKTYPE, "pip/files.json"),
        member("pip/folder", tarfile.DIRTYPE),
        member("pip/pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda each: each.name,
)
def test_what_is_no_part_of_a_payload_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    tar_of(tmp_path / "in" / "it.tar", member("pip/files.json"), bad)
    with pytest.raises(PayloadError) as caught:
        unpack_payloads(tmp_path / "in", tmp_path / "out")
    assert caught.value.details == (bad.name,)
    assert list((tmp_path / "out").iterdir()) == []


def test_half_a_payload_is_refused_and_the_whole_ones_wait(payloads: Path, tmp_path: Path) -> None:
    tars = tmp_path / "in"
    tars.mkdir()
    pack_payloads(payloads, ["pip"], tars / "a.tar")
    next(path for path in (payloads / CELL).iterdir() if path.name != "files.json").unlink()
    pack_payloads(payloads, [CELL], tars / "b.tar")
    with pytest.raises(PayloadError, match="is incomplete"):
        unpack_payloads(tars, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("keep", [1000, 0])
def test_a_damaged_tar(payloads: Path, tmp_path: Path, keep: int) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "it.tar"
    pack_payloads(payloads, [CELL], file)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(PayloadError):
        unpack_payloads(tmp_path / "in", tmp_path / "out")


def test_a_cell_twice_is_refused(payloads: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("one", "two"):
        pack_payloads(payloads, [CELL], tmp_path / "in" / f"{name}.tar")
    with pytest.raises(PayloadError, match=rf"both hold {CELL}"):
        unpack_payloads(tmp_path / "in", tmp_path / "out")


def test_an_older_payload_is_replaced(payloads: Path, tmp_path: Path) -> None:
    pack_payloads(payloads, [CELL], tmp_path / "it.tar")
    (tmp_path / "out" / CELL).mkdir(parents=True)
    (tmp_path / "out" / CELL / "stale").write_bytes(b"")
    unpack_payloads(tmp_path, tmp_path / "out")
    assert bytes_below(tmp_path / "out" / CELL) == bytes_below(payloads / CELL)
