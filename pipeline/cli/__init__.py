"""The ``goempy`` command: the only place that reads the environment, prints errors and exits.

Each command is one file here: its options, one call into a room below, and what it prints.
"""

from __future__ import annotations

import errno
import functools
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from pipeline.cli.context import Context
from pipeline.cli.help import Group
from pipeline.cli.parameters import path_option
from pipeline.system.errors import DiskError, PipelineError

if TYPE_CHECKING:
    from pipeline.system.console import Console

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


@click.command(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="goempy", prog_name="goempy", message="%(prog)s %(version)s")
@path_option(
    "--root",
    "DIR",
    "Folder of matrix.toml, matrix.lock, VERSION and PRIMARY_PYTHON.",
    default=Path(),
)
@click.pass_context
def goempy(context: click.Context, root: Path) -> None:
    """Pack CPython interpreters into Go module tags."""
    context.obj.root = root


def main(
    argv: Sequence[str],
    env: Mapping[str, str],
    make_console: Callable[[], Console],
    sleep: Callable[[float], None] = time.sleep,
    today: Callable[[], date] = date.today,
) -> int:
    """Run one command line; returns the exit code. ``sleep`` takes seconds."""
    context = Context(env, functools.cache(make_console), sleep, today)
    try:
        code = goempy.main(list(argv), prog_name="goempy", obj=context, standalone_mode=False)
    except click.UsageError as wrong:
        wrong.show()
        return wrong.exit_code
    except PipelineError as fault:
        context.console.error(str(fault))
        return fault.exit_code
    except OSError as fault:
        if fault.errno != errno.ENOSPC:
            raise
        # Rooms report the disks that they write to.
        full = DiskError("the disk that holds standard output is full", hint="Free space; rerun.")
        context.console.error(str(full))
        return full.exit_code
    except (click.Abort, KeyboardInterrupt):
        context.console.error("interrupted. No partial output remains; rerun to continue.")
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def entry() -> None:
    """The console script."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # The terminal's encoding may lack characters of file names.
            stream.reconfigure(errors="backslashreplace")
    code = main(sys.argv[1:], os.environ, _console)
    if threading.active_count() > 1:
        # A thread still waits for the network; it has nothing to clean up.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _console() -> Console:
    # rich takes longer to import than --help to print.
    from pipeline.system.console import Console, rich_console  # noqa: PLC0415

    actions = os.environ.get("GITHUB_ACTIONS") == "true"
    return Console(rich_console(stderr=False), rich_console(stderr=True), actions=actions)


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
