"""The data of ``files.json`` and its keys.

A key is spelled out at each field and never derived from the name in the code: renaming an
attribute changes no byte. Keys besides the entries are for SBOMs and release notes; the Go module
ignores them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

LICENSES = "licenses"
"""The folder of a payload's tree that holds licence texts; also that of PBS's full archives."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a payload's interpreter comes from."""

    version: Annotated[str, Field(alias="version")]
    pbs: Annotated[str, Field(alias="pbs")]
    triple: Annotated[str, Field(alias="triple")]
    variant: Annotated[str, Field(alias="variant")]
    asset_sha256: Annotated[str, Field(alias="assetSha256")]
    asset: Annotated[str, Field(alias="asset")] = ""
    """The asset's file name."""
    attestation: Annotated[str, Field(alias="attestation")] = ""
    """The workflow that signed the asset's build provenance, where that was verified."""


@dataclass(frozen=True, slots=True)
class Component:
    """Software that a payload contains, and its licences."""

    name: Annotated[str, Field(alias="name")]
    version: Annotated[str, Field(alias="version")] = ""
    """``""`` where neither PYTHON.json nor the binaries contain it."""
    licenses: Annotated[tuple[str, ...], Field(alias="licenses")] = ()
    """SPDX ids; none for the public domain."""
    texts: Annotated[tuple[str, ...], Field(alias="texts")] = ()
    """Names of the licence texts in the payload's tree."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Sizes of a cell's files after each step before packing, in bytes."""

    archive: Annotated[int, Field(alias="archive")]
    unpacked: Annotated[int, Field(alias="unpacked")]
    trimmed: Annotated[int, Field(alias="trimmed")]
    stripped: Annotated[int, Field(alias="stripped")]


@dataclass(frozen=True, slots=True)
class PayloadMetadata:
    """A manifest's data besides the entries."""

    origin: Annotated[Origin | None, Field(alias="python")] = None
    cell_digest: Annotated[str, Field(alias="cell")] = ""
    components: Annotated[tuple[Component, ...], Field(alias="components")] = ()
    steps: Annotated[Steps | None, Field(alias="steps")] = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a manifest.

    ``perm`` is a Go ``fs.FileMode`` as a number. ``size_bytes`` and ``sha256`` are those of the
    uncompressed content and present exactly for regular files.
    """

    name: Annotated[str, Field(alias="name")]
    perm: Annotated[int, Field(alias="perm")]
    size_bytes: Annotated[int, Field(alias="size")] = 0
    sha256: Annotated[str, Field(alias="sha256")] = ""
    codec: Annotated[str, Field(alias="codec")] = ""
    target: Annotated[str, Field(alias="symlink")] = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """``files.json``: entries sorted by the UTF-8 bytes of their names."""

    content_hash: Annotated[str, Field(alias="contentHash")]
    entries: Annotated[tuple[Entry, ...], Field(alias="files")]
    about: Annotated[PayloadMetadata, Field(init=False)] = field(default_factory=PayloadMetadata)
    stream: Annotated[str, Field(alias="stream")] = ""
    """The file that holds all contents, where they are not in blobs."""

    @property
    def origin(self) -> Origin | None:
        """Where the interpreter comes from; ``None`` for ``pip``."""
        return self.about.origin

    @property
    def cell_digest(self) -> str:
        """The digest of everything that decided the payload's bytes."""
        return self.about.cell_digest


_ORIGIN_KEYS = ("version", "pbs", "triple", "variant", "asset", "attestation", "assetSha256")
"""In the order in which they are written."""


@functools.cache  # no sooner: to make it takes as long as a small command
def _manifest_adapter() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)


@functools.cache
def _metadata_adapter() -> TypeAdapter[PayloadMetadata]:
    return TypeAdapter(PayloadMetadata)


def read_fields(data: bytes) -> Manifest:
    """The manifest of a JSON document; raises ``pydantic.ValidationError``."""
    listed = _manifest_adapter().validate_json(data, strict=True)
    return replace(listed, about=_metadata_adapter().validate_json(data, strict=True))


def metadata_fields(about: PayloadMetadata) -> dict[str, Any]:
    """The keys of ``files.json`` besides the entries, without those of empty values."""
    fields: dict[str, Any] = _metadata_adapter().dump_python(
        about, mode="json", by_alias=True, exclude_defaults=True
    )
    if origin := fields.get("python"):
        fields["python"] = {key: origin[key] for key in _ORIGIN_KEYS if key in origin}
    return fields
