"""What pydantic finds wrong with a document, for messages."""

from __future__ import annotations

from pydantic import ValidationError


def validation_faults(error: ValidationError) -> list[str]:
    """One line per fault: where it is, and what is wrong."""
    return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
