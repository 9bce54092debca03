"""What a release run does, decided before any job runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.config.model import PIP_CELL, Pin
from pipeline.config.project import Config, Selection
from pipeline.release.drift import require_newest, require_same
from pipeline.release.payload_dir import payload_names
from pipeline.release.tag_index import TagIndex, expected_digests


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """What a release run does: all by cell name, in the matrix's order, ``pip`` last.

    ``reused`` has the tag that holds each; ``missing`` are neither built nor found.
    """

    built: tuple[str, ...]
    reused: Mapping[str, str]
    missing: tuple[str, ...]
    tags: tuple[str, ...]
    """Those that are to be made."""
    rebuild: bool
    dry_run: bool

    def rows(self) -> Iterator[tuple[str, str]]:
        """Each cell, and where its payload comes from."""
        yield from ((name, "built") for name in self.built)
        yield from ((name, f"reused from {tag}") for name, tag in self.reused.items())
        yield from ((name, "missing: neither built nor held by a tag") for name in self.missing)


def plan_release(
    names: Sequence[str],
    chosen: Collection[str],
    found: Mapping[str, str],
    tags: Sequence[str],
    *,
    rebuild: bool,
    dry_run: bool,
) -> ReleasePlan:
    """Decide what is built of the cells ``names``, where ``tags`` are still to be made.

    ``found`` has the tag that holds a cell. A rebuild builds the ``chosen`` ones, whatever
    exists; else those of them are built that no tag holds, and none when there is no tag to make.
    """
    if rebuild:
        built = tuple(name for name in names if name in chosen)
    elif tags:
        built = tuple(name for name in names if name in chosen and name not in found)
    else:
        built = ()
    rest = [name for name in names if name not in built] if tags else []
    reused = {name: found[name] for name in rest if name in found}
    missing = tuple(name for name in rest if name not in found)
    return ReleasePlan(built, reused, missing, tuple(tags), rebuild, dry_run)


def plan_from_tags(
    config: Config,
    pins: Mapping[str, Pin],
    tags: TagIndex,
    selection: Selection,
    *,
    rebuild: bool,
    dry_run: bool,
) -> ReleasePlan:
    """Decide by the tags that exist; ``pins`` are by asset name.

    Raises ``TagConflictError`` if VERSION cannot be released.
    """
    cells = config.cells()
    digests = expected_digests(cells, config.matrix, pins)
    lines = {config.tag_of(cell.line): cell.line for cell in cells}
    new = [tag for tag in lines if tag not in tags.commits]
    require_newest(config.version, new, tags)
    if not rebuild and len(new) < len(lines):
        existing = {tag: line for tag, line in lines.items() if tag not in new}
        require_same(existing, config, digests, tags)
    found = {name: place.tag for name, place in tags.find(digests).items()} if new else {}
    chosen = {cell.name for cell in config.cells(selection)}
    # Package pip belongs to every platform, and to none.
    if selection == Selection() or (new and PIP_CELL not in found):
        chosen.add(PIP_CELL)
    names = payload_names(cells, config.matrix)
    return plan_release(names, chosen, found, new, rebuild=rebuild, dry_run=dry_run)
