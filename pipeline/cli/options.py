"""The command line: argv in, one frozen request out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

DIST = Path("dist")


@dataclass(frozen=True, slots=True)
class Request:
    """What every command takes: ``root`` is the folder of ``matrix.toml``."""

    root: Path


@dataclass(frozen=True, slots=True)
class Selection:
    """Names of lines and platforms; empty means all."""

    lines: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanRequest(Request):
    """``goempy plan``."""

    selection: Selection
    json: bool


@dataclass(frozen=True, slots=True)
class BuildRequest(Request):
    """``goempy build``: ``source`` is ``""`` where the user named none."""

    cells: tuple[str, ...]
    out: Path
    source: str
    explain: bool


@dataclass(frozen=True, slots=True)
class FinalizeRequest(Request):
    """``goempy finalize``."""

    selection: Selection
    payloads: Path
    repo: Path
    push: str
    module: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class ReleaseRequest(Request):
    """``goempy release``."""

    selection: Selection
    local: bool
    pythons: tuple[str, ...]
    primary: str
    module: str
    source: str
    out: Path
    dry_run: bool


@dataclass(frozen=True, slots=True)
class TagsRequest(Request):
    """``goempy tags``."""


@dataclass(frozen=True, slots=True)
class LockRequest(Request):
    """``goempy lock``."""

    source: str


def parse(argv: Sequence[str]) -> Request:
    """Read a command line; exits with 2 and usage when it is wrong, as argparse does."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command == "release" and not args.local and (args.python or args.primary):
        parser.error("--python and --primary go with --local")
    if args.command == "release" and args.local and (args.source or args.lines):
        parser.error("--local takes its interpreters from --python, not from --source or --lines")
    request: Request = args.make(args)
    return request


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="goempy",
        description="Pack CPython interpreters into Go module tags.",
        epilog="GOEMPY_PBS_MIRROR: a mirror address or folder, where --source is not given. "
        "GOEMPY_CACHE_DIR: where downloads are kept.",
    )
    parser.add_argument("--version", action="version", version=f"goempy {version('goempy')}")
    parser.add_argument(
        "--root",
        type=_path,
        default=Path(),
        metavar="DIR",
        help="folder of matrix.toml, matrix.lock, VERSION and PRIMARY_PYTHON (default: here)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_plan, _add_build, _add_finalize, _add_release, _add_tags, _add_lock):
        add(commands)
    return parser


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def _add_plan(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("plan", help="list the cells of the matrix")
    parser.add_argument("--json", action="store_true", help="as a GitHub Actions matrix")
    _selection_options(parser)
    parser.set_defaults(make=lambda a: PlanRequest(a.root, _selection(a), a.json))


def _add_build(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("build", help="make the payloads of cells")
    parser.add_argument("cells", nargs="+", metavar="CELL", help="such as 3.14.9/linux-amd64")
    parser.add_argument("--out", type=_path, required=True, metavar="DIR")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="list what is dropped, with reasons, and what remains, by size",
    )
    _source_option(parser)
    parser.set_defaults(
        make=lambda a: BuildRequest(a.root, tuple(a.cells), a.out, a.source, a.explain)
    )


def _add_finalize(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("finalize", help="commit payloads and tag them")
    parser.add_argument("--payloads", type=_path, required=True, metavar="DIR")
    parser.add_argument("--repo", type=_path, required=True, metavar="PATH")
    parser.add_argument("--push", default="", metavar="REMOTE", help="push the tags there as well")
    _module_option(parser)
    _dry_run_option(parser)
    _selection_options(parser)
    parser.set_defaults(
        make=lambda a: FinalizeRequest(
            a.root, _selection(a), a.payloads, a.repo, a.push, a.module, a.dry_run
        )
    )


def _add_release(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "release", help="plan, build and finalize into a bare repository of this machine"
    )
    parser.add_argument("--local", action="store_true", help="pack interpreters of this machine")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PATH",
        help="an interpreter for --local; repeats (default: the running one)",
    )
    parser.add_argument(
        "--primary", default="", metavar="X.Y", help="with --local: which one is @latest"
    )
    parser.add_argument("--out", type=_path, default=DIST, metavar="DIR", help=f"default: {DIST}")
    _source_option(parser)
    _module_option(parser)
    _dry_run_option(parser)
    _selection_options(parser)
    parser.set_defaults(
        make=lambda a: ReleaseRequest(
            a.root,
            _selection(a),
            a.local,
            tuple(a.python),
            a.primary,
            a.module,
            a.source,
            a.out,
            a.dry_run,
        )
    )


def _add_tags(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("tags", help="the tags of this VERSION and what each holds")
    parser.set_defaults(make=lambda a: TagsRequest(a.root))


def _add_lock(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("lock", help="write matrix.lock for the assets of the matrix")
    _source_option(parser)
    parser.set_defaults(make=lambda a: LockRequest(a.root, a.source))


def _selection_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lines", type=_names, default=(), metavar="3.14,3.13")
    parser.add_argument("--only-platforms", type=_names, default=(), metavar="linux/amd64,...")


def _selection(args: argparse.Namespace) -> Selection:
    return Selection(args.lines, args.only_platforms)


def _path(text: str) -> Path:
    if "\n" in text:
        raise argparse.ArgumentTypeError("a path with a line break cannot be handed to git")
    return Path(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _source_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source",
        default="",
        metavar="S",
        help="'github' (default), a mirror's address, or a folder of assets",
    )


def _module_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--module", default="", metavar="PATH", help="another module path, as a fork would have"
    )


def _dry_run_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="print the plan, write nothing")
