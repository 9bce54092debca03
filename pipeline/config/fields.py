"""What the fields of matrix.toml and matrix.lock may hold, as annotations that pydantic checks."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias, TypeVar

from pydantic import AfterValidator, GetPydanticSchema, StringConstraints
from pydantic_core import core_schema

_Item = TypeVar("_Item")
_MODULE_PATH = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~-]+)+")


def one_of(*values: str) -> GetPydanticSchema:
    """One of a few texts; unlike ``Literal`` it leaves the field a ``str``."""
    return GetPydanticSchema(lambda _source, _handler: core_schema.literal_schema(list(values)))


def is_module_base(text: str) -> bool:
    """Whether ``text`` is a module path without major version suffix; VERSION decides that."""
    return bool(_MODULE_PATH.fullmatch(text)) and not re.search(r"/v\d+$", text)


def _module_base(text: str) -> str:
    if not is_module_base(text):
        raise ValueError(
            f"{text!r} is not a Go module path such as github.com/you/goempy, without /vN"
        )
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
