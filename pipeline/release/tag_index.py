"""Payloads that tags already hold: found by what their commits say, taken by git object.

A release commit tells in its message which part (a platform, or ``pip``) was made of what, one
line each: ``Cell: linux-amd64 <cell digest>``. So a search reads commits alone. What is taken is
believed by its manifest, not by the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from pipeline.system.errors import PayloadError
from pipeline.system.git import Git, GitFile
from pipeline.system.scratch_repo import COMMITS_ONLY, fetch_tags, init_scratch

SEARCHED_TAGS = 40
"""Older tags are not looked into: who builds a cell anew waits minutes, not hours."""
_CELL = re.compile(r"^Cell: (\S+) ([0-9a-f]{64})$", re.MULTILINE)
_REMEDY = "Build the cell instead; the tag is not what goempy made."


def cell_rows(digests: Mapping[str, str]) -> str:
    """The lines of a release commit's message that tell its cell digests, by part."""
    return "".join(f"Cell: {part} {digest}\n" for part, digest in sorted(digests.items()))


def told_cells(commit_text: str) -> dict[str, str]:
    """The cell digests that a commit tells, by part; none for commits of another kind."""
    return dict(_CELL.findall(commit_text.partition("\n\n")[2]))


def expected_digests(
    cells: Sequence[Cell], matrix: Matrix, pins: Mapping[str, Pin]
) -> dict[str, str]:
    """The digest of each cell, and of ``[pip]``, by name.

    A cell whose asset is not pinned has none: what it will be made of is not known.
    """
    digests = {}
    for cell in cells:
        if pin := pins.get(asset_name(cell, matrix.archive)):
            digests[cell.name] = cell_digest(cell, pin.sha256, matrix)
    if matrix.wheels:
        digests[PIP_CELL] = wheels_digest(matrix)
    return digests


@dataclass(frozen=True, slots=True)
class TagIndex:
    """The release tags of a remote, or of a repository: commit ids by name, the newest first.

    What is not in ``repo`` is fetched from ``remote`` (a name or an address that ``repo`` can
    reach) into repositories below ``scratch``.
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


def known_tags(repo: Git, remote: str, scratch: Path) -> TagIndex:
    """Ask ``remote`` for its release tags; without one they are those of ``repo``."""
    found = repo.remote_tags(remote) if remote else repo.tags()
    names = [name for name in found if tag_rules.version_of(name) is not None]
    names.sort(key=tag_rules.sort_key, reverse=True)
    return TagIndex(repo, remote, scratch, {name: found[name] for name in names})


@dataclass(frozen=True, slots=True)
class PayloadLocation:
    """Where a payload is: a tag, and the part of it."""

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
        for tag, text in _commit_texts(list(group), tags):
            for part, digest in told_cells(text).items():
                places.setdefault(digest, PayloadLocation(tag, part))
        found |= {name: places[digest] for name, digest in lacking.items() if digest in places}
    return {name: found[name] for name in wanted if name in found}


def _commit_texts(names: Sequence[str], tags: TagIndex) -> Iterator[tuple[str, str]]:
    """What the commits of tags say; those that are not here are fetched, without their files."""
    ids = [tags.commits[name] for name in names]
    texts = tags.repo.commit_texts(ids)
    if lacking := [name for name in names if tags.commits[name] not in texts]:
        scratch = init_scratch(tags.scratch / "commits", tags.repo, tags.remote)
        fetch_tags(scratch, lacking, without=COMMITS_ONLY)
        texts |= scratch.commit_texts([tags.commits[name] for name in lacking])
    return ((name, texts[each]) for name, each in zip(names, ids, strict=True) if each in texts)


@dataclass(frozen=True, slots=True)
class TagTree:
    """A tag whose files are in ``git``; where it ``lacks_blobs``, without their contents."""

    tag: str
    git: Git
    files: Mapping[str, GitFile]
    lacks_blobs: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The platforms that have a manifest, and ``pip``, sorted."""
        folders = {PIP_CELL if _is_pip(path) else _platform(path) for path in self.files}
        return tuple(sorted(folders - {""}))

    def manifest_file(self, part: str) -> GitFile:
        """The file of a part's manifest; raises ``PayloadError``."""
        path = f"{part_folder(part)}/{FILE_NAME}"
        if path not in self.files:
            raise PayloadError(f"{self.tag} has no {path}", hint=_REMEDY)
        return self.files[path]

    def payload(self, part: str) -> Payload:
        """A part as it is in the tag; raises ``PayloadError`` for one that is not whole."""
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
            raise PayloadError(f"{where} is incomplete", details=faults, hint=_REMEDY)


def part_folder(part: str) -> str:
    """Where a tag has a part."""
    return f"{PIP_DATA}/{PIP_FOLDER}" if part == PIP_CELL else f"{DATA}/{part}"


def _is_pip(path: str) -> bool:
    return path == f"{PIP_DATA}/{PIP_FOLDER}/{FILE_NAME}"


def _platform(path: str) -> str:
    """The platform whose manifest this is, or ``""``."""
    head, tail = f"{DATA}/", f"/{FILE_NAME}"
    name = path.removeprefix(head).removesuffix(tail)
    return name if path == f"{head}{name}{tail}" and "/" not in name else ""


def hold(names: Sequence[str], tags: TagIndex, *, without: str = "") -> dict[str, TagTree]:
    """Make the files of tags readable; ``without`` names what need not be fetched (a filter)."""
    here = tags.repo.commit_texts([tags.commits[name] for name in names])
    lacking = [name for name in names if tags.commits[name] not in here]
    scratch = tags.repo
    if lacking:
        # A repository for each filter: git takes what it has for all that it asked for.
        folder = tags.scratch / f"tags-{without.replace(':', '-')}"
        scratch = init_scratch(folder, tags.repo, tags.remote)
        fetch_tags(scratch, lacking, without=without)
    held = {}
    for name in names:
        git = scratch if name in lacking else tags.repo
        entries = git.entries(tags.commits[name], sizes=not without)
        files = {each.path: each for each in entries}
        held[name] = TagTree(name, git, files, bool(without) and name in lacking)
    return held


@dataclass(frozen=True, slots=True)
class ReusedPayloads:
    """Payloads of tags, by cell name; their blobs are in ``lenders``, below ``commits``."""

    payloads: Mapping[str, Payload]
    lenders: tuple[Git, ...]
    commits: tuple[str, ...]


def take(
    found: Mapping[str, PayloadLocation], wanted: Mapping[str, str], tags: TagIndex
) -> ReusedPayloads:
    """Take what was found; raises ``PayloadError`` for a part that is not what was wanted."""
    names = list(dict.fromkeys(each.tag for each in found.values()))
    held = hold(names, tags)
    payloads = {}
    for name, place in found.items():
        payload = held[place.tag].payload(place.part)
        if payload.manifest.cell_digest != wanted[name]:
            raise PayloadError(
                f"{place.tag} says that it holds this cell, and its manifest says otherwise",
                hint=_REMEDY,
            ).at(name)
        payloads[name] = payload
    lenders = {str(each.git.folder): each.git for each in held.values()}
    return ReusedPayloads(
        payloads, tuple(lenders.values()), tuple(tags.commits[name] for name in names)
    )
