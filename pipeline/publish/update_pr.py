"""An update of the matrix as one commit on a branch of its own, and what to do with its request.

The commit is made beside the checkout: neither its index nor its work tree is touched. It stands
on HEAD and has its date, so the same update makes the same commit.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.config.model import Line
from pipeline.system import scratch_repo as workshop
from pipeline.system.errors import GitError
from pipeline.system.files import scratch_dir
from pipeline.system.git import Git
from pipeline.system.github import PullRequest
from pipeline.system.scratch_repo import COMMITS_ONLY, init_scratch

SUBJECT = "Update interpreters: "
REMOTE = "origin"
VOID = (
    "There is nothing left to update: the matrix has these interpreters, or they are gone. "
    "This is closed, and its branch deleted."
)
_AUTHOR = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
"""GitHub shows commits of this address as those of Actions."""
_FILE_MODE = "100644"


@dataclass(frozen=True, slots=True)
class PullRequestText:
    """What a pull request says, and the message of its commit."""

    title: str
    body: str
    message: str


class Doing(enum.Enum):
    """What becomes of the pull request."""

    OPEN = "opened"
    EDIT = "edited"
    KEEP = "up to date"


def words(moves: Sequence[tuple[Line, Line]], summary: str) -> PullRequestText:
    """The words for an update that takes lines from one state to another."""
    names = ", ".join(after.name for _before, after in moves)
    releases = ", ".join(sorted({after.pbs for _before, after in moves}))
    title = f"{SUBJECT}{names} (PBS {releases})"
    rows = [
        f"- {before.name} of PBS {before.pbs} -> {after.name} of PBS {after.pbs}"
        for before, after in moves
    ]
    body = f"{summary.strip()}\n\nTags never move: to release this, raise `VERSION` as well."
    return PullRequestText(title, body, "\n".join([title, "", *rows, ""]))


def plan_pull(pull: PullRequest | None, wanted: PullRequestText) -> Doing:
    """Compare the open pull request, if there is one, with what it is to say."""
    if pull is None:
        return Doing.OPEN
    same = pull.title == wanted.title and _plain(pull.body) == _plain(wanted.body)
    return Doing.KEEP if same else Doing.EDIT


def _plain(body: str) -> str:
    """Who edits on GitHub's pages gets its line ends."""
    return body.replace("\r\n", "\n").strip()


def make_commit(repo: Git, files: Mapping[str, str], message: str) -> str:
    """Commit the texts, by paths relative to the folder of ``repo``, on HEAD; returns the id.

    Raises ``GitError`` where these files have changes of someone's that are in no commit.
    """
    # Without this git would write down in the index what it finds out.
    unlocked = {"GIT_OPTIONAL_LOCKS": "0"}
    if dirty := repo.call("status", "--porcelain", "--", *files, env=unlocked).splitlines():
        raise GitError(
            "files that the update changes have changes that are in no commit",
            details=[row[3:] for row in dirty],
            hint="Commit them, or take them back.",
        )
    parent = repo.commit("HEAD")
    prefix = repo.call("rev-parse", "--show-prefix").strip()
    modes = {entry.path: entry.mode for entry in repo.entries(parent.id)}
    rows = []
    for name, text in files.items():
        path = f"{prefix}{name}"
        blob = repo.call("hash-object", "-w", "--stdin", stdin=text.encode()).strip()
        rows.append(f"{modes.get(path, _FILE_MODE)} {blob}\t{path}\0")
    with scratch_dir(repo.git_dir()) as scratch:
        index = {"GIT_INDEX_FILE": str(scratch / "index")}
        repo.call("read-tree", parent.id, env=index)
        repo.call("update-index", "-z", "--index-info", stdin="".join(rows).encode(), env=index)
        tree = repo.call("write-tree", env=index).strip()
    name, email = _author(repo)
    who = dataclasses.replace(parent, author_name=name, author_email=email)
    return repo.write_commit(tree, who, message)


def _author(repo: Git) -> tuple[str, str]:
    """Whom git is set up for, else GitHub Actions."""
    name, email = (
        repo.call("config", "--default", "", "--get", key).strip()
        for key in ("user.name", "user.email")
    )
    return (name, email) if name and email else _AUTHOR


def tip_of(repo: Git, branch: str) -> str:
    """The commit of a branch at the remote, ``""`` for none.

    Raises ``GitError`` for one whose last commit is none of these: someone's work would be lost.
    """
    ref = f"refs/heads/{branch}"
    rows = [row.split("\t") for row in repo.call("ls-remote", REMOTE, ref).splitlines()]
    tips = [commit for commit, name in rows if name == ref]
    if not tips:
        return ""
    message = _text_of(repo, tips[0], ref).partition("\n\n")[2]
    if not message.startswith(SUBJECT):
        raise GitError(
            f"branch {branch} at {REMOTE} ends with someone else's commit {tips[0][:12]}",
            details=[message.partition("\n")[0]],
            hint="Merge or close its pull request, delete the branch, or name another with "
            "--branch.",
        )
    return tips[0]


def _text_of(repo: Git, commit: str, ref: str) -> str:
    """The text of a commit of the remote; the repository does not note that it was fetched."""
    if repo.has_commit(commit):
        return repo.commit_text(commit)
    with scratch_dir(repo.git_dir()) as folder:
        scratch = init_scratch(folder / "git", repo, REMOTE)
        scratch.call(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1",
            f"--filter={COMMITS_ONLY}", workshop.REMOTE, ref,
        )  # fmt: skip
        return scratch.commit_text(commit)


def push(repo: Git, branch: str, commit: str, tip: str) -> None:
    """Put the branch to ``commit``; raises ``GitError`` unless it still is at ``tip``."""
    ref = f"refs/heads/{branch}"
    try:
        repo.call(
            "push", "--quiet", "--no-verify", f"--force-with-lease={ref}:{tip}",
            REMOTE, f"{commit}:{ref}",
        )  # fmt: skip
    except GitError as fault:
        raise GitError(
            f"{REMOTE} did not take branch {branch}: {fault.what}",
            hint="If someone pushed to it meanwhile, run it again; else check what the token or "
            "key may do.",
        ) from fault
