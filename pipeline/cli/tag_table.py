"""The table of tags that a run made or found."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.build.runner import BuiltCell
from pipeline.release.tagging import Tagged
from pipeline.system.console import Console
from pipeline.system.tables import Column
from pipeline.system.units import human_bytes, human_seconds

_COLUMNS = (
    Column("tag"),
    Column("Python"),
    Column("PBS"),
    Column("platforms", folds=True),
    Column("payload", right=True),
    Column("time", right=True),
    Column("commit"),
    Column("state"),
)


def show_tags(tagged: Sequence[Tagged], console: Console, built: Sequence[BuiltCell] = ()) -> None:
    """Print a row a tag, the highest last, as Go sorts them."""
    seconds = dict.fromkeys((each.plan.line for each in tagged), 0.0)
    for cell in built:
        seconds[cell.plan.cell.line] += cell.seconds
    rows = [
        [
            each.plan.tag,
            each.plan.line.name,
            each.plan.line.pbs,
            ", ".join(payload.platform.name for payload in each.plan.payloads),
            human_bytes(each.plan.payload_bytes),
            human_seconds(seconds[each.plan.line]) if built else "",
            each.commit[:12],
            each.state.value,
        ]
        for each in tagged
    ]
    console.table(_COLUMNS, rows)
