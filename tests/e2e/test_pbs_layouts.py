"""The whole matrix from archives of real layout: what ships on each platform, and what Go takes."""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from pipeline.build import inventory as archive
from pipeline.build.trim import parents, plan_trim
from pipeline.config.cells import all_cells, asset_name
from pipeline.config.lock import dump_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Asset, Matrix, Pin
from pipeline.formats.elf import scan as elf
from pipeline.formats.forward_reader import ForwardReader
from pipeline.formats.modzip import MAX_ZIP_BYTES
from pipeline.formats.payload.manifest import is_dir, is_link, stored_name
from pipeline.formats.payload.model import LICENSES, Manifest
from pipeline.formats.payload.reader import read_payload
from tests.builders.elf import DEBUG
from tests.builders.pbs_layouts import LOAD_LIBPYTHON, Layout, machine_of, make_layout
from tests.fakes.http_server import serve
from tests.harness.extract import unpacked
from tests.harness.go import GOFLAGS, Go, from_repository
from tests.harness.project import MODULE, Line, Outcome, Project, git, make_project
from tests.harness.vet import Vet

LINES = (
    Line("3.14.9", "20261021", platforms=None),
    Line("3.14.9", "20261021", 'variant = "freethreaded"', platforms=None),
    Line("3.10.22", "20261009", platforms=None),
)
TAGS = {"v0.1.0-py3.10.22": "3.10.22", "v0.1.0-py3.14.9t": "3.14.9t", "v0.1.0": "3.14.9"}
"""In Go's order, the lowest first; the line of each."""
PLATFORMS = (
    "darwin-amd64", "darwin-arm64", "linux-amd64", "linux-amd64-musl", "linux-amd64-v3",
    "linux-arm64", "linux-arm64-musl", "windows-amd64", "windows-arm64",
)  # fmt: skip
LACKING = "3.10.22/windows-arm64"
CELLS = [f"{line}/{name}" for line in TAGS.values() for name in PLATFORMS]
CELLS.remove(LACKING)

TARGETS = {
    "linux/amd64": "linux-amd64",
    "linux/amd64 v2": "linux-amd64",
    "linux/amd64 v3": "linux-amd64-v3",
    "linux/amd64 v4": "linux-amd64-v3",
    "linux/amd64 musl": "linux-amd64-musl",
    "linux/amd64 v3 musl": "linux-amd64-musl",
    "linux/arm64": "linux-arm64",
    "linux/arm64 musl": "linux-arm64-musl",
    "darwin/amd64": "darwin-amd64",
    "darwin/arm64": "darwin-arm64",
    "windows/amd64": "windows-amd64",
    "windows/arm64": "windows-arm64",
    "freebsd/amd64": "",
    "linux/386": "",
    "android/arm64": "",
    "ios/arm64": "",
}
"""What a build is for, and the platform that it embeds."""
NOT_VETTED = ("linux/amd64 v2", "linux/amd64 v4", "linux/386", "android/arm64", "ios/arm64")
"""They take the files of another target, or none."""
NOT_COMPILED = ("darwin/arm64", "windows/arm64")
"""Other tests build programs and tests of a release's module for the other systems."""
TOP = {
    ".gitattributes", "LICENSE", "README.md", "THIRD_PARTY_LICENSES", "doc.go", "embed_util",
    "example", "go.mod", "go.sum", "internal", "pip", "python",
}  # fmt: skip
DATA = "python/internal/data"
DIFFERING = (f"{MODULE}/{DATA}", f"{MODULE}/internal/platforms")
"""Packages that are not the same on each tag; ``PER_TAG`` are their files."""
PER_TAG = {f"{DATA}/release.go", f"{DATA}/none.go", "internal/platforms/list.go"}


@dataclass(frozen=True)
class Released:
    """A release of three lines, and what it was made of."""

    project: Project
    out: Path
    matrix: Matrix
    layouts: dict[str, Layout]
    archives: dict[str, Path]
    outcome: Outcome

    @property
    def repository(self) -> Path:
        return self.out / "release.git"

    def payload(self, cell: str) -> Path:
        return self.out / "payloads" / cell


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Every archive on a server on loopback, released into an empty directory."""
    folder = tmp_path_factory.mktemp("release")
    project = make_project(folder, *LINES)
    matrix = parse_matrix((project.root / "matrix.toml").read_text("utf-8"))
    layouts = {cell.name: make_layout(cell) for cell in all_cells(matrix)}
    pins, archives = [], {}
    with serve() as server:
        for name, layout in layouts.items():
            pin, data = pinned(layout)
            pins.append(pin)
            archives[name] = folder / pin.name
            archives[name].write_bytes(data)
            server.files[f"/{pin.release}/{pin.name}"] = data
        project.write("matrix.lock", dump_lock(pins))
        outcome = project.run("release", "--source", server.address, "--out", folder / "dist")
    assert outcome.code == 0, outcome.log
    return Released(project, folder / "dist", matrix, layouts, archives, outcome)


def pinned(layout: Layout) -> tuple[Pin, bytes]:
    data = layout.archive()
    name = asset_name(layout.cell, "full")
    digest = hashlib.sha256(data).hexdigest()
    return Pin(layout.cell.line.pbs, name, digest, len(data)), data


@dataclass(frozen=True)
class Got:
    """A tag as ``go get`` brings it; ``program`` is the module that asked for it."""

    tag: str
    go: Go
    program: Path

    @cached_property
    def tree(self) -> Path:
        """The module as Go unpacked it."""
        listed = self.go.run("list", "-m", "-f", "{{.Dir}}", MODULE, cwd=self.program)
        return Path(listed.strip())

    @property
    def data(self) -> Path:
        return self.tree / DATA

    def go_files(self, target: str) -> dict[str, str]:
        """The files of each package in a build for ``target``, tests too."""
        flags, env = build(target)
        row = "{{.ImportPath}}: {{.GoFiles}} {{.TestGoFiles}} {{.XTestGoFiles}}"
        argv = ["list", *flags, "-f", row, f"{MODULE}/..."]
        listed = self.go.run(*argv, cwd=self.program, env=env)
        return dict(line.split(": ", 1) for line in listed.splitlines())

    def embedded(self, target: str) -> set[str]:
        """What package data embeds in a build for ``target``, relative to the package."""
        flags, env = build(target)
        argv = ["list", *flags, "-json=EmbedFiles", f"{MODULE}/{DATA}"]
        listed = json.loads(self.go.run(*argv, cwd=self.program, env=env))
        return set(listed.get("EmbedFiles", ()))


def build(target: str) -> tuple[list[str], dict[str, str]]:
    """Flags and environment of go for ``linux/amd64 v3 musl``."""
    pair, *narrower = target.split()
    goos, goarch = pair.split("/")
    level = next((each for each in narrower if each != "musl"), "v1")
    flags = ["-tags=musl"] if "musl" in narrower else []
    return flags, {"GOOS": goos, "GOARCH": goarch, "GOAMD64": level}


@pytest.fixture(scope="module")
def got(release: Released, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Got]:
    """Each tag by ``go get``; the highest is asked for as ``latest``."""
    folder = tmp_path_factory.mktemp("got")
    go = from_repository(folder / "modcache", release.repository, MODULE)
    found = {}
    for tag in TAGS:
        program = folder / tag
        program.mkdir()
        (program / "main.go").write_text(
            f'package main\n\nimport _ "{MODULE}/python"\n\nfunc main() {{}}\n'
        )
        go.run("mod", "init", "example.com/program", cwd=program)
        go.run("get", f"{MODULE}@{'latest' if tag == 'v0.1.0' else tag}", cwd=program)
        found[tag] = Got(tag, go, program)
    return found


def manifest_of(release: Released, cell: str) -> Manifest:
    return read_payload(release.payload(cell)).manifest


def blobs_of(manifest: Manifest) -> set[str]:
    """The contents of a payload, as the names of blobs begin."""
    return {stored_name(entry.sha256, "") for entry in manifest.entries if entry.sha256}


def stems(folder: Path) -> set[str]:
    """The blobs in a folder of a tag."""
    names = [
        path.name for path in folder.iterdir() if path.name not in {"files.json", ".gitattributes"}
    ]
    assert len({name.partition(".")[0] for name in names}) == len(names)
    return {name.partition(".")[0] for name in names}


def paths_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def elf_files(layout: Layout) -> Iterator[tuple[str, bytes]]:
    return ((name, data) for name, data in layout.files().items() if data.startswith(elf.MAGIC))


def scanned(data: bytes) -> elf.ElfScan:
    return elf.scan(ForwardReader(io.BytesIO(data).read, len(data)))


def test_there_is_a_tag_for_each_line_in_the_order_of_go(
    release: Released, got: dict[str, Got]
) -> None:
    assert set(release.layouts) == set(CELLS)
    refs = git(release.repository, "for-each-ref", "--format=%(refname:short)", "refs/tags")
    assert sorted(refs.split()) == sorted(TAGS)
    program = got["v0.1.0"].program
    listed = got["v0.1.0"].go.run("list", "-m", "-versions", MODULE, cwd=program)
    assert listed.split() == [MODULE, *TAGS]
    for tag, each in got.items():
        version = each.go.run("list", "-m", "-f", "{{.Version}}", MODULE, cwd=each.program)
        assert version.strip() == tag


def test_every_rule_has_something_to_do(release: Released) -> None:
    reasons = set()
    for name, path in release.archives.items():
        cell = release.layouts[name].cell
        inventory = archive.scan(path, Asset(cell.line.pbs, path.name, "", path.stat().st_size))
        windows = cell.platform.goos == "windows"
        plan = plan_trim(inventory.members, release.matrix.trim, windows=windows)
        reasons |= {reason for reason, _members in plan.by_reason()}
        assert {each.member.name for each in plan.dropped} == release.layouts[name].leaves.keys()
    rules = {rule.reason for rule in release.matrix.trim.drop}
    rules |= {f"part {part.name}, which is off" for part in release.matrix.trim.parts}
    # PBS marks nothing as externally managed; the interpreters of other machines do.
    assert rules - reasons == {"settings of the machine that the interpreter comes from"}


@pytest.mark.parametrize("cell", CELLS)
def test_exactly_what_should_ship_does(release: Released, cell: str) -> None:
    layout, manifest = release.layouts[cell], manifest_of(release, cell)
    texts = {f"{LICENSES}/{name}" for name in layout.licenses}
    stdlib = min(posixpath.dirname(n) for n in layout.ships if posixpath.basename(n) == "os.py")
    expected = {*layout.ships, *texts, f"{stdlib}/EXTERNALLY-MANAGED"}
    assert {e.name for e in manifest.entries if not is_dir(e)} == expected
    folders = {parent for name in expected for parent in parents(name)}
    assert {e.name for e in manifest.entries if is_dir(e)} == folders
    assert {e.name: e.target for e in manifest.entries if is_link(e)} == layout.links()
    programs = {e.name for e in manifest.entries if not is_dir(e) and e.perm == 0o755}
    assert programs == {name for name in layout.files() if name.startswith("bin/")}


@pytest.mark.parametrize("cell", CELLS)
def test_elf_files_are_stripped_and_nothing_else_changes(release: Released, cell: str) -> None:
    layout, shipped = release.layouts[cell], unpacked(release.payload(cell))
    binaries = dict(elf_files(layout))
    for name, data in binaries.items():
        before, after = scanned(data), scanned(shipped[name])
        assert before.strip is not None
        assert after.strip is None
        assert after.facts == before.facts
        assert int.from_bytes(data[18:20], "little") == machine_of(layout.cell)
        assert DEBUG in data
        assert DEBUG not in shipped[name]
    others = {name: data for name, data in layout.files().items() if name not in binaries}
    assert {name: shipped[name] for name in others} == others
    is_linux = layout.cell.platform.goos == "linux"
    assert bool(binaries) == is_linux
    magics = {data[:4] for data in others.values()}
    assert (b"\xcf\xfa\xed\xfe" in magics) == (layout.cell.platform.goos == "darwin")


@pytest.mark.parametrize("cell", [cell for cell in CELLS if "windows" not in cell])
def test_libpython_ships_where_the_program_loads_it(release: Released, cell: str) -> None:
    names = {entry.name for entry in manifest_of(release, cell).entries}
    libraries = {name for name in names if re.fullmatch(r"lib/libpython.*", name)}
    name = release.layouts[cell].cell.line.minor_name
    suffix = ".dylib" if "darwin" in cell else ".so.1.0"
    assert libraries == ({f"lib/libpython{name}{suffix}"} if cell in LOAD_LIBPYTHON else set())


@pytest.mark.parametrize("tag", TAGS)
def test_what_all_platforms_share_is_on_a_tag_once(
    release: Released, got: dict[str, Got], tag: str
) -> None:
    line = TAGS[tag]
    platforms = [cell.partition("/")[2] for cell in CELLS if cell.startswith(f"{line}/")]
    contents = {name: blobs_of(manifest_of(release, f"{line}/{name}")) for name in platforms}
    shared = set.intersection(*contents.values())
    data = got[tag].data
    assert stems(data / "common") == shared
    assert {path.name for path in data.iterdir() if path.is_dir()} == {*platforms, "common"}
    for name in platforms:
        assert stems(data / name) == contents[name] - shared
        manifest = (data / name / "files.json").read_bytes()
        assert manifest == (release.payload(f"{line}/{name}") / "files.json").read_bytes()
    sources = release.layouts[f"{line}/windows-amd64"].files()
    modules = [data for name, data in sources.items() if name.endswith(".py")]
    assert {stored_name(hashlib.sha256(each).hexdigest(), "") for each in modules} < shared


@pytest.mark.parametrize("tag", TAGS)
def test_licences_are_told_for_the_platforms_that_have_them(got: dict[str, Got], tag: str) -> None:
    stanzas = (got[tag].tree / "THIRD_PARTY_LICENSES").read_text("utf-8").split("\n\n")
    places = {}
    for stanza in stanzas:
        if match := re.search(r"^  Platforms: (.*?)^  Text", stanza, re.DOTALL | re.MULTILINE):
            places[stanza.split()[0]] = set(re.findall(r"[\w-]+", match[1]))
    own = {name for name in PLATFORMS if f"{TAGS[tag]}/{name}" != LACKING}
    linux = {name for name in own if name.startswith("linux")}
    assert places == {
        "cpython": own, "openssl": own, "sqlite": own, "bdb": linux, "ncurses": linux,
    }  # fmt: skip


def test_the_old_line_lacks_what_pbs_never_had(release: Released, got: dict[str, Got]) -> None:
    planned = release.project.run("plan")
    assert planned.code == 0
    reason = "PBS has aarch64-pc-windows-msvc from Python 3.11 on"
    assert f"left out: {LACKING}: {reason}" in planned.log
    assert planned.log.count("left out: ") == 1
    assert f"{len(CELLS)} cells, {len(TAGS)} lines" in planned.log
    assert "3.10.22/windows-amd64" in planned.out
    assert LACKING not in planned.out
    assert not (got["v0.1.0-py3.10.22"].data / "windows-arm64").exists()


@pytest.mark.parametrize("tag", TAGS)
def test_a_build_embeds_its_own_platform_and_what_all_share(got: dict[str, Got], tag: str) -> None:
    each = got[tag]
    for target, platform in TARGETS.items():
        folders = () if f"{TAGS[tag]}/{platform}" not in CELLS else (platform, "common")
        files = {
            f"{folder}/{name}" for folder in folders for name in paths_below(each.data / folder)
        }
        assert each.embedded(target) == files, target


@pytest.mark.parametrize("target", [target for target in TARGETS if target not in NOT_VETTED])
def test_every_tag_passes_vet(got: dict[str, Got], vet: Vet, target: str) -> None:
    """The packages that are not the same on each tag; of the newest, all that no test compiles."""
    flags, env = build(target)
    env |= {"GOFLAGS": " ".join([GOFLAGS, *flags])}
    system = target.split(maxsplit=1)[0]
    for tag, each in got.items():
        packages = [*DIFFERING]
        if tag == "v0.1.0" and target in NOT_COMPILED:
            packages = [f"{MODULE}/..."]
        elif tag == "v0.1.0" and target != system:
            files, others = each.go_files(target), each.go_files(system)
            packages = [name for name in files if files[name] != others[name]]
        goos, goarch = system.split("/")
        faults = vet.faults(each.go, *packages, cwd=each.program, system=(goos, goarch), env=env)
        assert faults == "", tag


def test_the_tags_differ_in_what_is_made_for_them_alone(got: dict[str, Got]) -> None:
    newest = got["v0.1.0"].tree
    for each in got.values():
        own, others = paths_below(each.tree), paths_below(newest)
        same = {path for path in own & others if not path.startswith(f"{DATA}/")} - PER_TAG
        differing = {p for p in same if (each.tree / p).read_bytes() != (newest / p).read_bytes()}
        assert differing <= {"THIRD_PARTY_LICENSES", "README.md"}
        assert all(path.startswith(f"{DATA}/") for path in own ^ others)


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_holds_a_tidy_module_and_no_more(
    release: Released, got: dict[str, Got], tag: str
) -> None:
    listed = git(release.repository, "ls-tree", "-r", "-l", "--full-tree", tag).splitlines()
    paths = [row.partition("\t")[2] for row in listed]
    assert {path.split("/")[0] for path in paths} == TOP
    assert not [path for path in paths if ".github" in path.split("/")]
    binary = [path for path in paths if posixpath.dirname(path).startswith(f"{DATA}/")]
    assert {posixpath.splitext(path)[1] for path in binary} <= {".json", ".zst", ""}
    assert sum(int(row.split()[3]) for row in listed) < MAX_ZIP_BYTES // 100
    assert got[tag].go.gofmt(got[tag].tree) == ""


@pytest.mark.parametrize("tag", TAGS)
def test_the_list_of_platforms_is_that_of_the_line(got: dict[str, Got], tag: str) -> None:
    text = (got[tag].tree / "internal" / "platforms" / "list.go").read_text("utf-8")
    names = [name for name in PLATFORMS if f"{TAGS[tag]}/{name}" in CELLS]
    assert re.findall(r'Name: +"(.*)"', text) == names
    release_go = (got[tag].data / "release.go").read_text("utf-8")
    assert re.findall(r'^\t"(.*)",$', release_go, re.MULTILINE) == names
    assert f'Python  = "{TAGS[tag]}"' in release_go
