"""The command line: argv in, one frozen request out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pipeline.cli.arguments import Commands, path, source_option
from pipeline.cli.requests import (
    Request,
    VerifyRequest,
)
from pipeline.config.project import Selection

DIST = Path("dist")


def parse(argv: Sequence[str]) -> Request:
    """Read a command line; exits with 2 and usage when it is wrong, as argparse does."""
    parser = _parser()
    args = parser.parse_args(argv)
    request: Request = args.make(args)
    return request


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="goempy",
        description="Pack CPython interpreters into Go module tags.",
        epilog="GOEMPY_PBS_MIRROR: a mirror address or folder, where --source is not given. "
        "GOEMPY_CACHE_DIR: where downloads are kept. GITHUB_TOKEN, else GH_TOKEN: for the API of "
        "GitHub, whose limits are low without.",
    )
    parser.add_argument("--version", action="version", version=f"goempy {version('goempy')}")
    parser.add_argument(
        "--root",
        type=path,
        default=Path(),
        metavar="DIR",
        help="folder of matrix.toml, matrix.lock, VERSION and PRIMARY_PYTHON (default: here)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_verify,):
        add(commands)
    return parser


def _add_verify(commands: Commands) -> None:
    parser = commands.add_parser("verify", help="make a tag again from its assets, and compare")
    parser.add_argument("tag", metavar="TAG", help="such as v0.1.0-py3.13.17")
    parser.add_argument("--repo", type=path, metavar="PATH", help="where it is (default: here)")
    parser.add_argument("--out", type=path, metavar="DIR", help="keep what is built there")
    parser.add_argument("--only-platforms", type=_names, default=(), metavar="linux/amd64,...")
    source_option(parser)
    parser.set_defaults(
        make=lambda a: VerifyRequest(a.root, a.tag, a.repo, a.source, a.only_platforms, a.out)
    )


def _selection_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lines", type=_names, default=(), metavar="3.14,3.13")
    parser.add_argument("--only-platforms", type=_names, default=(), metavar="linux/amd64,...")


def _selection(args: argparse.Namespace) -> Selection:
    return Selection(args.lines, args.only_platforms)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    # What a workflow passes on where nothing was chosen.
    return () if "all" in names else names


def _truth(text: str) -> bool:
    if text not in {"true", "false", ""}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


def _rebuild_option(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--rebuild", type=_truth, default=False, metavar="true|false", help=f"true: {what}"
    )


def _module_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--module", default="", metavar="PATH", help="another module path, as a fork would have"
    )
