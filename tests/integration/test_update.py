"""``goempy update`` as a person runs it: against an API that pages, limits and fails."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest

from pipeline.config.lock import dump_lock, parse_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Pin
from pipeline.system.errors import (
    AssetNotFoundError,
    ConfigError,
    DigestError,
    GitHubError,
    UsageError,
)
from tests.builders.pbs_listing import pbs_names, sha256_of, size_of
from tests.fakes.github.faults import Fault, primary_limit, secondary_limit
from tests.fakes.github.server import API, PBS, GitHub, serve_github
from tests.fakes.http_server import Loopback
from tests.harness.project import REPOSITORY, Line, Outcome, Project, make_project

OLD, MIDDLE, NEW = "20260814", "20261009", "20261021"
TODAY = date(2026, 11, 21)
LATEST = f"{API}/repos/{PBS}/releases/latest"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serve_github() as made:
        made.add(OLD, pbs_names(OLD, "3.10.21", "3.11.16", "3.13.15", "3.14.7", "3.15.0rc1"))
        made.add(MIDDLE, pbs_names(MIDDLE, "3.10.22", "3.14.9"))
        made.add(NEW, pbs_names(NEW, "3.11.17", "3.12.15", "3.13.17", "3.14.9", "3.15.1"))
        yield made


@pytest.fixture
def behind(tmp_path: Path) -> Project:
    """A project whose lines are those of an older release, and whose lock fits."""
    lines = [Line("3.14.7", OLD), Line("3.13.15", OLD), Line("3.10.21", OLD)]
    project = make_project(tmp_path, *lines)
    names = [row.split()[2] for row in project.run("plan").out.splitlines()[1:]]
    project.write("matrix.lock", dump_lock(Pin(OLD, n, sha256_of(n), size_of(n)) for n in names))
    return project


Files = Callable[[], tuple[bytes, bytes]]


@pytest.fixture
def files(behind: Project) -> Files:
    names = ("matrix.toml", "matrix.lock")
    return lambda: ((behind.root / names[0]).read_bytes(), (behind.root / names[1]).read_bytes())


def update(
    project: Project, source: str | Path, *more: str, env: Mapping[str, str] | None = None
) -> Outcome:
    outcome = project.run("update", "--source", str(source), *more, env=env, today=lambda: TODAY)
    # No scratch directory stays behind.
    assert not [path for path in project.root.iterdir() if path.name.startswith(".goempy")]
    return outcome


def lines_of(project: Project) -> list[tuple[str, str]]:
    matrix = parse_matrix((project.root / "matrix.toml").read_text("utf-8"))
    return [(line.name, line.pbs) for line in matrix.lines]


def test_lines_and_lock_move_to_the_newest_release(behind: Project, github: GitHub) -> None:
    text = (behind.root / "matrix.toml").read_text("utf-8")
    outcome = update(behind, github.source)
    assert outcome.code == 0
    assert lines_of(behind) == [("3.14.9", NEW), ("3.13.17", NEW), ("3.10.21", OLD)]
    expected = text.replace('"3.14.7"', '"3.14.9"').replace('"3.13.15"', '"3.13.17"')
    expected = expected.replace(f'pbs = "{OLD}"', f'pbs = "{NEW}"', 2)
    assert (behind.root / "matrix.toml").read_text("utf-8") == expected
    pins = parse_lock((behind.root / "matrix.lock").read_text("utf-8"))
    name = f"cpython-3.14.9+{NEW}-x86_64-unknown-linux-gnu-pgo+lto-full.tar.zst"
    assert pins[name] == Pin(NEW, name, sha256_of(name), size_of(name))
    assert behind.run("lock", "--check").code == 0
    # The real digest, as PBS published it.
    assert f'sha256 = "{pins[name].sha256}"' in (REPOSITORY / "matrix.lock").read_text("utf-8")


def test_the_summary_is_fit_for_a_pull_request(behind: Project, github: GitHub) -> None:
    outcome = update(behind, github.source)
    assert outcome.out.startswith(f"Interpreters of PBS {NEW}:\n\n| line | Python | PBS |")
    assert f"| 3.14 | 3.14.7 → 3.14.9 | {OLD} → {NEW} | 5 | " in outcome.out
    assert re.search(r"\([+-][\d,]+ bytes, [+-][\d.]+ %\)", outcome.out)
    assert f"- 3.10.21 (PBS {OLD}): PBS {NEW} has no 3.10\n" in outcome.out
    assert "End of life, so without further fixes from CPython: 3.10.21." in outcome.out
    assert '```toml\n[[line]]\npython = "3.11.17"\n' in outcome.out
    assert 'python = "3.15.1"' in outcome.out


def test_a_second_update_finds_nothing_new(behind: Project, github: GitHub, files: Files) -> None:
    assert update(behind, github.source).code == 0
    before = files()
    stamps = [(behind.root / name).stat().st_mtime_ns for name in ("matrix.toml", "matrix.lock")]
    outcome = update(behind, github.source)
    assert outcome.code == 0
    assert outcome.out.startswith(f"PBS {NEW} has nothing new for the lines of this matrix.")
    assert files() == before
    assert stamps == [
        (behind.root / name).stat().st_mtime_ns for name in ("matrix.toml", "matrix.lock")
    ]


def test_a_size_of_nothing_is_not_believed(behind: Project, github: GitHub) -> None:
    for asset in [each for made in github.releases[PBS] for each in made.assets]:
        asset.size = 0
    done = update(behind, github.source)
    assert done.code == 0
    assert "| unknown |" in done.out
    pins = parse_lock((behind.root / "matrix.lock").read_text("utf-8"))
    assert {pin.size_bytes for pin in pins.values()} == {None}


def test_a_dry_run_tells_the_same_and_writes_nothing(
    behind: Project, github: GitHub, files: Files
) -> None:
    before = files()
    dry = update(behind, github.source, "--dry-run")
    assert dry.code == 0
    assert files() == before
    assert "nothing was written" in dry.log
    assert update(behind, github.source).out == dry.out


def test_a_named_release(behind: Project, github: GitHub) -> None:
    assert update(behind, github.source, "--pbs", MIDDLE).code == 0
    assert lines_of(behind) == [("3.14.9", MIDDLE), ("3.13.15", OLD), ("3.10.22", MIDDLE)]
    assert LATEST not in {each.path for each in github.requests}


def test_a_release_that_is_not_there(behind: Project, github: GitHub, files: Files) -> None:
    before = files()
    outcome = update(behind, github.source, "--pbs", "20250101")
    assert outcome.code == AssetNotFoundError.exit_code
    assert "has no release 20250101 of astral-sh/python-build-standalone" in outcome.log
    assert files() == before
    assert update(behind, github.source, "--pbs", "newest").code == UsageError.exit_code


def test_a_latest_release_that_is_none_of_pbs(behind: Project, github: GitHub) -> None:
    github.add("v9", ["notes.txt"])
    outcome = update(behind, github.source)
    assert outcome.code == AssetNotFoundError.exit_code
    assert "release v9 at" in outcome.log
    assert "--pbs" in outcome.log


def test_lists_that_disagree_change_nothing(behind: Project, github: GitHub, files: Files) -> None:
    before = files()
    for asset in github.releases[PBS][2].assets:
        if "3.13.17" in asset.name and "x86_64-apple-darwin-pgo" in asset.name:
            asset.digest = f"sha256:{'0' * 64}"
    outcome = update(behind, github.source)
    assert outcome.code == DigestError.exit_code
    assert f"the API {'0' * 64}" in outcome.log
    assert files() == before
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(502), "too many 502 error responses"),
        (Fault(drop=True), "Connection"),
        (Fault(401, (), b'{"message": "Bad credentials"}'), "401 Bad credentials"),
        (primary_limit(4_102_444_800), "rate limit: it ends at 2100-01-01 00:00 UTC"),
    ],
)
def test_an_api_that_fails_changes_nothing(
    behind: Project, github: GitHub, files: Files, fault: Fault, message: str
) -> None:
    before = files()
    # In the midst of a list.
    path = f"{API}/repositories/162334160/releases/1002/assets"
    github.faults[path].extend([fault] * 40)
    outcome = update(behind, github.source)
    assert outcome.code == GitHubError.exit_code == 24
    assert message in outcome.log
    assert outcome.log.splitlines()[-1].startswith("  ")
    assert outcome.out == ""
    assert files() == before


def test_limits_and_bad_moments_are_outlasted(behind: Project, github: GitHub) -> None:
    github.faults[LATEST].extend([Fault(503), secondary_limit(37), Fault(drop=True)])
    outcome = update(behind, github.source)
    assert outcome.code == 0
    assert outcome.log.count("GitHub's rate limit: waiting 37 s") == 1


def test_the_token_goes_to_its_own_github_alone(behind: Project, github: GitHub) -> None:
    tokens = {"GITHUB_TOKEN": "s3cret", "GH_TOKEN": "other"}
    assert update(behind, github.source, "--dry-run", env=tokens).code == 0
    elsewhere = {**tokens, "GITHUB_API_URL": "https://git.corp.example/api/v3"}
    assert update(behind, github.source, "--dry-run", env=elsewhere).code == 0
    assert {each.authorization for each in github.requests} == {None}
    github.requests.clear()
    assert update(behind, github.source, env={**tokens, "GITHUB_API_URL": github.api}).code == 0
    sent = {(each.path.startswith(API), each.authorization) for each in github.requests}
    # Downloads need none, and may be redirected anywhere.
    assert sent == {(True, "token s3cret"), (False, None)}


@pytest.mark.parametrize(
    ("env", "sent"),
    [
        ({"GITHUB_TOKEN": "one", "GH_TOKEN": "two"}, "token one"),
        ({"GH_TOKEN": " two\n"}, "token two"),
        ({}, None),
    ],
)
def test_which_token_is_sent(
    behind: Project, github: GitHub, env: Mapping[str, str], sent: str | None
) -> None:
    at_home = {**env, "GITHUB_API_URL": f"{github.api}/"}
    assert update(behind, github.source, "--dry-run", env=at_home).code == 0
    asked = [each for each in github.requests if each.path.startswith(API)]
    assert {each.authorization for each in asked} == {sent}


def test_a_folder_has_the_newest_release_in_its_highest_name(
    behind: Project, tmp_path: Path
) -> None:
    for release in ("20261020", NEW):
        names = pbs_names(release, "3.13.17", "3.14.9")
        folder = tmp_path / "assets" / release
        folder.mkdir(parents=True)
        rows = "".join(f"{sha256_of(name)}  {name}\n" for name in names)
        (folder / "SHA256SUMS").write_text(rows, "utf-8")
        for name in names:
            if "3.14.9" in name:
                (folder / name).write_bytes(b"x" * 100)
    (tmp_path / "assets" / "30000101-notes").mkdir()
    outcome = update(behind, tmp_path / "assets")
    assert outcome.code == 0
    assert lines_of(behind) == [("3.14.9", NEW), ("3.13.17", NEW), ("3.10.21", OLD)]
    # What the folder does not have: the older release, and most files.
    assert f"no SHA256SUMS for release {OLD}; what changed since then is not known" in outcome.log
    assert "its assets keep their pins" in outcome.log
    assert "| unknown → 500 B |" in outcome.out
    pins = parse_lock((behind.root / "matrix.lock").read_text("utf-8"))
    sizes = {pin.name.split("+")[0]: pin.size_bytes for pin in pins.values()}
    assert (sizes["cpython-3.14.9"], sizes["cpython-3.13.17"]) == (100, None)
    assert behind.run("lock", "--check").code == 0


def test_an_empty_folder_and_a_plain_mirror_want_a_release_named(
    behind: Project, server: Loopback, tmp_path: Path
) -> None:
    (tmp_path / "assets").mkdir()
    for source in (tmp_path / "assets", server.address):
        outcome = update(behind, source)
        assert outcome.code == UsageError.exit_code
        assert f"cannot determine the newest release at {source}" in outcome.log
        assert "Name one with --pbs" in outcome.log


def test_a_plain_mirror_with_a_named_release(behind: Project, server: Loopback) -> None:
    for release, versions in ((OLD, ["3.10.21", "3.13.15", "3.14.7"]), (NEW, ["3.14.9"])):
        names = pbs_names(release, *versions)
        rows = "".join(f"{sha256_of(name)}  {name}\n" for name in names)
        server.files[f"/{release}/SHA256SUMS"] = rows.encode()
        for name in names:
            server.files[f"/{release}/{name}"] = b"x" * (10 if release == OLD else 12)
    outcome = update(behind, server.address, "--pbs", NEW)
    assert outcome.code == 0
    assert lines_of(behind)[0] == ("3.14.9", NEW)
    assert "| 50 B → 60 B (+10 bytes, +20.0 %) |" in outcome.out
    # Only what the summary and the lock need is asked for, once.
    heads = [path for method, path, _range in server.requests if method == "HEAD"]
    assert len(heads) == len(set(heads)) == 20


def test_a_primary_that_names_a_patch_would_be_lost(
    behind: Project, github: GitHub, files: Files
) -> None:
    behind.write("PRIMARY_PYTHON", "3.14.7\n")
    before = files()
    outcome = update(behind, github.source)
    assert outcome.code == ConfigError.exit_code
    assert "PRIMARY_PYTHON is '3.14.7', and no line matches it" in outcome.log
    assert "such as 3.14, into PRIMARY_PYTHON" in outcome.log
    assert files() == before


def test_nothing_of_the_libraries_reaches_the_terminal(behind: Project, github: GitHub) -> None:
    """In a process of its own, where nothing has set up logging."""
    github.faults[LATEST].extend([Fault(drop=True), secondary_limit(1)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pipeline", "--root", str(behind.root), "update",
         "--dry-run", "--source", github.source],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(f"Interpreters of PBS {NEW}")
    messages = ("matrix.lock: ", "GitHub's rate limit: waiting 1 s", "nothing was written")
    assert [row for row in done.stderr.splitlines() if not row.startswith(messages)] == []
