"""What a release says of the software in it, and that it is not published without."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pipeline.formats.payload.manifest import parse_manifest
from pipeline.release.module_tree import DATA
from pipeline.release.third_party_licenses import FILE_NAME
from pipeline.system.errors import GitError, LicenseError, UsageError
from tests.builders.pbs_archive import Tar, unix_tree, windows_tree
from tests.builders.site import CELLS, LINES, PLATFORMS, TAGS, Site, asset, full_archives, make_site
from tests.harness.project import Project, git, matrix_text
from tests.harness.schema import cyclonedx_fault

LINUX, WINDOWS = PLATFORMS
OPENSSL = b"\x7fELF and more\0OpenSSL 3.5.4 30 Sep 2025\0"


def show(site: Site, tag: str, path: str = FILE_NAME) -> str:
    return git(site.repository, "show", f"{tag}:{path}")


def tree_of(line: str) -> dict[str, bytes | str]:
    """A tree with the licence that CPython installs, and a version of OpenSSL in it."""
    lib = f"lib/python{line}"
    more = {f"{lib}/LICENSE.txt": b"PSF.\n", f"{lib}/lib-dynload/_ssl.so": OPENSSL}
    return {**unix_tree(line), **more}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Full archives: all that is in them has its licence."""
    return make_site(tmp_path, archives=full_archives(tree_of))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The same, released; for tests that only read it."""
    made = make_site(tmp_path_factory.mktemp("released"), archives=full_archives(tree_of))
    assert "licence" not in made.release().log
    return made


def small(version: str, platform: str) -> str:
    return asset(version, platform, "install_only_stripped")


def make_bare(folder: Path) -> Site:
    """Archives that tell no licences."""
    archives = {}
    for line in LINES:
        tree = tree_of(line.python.rpartition(".")[0])
        archives[small(line.python, LINUX)] = Tar().all("python/", tree).gz()
        archives[small(line.python, WINDOWS)] = Tar().all("python/", windows_tree()).gz()
    matrix = matrix_text(*LINES).replace('archive = "full"', 'archive = "install_only_stripped"')
    return make_site(folder, archives=archives, matrix=matrix)


@pytest.fixture
def bare(tmp_path: Path) -> Site:
    return make_bare(tmp_path)


@pytest.fixture(scope="module")
def bare_released(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Released without a remote, and not pushed."""
    made = make_bare(tmp_path_factory.mktemp("bare"))
    made.release()
    return made


def test_every_tag_tells_all_that_is_in_its_payloads(released: Site) -> None:
    for tag in TAGS:
        notices = show(released, tag)
        for platform in PLATFORMS:
            path = f"{DATA}/{platform}/files.json"
            components = parse_manifest(show(released, tag, path).encode()).about.components
            assert {"cpython", "openssl"} <= {each.name for each in components}
            for each in components:
                assert f"\n{each.name} {each.version}".rstrip() + "\n" in notices
                assert ", ".join(each.licenses) in notices
                assert all(f"] {text}\n" in notices for text in each.texts)
        assert "openssl 3.5.4\n  Licence:   Apache-2.0\n  Platforms: linux-amd64\n" in notices
        assert notices.count("PSF LICENSE AGREEMENT") == 1
        assert notices.count("the licence LICENSE.openssl-3.txt") == 1
        assert "Without licence texts" not in notices


def test_a_later_version_of_the_same_payloads_has_the_same_file(site: Site) -> None:
    site.release()
    site.project.write("VERSION", "0.2.0\n")
    site.release()
    ids = {
        git(site.repository, "rev-parse", f"{tag}:{FILE_NAME}")
        for tag in ("v0.1.0", "v0.2.0", "v0.1.0-py3.13.17", "v0.2.0-py3.13.17")
    }
    assert len(ids) == 2  # the two lines are of different versions of CPython


def test_payloads_with_licences_are_published(site: Site) -> None:
    site.release()
    outcome = site.push()
    assert outcome.code == 0, outcome.log
    assert list(site.tags()) == TAGS


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_payloads_without_licences_are_not_published(bare_released: Site, more: list[str]) -> None:
    bare = bare_released
    outcome = bare.push(*more)
    assert outcome.code == LicenseError.exit_code == 25
    for cell in CELLS:
        version, platform = cell.split("/")
        archive = small(version, platform)
        assert f"- {cell}: {archive} lists neither its libraries nor their licences" in outcome.log
    assert "--without-licenses" in outcome.log
    assert bare.tags() == bare.tags(bare.project.root) == {}


def test_without_licenses_pushes_with_a_warning(bare: Site) -> None:
    bare.release()
    outcome = bare.push("--without-licenses")
    assert outcome.code == 0, outcome.log
    assert "warning: payloads lack licence texts" in outcome.log
    assert list(bare.tags()) == TAGS


def test_without_a_remote_it_is_a_warning(bare: Site) -> None:
    outcomes = [bare.release(), bare.finalize()]
    for outcome in outcomes:
        assert outcome.code == 0, outcome.log
        assert "warning: payloads lack licence texts" in outcome.log
        assert all(f"  - {cell}: cpython-" in outcome.log for cell in CELLS)


def test_a_tag_without_licences_says_so(bare_released: Site) -> None:
    notices = show(bare_released, "v0.1.0")
    assert "Without licence texts" in notices
    assert f"  linux-amd64: {small('3.14.9', LINUX)}\n" in notices
    assert f"  windows-amd64: {small('3.14.9', WINDOWS)}\n" in notices
    # What CPython itself installs is there, where trimming leaves it.
    assert "] lib/python3.14/LICENSE.txt\n" in notices
    assert "Platforms: windows-amd64\n  Text:      none\n" in notices


def test_the_bill_of_materials_of_a_tag(released: Site) -> None:
    site = released
    for tag, line in zip(TAGS, LINES, strict=True):
        outcome = site.project.run("sbom", tag, "--repo", site.repository)
        assert outcome.code == 0, outcome.log
        assert cyclonedx_fault(outcome.out) == ""
        made = json.loads(outcome.out)
        module = made["metadata"]["component"]
        assert module["purl"] == f"pkg:golang/github.com/goempy/goempy@{tag}"
        # The source commit's, in its own zone 1700000000 +0100.
        assert made["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
        purls = {each.get("purl") for each in made["components"]}
        assert {f"pkg:generic/cpython@{line.python}", "pkg:generic/openssl@3.5.4"} <= purls
        digests = {
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in site.assets.glob(f"cpython-{line.python}+*")
        }
        files = [each for each in made["components"] if each["type"] == "file"]
        assert {each["hashes"][0]["content"] for each in files} == digests


def test_the_bill_of_materials_as_a_file(released: Site, tmp_path: Path) -> None:
    site = released
    printed = site.project.run("sbom", "v0.1.0", "--repo", site.repository).out
    path = tmp_path / "sbom.json"
    outcome = site.project.run("sbom", "v0.1.0", "--repo", site.repository, "--out", path)
    assert outcome.code == 0
    assert outcome.out == ""
    assert path.read_text("utf-8") == printed


def test_the_repository_is_the_project_s_and_a_tag_may_be_annotated(site: Site) -> None:
    site.release()
    site.finalize()
    expected = site.project.run("sbom", "v0.1.0", "--repo", site.repository).out
    site.project.git("tag", "--force", "--annotate", "--message=x", "v0.1.0", "v0.1.0")
    assert site.project.run("sbom", "v0.1.0").out == expected


def test_a_fork_of_major_version_2_names_its_own_module(site: Site) -> None:
    text = (site.project.root / "matrix.toml").read_text("utf-8")
    site.project.write("matrix.toml", text.replace("github.com/goempy/goempy", "forge.example/a/b"))
    site.project.write("VERSION", "2.0.0\n")
    site.release()
    made = json.loads(site.project.run("sbom", "v2.0.0", "--repo", site.repository).out)
    assert made["metadata"]["component"]["name"] == "forge.example/a/b/v2"


def test_a_tag_that_is_not_there(released: Site, tmp_path: Path) -> None:
    site = released
    outcome = site.project.run("sbom", "v0.1.0-py3.13.7", "--repo", site.repository)
    assert outcome.code == UsageError.exit_code
    assert "no tag 'v0.1.0-py3.13.7'; did you mean 'v0.1.0-py3.13.17'?" in outcome.log
    outcome = site.project.run("sbom", "v0.1.0")
    assert outcome.code == UsageError.exit_code
    assert "no tag 'v0.1.0'; there are no tags" in outcome.log
    (tmp_path / "none").mkdir()
    assert site.project.run("sbom", "v1", "--repo", tmp_path / "none").code == GitError.exit_code


@pytest.mark.parametrize("has_go_mod", [True, False])
def test_a_tag_that_is_no_release(project: Project, has_go_mod: bool) -> None:  # noqa: FBT001
    if has_go_mod:
        project.write("go.mod", "module example.com/other\n")
        project.git("add", "--all")
        project.git("commit", "--quiet", "--message=Go")
    project.git("tag", "v1.0.0")
    outcome = project.run("sbom", "v1.0.0")
    assert outcome.code == UsageError.exit_code
    assert "v1.0.0 is not a release: it contains no payloads" in outcome.log
