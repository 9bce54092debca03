"""``goempy assets``: the files and notes of releases, from the contents of their tags."""

from __future__ import annotations

from pathlib import Path

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.config.project import read_version
from pipeline.publish.assets import choose_tags, write_assets
from pipeline.publish.release_notes import ReleaseSite
from pipeline.release.tag_index import known_tags
from pipeline.system.files import scratch_dir
from pipeline.system.github.context import repository_of
from pipeline.system.scratch_repo import remote_address


@goempy_command(
    "assets",
    example="goempy assets --out dist/assets",
    environment="GITHUB_REPOSITORY GITHUB_SERVER_URL GOEMPY_PBS_MIRROR",
)
@parameters.tags("those of VERSION")
@parameters.repo
@parameters.remote("Fetch tags from there that the repository lacks.")
@parameters.source
@parameters.path_option(
    "--out", "DIR", "Gets a folder for each tag; an existing one is replaced.", required=True
)
def command(
    context: Context,
    tags: tuple[str, ...],
    repo: Path | None,
    remote: str,
    source: str,
    out: Path,
) -> None:
    """Write the assets of tags, by default of all tags of VERSION."""
    git = context.git(repo)
    repository = repository_of(context.env)
    server = context.env.get("GITHUB_SERVER_URL", "") or "https://github.com"
    downloads = context.source(source).address
    site = ReleaseSite(server, repository) if repository else None
    with scratch_dir(out) as scratch:
        index = known_tags(git, remote_address(remote, git), scratch, both=True)
        version = read_version(context.root)
        chosen = choose_tags(tags, version, index)
        for tag, names in write_assets(chosen, index, site, downloads, out):
            context.console.result(f"{out / tag}: {', '.join(names)}")
