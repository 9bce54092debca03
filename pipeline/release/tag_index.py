"""The only reader of release tags: which exist, what they contain, which payloads to reuse.

The message of a release commit lists the cell digest of each part (a platform, or ``pip``):
``Cell: linux-amd64 <cell digest>``. So a search reads only commits; a payload found that way is
checked against its manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import semver

from pipeline.build.digest import cell_digest, wheels_digest
from pipeline.config import tags as tag_rules
from pipeline.config.cells import asset_name
from pipeline.config.model import PIP_CELL, Cell, Matrix, Pin
from pipeline.formats.payload.reader import Payload
from pipeline.release.tag_tree import TagContents, TagTree
from pipeline.system.errors import PayloadError, UsageError
from pipeline.system.git import Git
from pipeline.system.scratch_repo import (
    COMMITS_ONLY,
    WITHOUT_BLOBS,
    fetch_tags,
    init_scratch,
    mark_shallow,
    shallow_commits,
)
from pipeline.system.suggest import unknown_names

SEARCHED_TAGS = 40
"""Older tags are not searched: building a cell again takes minutes, not hours."""
_CELL = re.compile(r"^Cell: (\S+) ([0-9a-f]{64})$", re.MULTILINE)


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
class PayloadLocation:
    """A part of a tag."""

    tag: str
    part: str


@dataclass(frozen=True, slots=True)
class ReusedPayloads:
    """Payloads of tags, by cell name; their blobs are in ``repositories``, below ``commits``."""

    payloads: Mapping[str, Payload]
    repositories: tuple[Git, ...]
    commits: tuple[str, ...]


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
        return unknown_names("tag", names, self.commits)

    def require(self, names: Iterable[str]) -> None:
        """Raise ``UsageError`` that lists all names that are not release tags."""
        if faults := self.unknown(names):
            raise UsageError(
                f"{self.repo.folder} has no such tag",
                details=faults,
                hint="Fetch it (git fetch origin tag NAME), or name a repository with --repo.",
            )

    def commit_texts(self, names: Sequence[str]) -> dict[str, str]:
        """The texts of tags' commits, by tag; what ``repo`` lacks is fetched without files."""
        ids = {name: self.commits[name] for name in names}
        texts = self.repo.commit_texts(list(ids.values()))
        if lacking := [name for name, commit in ids.items() if commit not in texts]:
            scratch = init_scratch(self.scratch / "commits", self.repo, self.remote)
            fetch_tags(scratch, lacking, without=COMMITS_ONLY)
            texts |= scratch.commit_texts([ids[name] for name in lacking])
        return {name: texts[commit] for name, commit in ids.items() if commit in texts}

    def trees(self, names: Sequence[str], *, without: str = "") -> dict[str, TagTree]:
        """The trees of tags; ``without`` is a filter of git: what need not be fetched."""
        here = self.repo.commit_texts([self.commits[name] for name in names])
        lacking = [name for name in names if self.commits[name] not in here]
        scratch = self.repo
        if lacking:
            scratch = self._scratch_for(without)
            fetch_tags(scratch, lacking, without=without)
        trees = {}
        for name in names:
            git, commit = scratch if name in lacking else self.repo, self.commits[name]
            files = {each.path: each for each in git.entries(commit, sizes=not without)}
            trees[name] = TagTree(name, git, commit, files, bool(without) and name in lacking)
        return trees

    def manifests(self, names: Sequence[str]) -> dict[str, TagContents]:
        """The contents of tags, with the sizes of files only of those that ``repo`` has.

        Of the others no payload is fetched.
        """
        made = {}
        for name, tree in self.trees(names, without=WITHOUT_BLOBS).items():
            files = [tree.manifest_file(part) for part in tree.parts]
            files += [tree.files[path] for path in ("go.mod",) if path in tree.files]
            tree.fetch([file.id for file in files])
            made[name] = tree.contents()
        return made

    def _scratch_for(self, without: str) -> Git:
        """A repository for each filter: git uses what it has for all later requests."""
        folder = self.scratch / f"tags-{without.replace(':', '-')}"
        is_new = not folder.exists()
        scratch = init_scratch(folder, self.repo, self.remote)
        if is_new and not without:
            # What the repository has of them is not sent again.
            scratch.borrow_objects(self.repo)
            mark_shallow(scratch, shallow_commits(self.repo))
        return scratch

    def find(self, digests: Mapping[str, str]) -> dict[str, PayloadLocation]:
        """Search the newest tags for payloads by their cell digests, which are by cell name."""
        found: dict[str, PayloadLocation] = {}
        names = list(self.commits)[:SEARCHED_TAGS]
        for _version, group in groupby(names, tag_rules.version_of):
            lacking = {name: digest for name, digest in digests.items() if name not in found}
            if not lacking:
                break
            places: dict[str, PayloadLocation] = {}
            for tag, text in self.commit_texts(list(group)).items():
                for part, digest in parse_cell_rows(text).items():
                    places.setdefault(digest, PayloadLocation(tag, part))
            found |= {name: places[digest] for name, digest in lacking.items() if digest in places}
        return {name: found[name] for name in digests if name in found}

    def reuse(
        self, found: Mapping[str, PayloadLocation], digests: Mapping[str, str]
    ) -> ReusedPayloads:
        """Read what was found; raises ``PayloadError`` for a part with another cell digest."""
        trees = self.trees(list(dict.fromkeys(each.tag for each in found.values())))
        payloads = {}
        for name, place in found.items():
            payload = trees[place.tag].payload(place.part)
            if payload.manifest.cell_digest != digests[name]:
                raise PayloadError(
                    f"{place.tag} has this cell's digest in its message, but not in its manifest",
                    hint="Build the cell instead; the tag is not what goempy made.",
                ).at(name)
            payloads[name] = payload
        repositories = {str(each.git.folder): each.git for each in trees.values()}
        commits = tuple(each.commit for each in trees.values())
        return ReusedPayloads(payloads, tuple(repositories.values()), commits)


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
