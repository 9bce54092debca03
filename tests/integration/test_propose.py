"""``goempy propose``: one branch, one pull request, in place, whatever goes wrong on the way."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.lock import dump_lock, parse_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Pin
from pipeline.publish.update_pr import CLOSING_COMMENT
from pipeline.system.errors import DownloadError, GitError, GitHubError, UsageError
from tests.builders.pbs_listing import pbs_names, sha256_of, size_of
from tests.builders.site import NAME, HostedSite, hosted_site, make_site
from tests.fakes.github.faults import Fault, no_pull_requests, secondary_limit
from tests.fakes.github.server import API, GitHub, Pull, serve_github
from tests.harness.project import Line, Outcome, Project, git

OLD, MIDDLE, NEW = "20260814", "20261009", "20261021"
BRANCH = "goempy/update"
PULLS = f"{API}/repos/{NAME}/pulls"
TITLE = f"Update interpreters: 3.14.9, 3.13.17 (PBS {NEW})"


def propose(site: HostedSite, *more: str, env: Mapping[str, str] | None = None) -> Outcome:
    before = seen(site)
    outcome = site.run("propose", "--source", site.github.source, *more, env=env)
    # The checkout is as it was: files, index, branches and tags.
    assert seen(site) == before
    return outcome


def seen(site: HostedSite) -> object:
    root = site.project.root
    return (
        {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in root.iterdir() if p.is_file()},
        (root / ".git" / "index").read_bytes(),
        site.project.git("for-each-ref", "refs/heads", "refs/tags"),
        site.project.git("--no-optional-locks", "status", "--porcelain"),
        sorted(each.name for each in (root / ".git").iterdir() if each.name != "index"),
    )


def pulls(site: HostedSite) -> list[Pull]:
    return site.github.pulls[NAME]


def tip(site: HostedSite, branch: str = BRANCH) -> str:
    return git(site.remote, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")


def show(site: HostedSite, what: str) -> str:
    return git(site.remote, "show", f"{BRANCH}:{what}")


def state(site: HostedSite) -> object:
    return (
        tip(site),
        [(p.head, p.base, p.title, p.body, p.state, p.comments) for p in pulls(site)],
    )


def catch_up(site: HostedSite) -> None:
    """Someone puts the update on main."""
    for name in ("matrix.toml", "matrix.lock"):
        site.project.write(name, show(site, name))
    site.project.git("commit", "--quiet", "--all", "--message=By hand")


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serve_github() as made:
        made.add(OLD, pbs_names(OLD, "3.10.21", "3.13.15", "3.14.7"))
        made.add(MIDDLE, pbs_names(MIDDLE, "3.14.8"))
        made.add(NEW, pbs_names(NEW, "3.13.17", "3.14.9"))
        yield made


@pytest.fixture
def site(tmp_path: Path, github: GitHub) -> HostedSite:
    """A checkout that is behind, and the GitHub that has both it and PBS."""
    lines = [Line("3.14.7", OLD), Line("3.13.15", OLD), Line("3.10.21", OLD)]
    site = hosted_site(make_site(tmp_path, *lines), github)
    names = [row.split()[2] for row in site.project.run("plan").out.splitlines()[1:]]
    pins = [Pin(OLD, name, sha256_of(name), size_of(name)) for name in names]
    site.project.write("matrix.lock", dump_lock(pins))
    site.commit("Lock")
    return site


def test_an_update_becomes_a_pull_request(site: HostedSite) -> None:
    # git would like to note in its index that only the time of this file differs.
    os.utime(site.project.root / "matrix.toml", (1, 1))
    outcome = propose(site)
    assert outcome.code == 0, outcome.log
    (pull,) = pulls(site)
    assert (pull.head, pull.base, pull.state, pull.title) == (BRANCH, "main", "open", TITLE)
    assert pull.body.startswith(f"Interpreters of PBS {NEW}:\n\n| line | Python |")
    assert "`VERSION`" in pull.body
    page = f"{site.github.address}/{NAME}/pull/{pull.number}"
    assert outcome.out.startswith(f"Pull request {pull.number} is opened: {page}\n")
    summary = site.summary.read_text("utf-8")
    assert page in summary
    assert f"Interpreters of PBS {NEW}:" in summary


def test_the_branch_is_one_commit_on_head_with_both_files(site: HostedSite) -> None:
    propose(site)
    head = site.project.git("rev-parse", "HEAD").strip()
    shown = git(site.remote, "show", "-s", "--date=raw", "--format=%P|%an|%ae|%ad|%cn|%B", BRANCH)
    bot = "41898282+github-actions[bot]@users.noreply.github.com"
    assert shown.strip() == (
        f"{head}|github-actions[bot]|{bot}|1700000000 +0100|github-actions[bot]|{TITLE}\n\n"
        f"- 3.14.7 of PBS {OLD} -> 3.14.9 of PBS {NEW}\n"
        f"- 3.13.15 of PBS {OLD} -> 3.13.17 of PBS {NEW}"
    )
    changed = git(site.remote, "diff", "--name-only", f"{BRANCH}^", BRANCH).split()
    assert changed == ["matrix.lock", "matrix.toml"]
    lines = parse_matrix(show(site, "matrix.toml")).lines
    assert [line.name for line in lines] == ["3.14.9", "3.13.17", "3.10.21"]
    assert {pin.release for pin in parse_lock(show(site, "matrix.lock")).values()} == {OLD, NEW}


def test_the_author_is_whom_git_is_set_up_for(site: HostedSite) -> None:
    site.project.git("config", "user.name", "A Releaser")
    site.project.git("config", "user.email", "releaser@example.com")
    propose(site)
    assert git(site.remote, "show", "-s", "--format=%an <%ae>", BRANCH).strip() == (
        "A Releaser <releaser@example.com>"
    )


def test_run_again_nothing_is_written(site: HostedSite) -> None:
    propose(site)
    before = state(site)
    site.github.requests.clear()
    outcome = propose(site)
    assert outcome.code == 0, outcome.log
    assert "is up to date" in outcome.out
    assert site.github.writes() == []
    assert state(site) == before


def test_words_that_an_editor_saved_with_other_line_ends_are_the_same(site: HostedSite) -> None:
    propose(site)
    (pull,) = pulls(site)
    pull.body = pull.body.replace("\n", "\r\n") + "\r\n"
    site.github.requests.clear()
    propose(site)
    assert site.github.writes() == []


def test_an_open_pull_request_is_updated_in_place(site: HostedSite) -> None:
    newest = site.github.releases["astral-sh/python-build-standalone"].pop()
    propose(site)
    (pull,) = pulls(site)
    assert pull.title == f"Update interpreters: 3.14.8 (PBS {MIDDLE})"
    first = tip(site)
    site.github.releases["astral-sh/python-build-standalone"].append(newest)
    outcome = propose(site)
    assert outcome.code == 0, outcome.log
    assert f"Pull request {pull.number} is updated" in outcome.out
    assert [each.title for each in pulls(site)] == [TITLE]
    assert tip(site) != first
    # Not on top of the first one: one commit on HEAD.
    assert git(site.remote, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"


def test_a_newer_head_moves_the_branch_and_keeps_the_words(site: HostedSite) -> None:
    propose(site)
    site.project.git("commit", "--quiet", "--allow-empty", "--message=More")
    head = site.project.git("rev-parse", "HEAD").strip()
    site.github.requests.clear()
    assert propose(site).code == 0
    assert git(site.remote, "rev-parse", f"{BRANCH}^").strip() == head
    assert site.github.writes() == []


def test_a_void_update_closes_it_with_a_word_and_deletes_the_branch(site: HostedSite) -> None:
    propose(site)
    catch_up(site)
    outcome = propose(site)
    assert outcome.code == 0, outcome.log
    (pull,) = pulls(site)
    assert (pull.state, pull.comments) == ("closed", [CLOSING_COMMENT])
    assert tip(site) == ""
    assert f"Pull request {pull.number} is closed, since nothing is left" in outcome.out
    site.github.requests.clear()
    again = propose(site)
    assert again.code == 0
    assert "There is nothing to propose" in again.out
    assert site.github.writes() == []


def test_after_a_closed_one_the_next_update_is_a_new_pull_request(site: HostedSite) -> None:
    propose(site)
    pulls(site)[0].state = "closed"
    assert propose(site).code == 0
    assert [each.state for each in pulls(site)] == ["closed", "open"]


def test_a_folder_within_the_repository(site: HostedSite, tmp_path: Path) -> None:
    """Paths in the commit begin at its root, not at that of the matrix."""
    inner = Project(tmp_path / "outer" / "inner")
    inner.root.mkdir(parents=True)
    for name in ("matrix.toml", "matrix.lock", "VERSION", "PRIMARY_PYTHON"):
        inner.write(name, (site.project.root / name).read_text("utf-8"))
    git(inner.root.parent, "init", "--quiet", "--initial-branch=main")
    git(inner.root.parent, "add", "--all")
    git(inner.root.parent, "commit", "--quiet", "--message=Source")
    git(inner.root.parent, "remote", "add", "origin", str(site.remote))
    inside = replace(site, project=inner)
    assert inside.run("propose", "--source", site.github.source).code == 0
    changed = git(site.remote, "diff", "--name-only", f"{BRANCH}^", BRANCH).split()
    assert changed == ["inner/matrix.lock", "inner/matrix.toml"]


def test_changes_of_someone_s_are_not_committed(site: HostedSite) -> None:
    path = site.project.root / "matrix.toml"
    path.write_text(path.read_text("utf-8") + "# mine\n", "utf-8")
    outcome = propose(site)
    assert outcome.code == GitError.exit_code
    expected = "files that the update changes have uncommitted changes\n  - matrix.toml\n"
    assert expected in outcome.log
    assert tip(site) == ""
    assert pulls(site) == []


def test_someone_s_commit_on_the_branch_is_not_overwritten(site: HostedSite) -> None:
    propose(site)
    clone = site.project.root.parent / "clone"
    git(site.project.root, "clone", "--quiet", "--branch", BRANCH, str(site.remote), str(clone))
    git(clone, "commit", "--quiet", "--allow-empty", "--message=Raise VERSION")
    git(clone, "push", "--quiet", "origin", BRANCH)
    before = state(site)
    outcome = propose(site)
    assert outcome.code == 0, outcome.log
    assert "Raise VERSION" in outcome.out
    assert pulls(site)[0].number == int(outcome.out.split()[2])
    assert state(site) == before


def test_a_released_version_is_raised_so_that_merging_is_a_release(site: HostedSite) -> None:
    assert propose(site, "--bump", "patch").code == 0
    assert show(site, "VERSION").strip() == "0.1.0", "it is not released yet"
    git(site.remote, "tag", "v0.1.0", "main")
    assert propose(site, "--bump", "patch").code == 0
    assert show(site, "VERSION").strip() == "0.1.1"
    assert "0.1.1" in pulls(site)[0].body
    # Merged, it is a release that has no tag yet.
    site.project.git("fetch", "--quiet", str(site.remote), BRANCH)
    site.project.git("merge", "--quiet", "--ff-only", "FETCH_HEAD")
    git(site.remote, "tag", "--delete", "v0.1.0")
    outcome = site.run("plan", "--json", "--remote", "origin")
    assert outcome.code == 0, outcome.log
    assert "v0.1.1" in outcome.out


def test_a_repository_that_lets_no_workflow_open_pull_requests(site: HostedSite) -> None:
    site.github.faults[f"POST {PULLS}"] = deque([no_pull_requests()])
    outcome = propose(site)
    assert outcome.code == GitHubError.exit_code
    assert "Allow GitHub Actions to create and approve pull requests" in outcome.log
    assert "expired" not in outcome.log
    assert tip(site) == ""


def test_the_branch_that_it_goes_to_is_no_branch_for_it(site: HostedSite) -> None:
    before = tip(site, "main")
    outcome = propose(site, "--branch", "main")
    assert outcome.code == UsageError.exit_code
    assert tip(site, "main") == before


def test_another_branch(site: HostedSite) -> None:
    assert propose(site, "--branch", "newer").code == 0
    assert [each.head for each in pulls(site)] == ["newer"]
    assert tip(site, "newer")


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
def test_one_pull_request_and_one_comment_whatever_fails(
    site: HostedSite, faults: list[Fault]
) -> None:
    for name in (f"POST {PULLS}", f"GET {PULLS}"):
        site.github.faults[name].extend(faults)
    assert propose(site).code == 0
    (pull,) = pulls(site)
    base = f"{API}/repos/{NAME}"
    for name in (
        f"POST {base}/issues/{pull.number}/comments",
        f"PATCH {PULLS}/{pull.number}",
        f"DELETE {base}/git/refs/heads/{BRANCH}",
    ):
        site.github.faults[name].extend(faults)
    catch_up(site)
    outcome = propose(site)
    assert outcome.code == 0, outcome.log
    assert [(each.state, each.comments) for each in pulls(site)] == [("closed", [CLOSING_COMMENT])]
    assert tip(site) == ""
    assert not any(site.github.faults.values())


@pytest.mark.parametrize("carried_out", [False, True])
def test_killed_between_any_two_requests_and_run_again(
    site: HostedSite, *, carried_out: bool
) -> None:
    assert propose(site).code == 0
    expected, count = state(site), len(site.github.requests)
    site.github.last_breath = carried_out
    known: list[object] = []
    for dies_after in range(count):
        pulls(site).clear()
        git(site.remote, "update-ref", "-d", f"refs/heads/{BRANCH}")
        site.github.requests.clear()
        site.github.dies_after = dies_after
        assert propose(site).code in {GitHubError.exit_code, DownloadError.exit_code}
        site.github.dies_after = -1
        if (left := state(site)) in known:
            continue
        known.append(left)
        assert propose(site).code == 0
        assert state(site) == expected, dies_after


@pytest.mark.parametrize("carried_out", [False, True])
def test_killed_while_it_takes_an_update_back(site: HostedSite, *, carried_out: bool) -> None:
    propose(site)
    proposed = tip(site).strip()
    catch_up(site)
    site.github.requests.clear()
    assert propose(site).code == 0
    expected, count = state(site), len(site.github.requests)
    site.github.last_breath = carried_out
    known: list[object] = []
    for dies_after in range(count):
        (pull,) = pulls(site)
        pull.state, pull.comments = "open", []
        git(site.remote, "update-ref", f"refs/heads/{BRANCH}", proposed)
        site.github.requests.clear()
        site.github.dies_after = dies_after
        assert propose(site).code in {GitHubError.exit_code, DownloadError.exit_code}
        site.github.dies_after = -1
        if (left := state(site)) in known:
            continue
        known.append(left)
        assert propose(site).code == 0
        assert state(site) == expected, dies_after


def test_the_environment_says_where_and_who(site: HostedSite) -> None:
    outcome = propose(site, env={"GITHUB_TOKEN": "", "GITHUB_REPOSITORY": ""})
    assert outcome.code == UsageError.exit_code
    assert "GITHUB_REPOSITORY is not set" in outcome.log
    assert "a token with contents: write and pull-requests: write" in outcome.log
    assert site.github.requests == []
