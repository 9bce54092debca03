"""``goempy check``: a real ``go get`` of published tags on this machine."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.config.project import read_config
from pipeline.system.errors import CheckError, GitError, ToolError
from pipeline.system.scratch_repo import connected
from pipeline.system.tables import columns, markdown_table
from pipeline.system.units import human_seconds
from pipeline.verify.go import Go, target_platform
from pipeline.verify.published import check_tags, expected_tags
from pipeline.verify.sandbox import ModuleResult

_COLUMNS = columns("tag", "platform", "Python", "OpenSSL", "SQLite", "time", "result")


@goempy_command("check", example="goempy check v0.1.0-py3.13.17", environment="GITHUB_STEP_SUMMARY")
@parameters.tags("those of VERSION")
@parameters.platform
@parameters.module
def command(context: Context, tags: tuple[str, ...], platform: str, module: str) -> None:
    """Get tags, by default those of VERSION, and run the Python in them."""
    config = read_config(context.root, module)
    target = target_platform(platform, config.matrix.platforms)
    expected = expected_tags(tags, config, target)
    go = Go(_environment(context), target)
    results = check_tags(expected, go, config.matrix.module, context.console, context.sleep)
    rows = [_row(each, target.name) for each in results]
    context.console.table(_COLUMNS, rows)
    context.summary(f"### Check on {target.name}\n\n{markdown_table(_COLUMNS, rows)}")
    if faults := [f"{each.name}: {fault}" for each in results for fault in each.faults]:
        raise CheckError(
            f"tags are not what they should be on {target.name}",
            details=faults,
            hint="They are published and cannot be changed. If it was not the network, raise "
            "VERSION, release again, and inform users.",
        )


def _environment(context: Context) -> Mapping[str, str]:
    """With what the checkout knows of connections: Go runs git elsewhere.

    The credentials of a private repository may be there, as in a workflow.
    """
    git = context.git()
    try:
        git.git_dir()
    except (GitError, ToolError):  # where git is missing, Go's check says more
        return context.env
    return connected(git, "origin")


def _row(result: ModuleResult, platform: str) -> list[str]:
    passed = "ok" if result.has_payload else "builds; has no Python for this platform"
    state = "failed" if result.faults else passed
    versions = [text or "-" for text in result.versions]
    return [result.name, platform, *versions, human_seconds(result.seconds), state]
