"""A console whose output a test reads."""

from __future__ import annotations

import io

from rich.console import Console as RichConsole

from pipeline.system.console import Console


def captured_console(
    *, terminal: bool = False, actions: bool = False, width: int = 200
) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    console = RichConsole(file=text, force_terminal=terminal, width=width, color_system=None)
    return Console(console, console, actions=actions), text
