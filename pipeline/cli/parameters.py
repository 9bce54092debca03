"""Options and arguments that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click


class _GitPath(click.Path):
    """A path that git can be given as well."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        if "\n" in str(value):
            self.fail("a path with a line break cannot be passed to git", param, ctx)
        return Path(str(value))


class _Names(click.ParamType[tuple[str, ...]]):
    """``3.14,3.13``: names in one text; ``all``, which a workflow passes on, is none."""

    name = "names"

    def convert(
        self, value: object, _param: click.Parameter | None, _ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(",") if name.strip())
        return () if "all" in names else names


class _Truth(click.ParamType[bool]):
    """``true`` or ``false``, as a workflow passes it on; an empty text is false."""

    name = "truth"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> bool:
        if isinstance(value, bool):
            return value
        if value not in {"true", "false", ""}:
            self.fail(f"{value!r} is neither true nor false", param, ctx)
        return value == "true"


_Function = TypeVar("_Function", bound=Callable[..., Any])

DIST = Path("dist")
GIT_PATH = _GitPath()
NAMES = _Names()
TRUTH = _Truth()


def path_option(
    name: str, metavar: str, text: str, *, required: bool = False, default: Path | None = None
) -> Callable[[_Function], _Function]:
    """An option that takes a path; a default is shown."""
    shown = f"{text}  [default: {default}]" if default else text
    return click.option(
        name, type=GIT_PATH, required=required, default=default, metavar=metavar, help=shown
    )


source = click.option(
    "--source",
    default="",
    metavar="S",
    help="'github' (default), a mirror's address, or a folder of assets.",
)
dry_run = click.option("--dry-run", is_flag=True, help="Print the plan, write nothing.")
lines = click.option(
    "--lines", type=NAMES, default=(), metavar="3.14,3.13", help="Only these lines."
)
only_platforms = click.option(
    "--only-platforms",
    "platforms",
    type=NAMES,
    default=(),
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
repo = path_option("--repo", "PATH", "Where tags are.  [default: --root]")


def rebuild(effect: str) -> Callable[[_Function], _Function]:
    """The option ``--rebuild``; ``effect`` is what ``true`` does."""
    return click.option(
        "--rebuild", type=TRUTH, default=False, metavar="true|false", help=f"true: {effect}"
    )


def words(_ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Callback of an argument: a workflow passes several names in one text, or an empty one."""
    return tuple(word for text in texts for word in text.split())
