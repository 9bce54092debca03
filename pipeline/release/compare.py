"""Payloads compared with what a tag holds in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.formats.payload.reader import Payload
from pipeline.release.diff import (
    TreeDiff,
    compare,
    difference_rows,
    is_common,
    is_manifest,
    manifest_rows,
    part_of,
)
from pipeline.release.module_tree import COMMON, DATA, data_attributes, payload_files
from pipeline.release.tag_tree import TagTree, part_folder
from pipeline.release.tagging import TagWorkspace
from pipeline.system.errors import VerifyError
from pipeline.system.git import Git, GitFile, TreeFile


@dataclass(frozen=True, slots=True)
class PartComparison:
    """A payload, by cell name, and the tag that has it; ``rows`` are empty if they are equal."""

    name: str
    tag: str
    summary: str
    rows: tuple[str, ...]
    paths: frozenset[str]
    """Those of the tag's files that were compared."""

    def __str__(self) -> str:
        if self.rows:
            return f"{self.name}: {self.tag} differs in {self.summary}"
        return f"{self.name}: reproduced, as in {self.tag}"


def stored_files(files: Sequence[TreeFile], git: Git, scratch: Path) -> list[GitFile]:
    """Write ``files`` to ``git``; the result is what a tree of them would list."""
    ids = git.write_files(files, scratch)
    return [
        GitFile(file.path, blob_id, file.size_bytes)
        for file, blob_id in zip(files, ids, strict=True)
    ]


def diff_rows(difference: TreeDiff, git: Git) -> Iterator[str]:
    """One row a file, and below manifests what differs in them; ``git`` has all objects."""
    within = {
        each.tag.path: tuple(
            manifest_rows(git.read_blob(each.tag.id), git.read_blob(each.rebuilt.id))
        )
        for each in difference.changed
        if is_manifest(each.tag.path) and each.tag.mode.startswith("100")
    }
    yield from difference_rows(difference, within)


def compare_parts(
    parts: Sequence[tuple[str, str, TagTree]],
    payloads: Mapping[str, Payload],
    workspace: TagWorkspace,
) -> tuple[PartComparison, ...]:
    """Compare each payload with its tag; ``parts`` are cell name, part and tag of each."""
    compared = []
    for name, part, tree in parts:
        payload = payloads[name]
        theirs = part_of(tree.files.values(), part, [blob.name for blob in payload.blobs])
        files = [*payload_files(part_folder(part), payload)]
        if any(map(is_common, theirs)):
            files.append(data_attributes(f"{DATA}/{COMMON}"))
        ours = stored_files(files, workspace.git, workspace.scratch)
        difference = compare([*theirs.values()], ours)
        rows = tuple(diff_rows(difference, workspace.git))
        compared.append(PartComparison(name, tree.tag, difference.summary, rows, frozenset(theirs)))
    return tuple(compared)


def require_reproduced(compared: Sequence[PartComparison]) -> None:
    """Raise ``VerifyError`` for payloads that differ from their tags."""
    details = [str(each) for each in compared if each.rows]
    if details:
        raise VerifyError(
            "payloads differ from those of existing tags; no tag was moved",
            details=details,
            hint="The list above says where. The same code, files and assets make the same "
            "payloads: find out which of them changed, and raise VERSION to release it.",
        )
