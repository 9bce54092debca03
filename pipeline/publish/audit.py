"""What is known to be wrong with a tag: vulnerabilities, end of life, a newer patch. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.config.model import LOCAL, PythonVersion
from pipeline.config.update import Archive, is_over, newer_patch
from pipeline.config.vex import VexStatement
from pipeline.formats.osv import OsvPackage, Vulnerability
from pipeline.publish.osv_packages import osv_package
from pipeline.publish.tag_facts import ComponentFacts, TagFacts
from pipeline.publish.vex import AuditTarget
from pipeline.sources.osv import Found


@dataclass(frozen=True, slots=True)
class VulnerabilityFinding:
    """One vulnerability of one component; ``ids`` are all its names, that of the CVE first."""

    ids: tuple[str, ...]
    component: ComponentFacts
    about: str
    page: str
    severity: tuple[str, ...]
    """CVSS vectors."""
    fixed_in: tuple[str, ...]
    """Versions; none where OSV has only commits."""
    statement: VexStatement | None = None
    """Why it does not matter here, if it does not."""


@dataclass(frozen=True, slots=True)
class UnknownComponent:
    """A component that was not looked up."""

    component: ComponentFacts
    why: str


@dataclass(frozen=True, slots=True)
class TagAudit:
    """What was found of one tag."""

    facts: TagFacts
    vulnerabilities: tuple[VulnerabilityFinding, ...]
    not_affected: tuple[VulnerabilityFinding, ...]
    is_over: bool
    newer: PythonVersion | None
    unknown: tuple[UnknownComponent, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to do about it, as far as is known."""
        return not (self.vulnerabilities or self.is_over or self.newer)


def packages_of(targets: Iterable[AuditTarget]) -> list[OsvPackage]:
    """All that OSV is to be asked for, each once."""
    asked = [osv_package(each) for target in targets for each in target.facts.components]
    return list(dict.fromkeys(each for each in asked if isinstance(each, OsvPackage)))


def audit_tag(
    target: AuditTarget,
    found: Found,
    statements: Sequence[VexStatement],
    archives: Collection[Archive],
    today: date,
) -> TagAudit:
    """Judge one tag; ``archives`` are those of PBS's newest release, none if it is not known."""
    facts = target.facts
    findings: list[VulnerabilityFinding] = []
    unknown = []
    for component in facts.components:
        package = osv_package(component)
        if isinstance(package, str):
            unknown.append(UnknownComponent(component, package))
        else:
            findings += _findings(component, package, found[package], target, statements)
    return TagAudit(
        facts,
        tuple(each for each in findings if each.statement is None),
        tuple(each for each in findings if each.statement is not None),
        is_over(facts.line.python, today),
        None if facts.pbs == LOCAL else newer_patch(facts.line, archives),
        tuple(unknown),
    )


def _findings(
    component: ComponentFacts,
    package: OsvPackage,
    records: Sequence[Vulnerability],
    target: AuditTarget,
    statements: Sequence[VexStatement],
) -> Iterator[VulnerabilityFinding]:
    holding = {
        each.vulnerability: each
        for each in statements
        if each.component == component.name and target.satisfies(each)
    }
    for ids, group in _grouped(records):
        yield VulnerabilityFinding(
            ids,
            component,
            next((each.about for each in group if each.summary), group[0].about),
            next((each.page for each in group if each.page), ""),
            tuple(
                dict.fromkeys(s["score"] for each in group for s in each.severity if "score" in s)
            ),
            tuple(dict.fromkeys(v for each in group for v in each.fixed_in(package))),
            next((holding[name] for name in ids if name in holding), None),
        )


def _grouped(
    records: Sequence[Vulnerability],
) -> list[tuple[tuple[str, ...], list[Vulnerability]]]:
    """Records of one vulnerability together, with all its names."""
    groups: list[tuple[set[str], list[Vulnerability]]] = []
    for record in records:
        names, members = {record.id, *record.aliases}, [record]
        for group in [each for each in groups if each[0] & names]:
            groups.remove(group)
            names |= group[0]
            members = [*group[1], *members]
        groups.append((names, members))
    ordered = [(tuple(sorted(names, key=_id_order)), members) for names, members in groups]
    return sorted(ordered, key=lambda group: group[0][0])


def _id_order(name: str) -> tuple[bool, str]:
    return not name.startswith("CVE-"), name
