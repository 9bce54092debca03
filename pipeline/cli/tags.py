"""``goempy tags``: the tags of this VERSION and what each holds."""

from __future__ import annotations

from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.config import tags
from pipeline.config.project import read_config
from pipeline.system.tables import columns

_COLUMNS = columns("tag", "Python", "PBS", "platforms", "for Go", folds={"platforms"})


@goempy_command("tags", example="goempy tags")
def command(context: Context) -> None:
    """Print a row a tag, the highest first."""
    config = read_config(context.root)
    path = tags.module_path(config.matrix.module, config.version)
    cells = config.cells()
    rows = []
    for line in config.matrix.lines:
        tag = config.tag_of(line)
        platforms = ", ".join(cell.platform.name for cell in cells if cell.line == line)
        version = "latest" if line == config.primary else tag
        rows.append([tag, line.name, line.pbs, platforms, f"go get {path}@{version}"])
    rows.sort(key=lambda row: tags.sort_key(row[0]), reverse=True)
    context.console.table(_COLUMNS, rows)
