"""The command lines of what is done at GitHub."""

from __future__ import annotations

from pipeline.cli.arguments import Commands, dry_run_option, path, source_option
from pipeline.cli.requests import ProposeRequest, PublishRequest

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


def add_publish(commands: Commands) -> None:
    """``goempy publish``."""
    parser = commands.add_parser("publish", help="make the releases at GitHub")
    parser.add_argument("tags", nargs="*", metavar="TAG", help="default: all of --assets")
    parser.add_argument(
        "--assets", type=path, required=True, metavar="DIR", help="what 'goempy assets' wrote"
    )
    parser.add_argument("--repo", type=path, metavar="PATH", help="where tags are (default: here)")
    dry_run_option(parser)
    parser.set_defaults(
        make=lambda a: PublishRequest(a.root, tuple(a.tags), a.assets, a.repo, a.dry_run)
    )
