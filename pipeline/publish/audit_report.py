"""Audits as tables, as JSON and as Markdown. Pure; the same audits give the same text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pipeline.publish.audit import TagAudit, VulnerabilityFinding
from pipeline.publish.tag_facts import ComponentFacts
from pipeline.system.tables import columns, markdown_table

COLUMNS = columns("tag", "component", "version", "finding", "about", folds={"about"})
_LONGEST = 160
"""Characters of a text about a vulnerability: some are whole paragraphs."""


def rows_of(audit: TagAudit, *, links: bool = False) -> Iterator[list[str]]:
    """A row for each finding; with ``links``, ids are links in Markdown.

    Texts of OSV are then code, in which GitHub sees no HTML and mentions no one.
    """
    tag, line = audit.facts.tag, audit.facts.line
    if audit.is_over:
        yield [tag, "Python", line.name, "end of life", f"since {audit.facts.end_of_life}"]
    if audit.newer:
        yield [tag, "Python", line.name, "newer patch", str(audit.newer)]
    for each in audit.vulnerabilities:
        name, about = each.ids[0], _about(each)
        if links:
            name = f"[{name}]({each.page})" if each.page else name
            code = about.replace("`", "'")
            about = f"`{code}`" if code else ""
        yield [tag, each.component.name, each.component.version, name, about]


def notes_of(audit: TagAudit) -> Iterator[str]:
    """What was left out of the rows, and why."""
    for each in audit.not_affected:
        if each.statement:
            what = f"{each.ids[0]} of {_titled(each.component)}"
            yield f"{audit.facts.tag}: not affected by {what}: {each.statement.why}"
    if not audit.facts.lists_libraries:
        yield f"{audit.facts.tag}: not looked up: libraries, which its payloads do not list"
    for why in dict.fromkeys(each.why for each in audit.unknown):
        names = [_titled(each.component) for each in audit.unknown if each.why == why]
        yield f"{audit.facts.tag}: not looked up, since {why}: {', '.join(names)}"


def _titled(component: ComponentFacts) -> str:
    return f"{component.name} {component.version}".strip()


def _about(finding: VulnerabilityFinding) -> str:
    text = finding.about
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST].rpartition(' ')[0]} …"
    return f"{text} (fixed in {', '.join(finding.fixed_in)})" if finding.fixed_in else text


def to_json(audits: Sequence[TagAudit]) -> str:
    """All that was found, for programs; docs/audit.schema.json describes it."""
    fields = {"format": 1, "tags": [_fields(each) for each in audits]}
    return json.dumps(fields, indent=2, ensure_ascii=False)


def _fields(audit: TagAudit) -> dict[str, object]:
    end = audit.facts.end_of_life
    return {
        "tag": audit.facts.tag,
        "python": audit.facts.python,
        "variant": audit.facts.variant,
        "endOfLife": end.isoformat() if end else None,
        "isOver": audit.is_over,
        "newerPatch": str(audit.newer) if audit.newer else None,
        "vulnerabilities": [_finding_fields(each) for each in audit.vulnerabilities],
        "notAffected": [_finding_fields(each) for each in audit.not_affected],
        "listsLibraries": audit.facts.lists_libraries,
        "notLookedUp": [{"purl": each.component.purl, "why": each.why} for each in audit.unknown],
    }


def _finding_fields(finding: VulnerabilityFinding) -> dict[str, object]:
    fields: dict[str, object] = {
        "ids": finding.ids,
        "purl": finding.component.purl,
        "platforms": finding.component.platforms,
        "about": finding.about,
        "page": finding.page,
        "severity": finding.severity,
        "fixedIn": finding.fixed_in,
    }
    return fields | ({"why": finding.statement.why} if finding.statement else {})


def to_markdown(audits: Sequence[TagAudit]) -> str:
    """A table of the findings, and what was left out."""
    rows = [row for each in audits for row in rows_of(each, links=True)]
    notes = [f"- {note}\n" for each in audits for note in notes_of(each)]
    table = markdown_table(COLUMNS, rows) if rows else "Nothing is known to be wrong.\n"
    return table + ("\n" + "".join(notes) if notes else "")
