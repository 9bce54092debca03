"""``goempy unpack``: payloads that other machines built."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.formats.payload.tarball import unpack_payloads
from pipeline.system.units import counted


@goempy_command("unpack", example="goempy unpack artifacts --out dist/payloads")
@click.argument("folder", callback=parameters.git_path, metavar="DIR", help="Every .tar below it.")
@parameters.path_option("--out", "DIR", "Where payloads are unpacked.", required=True)
def command(context: Context, folder: Path, out: Path) -> None:
    """Unpack every .tar below DIR; an empty one is fine, since a run may build nothing."""
    parameters.require_folder(folder, "Name the one with the tars of 'goempy build --pack'.")
    with context.lock(out):
        cells = unpack_payloads(folder, out)
    for cell in cells:
        context.console.result(cell)
    context.console.info(f"{counted(len(cells), 'payload')} below {folder}")
