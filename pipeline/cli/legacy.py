"""Commands that argparse still reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib import import_module

from pipeline.cli import options, requests
from pipeline.cli.workspace import Session
from pipeline.system.console import Console
from pipeline.system.errors import PipelineError

_COMMANDS: dict[type[requests.Request], tuple[str, str]] = {
    requests.VerifyRequest: ("verify", "verify"),
}
"""The module of this package and the function in it: a command imports what it needs alone."""


def main(
    argv: Sequence[str],
    env: Mapping[str, str],
    console: Console,
    sleep: Callable[[float], None] = time.sleep,
    today: Callable[[], date] = date.today,
) -> int:
    """Carry out one command line; returns the exit code. ``sleep`` takes seconds."""
    request = options.parse(argv)
    try:
        with Session(request.root, env, console, sleep, today) as session:
            _command(request)(request, session)
    except PipelineError as fault:
        console.error(str(fault))
        return fault.exit_code
    except KeyboardInterrupt:
        console.error("interrupted; nothing half-made is left. Run it again to go on.")
        return 130
    return 0


def _command(request: requests.Request) -> Callable[[requests.Request, Session], None]:
    module, function = _COMMANDS[type(request)]
    carry_out: Callable[[requests.Request, Session], None] = getattr(
        import_module(f"pipeline.cli.{module}"), function
    )
    return carry_out


NAMES = frozenset(
    {
        "verify",
    }
)
