"""Scratch repositories beside the real one: what they fetch and note leaves it as it is.

A fetch with a depth or a filter is noted by git in the repository that makes it, and changes what
its later fetches do. So tags are looked into from here, and pushes that are to send little are
made from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.system.git import Git, init_bare

REMOTE = "goempy"
"""What a scratch repository calls the remote that it was made for."""
COMMITS_ONLY = "tree:0"
WITHOUT_BLOBS = "blob:none"
_KEPT = "refs/goempy/tags/"
_CONNECTION = re.compile(
    r"(core\.(askpass|gitproxy|sshcommand)|(credential|http|protocol|ssh|url)\..*)", re.DOTALL
)
"""Settings that say how to reach others, as ``git config --list`` writes their names."""
_REMOTE_KEYS = ("proxy", "proxyauthmethod", "pushurl", "receivepack", "uploadpack", "url")


def init_scratch(folder: Path, repo: Git, remote: str) -> Git:
    """Make an empty bare repository that reaches ``remote``, by the name ``REMOTE``, as ``repo``.

    ``remote`` of ``""`` is ``repo`` itself.
    """
    settings = [*remote_config(repo, remote or str(repo.git_dir())), *_settings_of(repo.env)]
    env = dict(repo.env) | {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return init_bare(folder, env, like=repo)


def remote_address(text: str, repo: Git) -> str:
    """A remote's name as it is; the path of a repository from here, not from ``repo``."""
    if text and text not in repo.remotes() and Path(text).exists():
        return str(Path(text).resolve())
    return text


def remote_config(repo: Git, remote: str) -> Iterator[tuple[str, str]]:
    """The settings of ``repo`` alone that matter to reach ``remote`` (a name or an address).

    Proxies, credentials, other addresses; also from files that its settings include, such as
    those in which a workflow's checkout keeps its token.
    """
    known = remote in repo.remotes()
    fields = repo.call("config", "--list", "-z", "--show-scope").split("\0")
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        key, equals, text = setting.partition("\n")
        value = text if equals else "true"
        head, _dot, last = key.rpartition(".")
        if scope in {"local", "worktree"} and _CONNECTION.fullmatch(key):
            yield key, value
        elif known and head == f"remote.{remote}" and last in _REMOTE_KEYS:
            yield f"remote.{REMOTE}.{last}", _absolute(repo, value)
    if not known:
        yield f"remote.{REMOTE}.url", remote


def _absolute(repo: Git, address: str) -> str:
    """A path from the repository, from anywhere."""
    path = repo.folder / address
    return str(path.resolve()) if path.exists() else address


def _settings_of(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The settings that an environment makes; they come last, since they win."""
    for number in range(int(env.get("GIT_CONFIG_COUNT") or 0)):
        yield env[f"GIT_CONFIG_KEY_{number}"], env[f"GIT_CONFIG_VALUE_{number}"]


def fetch_tags(scratch: Git, tags: Sequence[str], *, without: str = "") -> None:
    """Bring the commits that tags of the remote name into ``scratch``, without history.

    ``without`` is a filter of git. A server that knows no filters sends all.
    """
    scratch.call(
        "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head",
        *([f"--filter={without}"] if without else []),
        REMOTE, *(f"+refs/tags/{tag}:{_KEPT}{tag}" for tag in tags),
    )  # fmt: skip


def fetch_blobs(scratch: Git, ids: Sequence[str]) -> None:
    """Bring blobs into ``scratch`` that a filter kept away, by one request.

    By protocol version 2 a server gives whatever object it has.
    """
    scratch.call(
        "-c", "fetch.negotiationAlgorithm=noop",
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", f"--filter={WITHOUT_BLOBS}",
        "--stdin", REMOTE, stdin="".join(f"{each}\n" for each in ids).encode(),
    )  # fmt: skip


def shallow_commits(repo: Git) -> list[str]:
    """The commits whose parents are not here because the clone is shallow."""
    path = repo.own_path("shallow")
    return path.read_text("ascii").split() if path.is_file() else []


def mark_shallow(scratch: Git, commits: Sequence[str]) -> None:
    """Take ``commits`` for the first of their history, as in a shallow clone.

    A push from a shallow repository does not send what any commit holds that the other side is
    known to have. From another it regards the parents of the new commits alone, and sends the
    blobs of an earlier tag again (``--objects-edge-aggressive`` of git rev-list).
    """
    path = scratch.own_path("shallow")
    path.write_text("".join(f"{commit}\n" for commit in sorted(set(commits))), "ascii")
    if not commits:
        # An empty file would make it a shallow repository.
        path.unlink()
