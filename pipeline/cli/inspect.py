"""``goempy plan`` and ``tags``: what is to be released, without building it."""

from __future__ import annotations

from pipeline.cli.course import decide
from pipeline.cli.requests import PlanRequest
from pipeline.cli.workspace import Session
from pipeline.config.cells import asset_name, split_cells
from pipeline.config.model import PIP_CELL
from pipeline.config.project import Config
from pipeline.system.tables import Column
from pipeline.system.units import human_bytes


def plan(request: PlanRequest, session: Session) -> None:
    """Print the cells as a table, or what a release run is to do."""
    config = session.config()
    _say_what_is_missing(config, session)
    if request.json:
        decide(request, config, session)
        return
    cells = config.cells(request.selection)
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
    session.console.table([*columns, Column("size", right=True), Column("locked")], rows)
    session.console.info(f"{len(cells)} cells, {len({cell.line for cell in cells})} lines")


def _say_what_is_missing(config: Config, session: Session) -> None:
    """What someone who looks for a cell in vain would ask."""
    for each in split_cells(config.matrix).left_out:
        session.console.info(f"left out: {each.cell.name}: {each.reason}")
    off = sorted(each.name for each in config.matrix.platforms if not each.enabled)
    if off:
        session.console.info(f"off, unless a line names them: {', '.join(off)}")
