"""``goempy propose``: one branch, one pull request, in place, whatever goes wrong on the way."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.config.lock import dump_lock, parse_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Pin
from pipeline.publish.update_pr import CLOSING_COMMENT
from pipeline.system.errors import DownloadError, GitError, GitHubError, UsageError
from tests.builders.pbs_listing import pbs_names, sha256_of, size_of
from tests.fakes.github.faults import Fault, secondary_limit
from tests.fakes.github.server import API, GitHub, Pull, serve_github
from tests.harness.project import Line, Outcome, Project, git, make_project

NAME = "me/goempy"
OLD, MIDDLE, NEW = "20260814", "20261009", "20261021"
BRANCH = "goempy/update"
PULLS = f"{API}/repos/{NAME}/pulls"
TITLE = f"Update interpreters: 3.14.9, 3.13.17 (PBS {NEW})"


@dataclass(frozen=True)
class Site:
    """A checkout that is behind, its remote, and the GitHub that has both it and PBS."""

    project: Project
    remote: Path
    github: GitHub

    def propose(self, *more: str, env: Mapping[str, str] | None = None) -> Outcome:
        around = {
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_API_URL": self.github.api,
            "GITHUB_TOKEN": "s3cret",
            "GITHUB_STEP_SUMMARY": str(self.project.root.parent / "summary.md"),
        }
        before = self.seen()
        arguments = ("propose", "--source", self.github.source, *more)
        outcome = self.project.run(*arguments, env={**around, **(env or {})})
        # The checkout is as it was: files, index, branches and tags.
        assert self.seen() == before
        return outcome

    def seen(self) -> object:
        root = self.project.root
        return (
            {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in root.iterdir() if p.is_file()},
            (root / ".git" / "index").read_bytes(),
            self.project.git("for-each-ref", "refs/heads", "refs/tags"),
            self.project.git("--no-optional-locks", "status", "--porcelain"),
            sorted(each.name for each in (root / ".git").iterdir() if each.name != "index"),
        )

    def pulls(self) -> list[Pull]:
        return self.github.pulls[NAME]

    def tip(self, branch: str = BRANCH) -> str:
        return git(self.remote, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def show(self, what: str) -> str:
        return git(self.remote, "show", f"{BRANCH}:{what}")

    def state(self) -> object:
        return (
            self.tip(),
            [(p.head, p.base, p.title, p.body, p.state, p.comments) for p in self.pulls()],
        )

    def catch_up(self) -> None:
        """Someone puts the update on main."""
        for name in ("matrix.toml", "matrix.lock"):
            self.project.write(name, self.show(name))
        self.project.git("commit", "--quiet", "--all", "--message=By hand")


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serve_github() as made:
        made.add(OLD, pbs_names(OLD, "3.10.21", "3.13.15", "3.14.7"))
        made.add(MIDDLE, pbs_names(MIDDLE, "3.14.8"))
        made.add(NEW, pbs_names(NEW, "3.13.17", "3.14.9"))
        yield made


@pytest.fixture
def site(tmp_path: Path, github: GitHub) -> Site:
    lines = [Line("3.14.7", OLD), Line("3.13.15", OLD), Line("3.10.21", OLD)]
    project = make_project(tmp_path, *lines)
    names = [row.split()[2] for row in project.run("plan").out.splitlines()[1:]]
    project.write("matrix.lock", dump_lock(Pin(OLD, n, sha256_of(n), size_of(n)) for n in names))
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message=Lock")
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    project.git("remote", "add", "origin", str(remote))
    project.git("push", "--quiet", "origin", "main")
    project.git("fetch", "--quiet", "origin")
    github.bare[NAME] = remote
    return Site(project, remote, github)


def test_an_update_becomes_a_pull_request(site: Site) -> None:
    # git would like to note in its index that only the time of this file differs.
    os.utime(site.project.root / "matrix.toml", (1, 1))
    outcome = site.propose()
    assert outcome.code == 0, outcome.log
    (pull,) = site.pulls()
    assert (pull.head, pull.base, pull.state, pull.title) == (BRANCH, "main", "open", TITLE)
    assert pull.body.startswith(f"Interpreters of PBS {NEW}:\n\n| line | Python |")
    assert pull.body.endswith("raise `VERSION` as well.")
    page = f"{site.github.address}/{NAME}/pull/{pull.number}"
    assert outcome.out.startswith(f"Pull request {pull.number} is opened: {page}\n")
    summary = (site.project.root.parent / "summary.md").read_text("utf-8")
    assert page in summary
    assert f"Interpreters of PBS {NEW}:" in summary


def test_the_branch_is_one_commit_on_head_with_both_files(site: Site) -> None:
    site.propose()
    head = site.project.git("rev-parse", "HEAD").strip()
    told = git(site.remote, "show", "-s", "--date=raw", "--format=%P|%an|%ae|%ad|%cn|%B", BRANCH)
    bot = "41898282+github-actions[bot]@users.noreply.github.com"
    assert told.strip() == (
        f"{head}|github-actions[bot]|{bot}|1700000000 +0100|github-actions[bot]|{TITLE}\n\n"
        f"- 3.14.7 of PBS {OLD} -> 3.14.9 of PBS {NEW}\n"
        f"- 3.13.15 of PBS {OLD} -> 3.13.17 of PBS {NEW}"
    )
    changed = git(site.remote, "diff", "--name-only", f"{BRANCH}^", BRANCH).split()
    assert changed == ["matrix.lock", "matrix.toml"]
    lines = parse_matrix(site.show("matrix.toml")).lines
    assert [line.name for line in lines] == ["3.14.9", "3.13.17", "3.10.21"]
    assert {pin.release for pin in parse_lock(site.show("matrix.lock")).values()} == {OLD, NEW}


def test_the_author_is_whom_git_is_set_up_for(site: Site) -> None:
    site.project.git("config", "user.name", "A Releaser")
    site.project.git("config", "user.email", "releaser@example.com")
    site.propose()
    assert git(site.remote, "show", "-s", "--format=%an <%ae>", BRANCH).strip() == (
        "A Releaser <releaser@example.com>"
    )


def test_run_again_nothing_is_written(site: Site) -> None:
    site.propose()
    before = site.state()
    site.github.requests.clear()
    outcome = site.propose()
    assert outcome.code == 0, outcome.log
    assert "is up to date" in outcome.out
    assert site.github.writes() == []
    assert site.state() == before


def test_words_that_an_editor_saved_with_other_line_ends_are_the_same(site: Site) -> None:
    site.propose()
    (pull,) = site.pulls()
    pull.body = pull.body.replace("\n", "\r\n") + "\r\n"
    site.github.requests.clear()
    site.propose()
    assert site.github.writes() == []


def test_an_open_pull_request_is_updated_in_place(site: Site) -> None:
    newest = site.github.releases["astral-sh/python-build-standalone"].pop()
    site.propose()
    (pull,) = site.pulls()
    assert pull.title == f"Update interpreters: 3.14.8 (PBS {MIDDLE})"
    first = site.tip()
    site.github.releases["astral-sh/python-build-standalone"].append(newest)
    outcome = site.propose()
    assert outcome.code == 0, outcome.log
    assert f"Pull request {pull.number} is updated" in outcome.out
    assert [each.title for each in site.pulls()] == [TITLE]
    assert site.tip() != first
    # Not on top of the first one: one commit on HEAD.
    assert git(site.remote, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"


def test_a_newer_head_moves_the_branch_and_keeps_the_words(site: Site) -> None:
    site.propose()
    site.project.git("commit", "--quiet", "--allow-empty", "--message=More")
    head = site.project.git("rev-parse", "HEAD").strip()
    site.github.requests.clear()
    assert site.propose().code == 0
    assert git(site.remote, "rev-parse", f"{BRANCH}^").strip() == head
    assert site.github.writes() == []


def test_a_void_update_closes_it_with_a_word_and_deletes_the_branch(site: Site) -> None:
    site.propose()
    site.catch_up()
    outcome = site.propose()
    assert outcome.code == 0, outcome.log
    (pull,) = site.pulls()
    assert (pull.state, pull.comments) == ("closed", [CLOSING_COMMENT])
    assert site.tip() == ""
    assert f"Pull request {pull.number} is closed, since nothing is left" in outcome.out
    site.github.requests.clear()
    again = site.propose()
    assert again.code == 0
    assert "There is nothing to propose" in again.out
    assert site.github.writes() == []


def test_after_a_closed_one_the_next_update_is_a_new_pull_request(site: Site) -> None:
    site.propose()
    site.pulls()[0].state = "closed"
    assert site.propose().code == 0
    assert [each.state for each in site.pulls()] == ["closed", "open"]


def test_a_folder_within_the_repository(site: Site, tmp_path: Path) -> None:
    """Paths in the commit begin at its root, not at that of the matrix."""
    inner = Project(tmp_path / "outer" / "inner")
    inner.root.mkdir(parents=True)
    for name in ("matrix.toml", "matrix.lock", "VERSION", "PRIMARY_PYTHON"):
        inner.write(name, (site.project.root / name).read_text("utf-8"))
    git(inner.root.parent, "init", "--quiet", "--initial-branch=main")
    git(inner.root.parent, "add", "--all")
    git(inner.root.parent, "commit", "--quiet", "--message=Source")
    git(inner.root.parent, "remote", "add", "origin", str(site.remote))
    assert Site(inner, site.remote, site.github).project.run(
        "propose", "--source", site.github.source,
        env={
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_API_URL": site.github.api,
            "GITHUB_TOKEN": "s3cret",
        },
    ).code == 0  # fmt: skip
    changed = git(site.remote, "diff", "--name-only", f"{BRANCH}^", BRANCH).split()
    assert changed == ["inner/matrix.lock", "inner/matrix.toml"]


def test_changes_of_someone_s_are_not_committed(site: Site) -> None:
    path = site.project.root / "matrix.toml"
    path.write_text(path.read_text("utf-8") + "# mine\n", "utf-8")
    outcome = site.propose()
    assert outcome.code == GitError.exit_code
    assert (
        "files that the update changes have uncommitted changes\n  - matrix.toml\n" in outcome.log
    )
    assert site.tip() == ""
    assert site.pulls() == []


def test_someone_s_commit_on_the_branch_is_not_overwritten(site: Site) -> None:
    site.propose()
    clone = site.project.root.parent / "clone"
    git(site.project.root, "clone", "--quiet", "--branch", BRANCH, str(site.remote), str(clone))
    git(clone, "commit", "--quiet", "--allow-empty", "--message=Raise VERSION")
    git(clone, "push", "--quiet", "origin", BRANCH)
    before = site.state()
    outcome = site.propose()
    assert outcome.code == GitError.exit_code
    assert f"branch {BRANCH} at origin ends with someone else's commit" in outcome.log
    assert "- Raise VERSION" in outcome.log
    assert site.state() == before


def test_the_branch_that_it_goes_to_is_no_branch_for_it(site: Site) -> None:
    before = site.tip("main")
    outcome = site.propose("--branch", "main")
    assert outcome.code == UsageError.exit_code
    assert site.tip("main") == before


def test_another_branch(site: Site) -> None:
    assert site.propose("--branch", "newer").code == 0
    assert [each.head for each in site.pulls()] == ["newer"]
    assert site.tip("newer")


@pytest.mark.parametrize(
    "faults",
    [
        [secondary_limit(30)],
        [Fault(502)],
        [Fault(502, done=True)],
        [Fault(drop=True, done=True)],
        [Fault(cut_after=10)],
        [Fault(drop=True), Fault(503), Fault(502, done=True)],
    ],
)
def test_one_pull_request_and_one_word_whatever_happens(site: Site, faults: list[Fault]) -> None:
    for name in (f"POST {PULLS}", f"GET {PULLS}"):
        site.github.faults[name].extend(faults)
    assert site.propose().code == 0
    (pull,) = site.pulls()
    base = f"{API}/repos/{NAME}"
    for name in (
        f"POST {base}/issues/{pull.number}/comments",
        f"PATCH {PULLS}/{pull.number}",
        f"DELETE {base}/git/refs/heads/{BRANCH}",
    ):
        site.github.faults[name].extend(faults)
    site.catch_up()
    outcome = site.propose()
    assert outcome.code == 0, outcome.log
    assert [(each.state, each.comments) for each in site.pulls()] == [("closed", [CLOSING_COMMENT])]
    assert site.tip() == ""
    assert not any(site.github.faults.values())


@pytest.mark.parametrize("carried_out", [False, True])
def test_killed_between_any_two_requests_and_run_again(site: Site, *, carried_out: bool) -> None:
    assert site.propose().code == 0
    expected, count = site.state(), len(site.github.requests)
    site.github.last_breath = carried_out
    for dies_after in range(count):
        site.pulls().clear()
        git(site.remote, "update-ref", "-d", f"refs/heads/{BRANCH}")
        site.github.requests.clear()
        site.github.dies_after = dies_after
        assert site.propose().code in {GitHubError.exit_code, DownloadError.exit_code}
        site.github.dies_after = -1
        assert site.propose().code == 0
        assert site.state() == expected, dies_after


@pytest.mark.parametrize("carried_out", [False, True])
def test_killed_while_it_takes_an_update_back(site: Site, *, carried_out: bool) -> None:
    site.propose()
    proposed = site.tip().strip()
    site.catch_up()
    site.github.requests.clear()
    assert site.propose().code == 0
    expected, count = site.state(), len(site.github.requests)
    site.github.last_breath = carried_out
    for dies_after in range(count):
        (pull,) = site.pulls()
        pull.state, pull.comments = "open", []
        git(site.remote, "update-ref", f"refs/heads/{BRANCH}", proposed)
        site.github.requests.clear()
        site.github.dies_after = dies_after
        assert site.propose().code in {GitHubError.exit_code, DownloadError.exit_code}
        site.github.dies_after = -1
        assert site.propose().code == 0
        assert site.state() == expected, dies_after


def test_the_environment_says_where_and_who(site: Site) -> None:
    outcome = site.propose(env={"GITHUB_TOKEN": "", "GITHUB_REPOSITORY": ""})
    assert outcome.code == UsageError.exit_code
    assert "GITHUB_REPOSITORY is not set" in outcome.log
    assert "a token with contents: write and pull-requests: write" in outcome.log
    assert site.github.requests == []
