"""``goempy sizes``: of payloads that were built, and of tags that were released."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pipeline.config.cells import all_cells, asset_name
from pipeline.config.matrix import parse_matrix
from pipeline.system.errors import GitError, PayloadError, UsageError
from pipeline.system.git import Git
from pipeline.system.units import human_bytes
from tests.builders.pbs_archive import full_archive, unix_tree, windows_tree
from tests.harness.project import Line, Project, make_project, matrix_text

PLATFORMS = ("linux-amd64", "windows-amd64")
LINE = Line(platforms=PLATFORMS)
CELLS = [f"3.14.9/{name}" for name in PLATFORMS]
BIG = b"".join(b"value_%d = %d\n" % (n, n * n) for n in range(4000))


@dataclass(frozen=True)
class Released:
    """A project with a tag of two platforms, and the payloads that it was made of."""

    project: Project
    payloads: Path


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    folder = tmp_path_factory.mktemp("released")
    project = make_project(folder, LINE)
    assets = folder / "assets"
    assets.mkdir()
    sums = ""
    for cell in all_cells(parse_matrix(matrix_text(LINE))):
        windows = cell.platform.goos == "windows"
        tree = windows_tree() if windows else unix_tree()
        tree["Lib/big.py" if windows else "lib/python3.14/big.py"] = BIG
        data = full_archive(tree, triple=cell.platform.triple)
        name = asset_name(cell, "full")
        (assets / name).write_bytes(data)
        sums += f"{hashlib.sha256(data).hexdigest()}  {name}\n"
    (assets / "SHA256SUMS").write_text(sums)
    payloads = folder / "payloads"
    outcome = project.run("build", *CELLS, "--out", payloads, "--source", assets)
    assert outcome.code == 0, outcome.log
    outcome = project.run("finalize", "--payloads", payloads, "--repo", project.root)
    assert outcome.code == 0, outcome.log
    return Released(project, payloads)


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def row(table: str, name: str) -> str:
    (found,) = [row for row in table.splitlines() if row.startswith(f"{name} ")]
    return found


def test_all_cells_of_a_folder_are_one_table(released: Released) -> None:
    outcome = released.project.run("sizes", "--payloads", released.payloads)
    assert outcome.code == 0, outcome.log
    assert outcome.out.split() [:7] == [
        "cell", "archive", "unpacked", "trimmed", "stripped", "packed", "embedded",
    ]  # fmt: skip
    for name in CELLS:
        assert row(outcome.out, name).endswith(human_bytes(bytes_in(released.payloads / name)))
    assert "by kind of file" not in outcome.out


def test_one_cell_is_shown_in_parts(released: Released) -> None:
    outcome = released.project.run("sizes", CELLS[0], "--payloads", released.payloads)
    assert outcome.code == 0, outcome.log
    steps, kinds, packages = outcome.out.split("\n\n")
    assert row(steps, CELLS[0])
    assert kinds.startswith(f"{CELLS[0]} by kind of file\n")
    assert packages.startswith(f"{CELLS[0]} by package\n")
    packed = bytes_in(released.payloads / CELLS[0])
    packed -= (released.payloads / CELLS[0] / "files.json").stat().st_size
    for table in (kinds, packages):
        assert row(table, "total").endswith(f"{human_bytes(packed)}  100.0 %")
    assert row(packages, "(single modules)").split()[2] == "2"
    assert row(kinds, "extension modules").split()[2] == "1"


def test_a_tag_is_shown_with_all_its_platforms(released: Released) -> None:
    outcome = released.project.run("sizes", "v0.1.0")
    assert outcome.code == 0, outcome.log
    steps, kinds, _packages = outcome.out.split("\n\n")
    listing = released.project.git("ls-tree", "-r", "-l", "v0.1.0").splitlines()
    sizes = {line.split("\t")[1]: int(line.split()[3]) for line in listing}
    data = "python/internal/data/"
    common = [path for path in sizes if path.startswith(f"{data}common/")]
    shared = sum(sizes[path] for path in common if not path.endswith(".gitattributes"))
    assert shared > 0
    for name in PLATFORMS:
        embedded = bytes_in(released.payloads / "3.14.9" / name)
        tail = [human_bytes(count) for count in (shared, embedded, embedded - shared)]
        assert " ".join(row(steps, f"v0.1.0/{name}").split()).endswith(" ".join(tail))
    module = sum(size for path, size in sizes.items() if not path.startswith("example/jinja2/"))
    assert row(steps, "v0.1.0 module").endswith(f" {human_bytes(module)}")
    blobs = sum(
        size
        for path, size in sizes.items()
        if path.startswith(data) and not path.endswith((".go", ".json"))
    )
    assert row(kinds, "total").endswith(f"{human_bytes(blobs)}  100.0 %")
    assert "shared: blobs that all platforms of a tag have" in outcome.log


def test_cells_and_tags_stand_in_one_table_and_twice_is_once(released: Released) -> None:
    outcome = released.project.run(
        "sizes", CELLS[0], "v0.1.0", CELLS[0], "--payloads", released.payloads
    )
    assert outcome.code == 0, outcome.log
    names = [line.split("  ")[0] for line in outcome.out.splitlines()]
    assert names == [
        "cell", CELLS[0], *(f"v0.1.0/{name}" for name in PLATFORMS),
        "v0.1.0 shared", "v0.1.0 code and texts", "v0.1.0 module",
    ]  # fmt: skip


def test_all_unknown_names_are_told_with_near_ones(released: Released) -> None:
    outcome = released.project.run(
        "sizes", "3.14.9/linux-amd46", "v0.1.1", CELLS[0], "--payloads", released.payloads
    )
    assert outcome.code == UsageError.exit_code
    assert "- no cell '3.14.9/linux-amd46'; did you mean '3.14.9/linux-amd64'?" in outcome.log
    assert "- no tag 'v0.1.1'; did you mean 'v0.1.0'?" in outcome.log
    assert outcome.out == ""


def test_a_folder_without_payloads(released: Released, tmp_path: Path) -> None:
    outcome = released.project.run("sizes", "--payloads", tmp_path / "none")
    assert outcome.code == UsageError.exit_code
    assert "contains no payloads" in outcome.log
    outcome = released.project.run("sizes", CELLS[0], "--payloads", tmp_path / "none")
    assert outcome.code == UsageError.exit_code
    assert f"- no cell '{CELLS[0]}'; there are no cells\n" in outcome.log


def test_a_tag_without_payload_data(tmp_path: Path) -> None:
    project = make_project(tmp_path, LINE)
    project.git("tag", "v0.0.1")
    outcome = project.run("sizes", "v0.0.1")
    assert outcome.code == UsageError.exit_code
    assert "v0.0.1 is not a release: it contains no payloads" in outcome.log


def test_tags_need_a_repository_and_cells_do_not(released: Released, tmp_path: Path) -> None:
    where = ("--payloads", released.payloads, "--repo", tmp_path)
    assert released.project.run("sizes", CELLS[0], *where).code == 0
    outcome = released.project.run("sizes", "v0.1.0", *where)
    assert outcome.code == GitError.exit_code
    assert "Name another with --repo" in outcome.log


def test_a_damaged_payload(released: Released, tmp_path: Path) -> None:
    shutil.copytree(released.payloads, tmp_path / "payloads")
    next(p for p in (tmp_path / "payloads" / CELLS[0]).iterdir() if p.suffix == ".zst").unlink()
    outcome = released.project.run("sizes", "--payloads", tmp_path / "payloads")
    assert outcome.code == PayloadError.exit_code
    assert "is incomplete" in outcome.log


def test_a_stream_says_that_its_parts_are_unknown(tmp_path: Path, released: Released) -> None:
    text = matrix_text(LINE).replace('layout = "blobs"', 'layout = "stream"')
    released_assets = released.payloads.parent / "assets"
    project = make_project(tmp_path, LINE)
    project.write("matrix.toml", text)
    out = tmp_path / "payloads"
    built = project.run("build", CELLS[0], "--out", out, "--source", released_assets)
    assert built.code == 0, built.log
    outcome = project.run("sizes", "--payloads", out)
    assert outcome.code == 0, outcome.log
    assert "is packed as one stream" in outcome.log
    _steps, kinds, packages = outcome.out.split("\n\n")
    for table in (kinds, packages):
        assert table.splitlines()[1].split()[-3:] == ["files", "uncompressed", "share"]
        assert row(table, "total").endswith("100.0 %")


def test_cells_are_in_the_order_of_their_versions(released: Released, tmp_path: Path) -> None:
    for name in ("3.14.10/linux-amd64", "3.9.2/linux-amd64", "pip", CELLS[0]):
        shutil.copytree(released.payloads / CELLS[0], tmp_path / name)
    outcome = released.project.run("sizes", "--payloads", tmp_path)
    assert [line.split()[0] for line in outcome.out.splitlines()] == [
        "cell", "3.9.2/linux-amd64", CELLS[0], "3.14.10/linux-amd64", "pip",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [CELLS[0], "v0.1.0", ""])
def test_the_picture(released: Released, tmp_path: Path, name: str) -> None:
    where = ("--payloads", released.payloads, "--svg")
    runs = [
        released.project.run("sizes", *filter(None, [name]), *where, tmp_path / "new" / each)
        for each in ("a.svg", "b.svg")
    ]
    assert [run.code for run in runs] == [0, 0], runs[0].log
    data = (tmp_path / "new" / "a.svg").read_bytes()
    assert data == (tmp_path / "new" / "b.svg").read_bytes()
    root = ET.fromstring(data)  # noqa: S314 - the command made it
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = {text.text for text in root.findall("{*}text")}
    assert f"{name or CELLS[0]} by kind of file" in words


def test_git_lists_a_tag_and_reads_its_files(released: Released) -> None:
    git = Git(released.project.root, {"PATH": os.environ["PATH"]})
    files = git.files("refs/tags/v0.1.0")
    names = released.project.git("ls-tree", "-r", "--name-only", "v0.1.0").splitlines()
    assert [file.path for file in files] == names
    (license_file,) = [file for file in files if file.path == "LICENSE"]
    data = git.read_blob(license_file.id)
    assert len(data) == license_file.size_bytes
    assert data.decode() == released.project.git("show", "v0.1.0:LICENSE")
