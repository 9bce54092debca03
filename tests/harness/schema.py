"""JSON documents against the schemas in docs, and against CycloneDX's."""

from __future__ import annotations

import json
from unittest import mock

import lark

from tests.harness.project import REPOSITORY


def _parser(grammar: str, start: str | list[str], parser: str) -> object:
    return _LARK(grammar, start=start, parser=parser) if isinstance(start, list) else None


_LARK = lark.Lark
# What jsonschema checks IRIs with makes a parser for each rule of their grammar, in two seconds,
# and asks only the first one, which is for several rules.
with mock.patch.object(lark, "Lark", _parser):
    import jsonschema  # type: ignore[import-untyped]
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator


def cyclonedx_fault(text: str) -> str:
    """What is wrong with a bill of materials by the schema of CycloneDX, ``""`` for nothing."""
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return "" if fault is None else str(fault)


def schema_fault(document: object, name: str) -> str:
    """What is first wrong with a document by the schema ``name`` of docs, ``""`` for nothing."""
    schema = json.loads((REPOSITORY / "docs" / name).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    best = jsonschema.exceptions.best_match(checker.iter_errors(document))
    return str(best.message) if best else ""
