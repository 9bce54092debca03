"""Sizes: every stored byte belongs to one kind and one package, and counts once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.config.cells import all_cells
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload.manifest import blob_name, file_entry
from pipeline.formats.payload.model import Manifest
from pipeline.formats.payload.reader import Payload, StoredBlob, read_payload
from pipeline.publish.breakdown import (
    Breakdown,
    FileKind,
    break_down,
)
from pipeline.publish.sizes import PayloadSizes, measure, measure_tag, payload_row, tag_rows
from pipeline.release.tag_tree import TagContents
from pipeline.system.git import GitFile
from tests.builders.cells import MATRIX, build
from tests.builders.payloads import NOISE, STREAM, TEXT, pack_files
from tests.builders.pbs_archive import full_archive, unix_tree, windows_tree


def measured_in(folder: Path, name: str = "cell") -> PayloadSizes:
    return measure(name, read_payload(folder), (folder / "files.json").stat().st_size)


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def sums_of(breakdown: Breakdown) -> list[tuple[int, int, int | None]]:
    """Files, uncompressed and packed bytes: of the kinds, of the packages, and in all."""
    both = (breakdown.kinds, breakdown.packages)
    sums = [
        (
            sum(share.files for share in shares),
            sum(share.plain_bytes for share in shares),
            sum(share.packed_bytes or 0 for share in shares),
        )
        for shares in both
    ]
    total = breakdown.total
    return [*sums, (total.files, total.plain_bytes, total.packed_bytes)]


@pytest.mark.parametrize("system", ["linux", "windows"])
def test_the_parts_of_a_payload_are_its_stored_bytes(tmp_path: Path, system: str) -> None:
    tree = windows_tree() if system == "windows" else unix_tree()
    cell = next(cell for cell in all_cells(MATRIX) if cell.platform.goos == system)
    data = full_archive(tree, triple=cell.platform.triple)
    folder, _manifest = build(tmp_path, data, cell)
    measured = measured_in(folder)
    kinds, packages, total = sums_of(break_down("cell", measured.contents))
    assert kinds == packages == total
    assert total[1:] == (measured.plain_bytes, measured.packed_bytes)
    assert measured.embedded_bytes == bytes_in(folder)
    assert measured.packed_bytes == bytes_in(folder) - (folder / "files.json").stat().st_size
    steps = read_payload(folder).manifest.about.steps
    assert measured.steps == steps is not None


def test_a_row_has_every_step(tmp_path: Path) -> None:
    data = full_archive(unix_tree())
    folder, _manifest = build(tmp_path, data)
    row = payload_row(measured_in(folder, "3.14.9/linux-amd64"))
    steps = read_payload(folder).manifest.about.steps
    assert steps is not None
    assert (row.name, row.archive) == ("3.14.9/linux-amd64", len(data))
    assert (row.unpacked, row.trimmed, row.stripped) == (
        steps.unpacked, steps.trimmed, steps.stripped,
    )  # fmt: skip
    assert row.embedded == bytes_in(folder)
    assert (row.shared, row.fetched) == (None, None)


def test_what_is_no_interpreter_is_a_folder_of_packages() -> None:
    names = ("distutils-precedence.pth", "pip-26.3.dist-info/METADATA", "pip/main.py", "six.py")
    entries = tuple(
        file_entry(name, executable=False, size_bytes=9, sha256=f"{number:x}" * 64, codec="")
        for number, name in enumerate(names)
    )
    blobs = tuple(StoredBlob(blob_name(entry), None, 9) for entry in entries)
    contents = measure("pip", Payload(Path(), Manifest("", entries), blobs), 10).contents
    assert [each.package for each in contents] == [
        "(other files)",
        "pip",
        "pip",
        "(single modules)",
    ]


def test_equal_contents_count_once_at_the_first_name(tmp_path: Path) -> None:
    files = {"a.py": TEXT, "b.txt": TEXT, "c.txt": NOISE}
    pack_files(tmp_path / "p", files)
    measured = measured_in(tmp_path / "p")
    assert [each.kind for each in measured.contents] == [FileKind.SOURCE, FileKind.DATA]
    assert measured.plain_bytes == len(TEXT) + len(NOISE)
    assert measured.packed_bytes == sum(each.packed_bytes or 0 for each in measured.contents)


def test_in_a_stream_only_uncompressed_bytes_have_parts(tmp_path: Path) -> None:
    pack_files(tmp_path / "p", {"a.py": TEXT, "b.txt": NOISE}, STREAM)
    measured = measured_in(tmp_path / "p")
    assert measured.packed_bytes == bytes_in(tmp_path / "p") - measured.manifest_bytes
    breakdown = break_down("cell", measured.contents)
    assert breakdown.total.packed_bytes is None
    assert [(share.name, share.packed_bytes) for share in breakdown.kinds] == [
        ("Python source", None), ("other data", None),
    ]  # fmt: skip
    assert [share.weight for share in breakdown.kinds] == [len(TEXT), len(NOISE)]


DATA = "python/internal/data"


def tag_contents(folder: Path, config: PayloadConfig) -> TagContents:
    """A tag of two platforms, which share ``os.py``, and pip."""
    files = [GitFile("go.mod", "id", 100), GitFile("example/jinja2/main.go", "id", 5000)]
    for name in ("linux-amd64", "windows-amd64", "pip"):
        contents = {"os.py": TEXT, f"{name}.exe": name.encode() * 9}
        if name == "pip":
            contents = {"pip.py": b"import pip\n" * 50}
        manifest = pack_files(folder / name, contents, config)
        place = "pip/internal/data/pip" if name == "pip" else f"{DATA}/{name}"
        files.append(GitFile(f"{DATA}/payload_{name}.go", "id", 7))
        for path in sorted((folder / name).iterdir()):
            blob = next((e for e in manifest.entries if e.name == "os.py"), None)
            shared = blob is not None and path.name == blob_name(blob)
            where = f"{DATA}/common" if shared else place
            file = GitFile(f"{where}/{path.name}", f"{name}/{path.name}", path.stat().st_size)
            if file.path not in {each.path for each in files}:
                files.append(file)
    payloads = {name: read_payload(folder / name) for name in ("linux-amd64", "windows-amd64")}
    pip = read_payload(folder / "pip")
    return TagContents("v0.1.0", "m", datetime(2026, 1, 1, tzinfo=UTC), payloads, pip, tuple(files))


@pytest.mark.parametrize("layout", ["blobs", "stream"])
def test_the_parts_of_a_tag_are_its_module(tmp_path: Path, layout: str) -> None:
    contents = tag_contents(tmp_path, PayloadConfig(level=3, layout=layout))
    tag = measure_tag(contents)
    assert tag.module_bytes == sum(file.size_bytes for file in contents.files) - 5000
    assert tag.other_bytes == 100 + 3 * 7
    *parts, module = tag_rows(tag)
    assert sum(row.fetched or 0 for row in parts) == module.fetched == tag.module_bytes
    assert [row.name for row in parts] == [
        "v0.1.0/linux-amd64", "v0.1.0/windows-amd64", "v0.1.0/pip",
        "v0.1.0 shared", "v0.1.0 code and texts",
    ]  # fmt: skip


def test_shared_blobs_are_in_every_platform_and_once_in_the_module(tmp_path: Path) -> None:
    contents = tag_contents(tmp_path, PayloadConfig(level=3))
    files, tag = contents.files, measure_tag(contents)
    (common,) = [file.size_bytes for file in files if "/common/" in file.path]
    assert [each.shared_bytes for each in tag.platforms] == [common, common]
    for each, name in zip(tag.platforms, ("linux-amd64", "windows-amd64"), strict=True):
        assert each.embedded_bytes == bytes_in(tmp_path / name)
    assert tag.pip is not None
    assert (tag.pip.shared_bytes, tag.pip.embedded_bytes) == (0, bytes_in(tmp_path / "pip"))
    kinds, packages, total = sums_of(break_down("v0.1.0", tag.contents))
    assert kinds == packages == total
    blobs = [f for f in files if "/data/" in f.path and not f.path.endswith((".go", ".json"))]
    assert total[2] == sum(file.size_bytes for file in blobs)
