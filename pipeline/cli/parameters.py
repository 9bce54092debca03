"""Options and arguments that several commands take."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.system.errors import UsageError

_Function = TypeVar("_Function", bound=Callable[..., Any])

DIST = Path("dist")


def git_path(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Path | None:
    """Callback of paths, which become absolute and without links; git must be able to take them."""
    if text == "":
        raise click.BadParameter("the path is empty")
    if text and "\n" in text:
        raise click.BadParameter("a path with a line break cannot be passed to git")
    # Path.resolve raises RuntimeError for links in a circle.
    return None if text is None else Path(os.path.realpath(text))


def require_folder(folder: Path, hint: str) -> None:
    """A name of a folder to read that is mistyped must not be taken for an empty one."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint=hint)


def _names(_ctx: click.Context, _param: click.Parameter, text: str) -> tuple[str, ...]:
    """``3.14,3.13``: names in one text; ``all``, which a workflow passes on, selects all."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return () if "all" in names else names


def _boolean(_ctx: click.Context, _param: click.Parameter, text: str) -> bool:
    """``true`` or ``false``, as a workflow passes it on; an empty text is false."""
    if text not in {"true", "false", ""}:
        raise click.BadParameter(f"{text!r} is neither true nor false")
    return text == "true"


def path_option(
    name: str, metavar: str, text: str, *, required: bool = False, default: Path | None = None
) -> Callable[[_Function], _Function]:
    """An option that takes a path; a default is shown."""
    shown = f"{text}  [default: {default}]" if default else text
    # click takes a default of None for a value that was given, and then requires none.
    known: dict[str, Any] = {} if default is None else {"default": default}
    return click.option(
        name, type=str, callback=git_path, required=required, metavar=metavar, help=shown, **known
    )


_CELL = "Such as 3.14.9/linux-amd64; 'goempy plan' lists them."
cells = click.argument("names", nargs=-1, required=True, metavar="CELL...", help=_CELL)
source = click.option(
    "--source",
    default="",
    metavar="S",
    help="'github' (default), a mirror's address, or a folder of assets.",
)
dry_run = click.option("--dry-run", is_flag=True, help="Print the plan, write nothing.")
lines = click.option(
    "--lines", callback=_names, default="", metavar="3.14,3.13", help="Only these lines."
)
only_platforms = click.option(
    "--only-platforms",
    "platforms",
    callback=_names,
    default="",
    metavar="linux/amd64,...",
    help="Only these platforms.",
)
module = click.option(
    "--module", default="", metavar="PATH", help="Another module path, as a fork would have."
)
platform = click.option(
    "--platform",
    default="",
    metavar="NAME",
    help="Such as linux-amd64.  [default: this machine]",
)
payloads = path_option("--payloads", "DIR", "Folder of payloads.", default=DIST / "payloads")
repo = path_option("--repo", "PATH", "Repository that has the tags.  [default: --root]")


def remote(effect: str) -> Callable[[_Function], _Function]:
    """The option ``--remote``; ``effect`` is what it does."""
    return click.option("--remote", default="", metavar="REMOTE", help=effect)


def boolean(name: str, effect: str) -> Callable[[_Function], _Function]:
    """An option that a workflow sets to ``true`` or ``false``; ``effect`` is what true does."""
    return click.option(
        name, callback=_boolean, default="", metavar="true|false", help=f"true: {effect}"
    )


def tags(default: str) -> Callable[[_Function], _Function]:
    """The argument ``TAG...``; without one it is ``default``."""
    return click.argument(
        "tags", nargs=-1, metavar="[TAG]...", callback=_words, help=f"[default: {default}]"
    )


def _words(_ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Callback of an argument: a workflow passes several names in one text, or an empty one."""
    return tuple(word for text in texts for word in text.split())
