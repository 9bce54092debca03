"""README's first line as it is: this machine's Python, the whole matrix file, pip from the index.

What it makes is then used for what a Go developer needs at build time: wheels of packages.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.go import Go, from_repository
from tests.harness.project import MODULE, REPOSITORY, git
from tests.harness.schema import cyclonedx_fault

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="--local packs Linux interpreters")


@dataclass(frozen=True)
class Local:
    """A release by the command line, and a clone of its tag."""

    out: str
    repository: Path
    tree: Path


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Local:
    folder = tmp_path_factory.mktemp("local")
    checkout = folder / "checkout"
    # A true clone: only what is committed is part of a release.
    git(folder, "clone", "--quiet", f"file://{REPOSITORY}", str(checkout))
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "--root", str(checkout), "release", "--local",
         "--out", str(folder / "dist")],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    repository = folder / "dist" / "release.git"
    git(folder, "clone", "--quiet", "--branch", "v0.1.0", str(repository), str(folder / "tree"))
    return Local(done.stdout, repository, folder / "tree")


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    return Go(tmp_path_factory.mktemp("go") / "modcache")


@pytest.fixture(scope="module")
def tagged(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Go:
    """Go as a user has it, who gets the module from its repository."""
    return from_repository(tmp_path_factory.mktemp("tagged"), local.repository, MODULE)


def test_it_ends_with_tags_sizes_times_and_the_lines_to_type(local: Local) -> None:
    rows = local.out.splitlines()
    (tag,) = [row for row in rows if row.startswith("v0.1.0")]
    version = ".".join(map(str, sys.version_info[:3]))
    assert [version in tag, " MB " in tag, " s " in tag] == [True, True, True]
    (pip,) = [row for row in rows if row.startswith("pip ")]
    sizes = subprocess.run(
        [sys.executable, "-m", "pipeline", "sizes", "--payloads",
         str(local.repository.parent / "payloads")],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (measured,) = [row for row in sizes.splitlines() if re.match(r"pip +-", row)]
    # Columns: archive, unpacked. Package pip has no archive of its own.
    unpacked = re.findall(r"[\d.]+ [kM]B", measured)[0]
    assert re.findall(r"[\d.]+ [kM]B", pip)[1] == unpacked
    assert "To use it from Go:" in rows


def test_the_tree_is_formatted(local: Local, go: Go) -> None:
    assert go.gofmt(local.tree) == ""


def follow(readme: Path, go: Go, folder: Path, temp: Path) -> str:
    """Type the commands of a README of the tag in ``folder``; what the last one prints."""
    printed = ""
    for line in re.findall("^    (.+)$", readme.read_text("utf-8"), re.MULTILINE):
        done = subprocess.run(
            ["sh", "-c", line], cwd=folder, env={**go.env(), "TMPDIR": str(temp)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        printed = done.stdout
    return printed


def test_there_are_two_readmes(local: Local) -> None:
    found = {path.relative_to(local.tree).as_posix() for path in local.tree.rglob("*.md")}
    assert found == {"README.md", "example/jinja2/README.md"}


def test_the_tag_s_readme_can_be_followed(local: Local, tagged: Go, tmp_path: Path) -> None:
    readme = local.tree / "README.md"
    program = tmp_path / "program"
    program.mkdir()
    (code,) = re.findall(r"```go\n(.+?)```", readme.read_text("utf-8"), re.DOTALL)
    (program / "main.go").write_text(
        f'package main\n\nimport (\n\t"log"\n\t"os"\n\n\t"{MODULE}/python"\n)\n\n'
        f"func run() error {{\n{code}}}\n\n"
        "func main() {\n\tif err := run(); err != nil {\n\t\tlog.Fatal(err)\n\t}\n}\n"
    )
    tagged.run("mod", "init", "program", cwd=program)
    follow(readme, tagged, program, tmp_path)
    version = ".".join(map(str, sys.version_info[:3]))
    assert tagged.run("run", ".", cwd=program, env={"TMPDIR": str(tmp_path)}).startswith(version)


@dataclass(frozen=True)
class Example:
    """The example, copied out of the tag and used as its README says."""

    folder: Path
    printed: str


@pytest.fixture(scope="module")
def example(local: Local, tagged: Go, tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Another requirement is in it, for which no second ``go generate`` is needed."""
    original = local.tree / "example" / "jinja2"
    temp = tmp_path_factory.mktemp("example")
    folder = temp / "copy"
    shutil.copytree(original, folder)
    with (folder / "requirements.txt").open("a", encoding="utf-8") as file:
        file.write(TZDATA)
    return Example(folder, follow(original / "README.md", tagged, folder, temp))


TZDATA = """
tzdata==2025.2 \\
    --hash=sha256:1a403fada01ff9221ca8044d701868fa132215d84beb92242d9acd2147f667a8
"""
ZONE_SCRIPT = """
import zoneinfo
print(zoneinfo.TZPATH, zoneinfo.ZoneInfo("Europe/Vienna"))
"""


@pytest.mark.parametrize("has_zones", [True, False])
def test_package_tzdata_has_the_zones_of_a_system_without(
    example: Example, tagged: Go, tmp_path: Path, *, has_zones: bool
) -> None:
    folder = tmp_path / "zones"
    shutil.copytree(example.folder, folder)
    main = folder / "main.go"
    old = r"const script = `.*?`"
    source = re.sub(old, f"const script = `{ZONE_SCRIPT}`", main.read_text(), flags=re.DOTALL)
    source = source.replace(
        "cmd.Stdout =", 'cmd.Env = append(cmd.Environ(), "PYTHONTZPATH=")\n\tcmd.Stdout ='
    )
    if not has_zones:
        source = source.replace("ep.AddPythonPath(packages", "_ = (packages")
    main.write_text(source, "utf-8")
    tagged.run("build", "-o", str(tmp_path / "program"), ".", cwd=folder)
    done = subprocess.run(
        [tmp_path / "program"], env={"TMPDIR": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if has_zones:
        assert done.stdout == "() Europe/Vienna\n"
    else:
        assert "ZoneInfoNotFoundError" in done.stderr


@pytest.mark.skipif(shutil.which("jq") is None, reason="merges with jq")
def test_bills_of_materials_can_be_merged(local: Local, example: Example, tmp_path: Path) -> None:
    """As docs/using.md says, with one as it is made of Go modules."""
    using = (REPOSITORY / "docs" / "using.md").read_text("utf-8")
    (command,) = re.findall(r"^    (jq -s .+?> myapp\.cdx\.json)$", using, re.DOTALL | re.MULTILINE)
    (platform,) = (
        path.name for path in (local.tree / "python/internal/data").iterdir() if path.is_dir()
    )
    packages = example.folder / "data" / f"{platform}.cdx.json"
    sbom = subprocess.run(
        [sys.executable, "-m", "pipeline", "sbom", "v0.1.0", "--repo", local.repository],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    program = {"bom-ref": "app", "type": "application", "name": "app"}
    of_go = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": program},
        "components": [{"bom-ref": "go", "type": "library", "name": "module"}],
        "dependencies": [{"ref": "app", "dependsOn": ["go"]}],
    }  # fmt: skip
    (tmp_path / "go.cdx.json").write_text(json.dumps(of_go))
    (tmp_path / "sbom.cdx.json").write_text(sbom)
    (tmp_path / "data").mkdir()
    shutil.copy(packages, tmp_path / "data" / "linux-amd64.cdx.json")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    for text in (packages.read_text(), (tmp_path / "myapp.cdx.json").read_text()):
        assert cyclonedx_fault(text) == ""
    merged = json.loads((tmp_path / "myapp.cdx.json").read_text())
    refs = {each["bom-ref"] for each in merged["components"]}
    assert {"go", "module"} < refs
    assert any(ref.startswith("pkg:pypi/jinja2@") for ref in refs)


def test_the_example_s_readme_can_be_followed(example: Example, tagged: Go, tmp_path: Path) -> None:
    """``go generate`` for every platform of the release, then a program without any of it."""
    assert "hello" in example.printed.lower()
    folder = tmp_path / "copy"
    shutil.copytree(example.folder, folder)
    tagged.run("build", "-o", str(tmp_path / "program"), ".", cwd=folder)
    shutil.rmtree(folder)
    done = subprocess.run(
        [tmp_path / "program"], env={"PATH": "", "HOME": "", "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "hello" in done.stdout.lower()
