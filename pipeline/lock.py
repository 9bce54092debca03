"""``matrix.lock``: the sha256 and size of every asset of the matrix.

TOML, ``format = 1`` and one ``[[asset]]`` table an asset, sorted by release and name. ``size``
(bytes) may be missing where only a checksum list was at hand when the lock was written; the
source tells it then.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.errors import LockError
from pipeline.model import Pin

FORMAT = 1
_HEADER = "# Written by `goempy lock`. Do not edit.\n\n"
_REMEDY = "Write it anew with 'goempy lock'."


class _Asset(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    release: Annotated[str, StringConstraints(min_length=1)]
    name: Annotated[str, StringConstraints(pattern=r"^[^/\\]+$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0)] | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1]
    asset: list[_Asset] = Field(default_factory=list)


def parse_lock(text: str, *, where: str = "matrix.lock") -> Mapping[str, Pin]:
    """Pins by asset name; raises ``LockError`` that lists all faults."""
    try:
        parsed = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise LockError(f"{where}: {fault}", remedy=_REMEDY) from fault
    except ValidationError as invalid:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors()]
        raise LockError(f"{where} is not a lock file", remedy=_REMEDY, faults=faults) from None
    pins = {a.name: Pin(a.release, a.name, a.sha256, a.size) for a in parsed.asset}
    if len(pins) != len(parsed.asset):
        raise LockError(f"{where} has an asset twice", remedy=_REMEDY)
    return MappingProxyType(pins)


def dump_lock(pins: Iterable[Pin]) -> str:
    """The lock file's text: the same pins, the same bytes."""
    rows = []
    for pin in sorted(pins, key=lambda pin: (pin.release, pin.name)):
        row: dict[str, str | int] = {
            "release": pin.release,
            "name": pin.name,
            "sha256": pin.sha256,
        }
        if pin.size_bytes is not None:
            row["size"] = pin.size_bytes
        rows.append(row)
    return _HEADER + tomli_w.dumps({"format": FORMAT, "asset": rows})
