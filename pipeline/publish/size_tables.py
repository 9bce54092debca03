"""Sizes as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.publish.breakdown import Breakdown, Share
from pipeline.publish.sizes import StepRow
from pipeline.system.tables import Column
from pipeline.system.units import human_bytes

_UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class SizeTable:
    """A table; its title and the note below it may be empty."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def step_table(rows: Sequence[StepRow]) -> SizeTable:
    """A row a payload; how they make up modules if there are tags."""
    has_tags = any(row.fetched is not None for row in rows)
    titles = ["archive", "unpacked", "trimmed", "stripped", "packed"]
    titles += ["shared", "embedded", "fetched"] if has_tags else ["embedded"]
    cells = tuple((row.name, *(_size(getattr(row, title)) for title in titles)) for row in rows)
    note = "packed: all blobs; embedded: with the manifest, as a Go binary gets them"
    if has_tags:
        note += "; shared: blobs that all platforms of a tag have; fetched: its part of the module"
    return SizeTable("", (Column("cell"), *_numbers(titles)), cells, note)


def breakdown_tables(breakdown: Breakdown) -> Iterator[SizeTable]:
    """Two tables: by kind of file, and by package."""
    total = breakdown.total
    packed = [] if total.packed_bytes is None else ["packed"]
    columns = _numbers(["files", "uncompressed", *packed, "share"])
    note = (
        ""
        if packed
        else f"{breakdown.name} is packed as one stream, in which no file has its own size: "
        "shares are those of uncompressed bytes"
    )
    for title, shares, below in (
        ("kind of file", breakdown.kinds, ""),
        ("package", breakdown.packages, note),
    ):
        rows = tuple(_share_row(share, total) for share in (*shares, total))
        yield SizeTable(f"{breakdown.name} by {title}", (Column(title), *columns), rows, below)


def _numbers(titles: Sequence[str]) -> tuple[Column, ...]:
    return tuple(Column(title, right=True) for title in titles)


def _size(count: int | None) -> str:
    return _UNKNOWN if count is None else human_bytes(count)


def _share_row(share: Share, total: Share) -> tuple[str, ...]:
    packed = [] if total.packed_bytes is None else [_size(share.packed_bytes)]
    percent = f"{100 * share.weight / total.weight:.1f} %" if total.weight else _UNKNOWN
    return (share.name, f"{share.files:,}", human_bytes(share.plain_bytes), *packed, percent)
