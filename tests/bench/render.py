"""BENCHMARKS.md and its plots from a ``Report``; nothing is measured here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.system.files import write_atomically
from tests.bench import wording
from tests.bench.flames import profile_svg
from tests.bench.judged import Judged, closest_calls, judged, missed_keys
from tests.bench.model import Curve, Figure, Growth, Machine, Profile, Report, Row, Unit
from tests.bench.plots import growth_svg, ratios_svg, summary_svg
from tests.bench.reasons import REASONS, UnexplainedError

PAGE = "BENCHMARKS.md"
PLOTS = Path("tests") / "bench" / "plots"
FULL_RUNS = 9
"""With fewer, a report shows that the bench works; what it misses needs no reason."""
_SHORT = (
    "**A short run, to see that the bench works: its numbers tell nothing.** "
    "Aims are judged by runs of {runs} and more."
)


def write_report(report: Report, root: Path, reasons: Mapping[str, str] = REASONS) -> None:
    """Write the page below ``root`` and its plots, and remove plots that it no longer shows.

    Raises ``UnexplainedError``, and writes nothing, if an aim is missed without a reason.
    """
    page = benchmarks_md(report, reasons)
    drawn = plots(report)
    for name, data in drawn.items():
        write_atomically(root / PLOTS / name, data)
    write_atomically(root / PAGE, page.encode())
    for path in (root / PLOTS).glob("*.svg"):
        if path.name not in drawn:
            path.unlink()


def plots(report: Report) -> dict[str, bytes]:
    """Every picture by its file name."""
    drawn = {}
    if _compared(report):
        drawn = {"summary.svg": summary_svg(report), "ratios.svg": ratios_svg(report)}
    drawn |= {_growth_file(growth): growth_svg(growth) for growth in report.growths}
    return drawn | {_profile_file(profile): profile_svg(profile) for profile in report.profiles}


def benchmarks_md(report: Report, reasons: Mapping[str, str] = REASONS) -> str:
    """The page; raises ``UnexplainedError`` if an aim is missed without a reason."""
    if report.runs >= FULL_RUNS and (keys := [k for k in missed_keys(report) if k not in reasons]):
        raise UnexplainedError(keys)
    blocks = [
        *_beginning(report),
        *_summary(report),
        *_machine(report.machine),
        *(block for figure in report.figures for block in _figure(figure, reasons)),
        *_growths(report.growths),
        *_profiles(report.profiles),
        *_not_measured(report.not_measured),
    ]
    return "\n\n".join(blocks) + "\n"


def _beginning(report: Report) -> Iterator[str]:
    yield "# Benchmarks"
    yield (
        "goempy and the Go modules that carry Python today, on the same work. "
        "One command measures all of it and writes this page and its plots:"
    )
    yield "    python -m tests.bench"
    yield (
        f"A value is the median of {report.runs} runs unless it says otherwise, the lowest and the "
        "highest in brackets. Contenders take turns. The ratio is the median of the peer's value "
        "over goempy's, run by run, and rounded down."
    )
    if report.runs < FULL_RUNS:
        yield _SHORT.format(runs=FULL_RUNS)


def _summary(report: Report) -> Iterator[str]:
    """A line an aim."""
    calls = closest_calls(report)
    if not calls:
        return
    yield "## Summary"
    reached = sum(call.reached for call in calls)
    yield (
        f"{reached} of {len(calls)} aims are reached. Each line is the closest call of its aim: "
        "the best peer, or the tree on which goempy leads least."
    )
    if _compared(report):
        yield _picture("summary.svg", "Ratio of the peer's value to goempy's, a bar for each aim")
    heads = ("figure", "work", "best peer", "goempy", "ratio", "aim", "reached")
    yield _table(heads, (_summary_cells(call) for call in calls))
    if _compared(report):
        yield "<details><summary>All peers and trees as a picture</summary>"
        yield _picture("ratios.svg", "Ratio of the peer's value to goempy's, all peers and trees")
        yield "</details>"


def _summary_cells(call: Judged) -> tuple[str, ...]:
    figure, row = call.figure, call.row
    peer = wording.NOTHING
    if row.peer:
        peer = f"{wording.quantity(row.peer.median, figure.unit)}, {row.peer.contender}"
    return (
        f"[{figure.title}](#{_anchor(figure.title)})",
        row.work,
        peer,
        wording.quantity(row.ours.median, figure.unit),
        wording.ratio(row.ratio),
        wording.aim(row, figure.unit),
        "yes" if call.reached else "**no**",
    )


def _machine(machine: Machine) -> Iterator[str]:
    yield "## Measured on"
    facts = [
        ("date", machine.date),
        ("processor", machine.processor),
        ("cores", f"{machine.processors}"),
        ("memory", wording.quantity(machine.memory_bytes, Unit.BYTES)),
        ("system", machine.system),
        ("file system", machine.file_system),
    ]
    yield _table(("", ""), [*facts, *machine.versions])


def _figure(figure: Figure, reasons: Mapping[str, str]) -> Iterator[str]:
    yield f"## {figure.title}"
    yield figure.how
    with_peers = any(row.peer for row in figure.rows)
    with_aims = any(row.reached is not None for row in figure.rows)
    heads = ["work", *(["peer", "peer's value"] if with_peers else []), "goempy"]
    heads += [*(["ratio"] if with_peers else []), *(["aim"] if with_aims else [])]
    rows = (_cells(row, figure.unit) for row in figure.rows)
    yield _table(heads, ([cells[head] for head in heads] for cells in rows))
    if any(row.reached is False for row in figure.rows):
        yield f"Missed: {reasons.get(figure.key, 'not explained.')}"


def _cells(row: Row, unit: Unit) -> dict[str, str]:
    aim = wording.aim(row, unit)
    return {
        "work": row.work,
        "peer": row.peer.contender if row.peer else wording.NOTHING,
        "peer's value": wording.with_spread(row.peer.values, unit) if row.peer else wording.NOTHING,
        "goempy": wording.with_spread(row.ours.values, unit),
        "ratio": wording.ratio(row.ratio),
        "aim": f"{aim}, **missed**" if row.reached is False else aim,
    }


def _growths(growths: Sequence[Growth]) -> Iterator[str]:
    if growths:
        yield "## How costs grow"
    for growth in growths:
        yield f"### {growth.title}"
        yield growth.how
        yield _picture(_growth_file(growth), growth.title)
        places = sorted({point.at for curve in growth.curves for point in curve.points})
        heads = (growth.axis, *(curve.name for curve in growth.curves))
        yield _table(
            heads,
            (
                (f"{at:g}", *(_at(curve, at, growth.unit) for curve in growth.curves))
                for at in places
            ),
        )


def _at(curve: Curve, at: float, unit: Unit) -> str:
    values = [point.values for point in curve.points if point.at == at]
    return wording.with_spread(values[0], unit) if values else wording.NOTHING


def _profiles(profiles: Sequence[Profile]) -> Iterator[str]:
    if profiles:
        yield "## Where the time goes"
    for profile in profiles:
        yield f"### {profile.title}"
        yield profile.how
        yield _picture(_profile_file(profile), profile.title)


def _not_measured(things: Sequence[str]) -> Iterator[str]:
    if things:
        yield "## Not measured"
        yield "\n".join(f"- {thing}" for thing in things)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_line(cells) for cells in rows]
    return "\n".join([_line(heads), "|" + "---|" * len(heads), *lines])


def _line(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _picture(name: str, words: str) -> str:
    return f"![{words.replace('`', '')}]({(PLOTS / name).as_posix()})"


def _anchor(title: str) -> str:
    """What GitHub calls a heading in links."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _compared(report: Report) -> bool:
    return any(each.row.peer for each in judged(report))


def _growth_file(growth: Growth) -> str:
    return f"growth-{growth.key}.svg"


def _profile_file(profile: Profile) -> str:
    return f"profile-{profile.key}.svg"
