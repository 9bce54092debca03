"""Real interpreters of python-build-standalone, as the peers' modules carry them, through a cell.

The peers' payloads are what their generators made of the same archives, so sizes compare.
"""

from __future__ import annotations

import dataclasses
import json
import lzma
import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import zstandard

from pipeline.build.cell import CellPlan, apply_cell, plan_cell
from pipeline.build.compressor import compressing
from pipeline.build.model import Kind
from pipeline.build.pack import Packed
from pipeline.config.cells import all_cells, asset_name
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import NO_BYTECODE, Asset, Cell, Matrix
from pipeline.formats.payload.reader import read_payload
from pipeline.system.files import sha256_of
from tests.builders.pbs_archive import INSTALL, beside_tree, python_json, unix_extensions
from tests.harness.extract import extract, unpacked
from tests.harness.peers import GO_EMBED_PYTHON, RATATOSKR, Peer, stored_bytes, write_archive
from tests.harness.project import REPOSITORY, Line, matrix_text

LINES = (Line("3.14.9"), Line(GO_EMBED_PYTHON.python), Line(RATATOSKR.python))
OWN = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
MATRIX = dataclasses.replace(
    OWN,
    lines=parse_matrix(matrix_text(*LINES)).lines,
    # What is compared is the same tree: no bytecode, which the peers do not ship.
    payload=dataclasses.replace(OWN.payload, bytecode=NO_BYTECODE),
)
FAST = dataclasses.replace(MATRIX, payload=dataclasses.replace(MATRIX.payload, level=6))
"""What it makes is larger than what is shipped, and takes a fifth of the time."""

UNSTRIPPED = (RATATOSKR, "linux-amd64", 1 / 8)
OTHERS = [
    # Another Python for the same platform is below.
    pytest.param(RATATOSKR, "linux-arm64", 1 / 2, marks=pytest.mark.whole),
    (GO_EMBED_PYTHON, "linux-amd64", 1 / 2),
    (GO_EMBED_PYTHON, "linux-arm64", 1 / 2),
    (GO_EMBED_PYTHON, "darwin-arm64", 0.54),  # half, with the level of a release
    (RATATOSKR, "darwin-amd64", 1 / 2),
    (GO_EMBED_PYTHON, "windows-amd64", 1 / 2),
]


@dataclass(frozen=True)
class Made:
    """A cell that was built of a peer's tree."""

    plan: CellPlan
    packed: Packed
    theirs_bytes: int

    @property
    def ours_bytes(self) -> int:
        """Blobs and manifest: what a Go binary gets."""
        return sum(path.stat().st_size for path in self.packed.folder.iterdir())


def cell_of(peer: Peer, platform: str) -> Cell:
    (cell,) = [c for c in all_cells(MATRIX) if c.name == f"{peer.python}/{platform}"]
    return cell


def make(peer: Peer, platform: str, folder: Path, matrix: Matrix = MATRIX) -> Made:
    cell = cell_of(peer, platform)
    payload = peer.payload(platform)
    path = folder / asset_name(cell, MATRIX.archive)
    extensions = unix_extensions(cell.line.python.minor_line)
    extra = beside_tree(peer.python, cell.platform.triple, extensions)
    write_archive(payload, path, root=INSTALL, extra=extra)
    asset = Asset(cell.line.pbs, path.name, sha256_of(path), path.stat().st_size)
    plan = plan_cell(cell, asset, path, matrix)
    with compressing(folder, 2) as compressor:
        packed = apply_cell(plan, folder / "out", matrix, compressor)
    return Made(plan, packed, stored_bytes(payload))


def as_tar(made: Made) -> bytes:
    """The payload's files in one tar, without what the pipeline adds."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(unpacked(made.packed.folder).items()):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, BytesIO(content))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def linux(tmp_path_factory: pytest.TempPathFactory) -> Made:
    peer, platform, _share = UNSTRIPPED
    return make(peer, platform, tmp_path_factory.mktemp("linux"), FAST)


def test_an_unstripped_linux_payload_is_an_eighth(linux: Made) -> None:
    assert linux.ours_bytes <= linux.theirs_bytes * UNSTRIPPED[2]


@pytest.mark.whole  # xz takes long
def test_it_is_near_to_what_xz_makes_of_all_files_at_once(tmp_path: Path) -> None:
    peer, platform, _share = UNSTRIPPED
    made = make(peer, platform, tmp_path, MATRIX)
    # The highest preset makes an eighth less, in twice the time.
    together = lzma.compress(as_tar(made), preset=4)
    assert made.packed.packed_bytes / len(together) <= 1.09


@pytest.mark.parametrize(
    ("peer", "platform", "share"), OTHERS, ids=lambda each: str(getattr(each, "module", each))
)
def test_other_payloads_are_half(tmp_path: Path, peer: Peer, platform: str, share: float) -> None:
    made = make(peer, platform, tmp_path, FAST)
    assert made.plan.steps.stripped < 45_000_000
    assert made.ours_bytes <= made.theirs_bytes * share
    notes = [
        made.plan.inventory.notes.get(member.content, "")
        for member in made.plan.trim.kept
        if member.kind is Kind.FILE
    ]
    # Every binary that ships was understood.
    assert not [note for note in notes if note.startswith("left as it is")]


def test_libpython_goes_where_the_interpreter_has_it_inside(linux: Made) -> None:
    assert any("libpython" in each.member.name for each in linux.plan.trim.dropped)


def test_libpython_stays_where_the_interpreter_loads_it(tmp_path: Path) -> None:
    path = tmp_path / asset_name(cell_of(RATATOSKR, "darwin-arm64"), MATRIX.archive)
    cell = cell_of(RATATOSKR, "darwin-arm64")
    extra = {"python/PYTHON.json": python_json(RATATOSKR.python, cell.platform.triple)}
    extra |= {"python/licenses/LICENSE.cpython.txt": b"x"}
    write_archive(RATATOSKR.payload("darwin-arm64"), path, root=INSTALL, extra=extra)
    asset = Asset("20260414", path.name, sha256_of(path), path.stat().st_size)
    kept = [member.name for member in plan_cell(cell, asset, path, MATRIX).trim.kept]
    assert "lib/libpython3.13.dylib" in kept


IMPORT_ALL = """
import importlib, json, pkgutil, sys
names = [*sys.builtin_module_names]
names += [m.name for m in pkgutil.iter_modules([p for p in sys.path if p.endswith("lib-dynload")])]
good, bad = [], {}
for name in sorted(set(names)):
    try:
        importlib.import_module(name)
        good.append(name)
    except Exception as fault:
        bad[name] = repr(fault)
import ssl, sqlite3
print(json.dumps([good, bad, ssl.OPENSSL_VERSION.split()[1], sqlite3.sqlite_version]))
"""


def imported(python: Path) -> tuple[set[str], dict[str, str], str, str]:
    done = subprocess.run(
        [python, "-I", "-c", IMPORT_ALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    good, bad, openssl, sqlite = json.loads(done.stdout)
    return set(good), bad, openssl, sqlite


def without_libpython(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
    """The interpreter has it inside, and with debug sections it takes a quarter of a gigabyte."""
    return None if "libpython" in member.name else tarfile.tar_filter(member, path)


def test_the_stripped_interpreter_imports_what_the_unstripped_one_does(
    linux: Made, tmp_path: Path
) -> None:
    whole = plan_cell(
        linux.plan.cell,
        linux.plan.asset,
        linux.plan.path,
        dataclasses.replace(MATRIX, trim=dataclasses.replace(MATRIX.trim, strip=False)),
    )
    with (
        zstandard.open(linux.plan.path, "rb") as file,
        tarfile.open(fileobj=file, mode="r|") as tar,
    ):
        tar.extractall(tmp_path / "whole", filter=without_libpython)  # noqa: S202  # its filter filters
    before, _bad, openssl, sqlite = imported(tmp_path / "whole" / INSTALL / "bin" / "python3")
    ours = extract(linux.packed.folder, tmp_path / "ours")
    after, bad, _openssl, _sqlite = imported(ours / "bin" / "python3")
    assert not bad
    left_on_purpose = {
        Path(each.member.name).name.split(".")[0]
        for each in whole.trim.dropped
        if "lib-dynload" in each.member.name
    }
    assert before - left_on_purpose == after
    assert len(after) > 60
    # What the manifest says of the libraries is what they say of themselves.
    about = read_payload(linux.packed.folder).manifest.about
    versions = {each.name: each.version for each in about.components}
    assert (versions["openssl"], versions["sqlite"]) == (openssl, sqlite)
