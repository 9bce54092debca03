"""What pydantic finds wrong with a document, in words for those who write documents."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_KINDS = {
    "string": "a string",
    "int": "an integer",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "a table",
    "dataclass": "a table",
    "model": "a table",
}
"""By the first word of an error's type, such as ``bool_type``."""
_MESSAGES = {
    "missing": "is missing",
    "unexpected_keyword_argument": "unknown key",
    "extra_forbidden": "unknown key",
    "string_too_short": "is empty",
    "string_pattern_mismatch": "{value} does not match {pattern}",
    "literal_error": "{value} is not one of {expected}",
    "greater_than": "{value} is not greater than {gt}",
    "greater_than_equal": "{value} is less than {ge}",
    "less_than_equal": "{value} is greater than {le}",
    "json_invalid": "is not JSON: {error}",
    "value_error": "{error}",
}
"""By the type of the error; their fields are those of its context."""


def fault_text(error: ErrorDetails) -> str:
    """What is wrong, without its place."""
    value = error["input"]
    kind = _KINDS.get(error["type"].removesuffix("_type"))
    if kind:
        shown = "a table" if isinstance(value, dict) else repr(value)
        return f"{shown} is not {kind}"
    message = _MESSAGES.get(error["type"], "{value} cannot be used")
    return message.format(value=repr(value), **error.get("ctx", {}))


def validation_faults(error: ValidationError) -> list[str]:
    """One line per fault: where it is, and what is wrong."""
    return [f"{'.'.join(map(str, each['loc']))}: {fault_text(each)}" for each in error.errors()]
