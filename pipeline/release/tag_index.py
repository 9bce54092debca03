"""The only reader of release tags: which exist, what they contain, which payloads to reuse.

The message of a release commit lists the cell digest of each part (a platform, or ``pip``):
``Cell: linux-amd64 <cell digest>``. So a search reads only commits; a payload found that way is
checked against its manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import semver

from pipeline.build.digest import cell_digest, wheels_digest
from pipeline.config import tags as tag_rules
from pipeline.config.cells import asset_name
from pipeline.config.model import PIP_CELL, Cell, Matrix, Pin
from pipeline.formats.payload.manifest import FILE_NAME, parse_manifest
from pipeline.formats.payload.model import Manifest
from pipeline.formats.payload.reader import Payload, StoredBlob, blob_names
from pipeline.release.module_tree import COMMON, DATA, PIP_DATA, PIP_FOLDER
from pipeline.system.errors import PayloadError, UsageError
from pipeline.system.git import Git, GitFile
from pipeline.system.scratch_repo import (
    COMMITS_ONLY,
    fetch_tags,
    init_scratch,
    mark_shallow,
    shallow_commits,
)
from pipeline.system.suggest import near_names

SEARCHED_TAGS = 40
"""Older tags are not searched: building a cell again takes minutes, not hours."""
_CELL = re.compile(r"^Cell: (\S+) ([0-9a-f]{64})$", re.MULTILINE)
_MODULE = re.compile(rb"^module (\S+)$", re.MULTILINE)
_HINT = "Build the cell instead; the tag is not what goempy made."


def cell_rows(digests: Mapping[str, str]) -> str:
    """The lines of a release commit's message for its cell digests, which are by part."""
    return "".join(f"Cell: {part} {digest}\n" for part, digest in sorted(digests.items()))


def parse_cell_rows(commit_text: str) -> dict[str, str]:
    """The cell digests in a commit's message, by part; none for other commits."""
    return dict(_CELL.findall(commit_text.partition("\n\n")[2]))


def expected_digests(
    cells: Sequence[Cell], matrix: Matrix, pins: Mapping[str, Pin]
) -> dict[str, str]:
    """The digest of each cell whose asset is pinned, and of ``[pip]``, by name."""
    digests = {}
    for cell in cells:
        if pin := pins.get(asset_name(cell, matrix.archive)):
            digests[cell.name] = cell_digest(cell, pin.sha256, matrix)
    if matrix.wheels:
        digests[PIP_CELL] = wheels_digest(matrix)
    return digests


@dataclass(frozen=True, slots=True)
class TagIndex:
    """Release tags: commit ids by name, the newest first.

    What ``repo`` lacks is fetched from ``remote`` (a name or an address that ``repo`` can reach)
    into repositories below ``scratch``; ``repo`` does not change.
    """

    repo: Git
    remote: str
    scratch: Path
    commits: Mapping[str, str]

    @property
    def newest(self) -> semver.Version | None:
        """The highest VERSION that was released."""
        versions = map(tag_rules.version_of, self.commits)
        return max((each for each in versions if each is not None), default=None)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """A row for each name that is not a release tag, with the nearest one."""
        return [near_names("tag", each, self.commits) for each in names if each not in self.commits]

    def require(self, names: Iterable[str]) -> None:
        """Raise ``UsageError`` that lists all names that are not release tags."""
        if faults := self.unknown(names):
            raise UsageError(
                f"{self.repo.folder} has no such tag",
                details=faults,
                hint="Fetch the tags (git fetch --tags), or name another repository with --repo.",
            )


def known_tags(
    repo: Git, remote: str = "", scratch: Path = Path(), *, both: bool = False
) -> TagIndex:
    """The release tags of ``remote``, else of ``repo``; those of ``both`` if that is set.

    Without ``remote`` nothing is fetched. Raises ``GitError`` where there is no repository.
    """
    repo.git_dir()
    found = repo.remote_tags(remote) if remote else {}
    if both or not remote:
        found |= repo.tags()
    names = [name for name in found if tag_rules.version_of(name) is not None]
    names.sort(key=tag_rules.sort_key, reverse=True)
    return TagIndex(repo, remote, scratch, {name: found[name] for name in names})


@dataclass(frozen=True, slots=True)
class PayloadLocation:
    """A part of a tag."""

    tag: str
    part: str


def find(wanted: Mapping[str, str], tags: TagIndex) -> dict[str, PayloadLocation]:
    """Search the newest tags for payloads by their cell digests; both results are by cell name."""
    found: dict[str, PayloadLocation] = {}
    names = list(tags.commits)[:SEARCHED_TAGS]
    for _version, group in groupby(names, tag_rules.version_of):
        lacking = {name: digest for name, digest in wanted.items() if name not in found}
        if not lacking:
            break
        places: dict[str, PayloadLocation] = {}
        for tag, text in commit_texts(list(group), tags).items():
            for part, digest in parse_cell_rows(text).items():
                places.setdefault(digest, PayloadLocation(tag, part))
        found |= {name: places[digest] for name, digest in lacking.items() if digest in places}
    return {name: found[name] for name in wanted if name in found}


def commit_texts(names: Sequence[str], tags: TagIndex) -> dict[str, str]:
    """The texts of tags' commits, by tag; those that ``repo`` lacks are fetched without files."""
    ids = [tags.commits[name] for name in names]
    texts = tags.repo.commit_texts(ids)
    if lacking := [name for name in names if tags.commits[name] not in texts]:
        scratch = init_scratch(tags.scratch / "commits", tags.repo, tags.remote)
        fetch_tags(scratch, lacking, without=COMMITS_ONLY)
        texts |= scratch.commit_texts([tags.commits[name] for name in lacking])
    return {name: texts[each] for name, each in zip(names, ids, strict=True) if each in texts}


@dataclass(frozen=True, slots=True)
class TagContents:
    """What a tag contains; ``files`` are the regular ones, with sizes."""

    tag: str
    module: str
    """The module path, with ``/vN``."""
    date: datetime
    """That of the source commit, in UTC."""
    payloads: Mapping[str, Payload]
    """By platform, sorted; at least one."""
    pip: Payload | None = None
    files: tuple[GitFile, ...] = ()


@dataclass(frozen=True, slots=True)
class TagTree:
    """A tag whose files are in ``git``; if it ``lacks_blobs``, without their contents."""

    tag: str
    git: Git
    commit: str
    files: Mapping[str, GitFile]
    """By path; links and submodules as well."""
    lacks_blobs: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The platforms that have a manifest, and ``pip``, sorted."""
        tail = f"/{FILE_NAME}"
        names = {path.split("/")[-2] for path in self.files if path.endswith(tail)}
        return tuple(sorted(n for n in names if f"{part_folder(n)}{tail}" in self.files))

    def read(self, path: str) -> bytes:
        """A file's bytes, none for one that does not exist."""
        file = self.files.get(path)
        return self.git.read_blob(file.id) if file else b""

    def contents(self) -> TagContents:
        """Read all manifests; raises ``UsageError`` for a tag that is not a release."""
        module = _MODULE.search(self.read("go.mod"))
        payloads = {part: self.payload(part) for part in self.parts}
        pip = payloads.pop(PIP_CELL, None)
        if not module or not payloads:
            raise UsageError(
                f"{self.tag} is not a release: it contains no payloads",
                hint="Name a tag that 'goempy finalize' or 'goempy release' made.",
            )
        seconds = int(self.git.commit(self.commit).date.split()[0])
        files = tuple(each for each in self.files.values() if each.mode.startswith("100"))
        date = datetime.fromtimestamp(seconds, UTC)
        return TagContents(self.tag, module[1].decode(), date, payloads, pip, files)

    def manifest_file(self, part: str) -> GitFile:
        """The file of a part's manifest; raises ``PayloadError``."""
        path = f"{part_folder(part)}/{FILE_NAME}"
        if path not in self.files:
            raise PayloadError(f"{self.tag} has no {path}", hint=_HINT)
        return self.files[path]

    def payload(self, part: str) -> Payload:
        """A part as the tag has it; raises ``PayloadError`` for one that is not complete."""
        folder = part_folder(part)
        where = f"{self.tag}:{folder}"
        data = self.git.read_blob(self.manifest_file(part).id)
        manifest = parse_manifest(data, where=f"{where}/{FILE_NAME}")
        blobs = tuple(self._blobs(folder, manifest, where))
        return Payload(Path(where), manifest, blobs, self.git.read_blob)

    def _blobs(self, folder: str, manifest: Manifest, where: str) -> Iterator[StoredBlob]:
        faults = []
        for name in blob_names(manifest):
            file = self.files.get(f"{folder}/{name}") or self.files.get(f"{DATA}/{COMMON}/{name}")
            if file is None:
                faults.append(f"blob {name} is missing")
            else:
                yield StoredBlob(name, None, file.size_bytes, file.id)
        if faults:
            raise PayloadError(f"{where} is incomplete", details=faults, hint=_HINT)


def part_folder(part: str) -> str:
    """Where a tag has a part."""
    return f"{PIP_DATA}/{PIP_FOLDER}" if part == PIP_CELL else f"{DATA}/{part}"


def hold(names: Sequence[str], tags: TagIndex, *, without: str = "") -> dict[str, TagTree]:
    """Make the files of tags readable; ``without`` is a filter of git: what not to fetch."""
    here = tags.repo.commit_texts([tags.commits[name] for name in names])
    lacking = [name for name in names if tags.commits[name] not in here]
    scratch = tags.repo
    if lacking:
        scratch = _scratch(tags, without)
        fetch_tags(scratch, lacking, without=without)
    held = {}
    for name in names:
        git, commit = scratch if name in lacking else tags.repo, tags.commits[name]
        files = {each.path: each for each in git.entries(commit, sizes=not without)}
        held[name] = TagTree(name, git, commit, files, bool(without) and name in lacking)
    return held


def _scratch(tags: TagIndex, without: str) -> Git:
    """A repository for each filter: git takes what it has for all that it asked for."""
    folder = tags.scratch / f"tags-{without.replace(':', '-')}"
    is_new = not folder.exists()
    scratch = init_scratch(folder, tags.repo, tags.remote)
    if is_new and not without:
        # What the repository has of them is not sent again.
        scratch.borrow_objects(tags.repo)
        mark_shallow(scratch, shallow_commits(tags.repo))
    return scratch


@dataclass(frozen=True, slots=True)
class ReusedPayloads:
    """Payloads of tags, by cell name; their blobs are in ``lenders``, below ``commits``."""

    payloads: Mapping[str, Payload]
    lenders: tuple[Git, ...]
    commits: tuple[str, ...]


def take(
    found: Mapping[str, PayloadLocation], wanted: Mapping[str, str], tags: TagIndex
) -> ReusedPayloads:
    """Read what was found; raises ``PayloadError`` for a part with another cell digest."""
    names = list(dict.fromkeys(each.tag for each in found.values()))
    held = hold(names, tags)
    payloads = {}
    for name, place in found.items():
        payload = held[place.tag].payload(place.part)
        if payload.manifest.cell_digest != wanted[name]:
            raise PayloadError(
                f"{place.tag} has this cell's digest in its message, but not in its manifest",
                hint=_HINT,
            ).at(name)
        payloads[name] = payload
    lenders = {str(each.git.folder): each.git for each in held.values()}
    return ReusedPayloads(
        payloads, tuple(lenders.values()), tuple(tags.commits[name] for name in names)
    )
