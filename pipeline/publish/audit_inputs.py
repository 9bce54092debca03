"""What an audit judges, and by what: tags, or a file about them, and the newest release of PBS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.config.update import Archive, archives
from pipeline.publish.assets import newest_tags
from pipeline.publish.tag_facts import TAGS_JSON, parse_tags
from pipeline.publish.vex import AuditTarget, target_of
from pipeline.release.tag_index import TagIndex
from pipeline.sources.catalog import ReleaseCatalog
from pipeline.system.errors import UsageError


def targets_of_tags(index: TagIndex, names: Sequence[str]) -> list[AuditTarget]:
    """The tags ``names``, else those of the newest VERSION; raises ``UsageError``."""
    index.require(names)
    contents = index.manifests(list(dict.fromkeys(names)) or newest_tags(index))
    return [target_of(each) for each in contents.values()]


def targets_of_file(path: Path, names: Sequence[str]) -> list[AuditTarget]:
    """The tags of a ``tags.json``, or those of them that are named; raises ``UsageError``."""
    try:
        tags = parse_tags(path.read_bytes(), where=str(path))
    except OSError as fault:
        raise UsageError(
            f"cannot read {path}: {fault.strerror}", hint=f"Name a {TAGS_JSON} of a release."
        ) from fault
    known = [each.tag for each in tags]
    if lacking := [name for name in dict.fromkeys(names) if name not in known]:
        raise UsageError(f"{path} has no {', '.join(lacking)}", hint=f"It has {', '.join(known)}.")
    return [AuditTarget(each) for each in tags if not names or each.tag in names]


def newest_archives(catalog: ReleaseCatalog) -> tuple[Archive, ...]:
    """The archives of the newest release; none where the source does not say which that is."""
    try:
        return tuple(archives(catalog.listing(catalog.newest())))
    except UsageError as fault:
        catalog.console.warning(f"newer patches are not known: {fault.what}")
        return ()
