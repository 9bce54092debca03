"""``goempy sizes``: where the bytes of payloads go, in a directory or in tags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context, pass_context
from pipeline.cli.help import goempy_command
from pipeline.publish.breakdown import Breakdown, Share
from pipeline.publish.picture import draw
from pipeline.publish.size_report import read_sizes
from pipeline.publish.sizes import StepRow
from pipeline.system.console import Console
from pipeline.system.files import write_atomically
from pipeline.system.git import Git
from pipeline.system.tables import Column
from pipeline.system.units import human_bytes

_UNKNOWN = "-"


@goempy_command("sizes", example="goempy sizes v0.1.0 --svg sizes.svg")
@click.argument(
    "names", nargs=-1, metavar="[CELL|TAG]...", help="[default: all cells of --payloads]"
)
@parameters.payloads
@parameters.repo
@click.option("--svg", type=parameters.GIT_PATH, metavar="FILE", help="Draw the sizes as well.")
@pass_context
def command(
    context: Context, names: tuple[str, ...], payloads: Path, repo: Path | None, svg: Path | None
) -> None:
    """Print the sizes of cells and tags, by default of all cells; of a single one in detail."""
    git = Git((repo or context.root).resolve(), context.env)
    reports = read_sizes(names, payloads.resolve(), git)
    rows = [row for report in reports for row in report.rows]
    if svg is not None:
        write_atomically(svg.resolve(), draw(rows, reports[0].breakdown))
        context.console.info(f"drew {svg}")
    _show_steps(rows, context.console)
    if len(reports) == 1:
        _show_breakdown(reports[0].breakdown, context.console)


def _show_steps(rows: Sequence[StepRow], console: Console) -> None:
    """A row a payload; how they make up modules if there are tags."""
    has_tags = any(row.fetched is not None for row in rows)
    titles = ["archive", "unpacked", "trimmed", "stripped", "packed"]
    titles += ["shared", "embedded", "fetched"] if has_tags else ["embedded"]
    cells = [[row.name, *(_size(getattr(row, title)) for title in titles)] for row in rows]
    console.table([Column("cell"), *(Column(title, right=True) for title in titles)], cells)
    text = "packed: all blobs; embedded: with the manifest, as a Go binary gets them"
    if has_tags:
        text += "; shared: blobs that all platforms of a tag have; fetched: its part of the module"
    console.info(text)


def _size(count: int | None) -> str:
    return _UNKNOWN if count is None else human_bytes(count)


def _show_breakdown(breakdown: Breakdown, console: Console) -> None:
    total = breakdown.total
    packed = [] if total.packed_bytes is None else ["packed"]
    for title, shares in (("kind of file", breakdown.kinds), ("package", breakdown.packages)):
        titles = ["files", "uncompressed", *packed, "share"]
        columns = [Column(title), *(Column(each, right=True) for each in titles)]
        console.result(f"\n{breakdown.name} by {title}")
        console.table(columns, [_share_row(share, total) for share in (*shares, total)])
    if not packed:
        console.info(
            f"{breakdown.name} is packed as one stream, in which no file has its own size: "
            "shares are those of uncompressed bytes"
        )


def _share_row(share: Share, total: Share) -> list[str]:
    packed = [] if total.packed_bytes is None else [_size(share.packed_bytes)]
    percent = f"{100 * share.weight / total.weight:.1f} %" if total.weight else _UNKNOWN
    return [share.name, f"{share.files:,}", human_bytes(share.plain_bytes), *packed, percent]
