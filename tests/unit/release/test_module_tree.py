"""The module tree: who gets which payload, and whose name it bears."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Line, Platform, PythonVersion
from pipeline.formats.payload.reader import read_payload
from pipeline.release.module_tree import (
    DATA,
    PIP_DATA,
    PLATFORM_LIST,
    TEMPLATE,
    ModuleRelease,
    PlatformPayload,
    build_constraint,
    notice_sources,
    platform_list,
    render_tree,
    shared_blobs,
    template_module_path,
)
from pipeline.release.third_party_licenses import FILE_NAME as NOTICES
from pipeline.release.third_party_licenses import third_party_licenses
from pipeline.system.errors import ModuleTreeError
from tests.builders.payloads import pack_files
from tests.harness.project import REPOSITORY

LINE = Line(PythonVersion(3, 14, 9), "20261021")
RELEASE = ModuleRelease("forge.example/you/py", "forge.example/you/py/v2", "2.0.0", "v2.0.0", LINE)


def platform(name: str, libc: str = "", goamd64: str = "") -> Platform:
    goos, goarch = name.split("-")[:2]
    return Platform(name, "triple", "build", goos, goarch, libc, goamd64)


LINUX = platform("linux-amd64")
LINUX_V3 = platform("linux-amd64-v3", goamd64="v3")
LINUX_V4 = platform("linux-amd64-v4", goamd64="v4")
MUSL = platform("linux-amd64-musl", libc="musl")
WINDOWS = platform("windows-amd64")


@pytest.fixture
def payloads(tmp_path: Path) -> list[PlatformPayload]:
    """Two platforms that share the content of ``os.py``."""
    result = []
    for each in (WINDOWS, LINUX):
        pack_files(tmp_path / each.name, {"os.py": b"same", "exe": each.name.encode()})
        result.append(PlatformPayload(each, read_payload(tmp_path / each.name)))
    return result


def test_constraints() -> None:
    everyone = [LINUX, LINUX_V3, LINUX_V4, MUSL, WINDOWS]
    assert [build_constraint(each, everyone) for each in everyone] == [
        "linux && amd64 && !musl && !android && !amd64.v3",
        "linux && amd64 && !musl && !android && amd64.v3 && !amd64.v4",
        "linux && amd64 && !musl && !android && amd64.v4",
        "linux && amd64 && musl && !android",
        "windows && amd64",
    ]
    assert build_constraint(LINUX, [LINUX]) == "linux && amd64 && !musl && !android"


def holds(constraint: str, tags: set[str]) -> bool:
    """What Go makes of a constraint: names are tags, the rest is logic."""
    names = {name: str(name in tags) for name in re.findall(r"[\w.]+", constraint)}
    python = re.sub(r"[\w.]+", lambda match: names[match[0]], constraint)
    python = python.replace("&&", "and").replace("||", "or").replace("!", " not ")
    return bool(eval(python))  # noqa: S307 - made of True, False, and, or, not


def test_whatever_is_built_for_exactly_one_stub_holds(payloads: list[PlatformPayload]) -> None:
    everyone = [LINUX, LINUX_V3, MUSL, WINDOWS]
    same = payloads[0].payload
    files = render_tree(RELEASE, [PlatformPayload(each, same) for each in everyone])
    constraints = {
        file.path: match[1]
        for file in files
        if (match := re.search(r"^//go:build (.*)$", file.text.decode(), re.MULTILINE))
        and file.path.startswith(DATA)
    }
    assert len(constraints) == 5
    levels = [set[str](), {"amd64.v2"}, {"amd64.v2", "amd64.v3"}]
    levels.append({*levels[-1], "amd64.v4"})
    for goos, goarch, level, musl in itertools.product(
        ("linux", "windows", "darwin"), ("amd64", "arm64"), levels, (set[str](), {"musl"})
    ):
        tags = {goos, goarch} | musl | (level if goarch == "amd64" else set())
        assert len([path for path, text in constraints.items() if holds(text, tags)]) == 1


def test_shared_blobs_stand_in_common_once(payloads: list[PlatformPayload]) -> None:
    files = {file.path: file for file in render_tree(RELEASE, payloads)}
    (shared,) = shared_blobs(payloads)
    assert f"{DATA}/common/{shared}" in files
    for each in payloads:
        folder = f"{DATA}/{each.platform.name}"
        blobs = [name for name in files if name.startswith(f"{folder}/")]
        assert len(blobs) == 3  # attributes, the manifest, and the content that is its own
        stub = files[f"{DATA}/payload_{each.platform.name}.go"].text.decode()
        own = f"{each.platform.name}/.gitattributes"
        assert f"//go:embed {each.platform.name} common {own} common/.gitattributes\n" in stub


def test_one_platform_has_nothing_to_share(payloads: list[PlatformPayload]) -> None:
    files = {file.path: file for file in render_tree(RELEASE, payloads[:1])}
    assert not any("/common/" in name for name in files)
    stub = files[f"{DATA}/payload_windows-amd64.go"].text.decode()
    assert "//go:embed windows-amd64 windows-amd64/.gitattributes\n" in stub


def test_git_is_kept_from_changing_data(payloads: list[PlatformPayload]) -> None:
    files = {file.path: file for file in render_tree(RELEASE, payloads, payloads[0].payload)}
    folders = [
        f"{DATA}/common",
        f"{PIP_DATA}/pip",
        *(f"{DATA}/{p.platform.name}" for p in payloads),
    ]
    assert {files[f"{each}/.gitattributes"].text for each in folders} == {b"* -text\n"}


def test_a_build_knows_what_it_embeds(payloads: list[PlatformPayload]) -> None:
    files = {file.path: file.text.decode() for file in render_tree(RELEASE, payloads)}
    constants = re.compile(r"const \(\n\tplatform = (.*)\n\tpython   = (.*)\n\tpbs      = (.*)\n\)")
    for each in payloads:
        (found,) = constants.findall(files[f"{DATA}/payload_{each.platform.name}.go"])
        assert found == (f'"{each.platform.name}"', "Python", "PBS")
    (found,) = constants.findall(files[f"{DATA}/none.go"])
    assert found == ('""', '""', '""')


def test_the_module_has_its_own_name_everywhere(payloads: list[PlatformPayload]) -> None:
    own = template_module_path(TEMPLATE)
    files = render_tree(RELEASE, payloads)
    text = {f.path: f.text.decode() for f in files if f.path.endswith((".go", ".mod", ".md"))}
    assert text["go.mod"].startswith("module forge.example/you/py/v2\n")
    assert [name for name, content in text.items() if own in content] == []
    imports = [
        line for content in text.values() for line in re.findall(r'"forge\.example/[^"]*"', content)
    ]
    assert imports
    assert all(re.match(r'"forge\.example/you/py/v2\b', line) for line in imports)


def test_names_that_only_begin_alike_stay(tmp_path: Path, payloads: list[PlatformPayload]) -> None:
    (tmp_path / "go.mod").write_text("module a.b/c\n")
    (tmp_path / "x.go").write_text(
        'import "a.b/c/d"\n// a.b/c, a.b/c@latest, https://a.b/c. a.b/c-tools a.b/cc a.b/c.git\n'
    )
    files = {
        file.path: file.text.decode() for file in render_tree(RELEASE, payloads, template=tmp_path)
    }
    new = RELEASE.module_path
    assert files["x.go"] == (
        f'import "{new}/d"\n// {new}, {new}@latest, https://{RELEASE.base_path}. '
        "a.b/c-tools a.b/cc a.b/c.git\n"
    )


def test_what_lies_about_in_the_template_is_not_shipped(
    tmp_path: Path, payloads: list[PlatformPayload]
) -> None:
    (tmp_path / "go.mod").write_text("module a.b/c\n")
    (tmp_path / "testdata").mkdir()
    for name in ("x.go", "LICENSE", "testdata/any.bin", ".hidden.go", "x.test", "x.go.orig"):
        (tmp_path / name).write_bytes(b"x")
    names = {file.path for file in render_tree(RELEASE, payloads, template=tmp_path)}
    assert {name for name in names if not name.startswith(DATA)} == {
        PLATFORM_LIST,
        NOTICES,
        ".gitattributes",
        "go.mod",
        "x.go",
        "LICENSE",
        "testdata/any.bin",
    }


def test_the_licences_of_all_payloads_are_at_the_root(payloads: list[PlatformPayload]) -> None:
    pip = payloads[0].payload
    files = {file.path: file for file in render_tree(RELEASE, payloads, pip)}
    ordered = sorted(payloads, key=lambda each: each.platform.name)
    assert files[NOTICES].text == third_party_licenses(notice_sources(ordered, pip))
    assert b"all (package pip)" not in files[NOTICES].text  # it tells no components
    assert b"  linux-amd64: a payload of unknown origin\n" in files[NOTICES].text
    other = ModuleRelease(RELEASE.base_path, RELEASE.module_path, "2.0.1", "v2.0.1", LINE)
    again = {file.path: file for file in render_tree(other, payloads, pip)}
    assert again[NOTICES] == files[NOTICES]


def test_a_release_has_no_workflows(payloads: list[PlatformPayload]) -> None:
    """The token of a workflow may not push a tag whose .github differs from main's."""
    assert not any(file.path.startswith(".github") for file in render_tree(RELEASE, payloads))


def test_a_template_without_go_mod(tmp_path: Path) -> None:
    with pytest.raises(ModuleTreeError, match="names no module"):
        template_module_path(tmp_path)


def test_the_module_s_licence_is_the_repository_s() -> None:
    assert (TEMPLATE / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


def test_the_template_s_module_is_the_matrix_s() -> None:
    matrix = (REPOSITORY / "matrix.toml").read_text("utf-8")
    assert f'module = "{template_module_path(TEMPLATE)}"' in matrix


def test_package_pip_embeds_its_payload(payloads: list[PlatformPayload]) -> None:
    pip = payloads[0].payload
    files = {file.path: file for file in render_tree(RELEASE, payloads, pip)}
    stub = files[f"{PIP_DATA}/payload.go"].text.decode()
    assert "//go:embed pip pip/.gitattributes compiler\n" in stub
    assert len([name for name in files if name.startswith(f"{PIP_DATA}/pip/")]) == 4


def test_package_pip_embeds_a_compiler_that_runs_alone(
    tmp_path: Path, payloads: list[PlatformPayload]
) -> None:
    folder = f"{PIP_DATA}/compiler/"
    for file in render_tree(RELEASE, payloads, payloads[0].payload):
        if file.path.startswith(folder):
            module = file.path.removeprefix(folder).removesuffix(".py")
            path = tmp_path / f"{module.replace('.', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.text)
    argv = [sys.executable, "-S", "-m", "pipeline.build.bytecode.worker"]
    request = json.dumps({"out": "", "sources": []})
    done = subprocess.run(
        argv, cwd=tmp_path, input=request, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["pycs"] == []


def test_go_knows_the_platforms_of_the_release(payloads: list[PlatformPayload]) -> None:
    files = {file.path: file.text.decode() for file in render_tree(RELEASE, payloads)}
    assert re.findall(r'Name: +"(.*)"', files[PLATFORM_LIST]) == ["linux-amd64", "windows-amd64"]
    assert "WheelTags: []string{" in files[PLATFORM_LIST]


def test_the_template_s_platforms_are_those_of_the_matrix() -> None:
    """In its place the module knows what a release of this commit would."""
    matrix = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
    expected = platform_list([each for each in matrix.platforms if each.enabled])
    assert (TEMPLATE / PLATFORM_LIST).read_text("utf-8") == expected


@pytest.mark.parametrize("name", ["testdata/nul", "testdata/aux.py", "testdata/N"])
def test_a_module_that_go_would_refuse_is_not_rendered(
    tmp_path: Path, payloads: list[PlatformPayload], name: str
) -> None:
    (tmp_path / "go.mod").write_text("module a.b/c\n")
    (tmp_path / "testdata").mkdir()
    (tmp_path / "testdata" / "n").write_bytes(b"x")
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModuleTreeError, match="Go would refuse this module") as caught:
        render_tree(RELEASE, payloads, template=tmp_path)
    assert any("testdata/" in fault for fault in caught.value.details)
