"""What the fields of matrix.toml and matrix.lock may hold, as annotations that pydantic checks."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

from pydantic import AfterValidator, GetPydanticSchema, StringConstraints
from pydantic_core import core_schema

from pipeline.config.module_path import base_fault

_Item = TypeVar("_Item")


def one_of(*values: str) -> GetPydanticSchema:
    """One of a few texts; unlike ``Literal`` it leaves the field a ``str``."""
    return GetPydanticSchema(lambda _source, _handler: core_schema.literal_schema(list(values)))


def _module_base(text: str) -> str:
    if fault := base_fault(text):
        raise ValueError(f"{text!r} is not a Go module path such as github.com/you/goempy: {fault}")
    return text


def _not_empty(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    if not items:
        raise ValueError("needs at least one entry")
    return items


ModuleBase: TypeAlias = Annotated[str, AfterValidator(_module_base)]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
NonEmpty: TypeAlias = Annotated[tuple[_Item, ...], AfterValidator(_not_empty)]
