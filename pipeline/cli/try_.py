"""``goempy try``: the modules that payloads make, used on this machine before they are tagged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.config.project import Selection, read_config
from pipeline.system.errors import PayloadError, SmokeTestError
from pipeline.system.tables import Column, markdown_table
from pipeline.system.units import human_seconds
from pipeline.verify.go import Go, target_platform
from pipeline.verify.sandbox import ModuleResult
from pipeline.verify.smoke_test import smoke_test_cells

_TITLES = ("cell", "Python", "OpenSSL", "SQLite", "modules", "pip", "Go tests", "time", "result")
_COLUMNS = tuple(Column(title) for title in _TITLES)
_NONE = "-"


@goempy_command(
    "try",
    example="goempy try --payloads dist/payloads --lines 3.14",
    environment=["GITHUB_STEP_SUMMARY"],
)
@parameters.payloads
@parameters.lines
@parameters.platform
def command(context: Context, payloads: Path, lines: tuple[str, ...], platform: str) -> None:
    """Test each line that has a payload for the platform, and print a row a cell."""
    config = read_config(context.root)
    target = target_platform(platform, config.matrix.platforms)
    folder = payloads.resolve()
    if not folder.is_dir():
        raise PayloadError(
            f"there is no folder {folder}", hint="Name the folder of payloads with --payloads."
        )
    cells = config.cells(Selection(lines, (target.name,)))
    present = [cell for cell in cells if (folder / cell.name).is_dir()]
    absent = [cell.name for cell in cells if cell not in present]
    go = Go(context.env, target)
    if present:
        context.console.info(go.call("version", cwd=Path()).strip())
    results = smoke_test_cells(present, config, folder, go, context.console)
    _show(results, absent, target.name, context)
    if faults := [f"{each.name}: {fault}" for each in results for fault in each.faults]:
        raise SmokeTestError(
            f"smoke test failed on {target.name}",
            details=faults,
            hint="The log has the output of the programs. Nothing is tagged yet: do not release.",
        )


def _show(
    results: Sequence[ModuleResult], absent: Sequence[str], platform: str, context: Context
) -> None:
    rows = [_row(each) for each in results]
    if rows:
        context.console.table(_COLUMNS, rows)
        summary = markdown_table(_COLUMNS, rows)
    else:
        summary = f"nothing to test: no payload for {platform}\n"
        context.console.result(summary.strip())
    if absent:
        skipped = f"not tested, without a payload: {', '.join(absent)}"
        context.console.info(skipped)
        summary += f"\n{skipped}\n"
    context.summary(f"### Smoke test on {platform}\n\n{summary}")


def _row(result: ModuleResult) -> list[str]:
    python = ("", "", "", "")
    if probe := result.probe:
        count = len(probe.imported)
        modules = f"{count} of {count + len(probe.failed)}"
        python = (probe.line_name, probe.openssl, probe.sqlite, modules)
    return [
        result.name,
        *(text or _NONE for text in (*python, result.pip, result.go_tests)),
        human_seconds(result.seconds),
        "failed" if result.faults else "ok",
    ]
