"""Which statements of ``vex.toml`` hold for a tag, and an OpenVEX document of them.

Source: github.com/openvex/spec, "OpenVEX Specification v0.2.0". Pure.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from packageurl import PackageURL

from pipeline.build.trim import matcher
from pipeline.config.vex import VEX_FILE, VexStatement
from pipeline.formats.payload.manifest import is_file
from pipeline.publish.tag_facts import TagFacts, facts_of
from pipeline.release.tag_tree import TagContents
from pipeline.system.errors import UsageError

_CONTEXT = "https://openvex.dev/ns/v0.2.0"
_NAMESPACE = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class AuditTarget:
    """A tag to judge; ``files`` are the names in its payloads' trees, ``None`` if unknown."""

    facts: TagFacts
    files: frozenset[str] | None = None

    def satisfies(self, statement: VexStatement) -> bool:
        """Whether the vulnerable part is absent from every payload."""
        if self.files is None:
            return False
        return not any(map(matcher(statement.absent), self.files))


def target_of(tag: TagContents) -> AuditTarget:
    """The target that a tag's contents make."""
    manifests = [each.manifest for each in tag.payloads.values()]
    names = frozenset(e.name for each in manifests for e in each.entries if is_file(e))
    return AuditTarget(facts_of(tag), names)


def make_openvex(
    statements: Sequence[VexStatement], targets: Sequence[AuditTarget], today: date
) -> bytes:
    """A document of the statements that hold; the same on the same day.

    Raises ``UsageError`` if none holds: a document without statements is not valid.
    """
    made = [each for one in statements if (each := _statement(one, targets))]
    if not made:
        raise UsageError(
            f"no statement of {VEX_FILE} holds for these tags",
            hint=f"Leave --vex out, or look at the globs in {VEX_FILE}.",
        )
    fields: dict[str, Any] = {
        "@context": _CONTEXT,
        "author": targets[0].facts.module,
        "timestamp": f"{today.isoformat()}T00:00:00Z",
        "version": 1,
        "tooling": "goempy audit",
        "statements": made,
    }
    name = f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(fields, sort_keys=True))}"
    return f"{json.dumps({'@id': name, **fields}, indent=2, ensure_ascii=False)}\n".encode()


def _statement(statement: VexStatement, targets: Sequence[AuditTarget]) -> dict[str, object] | None:
    products = [
        product
        for target in targets
        if target.satisfies(statement)
        for product in _products(statement, target.facts)
    ]
    if not products:
        return None
    return {
        "vulnerability": {"name": statement.vulnerability},
        "products": products,
        "status": "not_affected",
        "status_notes": statement.why,
        "justification": "vulnerable_code_not_present",
    }


def _products(statement: VexStatement, facts: TagFacts) -> Iterator[dict[str, object]]:
    """The module at the tag, with its versions of the component; none if it has no such."""
    namespace, _slash, name = facts.module.rpartition("/")
    parts = [{"@id": c.purl} for c in facts.components if c.name == statement.component]
    if parts:
        module = PackageURL("golang", namespace, name, facts.tag)
        yield {"@id": str(module), "subcomponents": parts}
