"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
"""What commands are added to; argparse has no public name for it."""


def path(text: str) -> Path:
    """A path that git can be given as well."""
    if "\n" in text:
        raise argparse.ArgumentTypeError("a path with a line break cannot be handed to git")
    return Path(text)


def source_option(parser: argparse.ArgumentParser) -> None:
    """Where assets come from."""
    parser.add_argument(
        "--source",
        default="",
        metavar="S",
        help="'github' (default), a mirror's address, or a folder of assets",
    )


def dry_run_option(parser: argparse.ArgumentParser) -> None:
    """Whether to stop before anything is written."""
    parser.add_argument("--dry-run", action="store_true", help="print the plan, write nothing")
