"""JSON documents against the schemas in docs."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped]

from tests.harness.project import REPOSITORY


def schema_fault(document: object, name: str) -> str:
    """What is first wrong with a document by the schema ``name`` of docs, ``""`` for nothing."""
    schema = json.loads((REPOSITORY / "docs" / name).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    best = jsonschema.exceptions.best_match(checker.iter_errors(document))
    return str(best.message) if best else ""
