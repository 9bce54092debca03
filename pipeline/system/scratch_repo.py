"""Scratch repositories, whose fetches leave the real one unchanged.

A fetch with a depth or a filter makes a repository shallow or partial, and so changes its later
fetches. So tags are read in a scratch repository, and pushed from one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.system.git import Git, init_bare

REMOTE = "goempy"
"""The name of the remote in a scratch repository."""
COMMITS_ONLY = "tree:0"
WITHOUT_BLOBS = "blob:none"
_KEPT = "refs/goempy/tags/"
_CONNECTION = re.compile(
    r"(core\.(askpass|gitproxy|sshcommand)|(credential|http|protocol|ssh|url)\..*)", re.DOTALL
)
"""Settings for connections, as ``git config --list`` writes their names."""
_REMOTE_KEYS = ("proxy", "proxyauthmethod", "pushurl", "receivepack", "uploadpack", "url")


def init_scratch(folder: Path, repo: Git, remote: str) -> Git:
    """Make an empty bare repository whose remote ``REMOTE`` is ``remote``, set up as in ``repo``.

    ``remote`` of ``""`` is ``repo`` itself.
    """
    return init_bare(folder, connected(repo, remote or str(repo.git_dir())), like=repo)


def connected(repo: Git, remote: str) -> dict[str, str]:
    """The environment in which git, run elsewhere, connects to ``remote`` as ``repo`` does."""
    settings = [*remote_config(repo, remote), *_settings_of(repo.env)]
    env = dict(repo.env) | {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def remote_address(text: str, repo: Git) -> str:
    """``text``, made absolute if it is a path: it is relative to here, not to ``repo``."""
    if text and text not in repo.remotes() and Path(text).exists():
        return str(Path(text).resolve())
    return text


def remote_config(repo: Git, remote: str) -> Iterator[tuple[str, str]]:
    """The settings of ``repo`` itself that connections to ``remote`` (name or address) need.

    Proxies, credentials, rewritten addresses; also from included files, such as those in which a
    workflow's checkout keeps its token.
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
    """``address``, made absolute if it is a path relative to the repository."""
    path = repo.folder / address
    return str(path.resolve()) if path.exists() else address


def _settings_of(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The settings that an environment makes; they come last, since the last one wins."""
    for number in range(int(env.get("GIT_CONFIG_COUNT") or 0)):
        yield env[f"GIT_CONFIG_KEY_{number}"], env[f"GIT_CONFIG_VALUE_{number}"]


def fetch_tags(scratch: Git, tags: Sequence[str], *, without: str = "") -> None:
    """Fetch the commits of the remote's tags into ``scratch``, without history.

    ``without`` is a filter of git; a server without filters sends everything.
    """
    scratch.call(
        "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head",
        *([f"--filter={without}"] if without else []),
        REMOTE, *(f"+refs/tags/{tag}:{_KEPT}{tag}" for tag in tags),
    )  # fmt: skip


def fetch_blobs(scratch: Git, ids: Sequence[str]) -> None:
    """Fetch blobs into ``scratch`` that a filter left out, by one request.

    With protocol version 2 a server sends any object that it has.
    """
    scratch.call(
        "-c", "fetch.negotiationAlgorithm=noop",
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", f"--filter={WITHOUT_BLOBS}",
        "--stdin", REMOTE, stdin="".join(f"{each}\n" for each in ids).encode(),
    )  # fmt: skip


def added_bytes(scratch: Git, commits: Sequence[str], known: Sequence[str]) -> int:
    """What a push of ``commits`` to a repository that has the objects ``known`` weighs.

    Of ``known`` those that ``scratch`` lacks are left out, as git does.
    """
    rows = "".join([*(f"{each}\n" for each in commits), *(f"^{each}\n" for each in known)])
    out = scratch.call(
        "rev-list", "--objects-edge-aggressive", "--disk-usage", "--ignore-missing", "--stdin",
        stdin=rows.encode(),
    )  # fmt: skip
    return int(out.split()[-1])  # edges are listed above it


def shallow_commits(repo: Git) -> list[str]:
    """The commits whose parents are missing because the clone is shallow."""
    path = repo.own_path("shallow")
    return path.read_text("ascii").split() if path.is_file() else []


def mark_shallow(scratch: Git, commits: Sequence[str]) -> None:
    """Make ``scratch`` a shallow clone that has no parents of ``commits``.

    A push from a shallow repository sends nothing that any commit of the other side has. From
    another one it considers the parents of the new commits alone, and sends the blobs of an
    earlier tag again (``--objects-edge-aggressive`` of git rev-list).
    """
    path = scratch.own_path("shallow")
    path.write_text("".join(f"{commit}\n" for commit in sorted(set(commits))), "ascii")
    if not commits:
        # An empty file would make it a shallow repository.
        path.unlink()
