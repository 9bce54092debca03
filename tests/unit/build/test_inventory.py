"""Archives: what a good one holds, and each bad one refused by its member's name."""

from __future__ import annotations

import gzip
import hashlib
import random
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from pipeline.build import inventory as archive
from pipeline.build import tar_reader
from pipeline.build.model import Kind, Member
from pipeline.config.lock import dump_lock
from pipeline.config.model import Asset, Pin
from pipeline.system.errors import ArchiveError
from tests.builders.elf import Builder
from tests.builders.pbs_archive import INSTALL, Tar, full_archive, unix_tree
from tests.harness.project import Project

FULL_NAME = "cpython-3.14.9+20261021-x86_64-unknown-linux-gnu-pgo+lto-full.tar.zst"
STRIPPED_NAME = "cpython-3.14.9+20261021-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"


def asset_at(path: Path, data: bytes) -> Asset:
    path.write_bytes(data)
    return Asset("20261021", path.name, hashlib.sha256(data).hexdigest(), len(data))


def scan(tmp_path: Path, data: bytes, name: str = FULL_NAME) -> archive.Inventory:
    path = tmp_path / name
    return archive.scan(path, asset_at(path, data))


def by_name(inventory: archive.Inventory) -> dict[str, Member]:
    return {member.name: member for member in inventory.members}


def test_a_full_archive_lists_the_install_tree_alone(tmp_path: Path) -> None:
    inventory = scan(tmp_path, full_archive(unix_tree()))
    assert set(by_name(inventory)) == set(unix_tree())
    tree_bytes = sum(len(each) for each in unix_tree().values() if isinstance(each, bytes))
    assert inventory.unpacked_bytes > tree_bytes


def test_the_other_shape(tmp_path: Path) -> None:
    inventory = scan(tmp_path, Tar().all("python/", unix_tree()).gz(), STRIPPED_NAME)
    assert set(by_name(inventory)) == set(unix_tree())


def test_kinds_modes_and_links(tmp_path: Path) -> None:
    tar = Tar().folder("python/install/bin/").all(INSTALL, unix_tree())
    tar.hard_link(f"{INSTALL}bin/python3.14t", f"{INSTALL}bin/python3.14")
    members = by_name(scan(tmp_path, tar.zst()))
    assert members["bin"].kind is Kind.DIR
    assert members["bin/python3"] == Member("bin/python3", Kind.LINK, target="python3.14")
    program, twin = members["bin/python3.14"], members["bin/python3.14t"]
    assert program.executable
    assert twin == replace(program, name="bin/python3.14t", executable=True)
    assert not members["lib/python3.14/os.py"].executable


@pytest.mark.parametrize("place", [b"", b"$ORIGIN/../lib/"])
def test_a_library_is_needed_by_its_file_name(tmp_path: Path, place: bytes) -> None:
    """PBS's older programs name libpython by its place."""
    builder = Builder(64, "little")
    builder.dynamic_strings, builder.tags = b"\0" + place + b"libpython3.14.so.1.0\0", [(1, 1)]
    tree = {"bin/python3.14": builder.build()}
    members = by_name(scan(tmp_path, full_archive(tree)))
    assert members["bin/python3.14"].needed == ("libpython3.14.so.1.0",)


def test_contents_of_chosen_members(tmp_path: Path) -> None:
    path = tmp_path / FULL_NAME
    asset = asset_at(path, full_archive(unix_tree()))
    members = by_name(archive.scan(path, asset))
    wanted = {members[name].content: name for name in ("lib/python3.14/os.py", "bin/python3.14")}
    found = {wanted[n]: read(1 << 20) for n, read in archive.contents(path, asset, wanted.keys())}
    assert found == {name: unix_tree()[name] for name in wanted.values()}


def test_a_later_member_of_the_same_kind_counts(tmp_path: Path) -> None:
    path = tmp_path / FULL_NAME
    asset = asset_at(path, Tar().file(f"{INSTALL}a", b"old").file(f"{INSTALL}a", b"new").zst())
    (member,) = archive.scan(path, asset).members
    ((_ordinal, data),) = [
        (n, read(10)) for n, read in archive.contents(path, asset, [member.content])
    ]
    assert data == b"new"


def sparse() -> bytes:
    info = tarfile.TarInfo(f"{INSTALL}hole")
    info.type = tarfile.GNUTYPE_SPARSE
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def negative_size() -> bytes:
    info = tarfile.TarInfo(f"{INSTALL}minus")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 11 + b"\xf0"  # base 256, minus sixteen
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(1024)


def bad(name: str) -> Callable[[Tar], Tar]:
    return lambda tar: tar.file(name, b"data")


BAD_MEMBERS = {
    "absolute path": (
        bad("/etc/passwd"),
        "member /etc/passwd has an unsafe name: not a clean relative path",
    ),
    "dot dot": (
        bad(f"{INSTALL}../../../x"),
        f"member {INSTALL}../../../x has an unsafe name: not a clean",
    ),
    "unclean path": (bad(f"{INSTALL}a//b"), "has an unsafe name: not a clean relative path"),
    "control character": (
        bad(f"{INSTALL}a\nb"),
        "has an unsafe name: a backslash or control character",
    ),
    "absolute link": (
        lambda tar: tar.link(f"{INSTALL}l", "/etc/passwd"),
        f"member {INSTALL}l is a link to '/etc/passwd', which is not a relative path",
    ),
    "link out of the archive": (
        lambda tar: tar.link(f"{INSTALL}l", "../../../x"),
        f"member {INSTALL}l is a link to '../../../x', which leaves the tree",
    ),
    "link out of the tree": (
        lambda tar: tar.link(f"{INSTALL}l", "../build/x"),
        f"member {INSTALL}l is a link to '../build/x', which leaves the tree",
    ),
    "link out of the tree by way of another": (
        lambda tar: tar.link(f"{INSTALL}a/s", "../b/c").link(f"{INSTALL}a/t", "s/../../x"),
        f"member {INSTALL}a/t is a link to 's/../../x', which goes up again after it went down",
    ),
    "hard link out of the archive": (
        lambda tar: tar.hard_link(f"{INSTALL}l", "../../etc/passwd"),
        f"member {INSTALL}l is a hard link to ../../etc/passwd, which is not a file before it",
    ),
    "hard link to nothing": (
        lambda tar: tar.hard_link(f"{INSTALL}l", f"{INSTALL}none"),
        "which is not a file before it",
    ),
    "character device": (
        lambda tar: tar.other(f"{INSTALL}null", tarfile.CHRTYPE),
        f"member {INSTALL}null is a device, pipe or other special file",
    ),
    "block device": (
        lambda tar: tar.other(f"{INSTALL}sda", tarfile.BLKTYPE),
        f"member {INSTALL}sda is a device",
    ),
    "pipe": (
        lambda tar: tar.other(f"{INSTALL}fifo", tarfile.FIFOTYPE),
        f"member {INSTALL}fifo is a device",
    ),
    "file, then link": (
        lambda tar: tar.file(f"{INSTALL}a", b"").link(f"{INSTALL}a", "b"),
        f"member {INSTALL}a was a file before and is a link now",
    ),
    "folder, then file": (
        lambda tar: tar.file(f"{INSTALL}a/b", b"").file(f"{INSTALL}a", b""),
        f"member {INSTALL}a was a dir before and is a file now",
    ),
    "file below a link": (
        lambda tar: tar.link(f"{INSTALL}l", "lib").file(f"{INSTALL}l/x", b""),
        f"member {INSTALL}l/x lies below python/install/l, which is a link",
    ),
    "file below a file": (
        lambda tar: tar.file(f"{INSTALL}f", b"").file(f"{INSTALL}f/x", b""),
        f"member {INSTALL}f/x lies below python/install/f, which is a file",
    ),
}


@pytest.mark.parametrize(("make", "message"), BAD_MEMBERS.values(), ids=BAD_MEMBERS.keys())
def test_a_bad_member_is_refused_by_name(
    project: Project, tmp_path: Path, make: Callable[[Tar], Tar], message: str
) -> None:
    """Through the command: the message, the exit code, and that nothing was left."""
    data = make(Tar().all(INSTALL, unix_tree())).zst()
    assert_refused(project, tmp_path, data, message)


def assert_refused(project: Project, tmp_path: Path, data: bytes, message: str) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    asset = asset_at(assets / FULL_NAME, data)
    pin = Pin(asset.release, asset.name, asset.sha256, asset.size_bytes)
    project.write("matrix.lock", dump_lock([pin]))
    out = tmp_path / "out"
    outcome = project.run("build", "3.14.9/linux-amd64", "--out", out, "--source", assets)
    assert message in outcome.log
    assert f"error: 3.14.9/linux-amd64: {FULL_NAME}: member " in outcome.log
    assert "Nothing of the archive was used" in outcome.log
    assert outcome.code == ArchiveError.exit_code
    assert outcome.out == ""
    assert not out.exists() or list(out.iterdir()) == []


def test_special_headers(project: Project, tmp_path: Path) -> None:
    data = zstandard.compress(sparse())
    assert_refused(project, tmp_path, data, f"member {INSTALL}hole is a device")


def test_a_negative_size(project: Project, tmp_path: Path) -> None:
    assert_refused(project, tmp_path, zstandard.compress(negative_size()), "minus")


def whole(*more: tuple[str, bytes]) -> bytes:
    tar = Tar().all(INSTALL, unix_tree())
    for name, data in more:
        tar.file(name, data)
    return tar.tar()


@pytest.mark.parametrize(
    ("keep", "member"),
    [
        (10, "its beginning"),
        (512 * 2 + 100, "python/install/bin/"),
        (512 * 9, "python/install/"),
    ],
    ids=["within the first header", "within a later member", "between two members"],
)
def test_a_truncated_tar(project: Project, tmp_path: Path, keep: int, member: str) -> None:
    data = zstandard.compress(whole()[:keep])
    assert_refused(project, tmp_path, data, f"member {member}")


def test_wherever_a_tar_is_cut_it_is_told(tmp_path: Path) -> None:
    """Also where its reader, and not the walk over its members, comes to the end."""
    tar = Tar().file(f"{INSTALL}bin/python3.14", Builder(64, "little").build()).tar()
    end = len(tar.rstrip(b"\0"))
    for keep in [*range(0, end, 512), *range(100, end, 512)]:
        with pytest.raises(ArchiveError, match=r"member .* is damaged"):
            scan(tmp_path, zstandard.compress(tar[:keep]))


def test_a_tar_without_its_end(project: Project, tmp_path: Path) -> None:
    """tarfile alone takes a missing end for the end."""
    tar = whole().rstrip(b"\0")
    tar += bytes(-len(tar) % 512)
    message = "or what follows it is damaged: empty header"
    assert_refused(project, tmp_path, zstandard.compress(tar), message)


def test_a_header_whose_checksum_is_wrong_in_the_middle(project: Project, tmp_path: Path) -> None:
    """tarfile alone takes it for the end."""
    tar = bytearray(Tar().file(f"{INSTALL}a", b"").file(f"{INSTALL}b", b"").tar())
    tar[512] ^= 1
    message = f"member {INSTALL}a, or what follows it is damaged"
    assert_refused(project, tmp_path, zstandard.compress(bytes(tar)), message)


def test_a_truncated_zst(project: Project, tmp_path: Path) -> None:
    tar = Tar().file(f"{INSTALL}big", bytes(range(256)) * 40_000).zst()
    assert_refused(project, tmp_path, tar[:-20], f"member {INSTALL}big")


def test_a_damaged_zst(project: Project, tmp_path: Path) -> None:
    noise = random.Random(4).randbytes(400_000)
    data = bytearray(Tar().file(f"{INSTALL}big", noise + bytes(400_000) + noise).zst())
    data[-30:-20] = b"\xff" * 10
    assert_refused(project, tmp_path, bytes(data), f"member {INSTALL}big")


def test_a_damaged_gz(tmp_path: Path) -> None:
    data = bytearray(Tar().file("python/big", bytes(range(256)) * 4000).gz())
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ArchiveError, match="is damaged"):
        scan(tmp_path, bytes(data), STRIPPED_NAME)
    with pytest.raises(ArchiveError, match="is damaged"):
        scan(tmp_path, bytes(data[: len(data) // 3]), STRIPPED_NAME)


@pytest.mark.parametrize("blocks", range(120, 132))
def test_a_wrong_checksum_behind_the_end(tmp_path: Path, blocks: int) -> None:
    """Wherever the pieces end in which it is read."""
    tar = Tar().file("python/big", bytes(512 * blocks)).tar()
    zst = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(tar))
    zst[-1] ^= 1
    gz = bytearray(gzip.compress(tar))
    gz[-8] ^= 1
    for data, name in ((zst, FULL_NAME), (gz, STRIPPED_NAME)):
        with pytest.raises(ArchiveError, match="or what follows it is damaged"):
            scan(tmp_path, bytes(data), name)


def test_what_is_no_archive_at_all(project: Project, tmp_path: Path) -> None:
    page = b"<html>not found</html>"
    with pytest.raises(ArchiveError, match="member its beginning is damaged"):
        scan(tmp_path, page, STRIPPED_NAME)
    assert_refused(project, tmp_path, page, "member its beginning is damaged")


def test_an_over_long_member(project: Project, tmp_path: Path) -> None:
    """Its header claims more bytes than the archive has, or than anything may have."""
    header = tarfile.TarInfo(f"{INSTALL}long")
    header.size = 1 << 40
    data = zstandard.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    assert_refused(project, tmp_path, data, f"member {INSTALL}long goes past ")


def test_a_bomb(project: Project, tmp_path: Path) -> None:
    """120 MB of zeros in a few kilobytes; members are small, their sum is not."""
    tar = Tar()
    for number in range(120):
        tar.file(f"{INSTALL}zero{number}", bytes(1 << 20))
    data = tar.zst()
    assert len(data) < 100_000
    assert_refused(project, tmp_path, data, "goes past ")


def test_a_bomb_in_the_dropped_part_counts_too(project: Project, tmp_path: Path) -> None:
    data = Tar().file("python/build/zero", bytes(120 << 20)).all(INSTALL, unix_tree()).zst()
    assert_refused(project, tmp_path, data, "member python/build/zero goes past")


def test_a_bomb_of_headers(project: Project, tmp_path: Path) -> None:
    """tarfile reads an extended header whole into memory."""
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 64 << 20
    tar = header.tobuf(tarfile.GNU_FORMAT) + bytes(64 << 20) + whole()
    message = f"is damaged: an extended header of {64 << 20} bytes"
    assert_refused(project, tmp_path, zstandard.compress(tar), message)


def test_a_bomb_of_empty_members(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tar_reader, "MAX_MEMBERS", 1000)
    header = tarfile.TarInfo(f"{INSTALL}empty").tobuf(tarfile.GNU_FORMAT)
    tar = header * 1001 + bytes(1024)
    assert_refused(project, tmp_path, zstandard.compress(tar), f"member {INSTALL}empty")


@pytest.mark.parametrize("value", ["x", "-1", "1e9"])
def test_nonsense_in_extended_headers(tmp_path: Path, value: str) -> None:
    info = tarfile.TarInfo(f"{INSTALL}a")
    info.pax_headers = {"GNU.sparse.major": value, "GNU.sparse.minor": "0", "GNU.sparse.map": value}
    tar = info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)
    with pytest.raises(ArchiveError):
        scan(tmp_path, zstandard.compress(tar))


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="holds nothing below python/install/"):
        scan(tmp_path, Tar().file("python/README", b"").zst())


def test_gz_members_after_the_end_do_not_matter(tmp_path: Path) -> None:
    data = gzip.compress(Tar().all("python/", unix_tree()).tar() + bytes(10_240))
    assert set(by_name(scan(tmp_path, data, STRIPPED_NAME))) == set(unix_tree())
