"""The table of payloads that a run built: how the bytes of each became fewer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.build.runner import Built
from pipeline.cli.context import Context
from pipeline.config.model import PIP_CELL
from pipeline.formats.payload.reader import Payload
from pipeline.system.tables import Column, markdown_table
from pipeline.system.units import human_bytes, human_seconds

_NUMBERS = ("archive", "unpacked", "trimmed", "stripped", "packed", "time")
_COLUMNS = (Column("cell"), *(Column(title, right=True) for title in _NUMBERS))


def show_built(built: Built, context: Context, reused: Mapping[str, Payload] | None = None) -> None:
    """Print a row a cell, and add it to the workflow's summary; ``reused`` are by cell name."""
    rows = [*_built_rows(built), *_reused_rows(reused or {})]
    context.console.table(_COLUMNS, rows)
    context.summary(f"### Payloads\n\n{markdown_table(_COLUMNS, rows)}")


def _built_rows(built: Built) -> Iterator[list[str]]:
    for each in built.cells:
        steps = each.plan.steps
        sizes = (steps.archive, steps.unpacked, steps.trimmed, steps.stripped)
        yield _row(each.plan.cell.name, (*sizes, each.packed.packed_bytes), each.seconds)
    if built.wheels is not None:
        packed = built.wheels.packed
        unpacked = sum(entry.size_bytes for entry in packed.manifest.entries)
        sizes = (built.wheels.archive_bytes, unpacked, unpacked, unpacked)
        yield _row(PIP_CELL, (*sizes, packed.packed_bytes), built.wheels.seconds)


def _row(name: str, sizes: tuple[int, ...], seconds: float) -> list[str]:
    return [name, *(human_bytes(size) for size in sizes), human_seconds(seconds)]


def _reused_rows(reused: Mapping[str, Payload]) -> Iterator[list[str]]:
    for name, payload in reused.items():
        unpacked = sum(entry.size_bytes for entry in payload.manifest.entries)
        packed = sum(blob.stored_bytes for blob in payload.blobs)
        yield [name, "", "", "", human_bytes(unpacked), human_bytes(packed), "reused"]
