"""What a person sees while it runs: progress, warnings, tables.

In a terminal there are bars, elsewhere plain lines; on GitHub Actions warnings and errors are
annotations. Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

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
"""Wide enough for every table: what is not a terminal has no width to keep to."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tab and line feed."""
_PLAIN_STEP = 0.25
"""Without a terminal a transfer is told of at each quarter."""


def rich_console(*, stderr: bool) -> RichConsole:
    """A console on standard output or standard error."""
    made = RichConsole(stderr=stderr, emoji=False)
    if made.is_terminal:
        return made
    return RichConsole(stderr=stderr, emoji=False, width=_UNBOUNDED_COLUMNS)


def printable(text: str) -> str:
    """``text`` without what a terminal would obey: names come from archives and repositories."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class StoppedError(Exception):
    """The run is over; whoever still works is to leave off."""


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
        """Make every counter raise ``StoppedError`` at its next step."""
        self._stopped.set()

    def check(self) -> None:
        """Raise ``StoppedError`` after ``stop``."""
        if self._stopped.is_set():
            raise StoppedError

    def info(self, text: str) -> None:
        """A step that was taken."""
        self._log.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def result(self, text: str) -> None:
        """A line of what was asked for."""
        self.out.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def error(self, text: str) -> None:
        """The failure that ends the run."""
        if self._actions:
            # A workflow command is one line; %0A stands for a line's end.
            self.info(f"::error::{text.replace('%', '%25')}".replace("\n", "%0A"))
        else:
            self._log.print(
                f"error: {printable(text)}",
                style="red",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    def warning(self, text: str) -> None:
        """Something that a person should know, though it goes on."""
        if self._actions:
            self.info(f"::warning::{text}")
        else:
            self._log.print(
                f"warning: {printable(text)}", style="yellow", markup=False, soft_wrap=True
            )

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """A result, one row a thing. Without a terminal nothing is cut to a width."""
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

    @contextmanager
    def live(self) -> Iterator[None]:
        """Bars for all that starts meanwhile; plain lines where there is no terminal."""
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
        """Begin something that is counted in bytes; call the result with each further count."""
        if self._live is not None:
            task = self._live.add_task(title, total=total_bytes, completed=done_bytes)
            return _Bar(self, self._live, task)
        self.info(_plain(title, done_bytes, total_bytes))
        return _Lines(self, title, total_bytes, self._lock, done_bytes)


@dataclass(frozen=True, slots=True)
class _Bar:
    console: Console
    live: Progress
    task: TaskID

    def __call__(self, count: int) -> None:
        self.console.check()
        self.live.advance(self.task, count)
        if all(task.finished for task in self.live.tasks if task.id == self.task):
            self.live.update(self.task, visible=False)


@dataclass(slots=True)
class _Lines:
    console: Console
    title: str
    total: int
    lock: threading.Lock
    done: int
    told: float = field(default=0.0)

    def __call__(self, count: int) -> None:
        self.console.check()
        with self.lock:
            self.done += count
            share = self.done / self.total if self.total else 1.0
            due = share - self.told >= _PLAIN_STEP or share >= 1 > self.told
            if due:
                self.told = share
        if due:
            self.console.info(_plain(self.title, self.done, self.total))


def _plain(title: str, done: int, total: int) -> str:
    if not done:
        return f"{title}: {human_bytes(total)}"
    return f"{title}: {100 * done // total if total else 100} % of {human_bytes(total)}"
