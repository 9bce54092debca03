"""The git commands that a release needs, typed. Nothing else runs git.

Objects are made in a scratch repository that borrows the objects of the real one, and reach the
real one by an atomic push: a run that dies leaves only unreferenced objects behind.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.system.errors import GitError
from pipeline.system.files import disk_errors
from pipeline.system.network import unreachable
from pipeline.system.process import ProcessResult, error_tail, run

_FILE_MODE = "100644"
_PLACE_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_COMMON_DIR",
    "GIT_DEFAULT_HASH",
)
"""Variables that would direct git to another repository."""
_SETTINGS = (
    "core.autocrlf=false",
    "core.quotePath=false",
    # Commit ids must not depend on anyone's settings, and nothing else may be pushed along.
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "push.followTags=false",
    "push.gpgSign=false",
    "safe.bareRepository=all",
    "gc.auto=0",
    "maintenance.auto=false",
    # Blobs are zstd already: trying deltas and deflate costs minutes and saves nothing.
    "core.looseCompression=0",
    "pack.compression=0",
    "pack.window=0",
    # A blob that the other side has is not sent again because its folder differs.
    "pack.useSparse=false",
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: ``date`` is git's raw form, seconds since 1970 and zone."""

    id: str
    author_name: str
    author_email: str
    date: str


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file of a commit: ``path`` is relative to its root, ``id`` is that of its blob."""

    path: str
    id: str
    size_bytes: int
    mode: str = _FILE_MODE
    """As git writes it: ``100644`` or ``100755``, ``120000`` a link, ``160000`` a submodule."""


@dataclass(frozen=True, slots=True)
class Git:
    """One repository; ``folder`` is its git directory or work tree."""

    folder: Path
    env: Mapping[str, str]

    def call(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> str:
        """Run a git command here and return what it prints.

        Raises ``GitError``, or ``DownloadError`` for a remote that cannot be reached.
        """
        return self._output(*args, stdin=stdin, env=env).decode("utf-8", "surrogateescape")

    def _output(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> bytes:
        done = self._run(*args, stdin=stdin, env=env)
        if fault := unreachable(f"git {args[0]}", done):
            raise fault
        if done.code:
            # A refused push has its reason above the list of all refs.
            raise GitError(
                f"git {args[0]} failed in {self.folder}: {error_tail(done, first=3)}",
                hint=f"Run it by hand to see more: git -C {self.folder} {' '.join(args)[:200]}",
            )
        return done.stdout

    def _run(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> ProcessResult:
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        clean = {k: v for k, v in self.env.items() if k not in _PLACE_VARIABLES}
        clean |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(env or {})}
        return run(["git", "-C", str(self.folder), *settings, *args], env=clean, stdin=stdin)

    def git_dir(self) -> Path:
        """The repository's own directory; raises ``GitError`` where there is none to use."""
        try:
            return Path(self.call("rev-parse", "--absolute-git-dir").strip())
        except GitError as fault:
            raise GitError(
                f"{self.folder} is not a usable git repository ({fault.what})",
                hint="Name another with --repo, or follow git's advice.",
            ) from fault

    def is_repository(self) -> bool:
        """Whether there is one; raises ``GitError`` for one that git refuses to use."""
        try:
            self.git_dir()
        except GitError as fault:
            if "fatal: not a git repository" not in fault.what:
                raise
            return False
        return True

    def commit(self, revision: str) -> Commit:
        """What ``revision`` resolves to; raises ``GitError``."""
        text = self.call(
            "show", "-s", "--no-show-signature", "--date=raw",
            "--format=%H%n%an%n%ae%n%cd", f"{revision}^{{commit}}",
        )  # fmt: skip
        return Commit(*text.rstrip("\n").split("\n"))

    def is_clean(self) -> bool:
        """Whether the work tree has the files of its commit and no others."""
        return not self.call("status", "--porcelain").strip()

    def has_commit(self, revision: str) -> bool:
        """Whether the repository has the commit ``revision``."""
        return self._run("cat-file", "-e", f"{revision}^{{commit}}").code == 0

    def tree_of(self, commit: str) -> str:
        """A commit's tree id."""
        return self.call("rev-parse", f"{commit}^{{tree}}").strip()

    def files(self, revision: str) -> tuple[GitFile, ...]:
        """The files of a commit or tree, sorted by path, without symbolic links and submodules."""
        return tuple(each for each in self.entries(revision) if each.mode.startswith("100"))

    def entries(self, revision: str, *, sizes: bool = True) -> tuple[GitFile, ...]:
        """Everything in a commit or tree, sorted by path, links and submodules as well.

        Without ``sizes`` they are 0, and blobs may be missing.
        """
        how = ["-r", "-z", "--full-tree", *(["-l"] if sizes else [])]
        rows = self.call("ls-tree", *how, revision).split("\0")
        return tuple(_git_file(row) for row in rows if row)

    def read_blob(self, blob_id: str) -> bytes:
        """A file's bytes."""
        return self._output("cat-file", "blob", blob_id)

    def read_blobs(self, blob_ids: Sequence[str]) -> Iterator[bytes]:
        """The bytes of many small files, in the same order, by one command."""
        for blob_id, (kind, data) in zip(blob_ids, self._objects(blob_ids), strict=True):
            if kind != "blob":
                raise GitError(
                    f"{self.folder} lacks blob {blob_id}", hint="Fetch it: the clone is partial."
                )
            yield data

    def commit_texts(self, commits: Sequence[str]) -> dict[str, str]:
        """``commit_text`` of those commits that the repository has, by id."""
        return {
            commit: data.decode("utf-8", "surrogateescape")
            for commit, (kind, data) in zip(commits, self._objects(commits), strict=True)
            if kind == "commit"
        }

    def _objects(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Kind and bytes of each object; one that the repository lacks has the kind ``missing``."""
        wanted = "".join(f"{each}\n" for each in ids).encode()
        answers = io.BytesIO(self._output("cat-file", "--batch", stdin=wanted) if ids else b"")
        for _each in ids:
            # "<id> <kind> <size>", a line break, the bytes and a line break; or "<id> missing".
            _id, kind, *size = answers.readline().decode().split()
            yield kind, answers.read(int(size[0]) + 1)[:-1] if size else b""

    def commit_text(self, commit: str) -> str:
        """A commit as git stores it: headers, an empty line, the message."""
        return self.call("cat-file", "commit", commit)

    def write_files(self, files: Sequence[TreeFile], scratch: Path) -> list[str]:
        """Store as a blob each file that is not one yet; returns all ids in the same order."""
        texts = [file.text for file in files if not (file.source or file.object_id)]
        listing = b"".join(os.fsencode(file.source) + b"\n" for file in files if file.source)
        argv = ("-w", "--no-filters", "--stdin-paths")
        out = self.call("hash-object", *argv, stdin=listing) if listing else ""
        sources, made = iter(out.split()), iter(self._write_texts(texts, scratch / "marks"))
        return [file.object_id or next(sources if file.source else made) for file in files]

    def _write_texts(self, texts: Sequence[bytes], marks: Path) -> list[str]:
        """Store blobs in one pack, without a file for each; ``marks`` is a scratch file's path."""
        blobs = (
            b"blob\nmark :%d\ndata %d\n%s\n" % (number, len(text), text)
            for number, text in enumerate(texts, start=1)
        )
        argv = ("--quiet", "--depth=0", f"--export-marks={marks}")
        self.call("fast-import", *argv, stdin=b"".join(blobs))
        stored = dict(row.split() for row in marks.read_text("ascii").splitlines())
        return [stored[f":{number}"] for number in range(1, len(texts) + 1)]

    def write_tree(self, files: Sequence[TreeFile], ids: Sequence[str], index: Path) -> str:
        """Store the tree that has ``files`` at their paths; ``index`` is a scratch file's path."""
        rows = "".join(
            f"{_FILE_MODE} {blob}\t{file.path}\0" for file, blob in zip(files, ids, strict=True)
        )
        env = {"GIT_INDEX_FILE": str(index)}
        self.call("update-index", "-z", "--index-info", stdin=rows.encode(), env=env)
        tree = self.call("write-tree", env=env).strip()
        index.unlink()
        return tree

    def write_commit(self, tree: str, parent: Commit, message: str) -> str:
        """Store a commit with the parent's author and date, so that it is the same every time."""
        who = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (
                ("NAME", parent.author_name),
                ("EMAIL", parent.author_email),
                ("DATE", parent.date),
            )
        }
        return self.call(
            "commit-tree", tree, "-p", parent.id, stdin=message.encode(), env=who
        ).strip()

    def tags(self) -> dict[str, str]:
        """Commit id by tag name."""
        rows = self.call(
            "for-each-ref", "--format=%(refname:strip=2) %(objectname) %(*objectname)", "refs/tags"
        )
        return {row.split()[0]: row.split()[-1] for row in rows.splitlines()}

    def remote_tags(self, remote: str) -> dict[str, str]:
        """Commit id by tag name at ``remote``; raises ``GitError`` when it cannot be reached."""
        tags: dict[str, str] = {}
        for row in self.call("ls-remote", "--tags", remote).splitlines():
            commit, ref = row.split("\t")
            name = ref.removeprefix("refs/tags/")
            # "name^{}" follows an annotated tag and has the commit that it points to.
            tags[name.removesuffix("^{}")] = commit
        return tags

    def fetch(self, remote: str, *refspecs: str) -> None:
        """Fetch refs and their objects, also from a shallow clone."""
        self.call(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow",
            remote, *refspecs,
        )  # fmt: skip

    def push(self, remote: str, refs: Mapping[str, str], *, delete: Sequence[str] = ()) -> None:
        """Create ``refs`` (full name → commit id) and ``delete`` others: all of it or nothing."""
        specs = [f"{commit}:{ref}" for ref, commit in sorted(refs.items())]
        specs += [f":{ref}" for ref in delete]
        self.call("push", "--quiet", "--atomic", "--no-verify", remote, *specs)

    def refs_below(self, prefix: str) -> list[str]:
        """Full names of this repository's refs below ``prefix``."""
        return self.call("for-each-ref", "--format=%(refname)", prefix).split()

    def delete_refs(self, refs: Sequence[str]) -> None:
        """Delete refs of this repository that exist."""
        rows = "".join(f"delete {ref}\n" for ref in refs)
        self.call("update-ref", "--stdin", stdin=rows.encode())

    def borrow_objects(self, other: Git) -> None:
        """Use the objects of ``other`` as well, without copying them."""
        alternates = self.git_dir() / "objects" / "info" / "alternates"
        alternates.parent.mkdir(parents=True, exist_ok=True)
        with alternates.open("ab") as file:
            file.write(os.fsencode(other.own_path("objects").resolve()) + b"\n")

    def own_path(self, name: str) -> Path:
        """The path of a file or folder of the repository: ``objects``, ``shallow``."""
        return self.folder / self.call("rev-parse", "--git-path", name).strip()

    def remotes(self) -> list[str]:
        """The names of the repository's remotes."""
        return self.call("remote").split()


def init_bare(folder: Path, env: Mapping[str, str], *, like: Git) -> Git:
    """Make an empty bare repository with the object format of ``like``, unless there is one."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    git = Git(folder, env)
    form = like.call("rev-parse", "--show-object-format").strip()
    git.call("init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={form}")
    return git


def _git_file(row: str) -> GitFile:
    """One row of ``ls-tree -l``: mode, kind, id, size, then a tab and the path."""
    fields, _tab, path = row.partition("\t")
    mode, _kind, blob_id, *size = fields.split()
    if size == ["BAD"]:
        raise GitError(
            f"blob {blob_id} of {path} is missing", hint="Fetch it: the clone is partial."
        )
    # A submodule has no size here.
    return GitFile(path, blob_id, 0 if size in ([], ["-"]) else int(size[0]), mode)


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file of a module tree; ``path`` is relative to the module's root.

    Its bytes are ``text``, or the ``stored_bytes`` of the file ``source`` or of the git blob
    ``object_id``.
    """

    path: str
    text: bytes = b""
    source: str = ""
    stored_bytes: int = 0
    object_id: str = ""

    @property
    def size_bytes(self) -> int:
        """How many bytes the file has."""
        return self.stored_bytes if self.source or self.object_id else len(self.text)
