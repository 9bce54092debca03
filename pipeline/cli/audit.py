"""``goempy audit``: what is known to be wrong with tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.config.update import Archive
from pipeline.config.vex import read_vex
from pipeline.publish.audit import TagAudit, audit_tag, packages_of
from pipeline.publish.audit_inputs import newest_archives, targets_of_file, targets_of_tags
from pipeline.publish.audit_issue import LABEL, report_audits
from pipeline.publish.audit_report import COLUMNS, notes_of, rows_of, to_json, to_markdown
from pipeline.publish.tag_facts import TAGS_JSON
from pipeline.publish.vex import AuditTarget, make_openvex
from pipeline.release.tag_index import known_tags
from pipeline.sources.catalog import open_catalog
from pipeline.sources.osv import OSV_API, OTHER_OSV, VulnerabilityDatabase, open_database
from pipeline.sources.source import WebSource
from pipeline.system.errors import AuditError, UsageError
from pipeline.system.files import scratch_dir, write_atomically
from pipeline.system.github.context import github_repository
from pipeline.system.github.issues import LabelledIssues
from pipeline.system.scratch_repo import remote_address
from pipeline.system.units import counted


@goempy_command(
    "audit",
    example="goempy audit v0.1.0",
    environment="GOEMPY_OSV GOEMPY_PBS_MIRROR GITHUB_REPOSITORY GITHUB_TOKEN GITHUB_API_URL "
    "GITHUB_STEP_SUMMARY",
)
@parameters.tags("those of the newest VERSION")
@parameters.repo
@parameters.remote("Read tags from there that the repository lacks.")
@click.option(
    "--osv",
    default="",
    metavar="O",
    help=f"Address of an OSV API, or folder of OSV's exports.  [default: {OSV_API}]",
)
@parameters.source
@parameters.path_option("--tags-json", "FILE", f"Read this {TAGS_JSON} in place of tags.")
@parameters.path_option(
    "--vex", "FILE", "Write an OpenVEX document of vulnerabilities that do not apply."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--issue", is_flag=True, help="Report to an issue on GitHub, not by the exit code.")
def command(
    context: Context,
    tags: tuple[str, ...],
    repo: Path | None,
    remote: str,
    osv: str,
    source: str,
    tags_json: Path | None,
    vex: Path | None,
    as_json: bool,
    issue: bool,
) -> None:
    """Look up components, Python's end of life and newer patches."""
    statements = read_vex(context.root)
    database, has_network = _database(context, osv)
    targets = (
        targets_of_file(tags_json, tags) if tags_json else _targets(context, tags, repo, remote)
    )
    if not targets and issue:
        context.console.info("there is no release yet, and so nothing to audit")
        return
    if not targets:
        raise UsageError(
            f"{repo or context.root} has no release tag",
            hint="Fetch one (git fetch origin tag NAME), or name where they are with --remote.",
        )
    offered = _offered(context, source, has_network=has_network)
    found = database.find(packages_of(targets))
    today = context.today()
    audits = [audit_tag(each, found, statements, offered, today) for each in targets]
    if vex:
        write_atomically(vex, make_openvex(statements, targets, today))
        context.console.info(f"{vex} says what does not matter")
    _show(audits, context, as_json=as_json)
    if issue:
        _report(audits, context)
    elif bad := [each.facts.tag for each in audits if not each.is_clean]:
        raise AuditError(
            f"{counted(len(bad), 'tag')} of {len(audits)} should be replaced: {', '.join(bad)}",
            hint=" ".join(_advice(audits)),
        )


def _advice(audits: Sequence[TagAudit]) -> Iterator[str]:
    if any(each.newer for each in audits):
        yield "'goempy update' moves the lines to newer patches."
    if any(each.is_over for each in audits):
        yield "CPython no longer fixes an ended line: take it out of matrix.toml."
    if any(each.vulnerabilities for each in audits):
        yield "A vulnerability whose code does not ship is for vex.toml; others need a newer PBS."


def _database(context: Context, osv: str) -> tuple[VulnerabilityDatabase, bool]:
    """What ``--osv`` names, else GOEMPY_OSV; and whether it is on a network."""
    named = osv or context.env.get("GOEMPY_OSV", "")
    given_as = "--osv" if osv else "GOEMPY_OSV"
    is_folder = bool(named) and Path(named).is_dir()
    database = open_database(named or OSV_API, lambda: context.downloader(OTHER_OSV), given_as)
    return database, not is_folder


def _targets(
    context: Context, names: Sequence[str], repo: Path | None, remote: str
) -> list[AuditTarget]:
    git = context.git(repo)
    with scratch_dir(context.cache) as scratch:
        index = known_tags(git, remote_address(remote, git), scratch, both=True)
        return targets_of_tags(index, names)


def _offered(context: Context, source: str, *, has_network: bool) -> tuple[Archive, ...]:
    """The archives of PBS's newest release; none where no one lists them."""
    assets = context.source(source)
    is_named = bool(source or context.env.get("GOEMPY_PBS_MIRROR", ""))
    if isinstance(assets, WebSource) and not (has_network or is_named):
        context.console.info("newer patches are not known: --osv is a folder; name a --source, too")
        return ()
    catalog = open_catalog(context.root, assets, context.github, context.console)
    return newest_archives(catalog)


def _show(audits: Sequence[TagAudit], context: Context, *, as_json: bool) -> None:
    rows = [row for each in audits for row in rows_of(each)]
    if as_json:
        context.console.out.out(to_json(audits), highlight=False)
    elif rows:
        context.console.table(COLUMNS, rows)
    for note in (note for each in audits for note in notes_of(each)):
        context.console.info(note)
    clean = [each.facts.tag for each in audits if each.is_clean]
    if clean:
        context.console.info(f"nothing is known to be wrong with {', '.join(clean)}")
    context.summary(f"### Audit\n\n{to_markdown(audits)}")


def _report(audits: Sequence[TagAudit], context: Context) -> None:
    repository = github_repository(context.env, context.github, "issues: write")
    done = report_audits(audits, LabelledIssues(repository.client, repository.name, LABEL))
    context.console.info(done)
    context.summary(f"{done}\n")
