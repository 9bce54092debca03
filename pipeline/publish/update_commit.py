"""An update of the matrix as one commit on its own branch.

The commit is made beside the checkout, whose index and work tree do not change. Its parent is
HEAD and it has HEAD's date, so the same update gives the same commit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pipeline.system import scratch_repo
from pipeline.system.errors import GitError
from pipeline.system.files import scratch_dir
from pipeline.system.git import Git

REMOTE = "origin"
SUBJECT = "Update interpreters: "
"""How the message of each commit that is made here begins."""
_AUTHOR = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
"""GitHub shows commits with this address as those of Actions."""
_FILE_MODE = "100644"


def make_commit(repo: Git, files: Mapping[str, str], message: str) -> str:
    """Commit texts, by paths relative to the folder of ``repo``, on HEAD; returns the id.

    Raises ``GitError`` if these files have uncommitted changes.
    """
    # Otherwise git would update the index.
    unlocked = {"GIT_OPTIONAL_LOCKS": "0"}
    if dirty := repo.call("status", "--porcelain", "--", *files, env=unlocked).splitlines():
        raise GitError(
            "files that the update changes have uncommitted changes",
            details=[row[3:] for row in dirty],
            hint="Commit or revert them.",
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
    author = dataclasses.replace(parent, author_name=name, author_email=email)
    return repo.write_commit(tree, author, message)


def _author(repo: Git) -> tuple[str, str]:
    """The user of git's configuration, else GitHub Actions."""
    name, email = (
        repo.call("config", "--default", "", "--get", key).strip()
        for key in ("user.name", "user.email")
    )
    return (name, email) if name and email else _AUTHOR


@dataclasses.dataclass(frozen=True, slots=True)
class BranchTip:
    """The last commit of a branch of the remote, ``""`` if there is no such branch.

    ``foreign`` is the subject of one that was not made here: that work is not to be lost.
    """

    commit: str
    foreign: str = ""


def branch_tip(repo: Git, branch: str) -> BranchTip:
    """What the branch ends with."""
    ref = f"refs/heads/{branch}"
    rows = [row.split("\t") for row in repo.call("ls-remote", REMOTE, ref).splitlines()]
    tip = next((commit for commit, name in rows if name == ref), "")
    message = _commit_text(repo, tip, ref).partition("\n\n")[2] if tip else SUBJECT
    return BranchTip(tip, "" if message.startswith(SUBJECT) else message.partition("\n")[0] or tip)


def has_tag(repo: Git, tag: str) -> bool:
    """Whether the remote has a tag."""
    return bool(repo.call("ls-remote", REMOTE, f"refs/tags/{tag}").strip())


def _commit_text(repo: Git, commit: str, ref: str) -> str:
    """The text of a commit of the remote; ``repo`` does not record that it was fetched."""
    if repo.has_commit(commit):
        return repo.commit_text(commit)
    with scratch_dir(repo.git_dir()) as folder:
        scratch = scratch_repo.init_scratch(folder / "git", repo, REMOTE)
        scratch.call(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1",
            f"--filter={scratch_repo.COMMITS_ONLY}", scratch_repo.REMOTE, ref,
        )  # fmt: skip
        return scratch.commit_text(commit)


def push_branch(repo: Git, branch: str, commit: str, tip: str) -> None:
    """Move the branch of the remote to ``commit``; raises ``GitError`` if it left ``tip``."""
    ref = f"refs/heads/{branch}"
    try:
        repo.call(
            "push", "--quiet", "--no-verify", f"--force-with-lease={ref}:{tip}",
            REMOTE, f"{commit}:{ref}",
        )  # fmt: skip
    except GitError as fault:
        raise GitError(
            f"{REMOTE} rejected branch {branch}: {fault.what}",
            hint="If someone else pushed to it, run this again; otherwise check the permissions "
            "of the token or key.",
        ) from fault
