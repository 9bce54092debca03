"""Console output: progress, warnings, results, tables.

A terminal shows progress bars, anything else plain lines; on GitHub Actions warnings and errors
are annotations. Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from pipeline.system.tables import Column
from pipeline.system.units import human_bytes

_UNBOUNDED_COLUMNS = 4000
"""Wide enough for every table where there is no terminal to limit it."""
_BETWEEN_COLUMNS = 2
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tab and line feed."""
_PLAIN_STEP = 0.25
"""Without a terminal, each quarter of a transfer is a line."""


def rich_console(*, stderr: bool) -> RichConsole:
    """A console on standard output or standard error."""
    made = RichConsole(stderr=stderr, emoji=False)
    if made.is_terminal:
        return made
    return RichConsole(stderr=stderr, emoji=False, width=_UNBOUNDED_COLUMNS)


def printable(text: str) -> str:
    """``text`` with control characters escaped: names come from archives and repositories."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class StoppedError(Exception):
    """The run was stopped; raised in threads that still work."""


class Console:
    """Messages of one run. Safe to use from several threads.

    ``out`` takes results, ``log`` everything else; ``clock`` gives seconds.
    """

    def __init__(
        self,
        out: RichConsole,
        log: RichConsole,
        *,
        actions: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.out = out
        self._log = log
        self._actions = actions
        self.clock = clock
        self._live: Progress | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Make ``check`` and every progress counter raise ``StoppedError``."""
        self._stopped.set()

    def check(self) -> None:
        """Raise ``StoppedError`` after ``stop``."""
        if self._stopped.is_set():
            raise StoppedError

    def info(self, text: str) -> None:
        """Print a message about progress."""
        _print(self._log, text)

    def result(self, text: str) -> None:
        """Print what the command was run for."""
        _print(self.out, text)

    def error(self, text: str) -> None:
        """Print the failure that ends the run."""
        self._annotate("error", text, "red")

    def warning(self, text: str) -> None:
        """Print what a person should know, though the run continues."""
        self._annotate("warning", text, "yellow")

    def _annotate(self, kind: str, text: str, style: str) -> None:
        if self._actions:
            # A workflow command is one line; %0A is a line break in it.
            escaped = text.replace("%", "%25").replace("\n", "%0A")
            _print(self._log, f"::{kind}::{escaped}")
        else:
            _print(self._log, f"{kind}: {text}", style)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Print a table of results, or a list of its rows where a terminal is too narrow for it.

        Names and numbers are copied from here, so no cell is ever cut.
        """
        if _least_width(columns, rows) > self.out.width:
            self._list(columns, rows)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(
                column.title,
                justify="right" if column.right else "left",
                no_wrap=not column.folds,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        self.out.print(table, crop=False, no_wrap=True)

    def _list(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Print a line for each cell that is not empty, and an empty one between rows."""
        width = max(cell_len(column.title) for column in columns)
        for number, row in enumerate(rows):
            if number:
                self.result("")
            for column, cell in zip(columns, row, strict=True):
                if cell:
                    self.result(f"{column.title.ljust(width)}  {cell}")

    @contextmanager
    def live(self) -> Iterator[None]:
        """Show progress bars for everything that is started inside; without a terminal, lines."""
        if not self._log.is_terminal:
            yield
            return
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeElapsedColumn(),
            console=self._log,
            transient=True,
        ) as progress:
            self._live = progress
            try:
                yield
            finally:
                self._live = None

    def start(self, title: str, total_bytes: int, done_bytes: int = 0) -> Callable[[int], None]:
        """Start something that is counted in bytes; call the result with each further count."""
        if self._live is not None:
            task = self._live.add_task(title, total=total_bytes, completed=done_bytes)
            return functools.partial(self._advance, self._live, task)
        self.info(_plain(title, done_bytes, total_bytes))
        return _Lines(self, title, total_bytes, self._lock, done_bytes)

    def _advance(self, live: Progress, task_id: TaskID, count: int) -> None:
        self.check()
        live.advance(task_id, count)
        if all(task.finished for task in live.tasks if task.id == task_id):
            live.update(task_id, visible=False)


@dataclass(slots=True)
class _Lines:
    console: Console
    title: str
    total: int
    lock: threading.Lock
    done: int
    printed: float = 0.0
    """The share, from 0 to 1, that the last line gave."""

    def __call__(self, count: int) -> None:
        self.console.check()
        with self.lock:
            self.done += count
            share = self.done / self.total if self.total else 1.0
            due = share - self.printed >= _PLAIN_STEP or share >= 1 > self.printed
            if due:
                self.printed = share
        if due:
            self.console.info(_plain(self.title, self.done, self.total))


def _least_width(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    """The width of a table that cuts no cell; those of columns that fold break between words."""
    widths = []
    for at, column in enumerate(columns):
        texts = [column.title, *(printable(row[at]) for row in rows)]
        if column.folds:
            texts = [word for text in texts for word in text.split()]
        widths.append(max(map(cell_len, texts)))
    return sum(widths) + _BETWEEN_COLUMNS * (len(widths) - 1)


def _print(console: RichConsole, text: str, style: str | None = None) -> None:
    console.print(printable(text), style=style, markup=False, highlight=False, soft_wrap=True)


def _plain(title: str, done: int, total: int) -> str:
    if not done:
        return f"{title}: {human_bytes(total)}"
    return f"{title}: {100 * done // total if total else 100} % of {human_bytes(total)}"
