"""``goempy verify``: rebuild a tag from its assets, and compare."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.system.errors import VerifyError
from pipeline.verify.rebuild import plan_from_source, read_released_tag, rebuild


@goempy_command(
    "verify",
    example="goempy verify v0.1.0-py3.13.17",
    environment="GOEMPY_PBS_MIRROR GOEMPY_CACHE_DIR",
)
@click.argument("name", metavar="TAG", help="Such as v0.1.0-py3.13.17.")
@parameters.repo
@parameters.path_option("--out", "DIR", "Keep the rebuilt payloads there.")
@parameters.only_platforms
@parameters.source
def command(
    context: Context,
    name: str,
    repo: Path | None,
    out: Path | None,
    platforms: tuple[str, ...],
    source: str,
) -> None:
    """Rebuild TAG by the files of its source commit, and list what differs."""
    console = context.console
    tag = read_released_tag(name, repo or context.root, context.env)
    plan, pins = plan_from_source(tag, platforms)
    if plan.custom_module:
        console.info(f"the tag is module {tag.commit.module}, as --module makes it")
    fetcher = context.fetcher(plan.config.matrix, source, pins)
    with tempfile.TemporaryDirectory(prefix="goempy-verify-") as folder:
        payloads = out or Path(folder)
        with context.lock(payloads):
            compared = rebuild(tag, plan, fetcher, payloads, console)
    for row in compared.rows:
        console.result(row)
    if compared.warning:
        console.warning(compared.warning)
    if not compared.reproduced:
        raise VerifyError(
            compared.summary,
            hint="The list above says where. The same code, files and assets make the same tag: "
            "compare it with its publisher's, and do not use it.",
        )
    console.result(compared.summary)
