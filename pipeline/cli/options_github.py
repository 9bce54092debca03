"""The command lines of what is done at GitHub."""

from __future__ import annotations

from pipeline.cli.arguments import Commands, source_option
from pipeline.cli.requests import ProposeRequest

UPDATE_BRANCH = "goempy/update"


def add_propose(commands: Commands) -> None:
    """``goempy propose``."""
    parser = commands.add_parser(
        "propose", help="update, as a pull request that is kept up to date while it is open"
    )
    parser.add_argument(
        "--branch", default=UPDATE_BRANCH, metavar="NAME", help=f"default: {UPDATE_BRANCH}"
    )
    source_option(parser)
    parser.set_defaults(make=lambda a: ProposeRequest(a.root, a.source, a.branch))
