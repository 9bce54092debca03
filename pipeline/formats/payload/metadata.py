"""What ``files.json`` says of its tree beyond the entries: origin, components, sizes.

The Go module reads none of it; people, SBOMs and release notes do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pipeline.formats.payload.model import Component, Origin, PayloadMetadata, Steps

_Value = TypeVar("_Value", str, int)
_OPTIONAL = ("asset", "attestation")


def metadata_fields(about: PayloadMetadata) -> dict[str, Any]:
    """The keys of ``files.json``; what is empty has none."""
    fields: dict[str, Any] = {}
    if about.origin is not None:
        fields["python"] = _origin_fields(about.origin)
    if about.cell_digest:
        fields["cell"] = about.cell_digest
    if about.components:
        fields["components"] = [_component_fields(each) for each in about.components]
    if about.steps is not None:
        fields["steps"] = _steps_fields(about.steps)
    return fields


def _origin_fields(origin: Origin) -> dict[str, str]:
    fields = {
        "version": origin.version,
        "pbs": origin.pbs,
        "triple": origin.triple,
        "variant": origin.variant,
        "asset": origin.asset,
        "attestation": origin.attestation,
        "assetSha256": origin.asset_sha256,
    }
    return {key: value for key, value in fields.items() if value or key not in _OPTIONAL}


def _component_fields(component: Component) -> dict[str, Any]:
    fields = {
        "name": component.name,
        "version": component.version,
        "licenses": component.licenses,
        "texts": component.texts,
    }
    return {key: value for key, value in fields.items() if value}


def _steps_fields(steps: Steps) -> dict[str, int]:
    return {
        "archive": steps.archive,
        "unpacked": steps.unpacked,
        "trimmed": steps.trimmed,
        "stripped": steps.stripped,
    }


def read_metadata(fields: Mapping[str, Any]) -> PayloadMetadata:
    """The reverse; raises ``KeyError`` or ``TypeError`` for what ``files.json`` may not hold."""
    return PayloadMetadata(
        _origin(fields.get("python")),
        typed(fields, "cell", str, ""),
        tuple(_component(each) for each in fields.get("components", ())),
        _steps(fields.get("steps")),
    )


def _origin(row: Mapping[str, Any] | None) -> Origin | None:
    if row is None:
        return None
    keys = ("version", "pbs", "triple", "variant", "assetSha256")
    required = [typed(row, key, str) for key in keys]
    return Origin(*required, *(typed(row, key, str, "") for key in _OPTIONAL))


def _component(row: Mapping[str, Any]) -> Component:
    lists = [tuple(row.get(key, ())) for key in ("licenses", "texts")]
    if not all(isinstance(text, str) for texts in lists for text in texts):
        raise TypeError(f"component {row!r}")
    return Component(typed(row, "name", str), typed(row, "version", str, ""), *lists)


def _steps(row: Mapping[str, Any] | None) -> Steps | None:
    if row is None:
        return None
    keys = ("archive", "unpacked", "trimmed", "stripped")
    return Steps(*(typed(row, key, int) for key in keys))


def typed(
    row: Mapping[str, Any], key: str, kind: type[_Value], default: _Value | None = None
) -> _Value:
    """A key's value; raises ``TypeError`` when it is of another kind, ``KeyError`` without one."""
    value = row[key] if default is None else row.get(key, default)
    if type(value) is not kind:
        raise TypeError(f"{key!r} is {value!r}")
    return value
