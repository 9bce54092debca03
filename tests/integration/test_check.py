"""``goempy check``: published tags, fetched by a real ``go get`` from a bare repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import semver

from pipeline.config.matrix import parse_matrix
from pipeline.config.project import Config
from pipeline.system.errors import CheckError, ToolError, UsageError
from pipeline.verify.published import (
    ExpectedTag,
    FoundTag,
    expected_tags,
    read_release_file,
    tag_faults,
)
from tests.builders.interpreters import PBS, host_platform, interpreters, real_archive
from tests.builders.site import Site, make_site
from tests.fakes.http_server import serve
from tests.harness.go import find_go, from_repository
from tests.harness.project import MODULE, Line, Outcome, git, matrix_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packs Linux interpreters")

LYING = "3.9.1"
"""The version that the second line claims; its Python is that of the first."""


def real_version() -> str:
    """That of the Python which is released here."""
    return interpreters()[0].version


def env_of(site: Site) -> dict[str, str]:
    """Go and git take the module from the repository; nothing says that it is private."""
    env = from_repository(site.folder / "modcache", site.repository, MODULE).env()
    del env["GOPRIVATE"]
    return env


def check(site: Site, *argv: str, env: Mapping[str, str] | None = None) -> Outcome:
    return site.project.run("check", *argv, env={**env_of(site), **(env or {})})


def tag(site: Site, name: str, commit: str = "v0.1.0") -> None:
    git(site.repository, "tag", name, commit)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The primary line is what it says, the other one lies."""
    folder = tmp_path_factory.mktemp("released")
    lines = [Line(version, PBS) for version in (real_version(), LYING)]
    made = [real_archive(interpreters()[0], folder, line.python) for line in lines]
    archives = {each.name: each.data for each in made}
    site = make_site(folder, *lines, archives=archives, primary=real_version())
    site.release("--only-platforms", host_platform().go_pair)
    return site


@pytest.fixture
def site(released: Site, tmp_path: Path) -> Site:
    """With a repository that the test may tag in."""
    copy = Site(released.project, tmp_path)
    shutil.copytree(released.repository, copy.repository)
    return copy


def row_of(outcome: Outcome, tag: str) -> list[str]:
    (row,) = [row.split("  ") for row in outcome.out.splitlines() if row.startswith(f"{tag} ")]
    return [text.strip() for text in row if text.strip()]


@dataclass(frozen=True)
class Checked:
    """A good tag, checked on GitHub Actions; ``asked`` are the paths that a proxy was asked for."""

    outcome: Outcome
    summary: str
    asked: list[str]


@pytest.fixture(scope="module")
def checked(released: Site, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    summary = tmp_path_factory.mktemp("summary") / "summary.md"
    usual = subprocess.run(
        [find_go(), "env", "GOPROXY"], capture_output=True, text=True, check=True
    ).stdout.strip()
    with serve() as server:
        # What the user keeps private stays so.
        env = {"GOPROXY": f"{server.address},{usual}", "GOPRIVATE": "corp.example"}
        outcome = check(released, "v0.1.0", env={**env, "GITHUB_STEP_SUMMARY": str(summary)})
        asked = [path for _method, path, _range in server.requests]
    return Checked(outcome, summary.read_text("utf-8"), asked)


def test_a_tag_that_is_what_it_says(checked: Checked) -> None:
    outcome, platform = checked.outcome, host_platform().name
    assert outcome.code == 0, outcome.log
    name, where, python, openssl, _sqlite, _time, result = row_of(outcome, "v0.1.0")
    assert (name, where, python, result) == ("v0.1.0", platform, real_version(), "ok")
    assert f"### Check on {platform}" in checked.summary
    assert f"| v0.1.0 | {platform} | {real_version()} | {openssl} |" in checked.summary


def test_proxies_are_asked_for_other_modules_only(checked: Checked) -> None:
    assert any("klauspost" in path for path in checked.asked)
    assert not [path for path in checked.asked if "goempy" in path]


def test_all_tags_of_version_are_checked_and_a_liar_is_named(site: Site) -> None:
    outcome = check(site)
    assert outcome.code == CheckError.exit_code
    liar = f"v0.1.0-py{LYING}"
    faults = [row for row in outcome.log.splitlines() if row.startswith("  - ")]
    assert faults == [f"  - {liar}: Python reports version {real_version()}, not {LYING}"]
    assert row_of(outcome, "v0.1.0")[-1] == "ok"
    assert row_of(outcome, liar)[-1] == "failed"


def test_a_tag_of_another_version_is_compared_with_its_name(site: Site) -> None:
    good, bad = f"v0.0.9-py{real_version()}", "v0.0.8-py3.9.2"
    tag(site, good)
    tag(site, bad)
    outcome = check(site, good, bad)
    assert outcome.code == CheckError.exit_code
    assert row_of(outcome, good)[-1] == "ok"
    assert f"{bad}: the module says that it has Python {real_version()}, not 3.9.2" in outcome.log
    assert f"{bad}: Python reports version {real_version()}, not 3.9.2" in outcome.log
    assert f"{good}:" not in outcome.log


def test_the_primary_tag_must_be_latest(site: Site) -> None:
    tag(site, "v0.2.0")
    outcome = check(site, "v0.1.0")
    assert outcome.code == CheckError.exit_code
    assert "v0.1.0: @latest is v0.2.0" in outcome.log


def test_a_platform_that_no_tag_carries_builds(site: Site) -> None:
    """The matrix has it, so for a tag of VERSION it is an error as well."""
    tag(site, "v0.0.9")
    other = "windows-amd64"
    outcome = check(site, "v0.0.9", "--platform", other)
    assert outcome.code == 0, outcome.log
    assert row_of(outcome, "v0.0.9")[-1] == "builds; has no Python for this platform"
    outcome = check(site, "v0.1.0", "--platform", other)
    assert outcome.code == CheckError.exit_code
    assert f"v0.1.0: it has no payload for {other}, though the matrix has" in outcome.log


def test_a_module_of_another_name_is_refused_by_go(site: Site) -> None:
    env = {"GIT_CONFIG_VALUE_0": "https://github.com/acme/snakes"}
    outcome = check(site, "v0.1.0", "--module", "github.com/acme/snakes", env=env)
    assert outcome.code == CheckError.exit_code
    assert f"module declares its path as: {MODULE}" in " ".join(outcome.log.split())


def run_with_sleep(site: Site, sleep: Callable[[float], None], *argv: str) -> tuple[int, str]:
    outcome = site.project.run(
        "check", *argv, env=env_of(site), sleep=sleep, today=lambda: date(2026, 11, 1)
    )
    return outcome.code, outcome.log


def test_a_tag_that_needs_a_moment_is_waited_for(site: Site) -> None:
    commit = git(site.repository, "rev-parse", "v0.1.0").strip()
    git(site.repository, "tag", "--delete", "v0.1.0")
    waits: list[float] = []

    def until_it_is_there(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            tag(site, "v0.1.0", commit)

    code, log = run_with_sleep(site, until_it_is_there, "v0.1.0")
    assert code == 0, log
    assert waits == [5, 10]
    assert "unknown revision v0.1.0; retrying in 5 s" in log


def test_a_tag_that_never_comes_is_an_error(site: Site) -> None:
    waits: list[float] = []
    code, log = run_with_sleep(site, waits.append, "v0.7.0")
    assert code == CheckError.exit_code
    assert waits == [5, 10, 20]
    assert "v0.7.0: go get" in log


def test_a_machine_without_git(site: Site, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "go").symlink_to(find_go())
    outcome = check(site, "v0.1.0", env={"PATH": str(tmp_path / "bin")})
    assert outcome.code == ToolError.exit_code
    assert "go fetches modules with git, and git is not on this machine" in outcome.log
    assert "apk add git" in outcome.log


def test_what_is_no_release_tag_is_a_usage_error(site: Site) -> None:
    outcome = check(site, "main v0.1.0", "v1.0.0-rc1")
    assert outcome.code == UsageError.exit_code
    assert "  - 'main'\n  - 'v1.0.0-rc1'\n" in outcome.log


def config(version: str) -> Config:
    matrix = parse_matrix(matrix_text(Line("3.14.9"), Line("3.13.17")))
    return Config(matrix, semver.Version.parse(version), matrix.lines[0])


def test_from_version_2_on_the_path_says_so() -> None:
    expected = expected_tags((), config("2.1.0"), config("2.1.0").matrix.platforms[0])
    assert [each.tag for each in expected] == ["v2.1.0-py3.13.17", "v2.1.0"]
    assert {each.module_path for each in expected} == {f"{MODULE}/v2"}
    assert [each.latest for each in expected] == [False, True]


def test_what_a_tag_must_carry_is_known_for_version_alone() -> None:
    (linux, riscv) = [
        each
        for each in config("0.1.0").matrix.platforms
        if each.name in {"linux-amd64", "linux-riscv64"}
    ]
    names = ("v0.1.0", "v0.0.9", "v0.0.9-py3.15.0rc2")
    here = expected_tags(names, config("0.1.0"), linux)
    assert [(each.line, each.has_payload) for each in here] == [
        ("3.14.9", True), ("", False), ("3.15.0rc2", False),
    ]  # fmt: skip
    assert [each.has_payload for each in expected_tags(names[:1], config("0.1.0"), riscv)] == [
        False
    ]


def test_a_module_that_is_not_goempys_is_refused() -> None:
    with pytest.raises(CheckError, match="does not say which Python"):
        read_release_file("package data\n")


def test_a_module_that_contradicts_its_tag() -> None:
    found = FoundTag("3.14.8", ("linux-amd64",))
    expected = ExpectedTag("v0.1.0", MODULE, "3.14.9", has_payload=True, latest=True)
    assert list(tag_faults(expected, found, "linux-amd64")) == [
        "the module says that it has Python 3.14.8, not 3.14.9"
    ]
    assert len(list(tag_faults(expected, found, "darwin-arm64"))) == 2
