"""Tables of payloads and tags, for the terminal and the workflow's summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.config.model import PIP_CELL, Cell
from pipeline.formats.payload.manifest import content_bytes
from pipeline.system.tables import columns, markdown_table
from pipeline.system.units import counted, human_bytes, human_seconds

if TYPE_CHECKING:  # what builds takes as long to import as all else
    from pipeline.build.runner import Built, BuiltCell
    from pipeline.cli.context import Context
    from pipeline.formats.payload.reader import Payload
    from pipeline.release.tagging import Tagged

_NUMBERS = ("archive", "unpacked", "trimmed", "stripped", "packed", "time")
_PAYLOADS = columns("cell", *_NUMBERS, right=_NUMBERS)


def cell_count(cells: Sequence[Cell], *, wheels: bool) -> str:
    """``1 cell``, ``5 cells and pip``."""
    return counted(len(cells), "cell") + (f" and {PIP_CELL}" if wheels else "")


def show_built(built: Built, context: Context, reused: Mapping[str, Payload] | None = None) -> None:
    """Print a row a cell, and add it to the workflow's summary; ``reused`` are by cell name."""
    rows = [*_built_rows(built), *_reused_rows(reused or {})]
    context.console.table(_PAYLOADS, rows)
    context.summary(f"### Payloads\n\n{markdown_table(_PAYLOADS, rows)}")


def _built_rows(built: Built) -> Iterator[list[str]]:
    for each in built.cells:
        steps = each.plan.steps
        sizes = (steps.archive, steps.unpacked, steps.trimmed, steps.stripped)
        yield _row(each.plan.cell.name, (*sizes, each.packed.packed_bytes), each.seconds)
    if built.wheels is not None:
        packed = built.wheels.packed
        unpacked = content_bytes(packed.manifest.entries)
        sizes = (built.wheels.archive_bytes, unpacked, unpacked, unpacked)
        yield _row(PIP_CELL, (*sizes, packed.packed_bytes), built.wheels.seconds)


def _row(name: str, sizes: tuple[int, ...], seconds: float) -> list[str]:
    return [name, *(human_bytes(size) for size in sizes), human_seconds(seconds)]


def _reused_rows(reused: Mapping[str, Payload]) -> Iterator[list[str]]:
    for name, payload in reused.items():
        unpacked = content_bytes(payload.manifest.entries)
        packed = sum(blob.stored_bytes for blob in payload.blobs)
        yield [name, "", "", "", human_bytes(unpacked), human_bytes(packed), "reused"]


_TAGS = columns(
    *("tag", "Python", "PBS", "platforms", "payload", "time", "commit", "state"),
    right={"payload", "time"},
    folds={"platforms"},
)


def show_tags(tagged: Sequence[Tagged], context: Context, built: Sequence[BuiltCell] = ()) -> None:
    """Print a row a tag, the highest last, as Go sorts them; add it to the workflow's summary."""
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
    context.console.table(_TAGS, rows)
    context.summary(f"### Tags\n\n{markdown_table(_TAGS, rows)}")
