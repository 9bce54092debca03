"""Tables: columns, and Markdown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; ``right`` is for numbers, ``folds`` for long texts in narrow terminals."""

    title: str
    right: bool = False
    folds: bool = False


def columns(
    *titles: str, right: Collection[str] = (), folds: Collection[str] = ()
) -> tuple[Column, ...]:
    """Columns of these titles; ``right`` and ``folds`` name those that do so."""
    return tuple(Column(title, title in right, title in folds) for title in titles)


def markdown_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; what would end a cell or a row is escaped or becomes a space."""
    marks = ["--:" if column.right else "---" for column in columns]
    lines = [[column.title for column in columns], marks, *rows]
    return "".join(
        f"| {' | '.join(' '.join(text.split()).replace('|', chr(92) + '|') for text in line)} |\n"
        for line in lines
    )
