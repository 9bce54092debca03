"""The ``goempy`` command: the only place that reads the environment, prints errors and exits.

``options`` turns argv into one of ``requests``, ``workspace`` finds the files and adapters for it,
the others carry it out.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib import import_module
from types import FrameType

from rich.console import Console as RichConsole

from pipeline.cli import options, requests
from pipeline.cli.workspace import Session
from pipeline.system.console import Console, rich_console
from pipeline.system.errors import PipelineError

INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

_COMMANDS: dict[type[requests.Request], tuple[str, str]] = {
    requests.PlanRequest: ("inspect", "plan"),
    requests.TagsRequest: ("inspect", "tags"),
    requests.LockRequest: ("pins", "lock"),
    requests.UpdateRequest: ("pins", "update"),
    requests.ProposeRequest: ("propose", "propose"),
    requests.AssetsRequest: ("assets", "assets"),
    requests.PublishRequest: ("publish", "publish"),
    requests.BuildRequest: ("build", "build"),
    requests.UnpackRequest: ("transfer", "unpack"),
    requests.FinalizeRequest: ("release", "finalize"),
    requests.ReleaseRequest: ("release", "release"),
    requests.VerifyRequest: ("verify", "verify"),
    requests.VerifyAssetRequest: ("provenance", "verify_asset"),
    requests.SbomRequest: ("sbom", "sbom"),
    requests.SizesRequest: ("sizes", "sizes"),
    requests.TryRequest: ("trial", "try_payloads"),
    requests.CheckRequest: ("check", "check"),
}
"""The module of this package and the function in it: a command imports what it needs alone."""


def main(
    argv: Sequence[str],
    env: Mapping[str, str],
    out: RichConsole,
    log: RichConsole,
    sleep: Callable[[float], None] = time.sleep,
    today: Callable[[], date] = date.today,
) -> int:
    """Carry out one command line; returns the exit code. ``sleep`` takes seconds."""
    request = options.parse(argv)
    console = Console(out, log, actions=env.get("GITHUB_ACTIONS") == "true")
    try:
        with Session(request.root, env, console, sleep, today) as session:
            _command(request)(request, session)
    except PipelineError as fault:
        console.error(str(fault))
        return fault.exit_code
    except KeyboardInterrupt:
        console.error("interrupted; nothing half-made is left. Run it again to go on.")
        return INTERRUPTED
    return 0


def _command(request: requests.Request) -> Callable[[requests.Request, Session], None]:
    module, function = _COMMANDS[type(request)]
    carry_out: Callable[[requests.Request, Session], None] = getattr(
        import_module(f"{__name__}.{module}"), function
    )
    return carry_out


def entry() -> None:
    """The console script."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding does not have is told all the same.
            stream.reconfigure(errors="backslashreplace")
    code = main(sys.argv[1:], os.environ, rich_console(stderr=False), rich_console(stderr=True))
    if threading.active_count() > 1:
        # A thread still waits for the network; it holds nothing that has to be put in order.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
