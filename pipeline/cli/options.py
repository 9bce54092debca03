"""The command line: argv in, one frozen request out."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pipeline.cli.arguments import Commands, dry_run_option, path, source_option
from pipeline.cli.options_github import add_propose
from pipeline.cli.requests import (
    BuildRequest,
    CheckRequest,
    FinalizeRequest,
    LockRequest,
    PlanRequest,
    ReleaseRequest,
    Request,
    TryRequest,
    UpdateRequest,
    VerifyAssetRequest,
    VerifyRequest,
)
from pipeline.config.project import Selection

DIST = Path("dist")


def parse(argv: Sequence[str]) -> Request:
    """Read a command line; exits with 2 and usage when it is wrong, as argparse does."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command == "release" and not args.local and (args.python or args.primary):
        parser.error("--python and --primary go with --local")
    if args.command == "release" and args.local and (args.source or args.lines):
        parser.error("--local takes its interpreters from --python, not from --source or --lines")
    if args.command == "lock" and args.check and args.source:
        parser.error("--check asks no source")
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
    for add in (
        _add_plan,
        _add_build,
        _add_finalize,
        _add_release,
        _add_lock,
        _add_update,
        add_propose,
        _add_verify,
        _add_verify_asset,
        _add_try,
        _add_check,
    ):
        add(commands)
    return parser


def _add_plan(commands: Commands) -> None:
    parser = commands.add_parser("plan", help="list the cells of the matrix")
    parser.add_argument(
        "--json", action="store_true", help="decide what a release run does, by the tags that exist"
    )
    parser.add_argument("--repo", type=path, metavar="PATH", help="where tags are (default: here)")
    parser.add_argument("--remote", default="", metavar="REMOTE", help="its tags instead")
    _rebuild_option(parser, "build the selected cells, whatever exists")
    _selection_options(parser)
    parser.set_defaults(
        make=lambda a: PlanRequest(a.root, _selection(a), a.json, a.repo, a.remote, a.rebuild)
    )


def _add_build(commands: Commands) -> None:
    parser = commands.add_parser("build", help="make the payloads of cells")
    parser.add_argument("cells", nargs="+", metavar="CELL", help="such as 3.14.9/linux-amd64")
    parser.add_argument("--out", type=path, required=True, metavar="DIR")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="list what is dropped, with reasons, and what remains, by size",
    )
    parser.add_argument("--pack", type=path, metavar="FILE", help="write a tar of them as well")
    source_option(parser)
    parser.set_defaults(
        make=lambda a: BuildRequest(a.root, tuple(a.cells), a.out, a.source, a.explain, a.pack)
    )


def _add_finalize(commands: Commands) -> None:
    parser = commands.add_parser("finalize", help="commit payloads and tag them")
    parser.add_argument("--payloads", type=path, required=True, metavar="DIR")
    parser.add_argument("--repo", type=path, required=True, metavar="PATH")
    parser.add_argument("--push", default="", metavar="REMOTE", help="push the tags there as well")
    parser.add_argument(
        "--without-licenses",
        action="store_true",
        help="push payloads though licence texts of what is in them are lacking",
    )
    _rebuild_option(parser, "compare payloads with the tags that exist, and nothing else of them")
    _module_option(parser)
    dry_run_option(parser)
    _selection_options(parser)
    parser.set_defaults(
        make=lambda a: FinalizeRequest(
            a.root,
            _selection(a),
            a.payloads,
            a.repo,
            a.push,
            a.without_licenses,
            a.module,
            a.dry_run,
            a.rebuild,
        )
    )


def _add_release(commands: Commands) -> None:
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
    parser.add_argument("--out", type=path, default=DIST, metavar="DIR", help=f"default: {DIST}")
    source_option(parser)
    _module_option(parser)
    dry_run_option(parser)
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


def _add_lock(commands: Commands) -> None:
    parser = commands.add_parser("lock", help="write matrix.lock for the assets of the matrix")
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare matrix.lock with matrix.toml; write nothing and ask nobody",
    )
    source_option(parser)
    parser.set_defaults(make=lambda a: LockRequest(a.root, a.source, a.check))


def _add_update(commands: Commands) -> None:
    parser = commands.add_parser(
        "update", help="move the lines of the matrix to newer interpreters, and tell what changes"
    )
    parser.add_argument(
        "--pbs", type=_pbs, default="", metavar="RELEASE", help="default: the newest release"
    )
    source_option(parser)
    dry_run_option(parser)
    parser.set_defaults(make=lambda a: UpdateRequest(a.root, a.pbs, a.source, a.dry_run))


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


def _add_try(commands: Commands) -> None:
    parser = commands.add_parser(
        "try", help="use the modules that payloads make on this machine (needs go)"
    )
    parser.add_argument(
        "--payloads", type=path, default=DIST / "payloads", metavar="DIR", help="where cells are"
    )
    parser.add_argument("--lines", type=_names, default=(), metavar="3.14,3.13")
    _platform_option(parser)
    parser.set_defaults(make=lambda a: TryRequest(a.root, a.platform, a.payloads, a.lines))


def _add_check(commands: Commands) -> None:
    parser = commands.add_parser(
        "check", help="go get published tags on this machine, and run them (needs go and git)"
    )
    parser.add_argument("tags", nargs="*", metavar="TAG", help="default: those of VERSION")
    _platform_option(parser)
    _module_option(parser)
    parser.set_defaults(make=lambda a: CheckRequest(a.root, _words(a.tags), a.platform, a.module))


def _add_verify_asset(commands: Commands) -> None:
    parser = commands.add_parser(
        "verify-asset", help="tell who built the assets of cells (GitHub's attestations; needs gh)"
    )
    parser.add_argument("cells", nargs="+", metavar="CELL", help="such as 3.14.9/linux-amd64")
    source_option(parser)
    parser.set_defaults(make=lambda a: VerifyAssetRequest(a.root, tuple(a.cells), a.source))


def _selection_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lines", type=_names, default=(), metavar="3.14,3.13")
    parser.add_argument("--only-platforms", type=_names, default=(), metavar="linux/amd64,...")


def _selection(args: argparse.Namespace) -> Selection:
    return Selection(args.lines, args.only_platforms)


def _pbs(text: str) -> str:
    # Nothing at all is what a workflow passes on that was given no release.
    if text and not re.fullmatch(r"[0-9]{8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a release of PBS such as 20261021")
    return text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    # What a workflow passes on where nothing was chosen.
    return () if "all" in names else names


def _words(texts: Sequence[str]) -> tuple[str, ...]:
    # A workflow hands on what one command has put out: several in one argument, or nothing.
    return tuple(word for text in texts for word in text.split())


def _truth(text: str) -> bool:
    if text not in {"true", "false", ""}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


def _rebuild_option(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--rebuild", type=_truth, default=False, metavar="true|false", help=f"true: {what}"
    )


def _platform_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--platform", default="", metavar="NAME", help="such as linux-amd64 (default: this machine)"
    )


def _module_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--module", default="", metavar="PATH", help="another module path, as a fork would have"
    )
