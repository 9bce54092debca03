"""Tables: columns, and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; ``right`` is for numbers, ``folds`` for long texts in narrow terminals."""

    title: str
    right: bool = False
    folds: bool = False


def markdown_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; what would end a cell or a row is escaped or becomes a space."""
    marks = ["--:" if column.right else "---" for column in columns]
    lines = [[column.title for column in columns], marks, *rows]
    return "".join(
        f"| {' | '.join(' '.join(text.split()).replace('|', chr(92) + '|') for text in line)} |\n"
        for line in lines
    )
