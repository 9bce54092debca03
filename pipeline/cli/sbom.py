"""``goempy sbom``: the bill of materials of a tag."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.publish.sbom import make_sbom
from pipeline.release.tag_index import known_tags
from pipeline.system.files import write_atomically


@goempy_command(
    "sbom",
    example="goempy sbom v0.1.0 --out sbom.cdx.json",
    environment="GOEMPY_PBS_MIRROR",
)
@click.argument("tag", help="Such as v0.1.0-py3.13.17.")
@parameters.repo
@parameters.source
@parameters.path_option("--out", "FILE", "Where to write it.  [default: standard output]")
def command(context: Context, tag: str, repo: Path | None, source: str, out: Path | None) -> None:
    """Print it or write it to a file."""
    downloads = context.source(source).address
    index = known_tags(context.git(repo))
    index.require([tag])
    text = make_sbom(index.trees([tag])[tag].contents(), downloads)
    if out:
        write_atomically(out, text)
        context.console.info(f"{out} is the bill of materials of {tag}")
    else:
        # Unchanged: rich would look for emoji between the colons of a CPE name.
        context.console.out.out(text.decode(), highlight=False, end="")
