"""Whether tags that exist hold what would be released now, told without building anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import semver

from pipeline.config.model import PIP_CELL, Cell, Line, Matrix
from pipeline.formats.payload.manifest import blob_name, is_file
from pipeline.formats.payload.reader import Payload
from pipeline.release.payload_dir import expected_digest
from pipeline.release.tag_index import TagIndex, TagTree, hold
from pipeline.release.tagging import plan_tags
from pipeline.release.third_party_licenses import declared_components
from pipeline.system.errors import TagConflictError
from pipeline.system.git import Git, TreeFile, init_bare
from pipeline.system.scratch_repo import WITHOUT_BLOBS, fetch_blobs

_TOLD_PATHS = 10


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be released, as far as the files of the checkout tell it."""

    matrix: Matrix
    version: semver.Version
    primary: Line
    cells: tuple[Cell, ...]
    digests: Mapping[str, str]
    """By cell name, as ``reuse.expected_digests`` gives them."""


def require_same(lines: Mapping[str, Line], aim: Aim, tags: TagIndex) -> None:
    """Raise ``TagConflictError`` for tags that hold other content than their lines would now.

    ``lines`` are by tag; each tag is one of ``tags``.
    """
    held = hold(list(lines), tags, without=WITHOUT_BLOBS)
    scratch = init_bare(tags.scratch / "compared", tags.repo.env, like=tags.repo)
    faults = [
        f"{tag}: {fault}"
        for tag, line in lines.items()
        for fault in _differences(held[tag], line, aim, scratch)
    ]
    if faults:
        raise TagConflictError(
            f"tags of VERSION {aim.version} exist with other content",
            details=faults,
            hint="A tag never moves: raise VERSION.",
        )


def require_newest(version: semver.Version, new: Sequence[str], tags: TagIndex) -> None:
    """Raise ``TagConflictError`` where ``new`` tags would be older than released ones."""
    newest = tags.newest
    if new and newest is not None and version < newest:
        raise TagConflictError(
            f"VERSION is {version}, and {newest} is released already",
            details=[f"{tag} does not exist" for tag in new],
            hint=f"Raise VERSION above {newest}.",
        )


def _differences(held: TagTree, line: Line, aim: Aim, scratch: Git) -> list[str]:
    cells = [cell for cell in aim.cells if cell.line == line]
    faults = list(_other_parts(held, cells, aim))
    if faults:
        return faults
    payloads = _payloads(held, cells, aim)
    faults = list(_other_cells(payloads, cells, aim))
    if faults:
        return faults
    _fetch_texts(held, payloads.values())
    (plan,) = plan_tags(aim.matrix, aim.version, aim.primary, cells, payloads)
    folder = Path(scratch.folder)
    ids = scratch.write_files(plan.files, folder)
    return _other_paths(held, plan.files, ids)


def _other_parts(held: TagTree, cells: Sequence[Cell], aim: Aim) -> Iterator[str]:
    wanted = {cell.platform.name for cell in cells} | ({PIP_CELL} if aim.matrix.wheels else set())
    there = set(held.parts)
    for part in sorted(wanted - there):
        yield f"it lacks {part}"
    for part in sorted(there - wanted):
        yield f"it holds {part}, which the matrix does not have there"


def _payloads(held: TagTree, cells: Sequence[Cell], aim: Aim) -> dict[str, Payload]:
    """The tag's payloads by cell name."""
    parts = {cell.name: cell.platform.name for cell in cells}
    if aim.matrix.wheels:
        parts[PIP_CELL] = PIP_CELL
    _fetch(held, [held.manifest_file(part).id for part in parts.values()])
    return {name: held.payload(part) for name, part in parts.items()}


def _other_cells(payloads: Mapping[str, Payload], cells: Sequence[Cell], aim: Aim) -> Iterator[str]:
    # Where no pin tells the asset, it may be the one that the tag was made of.
    unpinned = {
        cell.name: expected_digest(cell, aim.matrix, payloads[cell.name])
        for cell in cells
        if cell.name not in aim.digests
    }
    for name, payload in payloads.items():
        if payload.manifest.cell_digest != (aim.digests.get(name) or unpinned[name]):
            yield f"cell {name} is made of something else now"


def _fetch_texts(held: TagTree, payloads: Iterable[Payload]) -> None:
    """Fetch what the rendering reads: licence texts."""
    wanted = set()
    for payload in payloads:
        manifest = payload.manifest
        texts = {text for each in declared_components(manifest) for text in each.texts}
        names = {blob_name(e) for e in manifest.entries if is_file(e) and e.name in texts}
        names = {manifest.stream} if manifest.stream and names else names
        wanted |= {blob.object_id for blob in payload.blobs if blob.name in names}
    _fetch(held, sorted(wanted))


def _fetch(held: TagTree, ids: Sequence[str]) -> None:
    if held.lacks_blobs and ids:
        fetch_blobs(held.git, ids)


def _other_paths(held: TagTree, files: Sequence[TreeFile], ids: Sequence[str]) -> list[str]:
    """Files that are not the same, sorted by path."""
    ours = {file.path: each for file, each in zip(files, ids, strict=True)}
    theirs = {
        path: each.id if each.mode == "100644" else each.mode for path, each in held.files.items()
    }
    told = []
    for path in sorted(ours.keys() | theirs.keys()):
        if path not in ours:
            told.append(f"{path} is only there")
        elif path not in theirs:
            told.append(f"{path} is new")
        elif ours[path] != theirs[path]:
            told.append(f"{path} is another")
    rest = len(told) - _TOLD_PATHS
    return told if rest <= 0 else [*told[:_TOLD_PATHS], f"and {rest} more files"]
