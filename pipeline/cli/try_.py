"""``goempy try``: the modules that payloads make, used on this machine before they are tagged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.config.project import Selection, read_config
from pipeline.system.errors import SmokeTestError
from pipeline.system.tables import columns, markdown_table
from pipeline.system.units import human_seconds
from pipeline.verify.go import Go, target_platform
from pipeline.verify.sandbox import ModuleResult
from pipeline.verify.smoke_test import smoke_test_cells

_COLUMNS = columns(
    "cell", "Python", "OpenSSL", "SQLite", "modules", "pip", "Go tests", "time", "result"
)


@goempy_command(
    "try",
    example="goempy try --payloads dist/payloads --lines 3.14",
    environment="GITHUB_STEP_SUMMARY",
)
@parameters.payloads
@parameters.lines
@parameters.platform
def command(context: Context, payloads: Path, lines: tuple[str, ...], platform: str) -> None:
    """Test each line that has a payload for the platform, and print a row a cell."""
    config = read_config(context.root)
    target = target_platform(platform, config.matrix.platforms)
    cells = config.cells(Selection(lines, (target.name,)))
    go = Go(context.env, target)
    results = smoke_test_cells(cells, config, payloads, go, context.console)
    tested = {each.name for each in results}
    absent = [cell.name for cell in cells if cell.name not in tested]
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
    facts = (*result.versions, result.modules, result.pip, result.go_tests)
    state = "failed" if result.faults else "ok"
    return [result.name, *(text or "-" for text in facts), human_seconds(result.seconds), state]
