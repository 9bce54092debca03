"""One cell: the whole way from an archive to a payload directory."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from pathlib import Path

import pytest

from pipeline.build.cell import apply_cell, plan_cell
from pipeline.build.compressor import compressing
from pipeline.build.digest import RECIPE, cell_digest
from pipeline.config.cells import all_cells
from pipeline.config.model import Asset, TrimRule
from pipeline.formats.elf.scan import scan
from pipeline.formats.forward_reader import ForwardReader
from pipeline.formats.payload.reader import read_payload
from pipeline.system.errors import ArchiveError
from tests.builders.cells import CELL, MATRIX, NAME, build
from tests.builders.elf import Builder, amd64_program
from tests.builders.pbs_archive import INSTALL, Tar, full_archive, unix_tree, windows_tree
from tests.harness.extract import unpacked
from tests.harness.project import Project


def test_a_payload_holds_what_trimming_keeps(tmp_path: Path) -> None:
    folder, _manifest = build(tmp_path, full_archive(unix_tree()))
    assert folder == tmp_path / "out" / "3.14.9" / "linux-amd64"
    kept = {"bin/python3.14", "lib/python3.14/os.py", "lib/python3.14/json/__init__.py"}
    kept |= {"lib/python3.14/encodings/aliases.py", "lib/python3.14/lib-dynload/_json.so"}
    found = unpacked(folder)
    marker = "lib/python3.14/EXTERNALLY-MANAGED"
    assert {name for name in found if not name.startswith("licenses/")} == kept | {marker}
    assert {name: found[name] for name in kept} == {name: unix_tree()[name] for name in kept}


def test_the_licences_of_what_ships_go_along_and_no_others(tmp_path: Path) -> None:
    folder, _manifest = build(tmp_path, full_archive(unix_tree()))
    texts = {name for name in unpacked(folder) if name.startswith("licenses/")}
    assert texts == {
        f"licenses/LICENSE.{name}.txt"
        for name in (
            "cpython",
            "libedit",
            "ncurses",
            "openssl-1.1",
            "openssl-3",
            "sqlite",
            "zlib",
        )
    }
    about = read_payload(folder).manifest.about
    assert {text for each in about.components for text in each.texts} == texts


def test_the_manifest_tells_versions_and_how_bytes_became_fewer(tmp_path: Path) -> None:
    program = amd64_program() + b"\0OpenSSL 3.5.4 30 Sep 2025\0"
    data = full_archive(unix_tree() | {"bin/python3.14": program})
    about = read_payload(build(tmp_path, data)[0]).manifest.about
    assert {each.name: each.version for each in about.components} == {
        "cpython": "3.14.9", "libedit": "", "ncurses": "", "openssl": "3.5.4", "sqlite": "",
        "zlib": "",
    }  # fmt: skip
    assert about.origin is not None
    assert about.origin.asset == NAME
    assert about.steps is not None
    assert about.steps.archive == len(data)
    assert about.steps.unpacked > about.steps.trimmed >= about.steps.stripped > 0


def test_a_text_that_pbs_names_and_leaves_out_is_brought_along(tmp_path: Path) -> None:
    """Windows has its zlib-ng in the interpreter's DLL, and PYTHON.json tells nothing of it."""
    cell = all_cells(MATRIX)[4]
    tree = windows_tree() | {"python314.dll": b"MZ\x001.3.1.zlib-ng\0"}
    folder, _manifest = build(tmp_path, full_archive(tree, triple=cell.platform.triple), cell)
    assert b"Jean-loup Gailly" in unpacked(folder)["licenses/LICENSE.zlib-ng.txt"]
    components = read_payload(folder).manifest.about.components
    assert [each.licenses for each in components if each.name == "zlib-ng"] == [("Zlib",)]


@pytest.mark.parametrize(
    ("version", "triple"),
    [("3.14.8", CELL.platform.triple), ("3.14.9", "aarch64-unknown-linux-gnu")],
)
def test_an_archive_that_is_not_what_its_name_says(
    tmp_path: Path, version: str, triple: str
) -> None:
    with pytest.raises(ArchiveError, match=rf"PYTHON\.json is that of CPython {version}"):
        build(tmp_path, full_archive(unix_tree(), version=version, triple=triple))


def test_an_archive_without_licences_makes_a_payload_without(tmp_path: Path) -> None:
    name = NAME.replace("pgo+lto-full.tar.zst", "install_only_stripped.tar.gz")
    data = Tar().all("python/", unix_tree()).gz()
    (tmp_path / name).write_bytes(data)
    asset = Asset("20261021", name, hashlib.sha256(data).hexdigest(), len(data))
    matrix = dataclasses.replace(MATRIX, archive="install_only_stripped")
    plan = plan_cell(CELL, asset, tmp_path / name, matrix)
    with compressing(tmp_path, 1) as compressor:
        result = apply_cell(plan, tmp_path / "out", matrix, compressor)
    assert result.manifest.about.components == ()
    assert not any(entry.name.startswith("licenses") for entry in result.manifest.entries)


def test_windows(tmp_path: Path) -> None:
    cell = all_cells(MATRIX)[4]
    folder, _manifest = build(
        tmp_path, full_archive(windows_tree(), triple="x86_64-pc-windows-msvc"), cell
    )
    assert folder.name == "windows-amd64"
    assert {"python.exe", "Lib/os.py", "DLLs/_ssl.pyd"} <= set(unpacked(folder))


def test_nothing_but_the_payload_is_left(tmp_path: Path) -> None:
    build(tmp_path, full_archive(unix_tree()))
    assert {path.name for path in tmp_path.iterdir()} == {NAME, "out"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["3.14.9"]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    one, manifest = build(tmp_path / "one", full_archive(unix_tree()))
    two, same = build(tmp_path / "two", full_archive(unix_tree()))
    assert manifest == same
    assert [p.read_bytes() for p in sorted(one.iterdir())] == [
        p.read_bytes() for p in sorted(two.iterdir())
    ]
    # In another order it is another archive, and its payload has the same blobs.
    other, _manifest = build(tmp_path / "other", full_archive(dict(reversed(unix_tree().items()))))
    assert {p.name for p in one.iterdir()} == {p.name for p in other.iterdir()}


def test_the_bytes_of_this_recipe(tmp_path: Path) -> None:
    """When this fails, the same assets give other payloads: raise ``digest.RECIPE`` with it.

    Earlier tags' payloads are found by their cell digest, and the digest holds the recipe.
    """
    program = amd64_program()
    folder, _manifest = build(tmp_path, full_archive(unix_tree() | {"bin/python3.14": program}))
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        if path.name == "files.json":
            # All but what RECIPE itself decides.
            data = json.dumps(json.loads(data)["files"]).encode()
        digest.update(path.name.encode() + b"\0" + data)
    assert (RECIPE, digest.hexdigest()[:16]) == (5, "789bf6e1ad7e785e")


def test_a_program_for_another_machine_than_the_name_says(tmp_path: Path) -> None:
    program = Builder(64, "big").build()
    with pytest.raises(ArchiveError, match=r"bin/python3.14 is a program for s390x, .*linux/amd64"):
        build(tmp_path, full_archive(unix_tree() | {"bin/python3.14": program}))


def test_hard_links_are_files_that_share_a_blob(tmp_path: Path) -> None:
    tar = Tar().all(INSTALL, unix_tree())
    tar.hard_link(f"{INSTALL}bin/python3.14t", f"{INSTALL}bin/python3.14")
    folder, _manifest = build(tmp_path, tar.zst())
    files = unpacked(folder)
    assert files["bin/python3.14t"] == files["bin/python3.14"]


def test_a_hard_link_outlives_its_dropped_twin(tmp_path: Path) -> None:
    """The bytes stand with a member that is dropped, and are needed all the same."""
    tar = Tar().file(f"{INSTALL}bin/pip", b"the bytes", mode=0o755).all(INSTALL, unix_tree())
    tar.hard_link(f"{INSTALL}bin/other", f"{INSTALL}bin/pip")
    folder, _manifest = build(tmp_path, tar.zst())
    assert unpacked(folder)["bin/other"] == b"the bytes"
    assert "bin/pip" not in unpacked(folder)


def test_elf_files_are_stripped(tmp_path: Path) -> None:
    program = amd64_program()
    data = full_archive(unix_tree() | {"bin/python3.14": program})
    stripped = unpacked(build(tmp_path / "a", data)[0])["bin/python3.14"]
    assert len(stripped) < len(program)
    assert scan(ForwardReader(io.BytesIO(stripped).read, len(stripped))).strip is None
    keep = dataclasses.replace(MATRIX, trim=dataclasses.replace(MATRIX.trim, strip=False))
    assert unpacked(build(tmp_path / "b", data, matrix=keep)[0])["bin/python3.14"] == program


def test_the_digest_follows_everything_that_decides_the_bytes() -> None:
    digest = cell_digest(CELL, "ab" * 32, MATRIX)
    trim = dataclasses.replace(MATRIX.trim, drop=(TrimRule("no", ("x",)),))
    others = [
        cell_digest(CELL, "cd" * 32, MATRIX),
        cell_digest(CELL, "ab" * 32, dataclasses.replace(MATRIX, trim=trim)),
        cell_digest(
            CELL,
            "ab" * 32,
            dataclasses.replace(MATRIX, payload=dataclasses.replace(MATRIX.payload, level=4)),
        ),
        cell_digest(all_cells(MATRIX)[1], "ab" * 32, MATRIX),
    ]
    assert len({digest, *others}) == 5
    assert digest == cell_digest(CELL, "ab" * 32, dataclasses.replace(MATRIX, module="a.b/c"))


def test_explain_lists_every_file_with_its_reason(project: Project, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    data = full_archive(unix_tree())
    (tmp_path / "assets" / NAME).write_bytes(data)
    (tmp_path / "assets" / "SHA256SUMS").write_text(f"{hashlib.sha256(data).hexdigest()}  {NAME}\n")
    outcome = project.run(
        "build", CELL.name, "--out", tmp_path / "out", "--source", tmp_path / "assets", "--explain"
    )
    assert outcome.code == 0
    dropped, shipped = outcome.out.split("3.14.9/linux-amd64: shipped from the archive")
    assert "# test suite: 3 files" in dropped
    explained = {row.split()[1] for row in (dropped + shipped).splitlines() if row.startswith("  ")}
    assert explained == set(unix_tree())
    sizes = [int(row.split()[0]) for row in shipped.splitlines() if row.startswith("  ")]
    assert sizes == sorted(sizes, reverse=True)
