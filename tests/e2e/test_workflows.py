"""The workflows' own lines, job by job: a bare repository, a GitHub on loopback, real archives."""

from __future__ import annotations

import copy
import hashlib
import os
import random
import re
import shutil
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.config.lock import dump_lock, parse_lock
from pipeline.config.model import Pin
from pipeline.system.errors import PayloadError, TagConflictError, VerifyError
from tests.builders.interpreters import PBS, host_platform, two_lines
from tests.builders.pbs_archive import full_archive, unix_tree
from tests.fakes.github.faults import Fault, secondary_limit
from tests.fakes.github.server import GitHub, serve_github
from tests.fakes.http_server import serve
from tests.harness.actions.runner import Actions, Event
from tests.harness.fork_server import write_command
from tests.harness.go import GOFLAGS, find_go, from_repository
from tests.harness.project import REPOSITORY, Line, Project, git, matrix_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packs Linux interpreters")

OWNER = "goempy/goempy"
MODULE = f"github.com/{OWNER}"
JOBS = ["plan", "build", "try", "dry-run", "finalize", "check"]


@dataclass
class Forge:
    """A project, the bare repository that it is pushed to, and its GitHub."""

    project: Project
    bare: Path
    github: GitHub
    env: Mapping[str, str]
    folder: Path
    left_out: tuple[str, ...] = ()
    """Beginnings of lines that are not run."""
    runs: list[Actions] = field(default_factory=list)

    def push(self, message: str = "Change") -> None:
        self.project.git("add", "--all")
        self.project.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        self.project.git("push", "--quiet", str(self.bare), "HEAD:main")

    def write_version(self, version: str) -> None:
        self.project.write("VERSION", f"{version}\n")
        self.push(f"Version {version}")

    def run(
        self, event: str = "push", ref: str = "refs/heads/main", **inputs: object
    ) -> tuple[dict[str, str], Actions]:
        """Run release.yml; results by job."""
        platform = host_platform().name
        actions = Actions(
            self.bare,
            self.folder / f"run-{len(self.runs) + 1}",
            self.env,
            on_line=lambda _job, line: not line.startswith(self.left_out),
            only=lambda row: row.get("platform", platform) in {platform, ""},
        )
        self.runs.append(actions)
        results = actions.run("release.yml", Event(event, inputs, ref))
        return {name: each.result for name, each in results.items()}, actions

    def tags(self) -> dict[str, str]:
        rows = git(
            self.bare, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/tags"
        )
        return dict(row.split() for row in rows.splitlines())

    def published(self) -> dict[str, list[str]]:
        """Names of the files of each published release, by tag."""
        releases = self.github.releases[OWNER]
        assert len({each.tag for each in releases}) == len(releases), "a release twice"
        return {
            each.tag: sorted(asset.name for asset in each.assets)
            for each in releases
            if not each.draft
        }

    def bytes_of_objects(self) -> int:
        """What the repository's objects take on disk."""
        counts = dict(row.split(": ") for row in git(self.bare, "count-objects", "-v").splitlines())
        return 1024 * (int(counts["size"]) + int(counts["size-pack"]))


@dataclass(frozen=True)
class Made:
    """A line to be: its version, and the archive that PBS would have."""

    version: str
    name: str
    data: bytes


INSTALL = "python3 -m pip install"
"""What the tests run in has it already."""


@pytest.fixture(scope="module")
def gomodcache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gomodcache")


@pytest.fixture
def real_forge(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, gomodcache: Path
) -> Iterator[Forge]:
    """Two lines of interpreters that run; ``goempy`` is the one that is installed."""
    archives = two_lines(tmp_path_factory.mktemp("archives"))
    lines = [Made(each.version, each.name, each.data) for each in archives]
    with forge_of(tmp_path, lines, gomodcache, (INSTALL,)) as forge:
        yield forge


LEFT_OUT = (INSTALL, "goempy try", "goempy check")
"""Nobody starts what only looks like an interpreter."""


@pytest.fixture(scope="module")
def look_alikes() -> list[Made]:
    """Two lines of archives that only look like interpreters."""
    platform = host_platform()
    lines = []
    for version in ("3.13.17", "3.14.9"):
        noise = {"lib/noise.so": random.Random(version).randbytes(1 << 20)}
        tree = unix_tree(version.rpartition(".")[0]) | noise
        data = full_archive(tree, version=version, triple=platform.triple)
        name = f"cpython-{version}+{PBS}-{platform.triple}-{platform.build}-full.tar.zst"
        lines.append(Made(version, name, data))
    return lines


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory, goempy_server: str) -> Path:
    """A folder with a ``goempy`` that starts fast."""
    folder = tmp_path_factory.mktemp("commands") / "bin"
    write_command(folder, goempy_server)
    return folder


@pytest.fixture
def forge(
    tmp_path: Path, look_alikes: list[Made], gomodcache: Path, commands: Path
) -> Iterator[Forge]:
    """Nothing is released yet."""
    with forge_of(tmp_path, look_alikes, gomodcache, LEFT_OUT, commands) as made:
        yield made


@pytest.fixture(scope="module")
def first_tagged(
    tmp_path_factory: pytest.TempPathFactory,
    look_alikes: list[Made],
    gomodcache: Path,
    commands: Path,
) -> Iterator[Forge]:
    """The run of the first version died before it published."""
    left_out = (*LEFT_OUT, "goempy publish")
    folder = tmp_path_factory.mktemp("tagged")
    with forge_of(folder, look_alikes, gomodcache, left_out, commands) as made:
        released(made)
        assert made.published() == {}
        yield made


@pytest.fixture(scope="module")
def first_released(
    tmp_path_factory: pytest.TempPathFactory,
    look_alikes: list[Made],
    gomodcache: Path,
    commands: Path,
    first_tagged: Forge,
) -> Iterator[Forge]:
    folder = tmp_path_factory.mktemp("released")
    with forge_of(folder, look_alikes, gomodcache, LEFT_OUT, commands, first_tagged) as made:
        released(made)
        yield made


@pytest.fixture
def tagged_forge(
    tmp_path: Path,
    look_alikes: list[Made],
    gomodcache: Path,
    commands: Path,
    first_tagged: Forge,
) -> Iterator[Forge]:
    """The first version is tagged, and not published."""
    with forge_of(tmp_path, look_alikes, gomodcache, LEFT_OUT, commands, first_tagged) as made:
        yield made


@pytest.fixture
def released_forge(
    tmp_path: Path,
    look_alikes: list[Made],
    gomodcache: Path,
    commands: Path,
    first_released: Forge,
) -> Iterator[Forge]:
    """The first version is published."""
    with forge_of(tmp_path, look_alikes, gomodcache, LEFT_OUT, commands, first_released) as made:
        yield made


@contextmanager
def forge_of(
    folder: Path,
    lines: list[Made],
    gomodcache: Path,
    left_out: tuple[str, ...],
    commands: Path = Path(sys.executable).parent,
    like: Forge | None = None,
) -> Iterator[Forge]:
    """A forge that goes on where ``like`` is, or a new one."""
    bare, project = folder / "bare.git", Project(folder / "project")
    if like:
        shutil.copytree(like.bare, bare)
        shutil.copytree(like.project.root, project.root, symlinks=True)
    else:
        make_repository(bare)
        write_project(project, lines)
    with serve() as server, serve_github() as github:
        github.bare[OWNER] = bare
        server.files |= {f"/{PBS}/{each.name}": each.data for each in lines}
        go = from_repository(gomodcache, bare, MODULE)
        path = [str(commands), str(find_go().parent), os.environ["PATH"]]
        env = {
            **{key: value for key, value in go.env().items() if not key.startswith("GITHUB_")},
            "PATH": os.pathsep.join(path),
            "HOME": str(folder / "home"),
            # The Go module's own tests run elsewhere, all of them and with the race detector.
            "GOFLAGS": f"{GOFLAGS} -vet=off -run=^TestPayloadVersion$",
            "CC": "none",
            "GOEMPY_PBS_MIRROR": server.address,
            "GITHUB_REPOSITORY": OWNER,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_API_URL": f"{github.address}/api/v3",
        }
        (folder / "home").mkdir()
        made = Forge(project, bare, github, env, folder / "actions", left_out)
        if like:
            github.releases[OWNER] = copy.deepcopy(like.github.releases[OWNER])
            github.latest |= like.github.latest
            github.numbers = like.github.numbers
        else:
            made.write_version("0.1.0")
        yield made


def make_repository(bare: Path) -> None:
    bare.parent.mkdir(exist_ok=True)
    git(bare.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(bare, "config", "uploadpack.allowFilter", "true")
    git(bare, "config", "gc.auto", "0")


def write_project(project: Project, lines: list[Made]) -> None:
    project.root.mkdir()
    platforms = (host_platform().name,)
    tables = [Line(each.version, PBS, platforms=platforms) for each in lines]
    project.write("matrix.toml", matrix_text(*tables))
    project.write("PRIMARY_PYTHON", lines[-1].version.rpartition(".")[0] + "\n")
    project.write("matrix.lock", dump_lock(map(pin, lines)))
    shutil.copytree(REPOSITORY / ".github", project.root / ".github")
    # As the repository has it: what runs leave in a checkout does not change it.
    shutil.copy(REPOSITORY / ".gitignore", project.root)
    project.git("init", "--quiet", "--initial-branch=main")


def pin(line: Made) -> Pin:
    return Pin(PBS, line.name, hashlib.sha256(line.data).hexdigest(), len(line.data))


def tag_names(forge: Forge, version: str = "0.1.0") -> list[str]:
    older = re.findall(r'python = "(.*)"', (forge.project.root / "matrix.toml").read_text())[0]
    return [f"v{version}", f"v{version}-py{older}"]


def released(forge: Forge) -> None:
    results, actions = forge.run()
    assert results["finalize"] == "success", actions.log()


def test_a_version_bump_is_all_it_takes(real_forge: Forge) -> None:
    """Every line of every job, down to a `go get` of each tag."""
    forge = real_forge
    results, actions = forge.run()
    expected = dict.fromkeys(JOBS, "success") | {"dry-run": "skipped"}
    assert results == expected, actions.log()
    assert sorted(forge.tags()) == tag_names(forge)
    published = forge.published()
    assert sorted(published) == tag_names(forge)
    for tag, names in published.items():
        wanted = {"SHA256SUMS", "sbom.cdx.json", "THIRD_PARTY_LICENSES", "sizes.svg", "tags.json"}
        assert wanted <= set(names)
        assert f"{tag}/sbom.cdx.json" in actions.attested
    flags = {each.tag: each.prerelease for each in forge.github.releases[OWNER]}
    assert [flags[tag] for tag in tag_names(forge)] == [False, True]
    (latest,) = [
        each.tag for each in forge.github.releases[OWNER] if each.id == forge.github.latest[OWNER]
    ]
    assert latest == "v0.1.0"
    cell = f"{tag_names(forge)[1].partition('-py')[2]}/{host_platform().name}"
    assert cell in actions.summary
    assert "v0.1.0" in actions.summary
    assert len(actions.lines("build")) == 2


def test_a_version_whose_tags_exist_is_nothing_to_do_and_green(released_forge: Forge) -> None:
    forge = released_forge
    before = forge.tags(), forge.published(), forge.bytes_of_objects()
    forge.push("Another commit")
    results, actions = forge.run()
    assert results == dict.fromkeys(JOBS, "skipped") | {"plan": "success"}, actions.log()
    assert (forge.tags(), forge.published()) == before[:2]


def test_a_run_that_died_before_it_published_is_run_again(tagged_forge: Forge) -> None:
    forge = tagged_forge
    tags = forge.tags()
    results, actions = forge.run()
    jobs = [results["build"], results["finalize"], results["check"]]
    assert jobs == ["skipped", "success", "success"], actions.log()
    assert forge.tags() == tags
    assert sorted(forge.published()) == tag_names(forge)


def test_a_bump_of_version_alone_builds_nothing_and_adds_little(released_forge: Forge) -> None:
    forge = released_forge
    git(forge.bare, "gc", "--quiet")
    before = forge.bytes_of_objects()
    forge.write_version("0.2.0")
    results, actions = forge.run()
    assert results["build"] == "skipped"
    assert [results["finalize"], results["check"]] == ["success", "success"], actions.log()
    assert sorted(forge.published()) == sorted([*tag_names(forge), *tag_names(forge, "0.2.0")])
    git(forge.bare, "gc", "--quiet")
    assert forge.bytes_of_objects() - before < 100 << 10


def test_other_content_under_the_same_version_ends_before_any_job_is_spent(
    released_forge: Forge,
) -> None:
    forge = released_forge
    text = (forge.project.root / "matrix.toml").read_text("utf-8")
    forge.project.write("matrix.toml", text.replace("level = 3", "level = 4"))
    forge.push("Pack better")
    results, actions = forge.run()
    assert results == dict.fromkeys(JOBS, "skipped") | {"plan": "failure"}, actions.log()
    (plan,) = actions.ran
    assert plan.code == TagConflictError.exit_code
    assert "v0.1.0" in plan.log
    assert "raise VERSION" in plan.log


def test_a_version_that_goes_back_ends_in_plan(released_forge: Forge) -> None:
    forge = released_forge
    forge.write_version("0.0.9")
    results, actions = forge.run()
    assert results["plan"] == "failure"
    assert actions.ran[0].code == TagConflictError.exit_code


def test_a_pull_request_is_a_dry_run(forge: Forge) -> None:
    results, actions = forge.run("pull_request")
    assert results["dry-run"] == "success", actions.log()
    assert [results["finalize"], results["check"]] == ["skipped", "skipped"]
    assert (forge.tags(), forge.published()) == ({}, {})


def test_a_dispatch_on_a_branch_is_a_dry_run_unless_it_names_the_branch(forge: Forge) -> None:
    results, actions = forge.run("workflow_dispatch", ref="refs/heads/topic")
    assert [results["dry-run"], results["finalize"]] == ["success", "skipped"], actions.log()
    assert "Nothing is written" in actions.summary
    assert forge.tags() == {}
    results, actions = forge.run("workflow_dispatch", ref="refs/heads/topic", branch="topic")
    assert [results["dry-run"], results["finalize"]] == ["skipped", "success"], actions.log()
    assert forge.tags() != {}


def test_a_private_repository_publishes_without_attestations(tagged_forge: Forge) -> None:
    forge = tagged_forge
    actions = Actions(
        forge.bare, forge.folder / "private", forge.env,
        on_line=lambda _job, line: not line.startswith(forge.left_out),
    )  # fmt: skip
    results = actions.run("release.yml", Event("push", private=True))
    assert results["finalize"].result == "success", actions.log()
    assert actions.attested == []
    assert sorted(forge.published()) == tag_names(forge)
    assert "no attestations" in actions.summary


def test_rebuilding_what_is_tagged_says_reproduced(released_forge: Forge) -> None:
    forge = released_forge
    before = forge.tags()
    results, actions = forge.run("workflow_dispatch", platform=host_platform().name, python="all")
    assert results["build"] == "success", actions.log()
    assert results["finalize"] == "success", actions.log()
    assert "reproduced" in actions.log()
    assert forge.tags() == before


def test_rebuilding_what_is_tagged_lists_the_differences_and_moves_nothing(
    released_forge: Forge,
) -> None:
    forge = released_forge
    before = forge.tags(), forge.published()
    text = (forge.project.root / "matrix.toml").read_text("utf-8")
    rule = '\n[[trim.drop]]\nreason = "noise"\nglobs = ["lib/noise.so"]\n\n[[trim.drop]]'
    forge.project.write("matrix.toml", text.replace("\n[[trim.drop]]", rule, 1))
    forge.push("Drop the noise")
    results, actions = forge.run("workflow_dispatch", platform=host_platform().name, python="all")
    assert results["finalize"] == "failure", actions.log()
    (line,) = [each for each in actions.ran if each.job == "finalize" and each.code]
    assert line.code == VerifyError.exit_code
    assert "lib/noise.so" in line.log
    assert (forge.tags(), forge.published()) == before


def test_rebuilding_a_part_of_a_new_version_takes_the_rest_from_earlier_tags(
    released_forge: Forge,
) -> None:
    forge = released_forge
    forge.write_version("0.2.0")
    primary = (forge.project.root / "PRIMARY_PYTHON").read_text().strip()
    results, actions = forge.run("workflow_dispatch", platform="all", python=primary)
    assert results["finalize"] == "success", actions.log()
    assert len(actions.lines("build")) == 1
    assert sorted(forge.published()) == sorted([*tag_names(forge), *tag_names(forge, "0.2.0")])


def test_a_cell_that_is_neither_built_nor_found_is_named(forge: Forge) -> None:
    primary = (forge.project.root / "PRIMARY_PYTHON").read_text().strip()
    results, actions = forge.run("workflow_dispatch", platform="all", python=primary)
    assert results["finalize"] == "failure"
    (line,) = [each for each in actions.ran if each.job == "finalize" and each.code]
    assert line.code == PayloadError.exit_code
    other = tag_names(forge)[1].partition("-py")[2]
    assert f"{other}/{host_platform().name}" in line.log
    assert (forge.tags(), forge.published()) == ({}, {})


def test_a_tag_made_by_someone_else_meanwhile(forge: Forge) -> None:
    tag = tag_names(forge)[1]

    def meddle(job: str, line: str) -> bool:
        if job == "finalize" and line.startswith("goempy finalize"):
            git(forge.bare, "tag", tag, "main")
        return not line.startswith(forge.left_out)

    platform = host_platform().name
    actions = Actions(
        forge.bare, forge.folder / "meddled", forge.env, on_line=meddle,
        only=lambda row: row.get("platform", platform) == platform,
    )  # fmt: skip
    results = actions.run("release.yml", Event("push"))
    assert results["finalize"].result == "failure"
    (line,) = [each for each in actions.ran if each.job == "finalize" and each.code]
    assert line.code == TagConflictError.exit_code
    assert tag in line.log
    assert list(forge.tags()) == [tag], "nothing half pushed"
    assert forge.published() == {}


CREATE = f"POST /api/v3/repos/{OWNER}/releases"


@pytest.mark.parametrize(
    "fault",
    [
        secondary_limit(1),
        Fault(502, done=True),
        Fault(drop=True, done=True),
    ],
    ids=["rate limit", "502 on a create that succeeded", "dropped"],
)
def test_what_the_api_does_wrong_changes_nothing_in_the_end(
    tagged_forge: Forge, fault: Fault
) -> None:
    forge = tagged_forge
    forge.github.faults[CREATE] = deque([fault])
    results, actions = forge.run()
    if results["finalize"] != "success":
        results, actions = forge.run()
    assert sorted(forge.published()) == tag_names(forge), actions.log()
    assert len(forge.github.releases[OWNER]) == 2


def run_update(forge: Forge, number: int, source: str) -> Actions:
    actions = Actions(
        forge.bare, forge.folder / f"update-{number}", {**forge.env, "GOEMPY_PBS_MIRROR": source},
        on_line=lambda _job, line: not line.startswith(forge.left_out),
    )  # fmt: skip
    results = actions.run("update.yml", Event("workflow_dispatch"))
    assert {each.result for each in results.values()} == {"success"}, actions.log()
    return actions


def test_update_keeps_one_pull_request_as_long_as_there_is_something_new(forge: Forge) -> None:
    github, release = forge.github, "20261101"
    platform = host_platform()
    tail = f"{platform.triple}-{platform.build}-full.tar.zst"
    old = [
        each.name for each in parse_lock((forge.project.root / "matrix.lock").read_text()).values()
    ]
    github.add(PBS, old)
    github.add(release, [f"cpython-{v}+{release}-{tail}" for v in ("3.13.17", "3.14.10")])
    run_update(forge, 1, github.source)
    (pull,) = github.pulls[OWNER]
    assert (pull.head, pull.state) == ("goempy/update", "open")
    assert "3.14.10" in pull.title
    newer = "20261108"
    github.add(newer, [f"cpython-{v}+{newer}-{tail}" for v in ("3.13.18", "3.14.10")])
    run_update(forge, 2, github.source)
    (pull,) = github.pulls[OWNER]
    assert pull.state == "open"
    assert newer in pull.title + pull.body
    assert git(forge.bare, "show", "goempy/update:matrix.toml").count(newer) == 2
    # Someone brings main there by hand: the pull request is void.
    for name in ("matrix.toml", "matrix.lock"):
        forge.project.write(name, git(forge.bare, "show", f"goempy/update:{name}"))
    forge.push("Newer interpreters")
    run_update(forge, 3, github.source)
    (pull,) = github.pulls[OWNER]
    assert pull.state == "closed"
    assert "goempy/update" not in git(forge.bare, "branch", "--list")


def test_update_says_what_a_plain_mirror_cannot_tell(forge: Forge) -> None:
    actions = Actions(
        forge.bare, forge.folder / "update", forge.env,
        on_line=lambda _job, line: not line.startswith(forge.left_out),
    )  # fmt: skip
    results = actions.run("update.yml", Event("workflow_dispatch"))
    assert results["propose"].result == "failure"
    assert "--pbs" in actions.log()
    assert "goempy/update" not in git(forge.bare, "branch", "--list")
