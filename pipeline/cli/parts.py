"""Payloads held against what a tag has in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.cli.workspace import Session
from pipeline.formats.payload.manifest import FILE_NAME, dump_manifest
from pipeline.formats.payload.reader import Payload
from pipeline.release.diff import (
    TreeDiff,
    compare,
    difference_rows,
    is_manifest,
    manifest_rows,
    part_of,
)
from pipeline.release.module_tree import blob_file
from pipeline.release.tag_index import TagTree, part_folder
from pipeline.release.tagging import TagWorkspace
from pipeline.system.errors import VerifyError
from pipeline.system.git import Git, GitFile, TreeFile


def part_files(part: str, payload: Payload) -> list[TreeFile]:
    """A payload as the module holds it where a platform stands alone."""
    folder = part_folder(part)
    manifest = TreeFile(f"{folder}/{FILE_NAME}", dump_manifest(payload.manifest))
    return [manifest, *(blob_file(folder, blob) for blob in payload.blobs)]


def stored(files: Sequence[TreeFile], workshop: Git, scratch: Path) -> list[GitFile]:
    """Files as a tree would hold them."""
    ids = workshop.write_files(files, scratch)
    return [
        GitFile(file.path, blob_id, file.size_bytes)
        for file, blob_id in zip(files, ids, strict=True)
    ]


def told_difference(difference: TreeDiff, workshop: Git) -> Iterator[str]:
    """One row a file, with what manifests say differently; ``workshop`` sees all objects."""
    within = {
        each.tag.path: tuple(
            manifest_rows(workshop.read_blob(each.tag.id), workshop.read_blob(each.rebuilt.id))
        )
        for each in difference.changed
        if is_manifest(each.tag.path) and each.tag.mode.startswith("100")
    }
    yield from difference_rows(difference, within)


def require_reproduced(
    parts: Sequence[tuple[str, str, TagTree]],
    payloads: Mapping[str, Payload],
    bench: TagWorkspace,
    session: Session,
) -> None:
    """Say of each payload that the tag has the same; raises ``VerifyError`` for those that differ.

    ``parts`` are cell name, part and tag of each.
    """
    faults, rows = [], []
    for name, part, held in parts:
        payload = payloads[name]
        names = [blob.name for blob in payload.blobs]
        theirs = part_of(held.files.values(), part, names)
        ours = stored(part_files(part, payload), bench.workshop, bench.scratch)
        difference = compare(theirs, ours)
        if not difference:
            rows.append(f"{name}: reproduced, as in {held.tag}")
            continue
        for row in told_difference(difference, bench.workshop):
            session.console.result(row)
        faults.append(f"{name}: {held.tag} differs in {difference.summary}")
    for row in rows:
        session.console.result(row)
    told = "".join(f"- {row}\n" for row in [*rows, *faults])
    session.summary(f"### Compared with the tags\n\n{told}")
    if faults:
        raise VerifyError(
            "payloads differ from those of tags that exist; no tag was moved",
            details=faults,
            hint="The list says where. The same code, files and assets make the same payloads: "
            "find out which of them changed, and raise VERSION to release it.",
        )
