"""``goempy plan``, ``tags`` and ``lock``: what is to be released, without building it."""

from __future__ import annotations

import json

from pipeline import tags as tag_rules
from pipeline.cli.options import LockRequest, PlanRequest, Selection, TagsRequest
from pipeline.cli.workspace import LOCK_FILE, Config, Session
from pipeline.errors import AssetNotFoundError
from pipeline.host import write_atomically
from pipeline.lock import dump_lock
from pipeline.model import PIP_CELL, Cell, Pin
from pipeline.plan import all_cells, asset_name, github_matrix
from pipeline.report import Column, human_bytes
from pipeline.upstream.source import Source, not_found


def plan(request: PlanRequest, session: Session) -> None:
    """Print the cells as a table, or as a GitHub matrix."""
    config = session.config()
    cells = config.cells(request.selection)
    if request.json:
        jobs = [_job(cell, config) for cell in cells]
        jobs += [{"cell": PIP_CELL}] if config.matrix.wheels else []
        session.report.result(json.dumps(github_matrix(jobs)))
        return
    pins = session.pins()
    rows = []
    for cell in cells:
        name = asset_name(cell, config.matrix.archive)
        pin = pins.get(name)
        size = human_bytes(pin.size_bytes) if pin and pin.size_bytes else "?"
        rows.append([cell.name, config.tag_of(cell.line), name, size, "yes" if pin else "no"])
    rows += [
        [PIP_CELL, "all", f"{wheel.name} {wheel.version}", "?", "yes"]
        for wheel in config.matrix.wheels
    ]
    columns = [Column("cell"), Column("tag"), Column("asset", folds=True)]
    session.report.table([*columns, Column("size", right=True), Column("locked")], rows)
    session.report.say(f"{len(cells)} cells, {len({cell.line for cell in cells})} lines")


def _job(cell: Cell, config: Config) -> dict[str, str]:
    return {
        "cell": cell.name,
        "python": cell.line.name,
        "platform": cell.platform.name,
        "pbs": cell.line.pbs,
        "tag": config.tag_of(cell.line),
        "asset": asset_name(cell, config.matrix.archive),
    }


def tags(_request: TagsRequest, session: Session) -> None:
    """Print the tags of this VERSION."""
    config = session.config()
    path = tag_rules.module_path(config.matrix.module, config.version)
    cells = config.cells(Selection())
    rows = []
    for line in config.matrix.lines:
        tag = config.tag_of(line)
        names = ", ".join(cell.platform.name for cell in cells if cell.line == line)
        version = "latest" if line == config.primary else tag
        rows.append((tag, [tag, line.name, line.pbs, names, f"go get {path}@{version}"]))
    rows.sort(key=lambda row: tag_rules.sort_key(row[0]), reverse=True)
    titles = (Column("tag"), Column("Python"), Column("PBS"), Column("platforms", folds=True))
    session.report.table([*titles, Column("for Go")], [row for _tag, row in rows])


def lock(request: LockRequest, session: Session) -> None:
    """Write ``matrix.lock``: sha256 from each release's checksum list, sizes from the source."""
    matrix = session.matrix()
    source = session.source(request.source)
    wanted = {(cell.line.pbs, asset_name(cell, matrix.archive)) for cell in all_cells(matrix)}
    old = session.pins()
    pins = []
    for release in sorted({release for release, _name in wanted}):
        sums = source.checksums(release).sums
        for name in sorted(name for each, name in wanted if each == release):
            if name not in sums:
                raise not_found(source.title, release, name, list(sums))
            before = old.get(name)
            known = before.size_bytes if before and before.sha256 == sums[name] else None
            size = _size(source, release, name) or known
            pins.append(Pin(release, name, sums[name], size))
    write_atomically(session.root / LOCK_FILE, dump_lock(pins).encode())
    unsized = sum(pin.size_bytes is None for pin in pins)
    session.report.say(f"{LOCK_FILE}: {len(pins)} assets, {unsized} without a size")


def _size(source: Source, release: str, name: str) -> int | None:
    """The asset's size, ``None`` at a source that has the checksum list alone."""
    try:
        return source.size_of(release, name)
    except AssetNotFoundError:
        return None
