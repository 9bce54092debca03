"""Whether existing tags hold what would be released now, found out without building anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

import semver

from pipeline.config.model import PIP_CELL, Cell, Line, Matrix
from pipeline.config.project import Config
from pipeline.formats.payload.manifest import blob_name, is_file
from pipeline.formats.payload.reader import Payload
from pipeline.release.compare import stored_files
from pipeline.release.diff import compare
from pipeline.release.payload_dir import expected_digest
from pipeline.release.tag_index import TagIndex
from pipeline.release.tag_tree import TagTree
from pipeline.release.tagging import plan_tags
from pipeline.release.third_party_licenses import declared_components
from pipeline.system.errors import TagConflictError
from pipeline.system.git import Git, init_bare
from pipeline.system.scratch_repo import WITHOUT_BLOBS
from pipeline.system.units import counted

_LISTED_PATHS = 10


def require_same(
    lines: Mapping[str, Line], config: Config, digests: Mapping[str, str], tags: TagIndex
) -> None:
    """Raise ``TagConflictError`` for tags whose content is not what their lines would be now.

    ``lines`` are by tag; each tag is one of ``tags``. ``digests`` are by cell name, as
    ``tag_index.expected_digests`` gives them.
    """
    trees = tags.trees(list(lines), without=WITHOUT_BLOBS)
    scratch = init_bare(tags.scratch / "compared", tags.repo.env, like=tags.repo)
    details = [
        f"{tag}: {row}"
        for tag, line in lines.items()
        for row in _differences(trees[tag], line, config, digests, scratch)
    ]
    if details:
        raise TagConflictError(
            f"tags of VERSION {config.version} exist with other content",
            details=details,
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


def _differences(
    tree: TagTree, line: Line, config: Config, digests: Mapping[str, str], scratch: Git
) -> list[str]:
    cells = [cell for cell in config.cells() if cell.line == line]
    parts = {cell.name: cell.platform.name for cell in cells}
    if config.matrix.wheels:
        parts[PIP_CELL] = PIP_CELL
    if rows := list(_part_differences(set(tree.parts), set(parts.values()))):
        return rows
    tree.fetch([tree.manifest_file(part).id for part in parts.values()])
    payloads = {name: tree.payload(part) for name, part in parts.items()}
    if rows := list(_cell_differences(payloads, cells, config.matrix, digests)):
        return rows
    _fetch_texts(tree, payloads.values())
    (plan,) = plan_tags(config.matrix, config.version, config.primary, cells, payloads)
    files = stored_files(plan.files, scratch, scratch.folder)
    rows = list(compare(tuple(tree.files.values()), files).paths())
    rest = len(rows) - _LISTED_PATHS
    return rows if rest <= 0 else [*rows[:_LISTED_PATHS], f"and {counted(rest, 'more file')}"]


def _part_differences(there: AbstractSet[str], wanted: AbstractSet[str]) -> Iterator[str]:
    for part in sorted(wanted - there):
        yield f"the tag lacks {part}"
    for part in sorted(there - wanted):
        yield f"the tag has {part}, which the matrix does not have for it"


def _cell_differences(
    payloads: Mapping[str, Payload],
    cells: Sequence[Cell],
    matrix: Matrix,
    digests: Mapping[str, str],
) -> Iterator[str]:
    # An unpinned asset may be the one that the tag was made of.
    unpinned = {
        cell.name: expected_digest(cell, matrix, payloads[cell.name])
        for cell in cells
        if cell.name not in digests
    }
    for name, payload in payloads.items():
        if payload.manifest.cell_digest != (digests.get(name) or unpinned[name]):
            yield f"cell {name} would be built from other inputs now"


def _fetch_texts(tree: TagTree, payloads: Iterable[Payload]) -> None:
    """Fetch what the rendering reads: licence texts."""
    wanted = set()
    for payload in payloads:
        manifest = payload.manifest
        texts = {text for each in declared_components(manifest) for text in each.texts}
        names = {blob_name(e) for e in manifest.entries if is_file(e) and e.name in texts}
        names = {manifest.stream} if manifest.stream and names else names
        wanted |= {blob.object_id for blob in payload.blobs if blob.name in names}
    tree.fetch(sorted(wanted))
