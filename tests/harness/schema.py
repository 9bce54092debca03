"""JSON documents against the schemas in docs, and against CycloneDX's."""

# ruff: noqa: PLC0415 - jsonschema takes two seconds to import, and few tests need it

from __future__ import annotations

import json

from tests.harness.project import REPOSITORY


def cyclonedx_fault(text: str) -> str:
    """What is wrong with a bill of materials by the schema of CycloneDX, ``""`` for nothing."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return "" if fault is None else str(fault)


def schema_fault(document: object, name: str) -> str:
    """What is first wrong with a document by the schema ``name`` of docs, ``""`` for nothing."""
    import jsonschema  # type: ignore[import-untyped]

    schema = json.loads((REPOSITORY / "docs" / name).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    best = jsonschema.exceptions.best_match(checker.iter_errors(document))
    return str(best.message) if best else ""
