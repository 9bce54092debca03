"""The tags that a run made or found, and how to use them from Go."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from pipeline.build.runner import BuiltCell
from pipeline.config import tags
from pipeline.release.tagging import Tagged
from pipeline.system.console import Console
from pipeline.system.tables import Column
from pipeline.system.units import human_bytes, human_seconds

_COLUMNS = (
    Column("tag"),
    Column("Python"),
    Column("PBS"),
    Column("platforms", folds=True),
    Column("payload", right=True),
    Column("time", right=True),
    Column("commit"),
    Column("state"),
)


def show_tags(tagged: Sequence[Tagged], console: Console, built: Sequence[BuiltCell] = ()) -> None:
    """Print a row a tag, the highest last, as Go sorts them."""
    seconds = dict.fromkeys((each.plan.line for each in tagged), 0.0)
    for cell in built:
        seconds[cell.plan.cell.line] += cell.seconds
    rows = [
        [
            each.plan.tag,
            each.plan.line.name,
            each.plan.line.pbs,
            ", ".join(payload.platform.name for payload in each.plan.payloads),
            human_bytes(each.plan.payload_bytes),
            human_seconds(seconds[each.plan.line]) if built else "",
            each.commit[:12],
            each.state.value,
        ]
        for each in tagged
    ]
    console.table(_COLUMNS, rows)


def how_to_use(repository: Path, tagged: Sequence[Tagged]) -> list[str]:
    """The lines that make Go take the module from a repository of this machine."""
    module = tagged[0].plan.module_path
    root = "/".join(module.split("/")[:3])
    newest = max((each.plan.tag for each in tagged), key=tags.sort_key)
    rows = [
        "To use it from Go:",
        "",
        "  export GIT_CONFIG_COUNT=1",
        f"  export GIT_CONFIG_KEY_0={shlex.quote(f'url.{repository.as_uri()}.insteadOf')}",
        f"  export GIT_CONFIG_VALUE_0=https://{root}",
        f"  export GOPRIVATE={root} GOFLAGS=-modcacherw",
        f"  export GOMODCACHE={shlex.quote(str(repository.parent / 'gomodcache'))}",
        "  mkdir hello && cd hello && go mod init hello",
        f"  go get {module}@latest    # {newest}",
    ]
    rows += [f"  go get {module}@{each.plan.tag}" for each in tagged if each.plan.tag != newest]
    return [*rows, f"  go run {module}/example"]
