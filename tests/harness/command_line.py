"""Command lines of ``goempy`` that are parsed and not run."""

from __future__ import annotations

import click

from pipeline.cli import goempy


def check_command_line(argv: list[str]) -> None:
    """Raises what wrong usage raises; ``argv`` begins with the name of a command."""
    with click.Context(goempy) as context:
        name, command, rest = goempy.resolve_command(context, argv)
        assert command is not None
        command.make_context(name, rest, parent=context)
