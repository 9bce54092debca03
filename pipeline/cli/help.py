"""Help texts: what each command takes, an example, its environment variables, exit codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar

import click

from pipeline.cli.context import pass_context
from pipeline.system.errors import PipelineError

_Function = TypeVar("_Function", bound=Callable[..., Any])

COMMANDS = {
    "plan": "List the cells of the matrix, or decide what a release run does.",
    "build": "Build the payloads of cells.",
    "unpack": "Unpack payload tars that 'build --pack' wrote.",
    "finalize": "Commit payloads and tag them.",
    "release": "Plan, build and finalize into a bare repository on this machine.",
    "tags": "List the tags of this VERSION and what each holds.",
    "lock": "Write matrix.lock for the assets of the matrix.",
    "update": "Move the lines of the matrix to newer interpreters.",
    "propose": "Open or refresh the pull request that moves the matrix to newer interpreters.",
    "assets": "Write the files and notes of the tags' releases.",
    "publish": "Make the releases on GitHub.",
    "verify": "Rebuild a tag from its assets, and compare.",
    "verify-asset": "Show who built the assets of cells, by GitHub's attestations (needs gh).",
    "sbom": "Print the bill of materials of a tag, as CycloneDX JSON.",
    "audit": "Look up known vulnerabilities of tags, ends of life and newer patches.",
    "sizes": "Show where the bytes of payloads go.",
    "try": "Assemble the modules of payloads, and smoke-test them here (needs go).",
    "check": "Fetch published tags with 'go get' on this machine, and run them (needs go and git).",
}
"""What each does. A command's module is imported when it runs; ``--help`` imports none."""

ENVIRONMENT = {
    "GOEMPY_PBS_MIRROR": "mirror address or folder of assets, if --source is not given",
    "GOEMPY_OSV": "OSV's API or a folder of its exports, if --osv is not given",
    "GOEMPY_CACHE_DIR": "where downloads and compressed blobs are kept",
    "GITHUB_TOKEN": "token for GitHub's API, else GH_TOKEN; without one its rate limits are low",
    "GITHUB_REPOSITORY": "owner/name of the repository on GitHub; GitHub Actions sets it",
    "GITHUB_API_URL": "address of GitHub's API; GitHub Actions sets it",
    "GITHUB_SERVER_URL": "address of GitHub for links; GitHub Actions sets it",
    "GITHUB_EVENT_NAME": "what started a workflow; GitHub Actions sets it",
    "GITHUB_EVENT_PATH": "file that describes what started a workflow; GitHub Actions sets it",
    "GOEMPY_ATTEST": "true: attest in a private repository, too (Enterprise Cloud)",
    "GITHUB_OUTPUT": "file for outputs of a workflow step; GitHub Actions sets it",
    "GITHUB_STEP_SUMMARY": "file for a workflow step's summary; GitHub Actions sets it",
}


def goempy_command(
    name: str, *, example: str, environment: str = ""
) -> Callable[[_Function], click.Command]:
    """Decorate a function that takes a ``Context`` as the command ``name`` of ``COMMANDS``.

    ``example`` is one command line; ``environment`` names the keys of ``ENVIRONMENT`` it reads.
    """

    def decorate(function: _Function) -> click.Command:
        made = click.command(name, cls=Command, help=COMMANDS[name])(pass_context(function))
        made.example, made.environment = example, environment.split()
        return made

    return decorate


class Command(click.Command):
    """A command whose help shows an example, environment variables, and where exit codes are."""

    example: str
    environment: Sequence[str]

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections below the options."""
        with formatter.section("Example"):
            formatter.write_text(self.example)
        if self.environment:
            _write_environment(formatter, self.environment)
        with formatter.section("Exit codes"):
            formatter.write_text("0: success, 2: wrong usage; 'goempy --help' lists the others.")


class Group(click.Group):
    """Imports the module of a command when it is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Their names, in the order in which a release uses them."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        name = "try_" if cmd_name == "try" else cmd_name.replace("-", "_")
        found: click.Command = import_module(f"pipeline.cli.{name}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for one that does not exist."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what holds for every command."""
        _write_environment(formatter, list(ENVIRONMENT))
        with formatter.section("Exit codes"):
            formatter.write_dl([("0", "Success."), ("130", "Interrupted."), *_exit_codes()])


def _write_environment(formatter: click.HelpFormatter, names: Sequence[str]) -> None:
    with formatter.section("Environment"):
        formatter.write_dl([(name, ENVIRONMENT[name]) for name in names])


def _exit_codes() -> list[tuple[str, str]]:
    kinds = sorted(PipelineError.__subclasses__(), key=lambda kind: kind.exit_code)
    return [(str(kind.exit_code), (kind.__doc__ or "").partition("\n")[0]) for kind in kinds]
