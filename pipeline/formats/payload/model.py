"""What ``files.json`` says, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field

LICENSES = "licenses"
"""The folder of a payload's tree that holds licence texts; also that of PBS's full archives."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a payload's interpreter comes from; stands in its manifest as ``python``."""

    version: str
    pbs: str
    triple: str
    variant: str
    asset_sha256: str
    asset: str = ""
    """The asset's file name."""
    attestation: str = ""
    """The workflow that signed the asset's build provenance, where that was verified."""


@dataclass(frozen=True, slots=True)
class Component:
    """Software that a payload contains, and its licences."""

    name: str
    version: str
    """``""`` where neither PYTHON.json nor the binaries tell it."""
    licenses: tuple[str, ...]
    """SPDX ids; none for what is in the public domain."""
    texts: tuple[str, ...] = ()
    """Names of the licence texts in the payload's tree."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How a cell's bytes became fewer before they were packed, in bytes."""

    archive: int
    unpacked: int
    trimmed: int
    stripped: int


@dataclass(frozen=True, slots=True)
class PayloadMetadata:
    """What a manifest says of its tree beyond the entries."""

    origin: Origin | None = None
    cell_digest: str = ""
    components: tuple[Component, ...] = ()
    steps: Steps | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a manifest.

    ``perm`` is a Go ``fs.FileMode`` as a number. ``size_bytes`` and ``sha256`` are those of the
    uncompressed content and present exactly for regular files.
    """

    name: str
    perm: int
    size_bytes: int = 0
    sha256: str = ""
    codec: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """``files.json``: entries sorted by the UTF-8 bytes of their names."""

    content_hash: str
    entries: tuple[Entry, ...]
    about: PayloadMetadata = field(default_factory=PayloadMetadata)
    stream: str = ""
    """The file that holds all contents, where they are not in blobs of their own."""

    @property
    def origin(self) -> Origin | None:
        """Where the interpreter comes from; ``None`` for what is no interpreter."""
        return self.about.origin

    @property
    def cell_digest(self) -> str:
        """The digest of what decided the payload's bytes."""
        return self.about.cell_digest
