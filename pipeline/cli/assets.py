"""``goempy assets``: the files and the notes of releases, from what their tags hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli.hosted import repository_of
from pipeline.cli.requests import AssetsRequest
from pipeline.cli.sbom import read_contents
from pipeline.cli.workspace import Session
from pipeline.config.model import PIP_CELL
from pipeline.publish import release_notes as notes
from pipeline.publish.github_release import NOTES
from pipeline.publish.picture import draw
from pipeline.publish.release_notes import (
    PICTURE,
    SUMS,
    Home,
    TagFacts,
    facts_of,
    home_of,
    release_notes,
)
from pipeline.publish.sbom import TagContents, make_sbom
from pipeline.publish.sizes import TagSizes, break_down, measure_tag, tag_rows
from pipeline.release.third_party_licenses import FILE_NAME as NOTICES
from pipeline.system.errors import UsageError
from pipeline.system.files import replace_dir, scratch_dir
from pipeline.system.git import Commit, Git
from pipeline.system.scratch_repo import (
    COMMITS_ONLY,
    fetch_tags,
    init_scratch,
    mark_shallow,
    remote_address,
    shallow_commits,
)
from pipeline.system.suggest import near_names

SBOM = "sbom.cdx.json"
_SERVER_VARIABLE = "GITHUB_SERVER_URL"
_PUBLIC_SERVER = "https://github.com"


class _TagReader:
    """The tags of a repository and, where one is named, of its remote.

    What is fetched stays in ``scratch``: the repository is left as it is.
    """

    def __init__(self, repo: Git, remote: str, scratch: Path) -> None:
        self.repo = repo
        self._remote = remote
        self._scratch = scratch
        self._here = repo.tags()
        self._there = repo.remote_tags(remote) if remote else {}
        self._messages: dict[str, str] = {}
        self._whole: Git | None = None

    @property
    def names(self) -> frozenset[str]:
        """All tags."""
        return frozenset({*self._here, *self._there})

    def commit(self, tag: str) -> tuple[Git, Commit]:
        """The commit of a tag, and the repository that has all that it holds."""
        if tag in self._here:
            return self.repo, self.repo.commit(self._here[tag])
        if self._whole is None:
            self._whole = init_scratch(self._scratch / "whole", self.repo, self._remote)
            self._whole.borrow_objects(self.repo)
            mark_shallow(self._whole, shallow_commits(self.repo))
        fetch_tags(self._whole, [tag])
        return self._whole, self._whole.commit(self._there[tag])

    def message(self, tag: str) -> str:
        """What the commit of a tag says; those of all tags are fetched at once."""
        if tag in self._here:
            return self.repo.commit_text(self._here[tag])
        if not self._messages:
            lacking = {n: c for n, c in self._there.items() if n not in self._here}
            wanted = [n for n in lacking if notes.is_release(n) and not notes.named_python(n)]
            git = init_scratch(self._scratch / "messages", self.repo, self._remote)
            fetch_tags(git, wanted, without=COMMITS_ONLY)
            texts = git.commit_texts([lacking[name] for name in wanted])
            self._messages = {name: texts.get(lacking[name], "") for name in wanted}
        return self._messages[tag]


@dataclass(frozen=True, slots=True)
class _Read:
    """A tag that was read."""

    contents: TagContents
    sizes: TagSizes
    notices: bytes | None

    @property
    def facts(self) -> TagFacts:
        payloads = [each.manifest for each in self.contents.payloads]
        return facts_of(self.contents.module, self.sizes, payloads, self.contents.pip)


def assets(request: AssetsRequest, session: Session) -> None:
    """Write a folder for each tag, in place of the one that is there."""
    repo = Git((request.repo or session.root).resolve(), session.env)
    repo.git_dir()
    out = request.out.resolve()
    with scratch_dir(out) as scratch:
        shelf = _TagReader(repo, remote_address(request.remote, repo), scratch)
        for tag in _chosen(request, shelf, session):
            files = _files(tag, shelf, session)
            folder = scratch / tag
            folder.mkdir()
            for name, data in files.items():
                (folder / name).write_bytes(data)
            replace_dir(folder, out / tag)
            session.console.result(f"{request.out / tag}: {', '.join(sorted(files))}")


def _chosen(request: AssetsRequest, shelf: _TagReader, session: Session) -> tuple[str, ...]:
    if request.tags:
        faults = [near_names("tag", each, shelf.names) for each in request.tags
                  if each not in shelf.names]  # fmt: skip
        if faults:
            raise UsageError(
                f"{shelf.repo.folder} has no such tags",
                details=faults,
                hint="Make them with 'goempy finalize'; see --repo and --remote.",
            )
        return tuple(dict.fromkeys(request.tags))
    version = str(session.version())
    found = sorted(each for each in shelf.names if notes.is_of_version(each, version))
    if not found:
        raise UsageError(
            f"{shelf.repo.folder} has no tag of VERSION {version}",
            hint="Make them with 'goempy finalize'; see --repo and --remote.",
        )
    return tuple(found)


def _files(tag: str, shelf: _TagReader, session: Session) -> Mapping[str, bytes]:
    """Everything of one tag, by file name: what is uploaded, its sums, and the notes."""
    read = _read(tag, shelf)
    files = {
        SBOM: make_sbom(read.contents),
        PICTURE: draw(tag_rows(read.sizes), break_down(tag, read.sizes.contents)),
    }
    if read.notices is not None:
        files[NOTICES] = read.notices
    rows = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    files[SUMS] = "".join(rows).encode()
    now = read.facts
    last = _last(now, shelf)
    before = _read(last, shelf).facts if last else None
    files[NOTES] = release_notes(now, before, _home(now.module, session)).encode()
    return files


def _read(tag: str, shelf: _TagReader) -> _Read:
    repo, commit = shelf.commit(tag)
    contents = read_contents(tag, commit, repo)
    files = repo.files(commit.id)
    manifests = {each.platform: each.manifest for each in contents.payloads}
    if contents.pip is not None:
        manifests[PIP_CELL] = contents.pip
    notices = [repo.read_blob(file.id) for file in files if file.path == NOTICES]
    return _Read(contents, measure_tag(tag, files, manifests), notices[0] if notices else None)


def _last(now: TagFacts, shelf: _TagReader) -> str:
    """The last tag of the same line, ``""`` for none."""
    minor = now.line.minor_name
    for tag in notes.candidates(now.tag, minor, shelf.names):
        python = notes.named_python(tag)
        if not python:
            python = notes.told_python(shelf.message(tag))
        if notes.minor_of(python) == minor:
            return tag
    return ""


def _home(module: str, session: Session) -> Home:
    """On Actions the repository that runs; at home the one that the module path names."""
    repository = repository_of(session.env)
    if not repository:
        return home_of(module)
    return Home(session.env.get(_SERVER_VARIABLE, "") or _PUBLIC_SERVER, repository)
